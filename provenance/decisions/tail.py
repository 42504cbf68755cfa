"""Rare words: those that one document of a crawl alone holds, and which of them are lost with what is dropped.

Counted from the sampled words of each document (`word_sample`), in sketches that add up: which words are in one depends
only on which words there are, so neither order nor division into shards matters, and memory does not follow the crawl.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from provenance.decisions.documents import Documents, Flags, Integers
from provenance.decisions.histogram import LEVELS, tail_levels
from provenance.decisions.request import CapRequest, exact
from provenance.duplicates.word_sample import SAMPLED_BITS

#: Words that a sketch holds at most. For the report: 50,000 rare words give a share to .004 with 95% confidence. Where single
#: documents are chosen by what they hold: up to some three million documents all sampled words, 20 MB.
REPORTED, CHOSEN = 1 << 17, 1 << 22
_HASH_BITS = 32


@dataclass(frozen=True)
class Words:
    """Sampled words of several documents: hashes below 2 ** (32 - level), ascending, and whether several documents hold each."""

    level: int
    keys: NDArray[np.uint32]
    several: Flags


@dataclass(frozen=True)
class RareWords:
    """The sampled words that one document alone holds; `level` halvings of the sampling rate kept the sketch in its bounds."""

    level: int
    keys: NDArray[np.uint32]

    @property
    def scale(self) -> int:
        """How many words each of them stands for."""
        return 1 << (SAMPLED_BITS + self.level)

    def count(self, sample: pa.ListArray) -> Integers:
        """How many of them each document holds."""
        parents, hashes = _flat(sample)
        inside = _belongs(hashes, self.level)
        parents, hashes = parents[inside], hashes[inside]
        at = np.searchsorted(self.keys, hashes)
        found = np.append(self.keys, np.uint32(0))[at] == hashes
        found &= at < len(self.keys)
        return np.bincount(parents[found], minlength=len(sample)).astype(np.int64)


def count_words(sample: pa.ListArray, documents: Flags, most: int = REPORTED) -> Words:
    """The sampled words of some documents; `most` words are kept."""
    _, hashes = _flat(sample.filter(pa.array(documents)))
    return _bounded(0, hashes.astype(np.uint64) << np.uint64(1), most)


def merge_words(parts: Sequence[Words], most: int = REPORTED) -> Words:
    """The words of several sets of documents as one; their order does not matter."""
    level = max((part.level for part in parts), default=0)
    coded = [part.keys.astype(np.uint64) << np.uint64(1) | part.several for part in parts]
    return _bounded(level, np.concatenate(coded or [np.empty(0, np.uint64)]), most)


def rare_words(words: Words) -> RareWords:
    """The words that one document alone holds."""
    return RareWords(words.level, words.keys[~words.several])


def sketch_size(request: CapRequest) -> int:
    """How many words are kept: more where they decide which documents stay."""
    return CHOSEN if request.by_words else REPORTED


def rare_by_level(documents: Documents, request: CapRequest) -> Integers:
    """Rare words that documents hold by their level under policy `tail`, of shape (LEVELS,)."""
    return np.bincount(tail_levels(documents, request), weights=documents.rare, minlength=LEVELS).astype(
        np.int64
    )


def protected_levels(held: Integers, request: CapRequest) -> int:
    """Below which level documents are protected, so that the others hold no more rare words than may be lost."""
    assert request.tail is not None
    may_be_lost = float(exact(request.tail.most_lost) * int(held.sum()))
    others = np.append(np.cumsum(held[::-1])[::-1], 0)  # words at this level or above
    return int(np.argmax(others <= may_be_lost))


def protect(documents: Documents, level: int, request: CapRequest) -> Documents:
    """The documents, of which those below a level are kept before all others."""
    return replace(documents, first=tail_levels(documents, request) < level)


def capped_words(documents: Documents, keep: Flags) -> dict[str, int]:
    """Rare words that the documents hold which the cap drops, and those of low-background ones among them (none, by promise 4)."""
    if documents.rare is None:
        return {}
    rare, old, lost = documents.rare, documents.proven, ~keep
    return {"capped": int(rare[lost].sum()), "capped_old": 0 if old is None else int(rare[lost & old].sum())}


def report_tail(sums: dict[str, int], request: CapRequest) -> dict[str, Any]:
    """The `tail` section of a manifest, from sums over all shards (`decisions.footers.Footer.tail`)."""
    scale = sums.get("scale", 1 << SAMPLED_BITS)
    rare = sums.get("rare", 0)

    def share(name: str) -> float:
        return sums.get(name, 0) / rare if rare else 0.0

    bound = None if request.tail is None else float(exact(request.tail.most_lost))
    return {
        "rare_words": rare * scale,
        "sampled": rare,
        "scale": scale,
        "lost_by_cap": share("capped"),
        "lost_by_filters": share("filtered"),
        "lost_low_background": share("filtered_old") + share("capped_old"),
        "most_lost": bound,
        "holds": bound is None or share("capped") <= bound,
    }


def describe_tail(tail: Mapping[str, Any]) -> str:
    """The section in one sentence."""
    bound = ""
    if tail["most_lost"] is not None:
        bound = f"; at most {tail['most_lost']:.2%} asked: {'holds' if tail['holds'] else 'DOES NOT HOLD (policy tail loses the least under a cap)'}"
    return (
        f"of {tail['rare_words']:,} words that one document alone holds (from {tail['sampled']:,} sampled) {tail['lost_by_cap']:.2%} are lost with "
        f"what the cap drops, {tail['lost_by_filters']:.2%} with what filters drop; with low-background documents {tail['lost_low_background']:.2%}{bound}"
    )


def _flat(sample: pa.ListArray) -> tuple[NDArray[np.int64], NDArray[np.uint32]]:
    """(row, hash) of each sampled word."""
    return np.asarray(pc.list_parent_indices(sample)), np.asarray(sample.flatten(), np.uint32)


def _belongs(hashes: NDArray[Any], level: int) -> Flags:
    return (
        np.asarray(hashes >> hashes.dtype.type(_HASH_BITS - level) == 0)
        if level
        else np.ones(len(hashes), bool)
    )


def _bounded(level: int, coded: NDArray[np.uint64], most: int) -> Words:
    """Words from hash << 1 | several, each as often as it was counted; the sampling rate is halved until they are few enough."""
    if level:
        coded = coded[coded >> np.uint64(1 + _HASH_BITS - level) == 0]
    coded = np.sort(coded)
    keys = coded >> np.uint64(1)
    last = np.append(keys[1:] != keys[:-1], True) if len(keys) else np.empty(0, bool)
    ends = np.flatnonzero(last)
    several = np.diff(ends, prepend=-1) > 1
    several |= (coded[ends] & np.uint64(1)).astype(bool)
    unique = keys[ends].astype(np.uint32)
    while len(unique) > most:
        level += 1
        left = int(np.searchsorted(unique, np.uint64(1) << np.uint64(_HASH_BITS - level)))
        unique, several = unique[:left], several[:left]
    return Words(level, unique, several)
