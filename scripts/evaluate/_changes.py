"""What is done to a dataset between two versions, where it is known: nothing, a change of nature, a collapse (docs/audit.md).

Baseline and version are drawn from one pool by source documents, never one document on both sides but where a case says so.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from scripts.collapse._models import Ngrams

Random = np.random.Generator
NOTHING, NATURAL, COLLAPSE = "nothing", "natural", "collapse"
#: Documents of a side.
DOCUMENTS = 1_000
#: Documents in which a word occurs at most to be rare.
_RARE = 2


@dataclass(frozen=True)
class Pools:
    """Passages by who wrote them, each frame with `text`, `group`, `repository`, `language`, `generator` and `domain`."""

    people: pd.DataFrame
    assistant: pd.DataFrame  # by one model, on the subject of a person's passage of the same group
    makers: pd.DataFrame  # by many models
    pairs: (
        pd.DataFrame
    )  # stories and reviews by many models, with those by people of the same groups among `people`

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
    to("few subjects: 5 kinds of 70", few)
    (single,) = draw(rows[rows.domain == "gov-blog"], [DOCUMENTS], random)
    to("one kind of 70", single)
    to("sentences with a rare word left out", first.assign(text=plain_sentences(first)))
    to("documents that repeat themselves, 30%", first.assign(text=loops(first, 0.3, random)))
    return cases


def draw(rows: pd.DataFrame, sizes: Sequence[int], random: Random) -> list[pd.DataFrame]:
    """Disjoint parts by source document, as large as asked for or in the same proportion smaller."""
    groups = random.permutation(rows.group.unique())
    counts = np.cumsum(rows.group.value_counts().loc[groups].to_numpy())
    ends = np.cumsum(sizes) * min(1.0, counts[-1] / sum(sizes))
    places = np.searchsorted(counts, ends * 0.999)
    starts = [0, *(places[:-1] + 1)]
    parts = [groups[start : stop + 1] for start, stop in zip(starts, places, strict=True)]
    return [rows[rows.group.isin(part)].sample(frac=1, random_state=random) for part in parts]


def replace(rows: pd.DataFrame, others: pd.DataFrame, share: float, random: Random) -> pd.DataFrame:
    """As many documents, of which `share` are others."""
    count = min(round(share * len(rows)), len(others))
    kept = rows.sample(n=len(rows) - count, random_state=random)
    return pd.concat([kept, others.sample(n=count, random_state=random)])


def rewrite(rows: pd.DataFrame, others: pd.DataFrame, share: float, random: Random) -> pd.DataFrame:
    """`share` of the documents, each replaced by another of its own group."""
    chosen = rows.sample(n=round(share * len(rows)), random_state=random)
    instead = others.sample(frac=1, random_state=random).drop_duplicates("group").set_index("group")
    again = instead.loc[chosen.group].reset_index()
    return pd.concat([rows.drop(chosen.index), again])


def mixes(first: pd.DataFrame, second: pd.DataFrame, foreign: pd.DataFrame, random: Random) -> tuple[pd.DataFrame, pd.DataFrame]:  # fmt: skip
    """(version with 40% of a language, baseline with 20% of it), no document in both."""
    one, two = draw(foreign, [200, 400], random)
    return replace(second, two, 0.4, random), replace(first, one, 0.2, random)


def common_words(rows: pd.DataFrame, share: float, random: Random, known: pd.DataFrame | None = None) -> pd.DataFrame:  # fmt: skip
    """Words of few documents of `known`, by default the same, replaced by frequent words of as many letters in a share of all."""
    known = rows if known is None else known
    counts = Counter(word for text in known.text for word in set(text.split()))
    frequent = [word for word, count in counts.most_common(2000) if word.isalpha()]
    by_length: dict[int, list[str]] = {}
    for word in frequent:
        by_length.setdefault(min(len(word), 9), []).append(word)

    def common(word: str) -> str:
        if counts[word] > _RARE:
            return word
        like = by_length[min(len(word), 9)]
        return like[int(len(like) * random.random() ** 2)]

    chosen = random.random(len(rows)) < share
    texts = [
        " ".join(map(common, text.split(" "))) if taken else text
        for text, taken in zip(rows.text, chosen, strict=True)
    ]
    return rows.assign(text=texts)


def write_trigrams(rows: pd.DataFrame, random: Random) -> pd.DataFrame:
    """As many pages by a trigram model that learned from them, with top-p."""
    texts = Ngrams(rows.text.tolist()).train(rows.text.tolist()).write(len(rows), random)
    return rows.assign(text=texts, group=[f"trigrams/{place}" for place in range(len(rows))])


def copied(rows: pd.DataFrame, share: float, random: Random) -> pd.DataFrame:
    """As many documents, of which `share` are copies of others of them."""
    count = round(share * len(rows))
    kept = rows.sample(n=len(rows) - count, random_state=random)
    return pd.concat([kept, kept.sample(n=count, random_state=random)])


def templates(rows: pd.DataFrame, random: Random) -> pd.DataFrame:
    """Five documents over and over, one word in ten another of the dataset's."""
    words = " ".join(rows.text).split()
    texts = []
    for place in range(len(rows)):
        form = rows.text.iloc[place % 5].split()
        other = random.random(len(form)) < 0.1
        texts.append(
            " ".join(
                words[random.integers(len(words))] if new else word
                for word, new in zip(form, other, strict=True)
            )
        )
    return rows.assign(text=texts, group=[f"template/{place % 5}" for place in range(len(rows))])


def plain_sentences(rows: pd.DataFrame) -> list[str]:
    """Texts without the sentences that hold a word of one document only."""
    counts = Counter(word for text in rows.text for word in set(text.split()))
    return [
        " ".join(
            sentence
            for sentence in re.split(r"(?<=[.!?])\s+", text)
            if all(counts[word] > 1 for word in sentence.split())
        )
        or text[:200]
        for text in rows.text
    ]


def loops(rows: pd.DataFrame, share: float, random: Random) -> list[str]:
    """Texts of which a share says its first fifth four times."""
    chosen = random.random(len(rows)) < share
    return [
        (text[: len(text) // 5] + " ") * 4 + text[-len(text) // 5 :] if taken else text
        for text, taken in zip(rows.text, chosen, strict=True)
    ]


def join(rows: pd.DataFrame, count: int) -> pd.DataFrame:
    """Documents made of `count` of them."""
    texts = ["\n".join(rows.text.iloc[place : place + count]) for place in range(0, len(rows), count)]
    return rows.iloc[: len(texts)].assign(text=texts)


def shortest_out(rows: pd.DataFrame, share: float) -> pd.DataFrame:
    """Without the documents of the shortest sentences, as a filter of quality takes them."""
    length = rows.text.map(lambda text: len(text.split()) / max(len(re.findall(r"[.!?]", text)), 1))
    return rows[length > length.quantile(share)]


def cut(text: str) -> str:
    return " ".join(text.split(" ")[:60])


def tokenise(text: str) -> str:
    return re.sub(r"\s*([.,;:!?()\"'])\s*", r" \1 ", text)
