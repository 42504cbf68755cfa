"""What is done to a dataset between two versions, where it is known: nothing, a change of nature, a collapse (docs/audit.md).

Baseline and version are drawn from one pool by source documents, never one document on both sides but where a case says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from scripts.evaluate._alterations import (
    Random,
    common_words,
    copied,
    cut,
    draw,
    join,
    loops,
    mixes,
    plain_sentences,
    replace,
    rewrite,
    shortest_out,
    templates,
    tokenise,
    write_trigrams,
)

NOTHING, NATURAL, COLLAPSE = "nothing", "natural", "collapse"
#: Documents of a side.
DOCUMENTS = 1_000


@dataclass(frozen=True)
class Pools:
    """Passages by who wrote them, each frame with `text`, `group`, `repository`, `language`, `generator` and `domain`."""

    people: pd.DataFrame
    assistant: pd.DataFrame  # by one model, on the subject of a person's passage of the same group
    makers: pd.DataFrame  # by many models
    #: Stories and reviews by many models, of which those by people in the same groups are among `people`.
    pairs: pd.DataFrame

    @property
    def english(self) -> pd.DataFrame:
        return self.people[self.people.language == "en"]


@dataclass(frozen=True)
class Case:
    """A baseline and a version as frames, what was done and what kind of change that is."""

    name: str
    kind: str
    baseline: pd.DataFrame
    version: pd.DataFrame


def read_pools(corpus: Path) -> Pools:
    """The pools of the detector's corpus."""
    names = ("train", "val", "test", "human_web", "makers", "2026")
    columns = ["text", "label", "generator", "domain", "language", "source", "group"]
    frames = [
        pd.read_parquet(corpus / f"pool_{name}.parquet", columns=columns).assign(file=name) for name in names
    ]
    rows = pd.concat(frames, ignore_index=True).drop_duplicates("text")
    rows["repository"] = rows.source.str.split("/").str[:2].str.join("/")
    people = rows[rows.label == "human"]
    machines = rows[(rows.label != "human") & (rows.language == "en")]
    return Pools(
        people,
        machines[machines.file == "2026"],
        machines[machines.file == "makers"],
        machines[(machines.repository == "MarkGHX/BiScope") & machines.group.isin(people.group)],
    )


def make_cases(pools: Pools, seed: int) -> list[Case]:
    """All cases of a seed."""
    random = np.random.default_rng(seed)
    return [*unchanged(pools, random), *natural(pools, random), *collapsing(pools, random)]


def unchanged(pools: Pools, random: Random) -> list[Case]:
    """Other text of the same people, in other sizes, languages and kinds."""
    cases = []

    def other(name: str, rows: pd.DataFrame, documents: int = DOCUMENTS, size: float = 1.0) -> None:
        first, second = draw(rows, [documents, round(documents * size)], random)
        cases.append(Case(name, NOTHING, first, second))

    other("other documents of the same sources", pools.english)
    for size in (0.1, 0.3, 2.0):
        other(f"the same, {size:.0%} of the size", pools.english, size=size)
    for language, documents in (("fr", 1000), ("ja", 800), ("de", 350), ("es", 700)):
        rows = pools.people[pools.people.language == language]
        other(f"the same in {language}", rows, documents)
    several = pools.people[pools.people.language != "en"]
    other("the same in twenty languages", several, 2000)
    for repository in ("mdn/archived-content", "COST-ELTeC/ELTeC-eng"):
        other(f"of one source: {repository}", pools.english[pools.english.repository == repository], 900)
    other("of one model: other texts by it", pools.assistant)
    other("of many models: other prompts", pools.makers)
    first, more = draw(pools.english, [DOCUMENTS, DOCUMENTS], random)
    for share in (0.02, 0.1, 0.5):
        cases.append(
            Case(f"{share:.0%} replaced by people's", NOTHING, first, replace(first, more, share, random))
        )
    cases.append(Case("grown by 30%", NOTHING, first, pd.concat([first, more.head(300)])))
    cases.append(Case("half of it", NOTHING, first, first.sample(frac=0.5, random_state=random)))
    cases.append(Case("in another order", NOTHING, first, first.sample(frac=1, random_state=random)))
    return cases


def natural(pools: Pools, random: Random) -> list[Case]:
    """Changes that a dataset goes through without harm."""
    rows = pools.english
    first, second, third = draw(rows, [DOCUMENTS] * 3, random)
    books = rows[rows.repository.str.startswith("openstax/")]
    novels = rows[rows.repository == "COST-ELTeC/ELTeC-eng"]
    french = pools.people[pools.people.language == "fr"]
    without = rows[~rows.index.isin(books.index)]
    (no_books,) = draw(without, [DOCUMENTS], random)
    (book,), (novel,), (foreign,) = (draw(part, [900], random) for part in (books, novels, french))
    copies = pd.concat([first, first.sample(n=110, random_state=random)])

    def to(name: str, version: pd.DataFrame, baseline: pd.DataFrame = first) -> Case:
        return Case(name, NATURAL, baseline, version)

    return [
        to("a source more (10%: textbooks)", replace(no_books, book, 0.1, random), no_books),
        to("a source more (30%)", replace(no_books, book, 0.3, random), no_books),
        to("a source less (10% were textbooks)", no_books, replace(no_books, book, 0.1, random)),
        to("another subject (textbooks, then novels)", novel, book),
        to("another language mix (fr 20%, then 40%)", *mixes(first, second, foreign, random)),
        to("another language (en, then fr)", foreign),
        to("other documents, four joined to one", join(pd.concat([second, third]), 4)),
        to("other documents, cut after 60 words", second.assign(text=second.text.map(cut))),
        to("10% copies, then deduplicated", first, copies),
        to("filtered: the fifth with the shortest sentences left out", shortest_out(first, 0.2)),
        to("other documents, so filtered", shortest_out(second, 0.2)),
        to("lower-cased", first.assign(text=first.text.str.lower())),
        to("tokenised", first.assign(text=first.text.map(tokenise))),
        to("one line on every page", first.assign(text=first.text + "\nPublished under an open licence, see the notes below.")),
    ]  # fmt: skip


def collapsing(pools: Pools, random: Random) -> list[Case]:
    """Losses: of rare words, by models, by copies, by templates, of subjects."""
    rows = pools.english
    first, second = draw(rows, [DOCUMENTS, DOCUMENTS], random)
    cases = []

    def to(name: str, version: pd.DataFrame, baseline: pd.DataFrame = first) -> None:
        cases.append(Case(name, COLLAPSE, baseline, version))

    for share in (0.1, 0.3, 1.0):
        to(f"rare words made frequent ones, in {share:.0%}", common_words(first, share, random))
        to(f"the same, of other documents, in {share:.0%}", common_words(second, share, random, first))
    trigrams = write_trigrams(first, random)
    for share in (0.05, 0.3, 1.0):
        to(f"{share:.0%} by a trigram model of it", replace(first, trigrams, share, random))
    subjects = pools.assistant.drop_duplicates("group")
    asked = rows[rows.group.isin(subjects.group)].drop_duplicates("group")
    (about,) = draw(asked, [DOCUMENTS], random)
    for share in (0.02, 0.05, 0.1, 0.3, 0.6, 1.0):
        to(f"{share:.0%} by one model on the same subjects", rewrite(about, subjects, share, random), about)
    (written,) = draw(pools.makers, [DOCUMENTS], random)
    for share in (0.05, 0.1, 0.3, 0.6, 1.0):
        to(f"{share:.0%} by 167 models on others", replace(first, written, share, random))
    pairs = pools.pairs[~pools.pairs.generator.str.contains("paraphrased")]
    paraphrased = pools.pairs[pools.pairs.generator.str.contains("paraphrased")]
    own = rows[rows.group.isin(pairs.group) & rows.group.isin(paraphrased.group)].drop_duplicates("group")
    (stories,) = draw(own, [DOCUMENTS], random)
    for share in (0.1, 0.3, 1.0):
        to(
            f"{share:.0%} stories and reviews written again by five models",
            rewrite(stories, pairs, share, random),
            stories,
        )
        to(f"{share:.0%} the same, paraphrased", rewrite(stories, paraphrased, share, random), stories)
    polished = pools.assistant[pools.assistant.domain.str.endswith("/polish")]
    (drafts,) = draw(rows[rows.group.isin(polished.group)].drop_duplicates("group"), [DOCUMENTS], random)
    to("100% polished by one model", rewrite(drafts, polished, 1.0, random), drafts)
    one = pools.makers[pools.makers.generator == pools.makers.generator.mode()[0]]
    many, _ = draw(pools.makers, [DOCUMENTS, 10], random)
    to("of a model's outputs: 167 models, then one", one, many)
    for share in (0.05, 0.2):
        to(f"{share:.0%} copies of other documents", copied(first, share, random))
    to("other documents, 20% copies", copied(second, 0.2, random))
    filled = templates(first, random)
    for share in (0.1, 0.3):
        to(f"{share:.0%} of five templates, on five sites", replace(first, filled, share, random))
    scattered = filled.assign(group=[f"template/{place}" for place in range(len(filled))])
    to("30% of five templates, on sites of their own", replace(first, scattered, 0.3, random))
    narrow = rows[rows.domain.isin(rows.domain.value_counts().index[3:8])]
    (few,) = draw(narrow, [DOCUMENTS], random)
    to("few subjects: 5 kinds of 63", few)
    (single,) = draw(rows[rows.domain == "gov-blog"], [DOCUMENTS], random)
    to("one kind of 63", single)
    to("sentences with a rare word left out", first.assign(text=plain_sentences(first)))
    to("documents that repeat themselves, 30%", first.assign(text=loops(first, 0.3, random)))
    return cases
