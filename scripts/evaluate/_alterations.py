"""What a case does to documents: drawn, replaced, written again, cut, copied, filled into templates.

Frames have a row for each document with `text` and `group`, its source document; every draw is by the generator that is passed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
import pandas as pd

from scripts.collapse._models import Ngrams

Random = np.random.Generator
#: Documents in which a word occurs at most to be rare.
_RARE = 2


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
