"""Diversity of a dataset beside a baseline on random halves of both, at equal numbers of words.

A statistic of a half drawn without replacement scatters around the whole's as the whole's does around the truth, so halves
give intervals without drawing a document twice (which would fake repetition). The other half of the baseline is what
coverage is measured against: a sample of the same source that neither side has seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from provenance.audit.sketches.sketch import SUMMED, Sketch
from provenance.audit.sketches.types import DOCUMENTS, GROUPS, OCCURRENCES

Floats = NDArray[np.floating[Any]]

#: Halves that are drawn.
REPLICATES = 64
#: Classes of rarity: documents of the reference half in which a type occurs, lowest and highest.
RARITY = ((1, 1), (2, 2), (3, 4), (5, 8), (9, 16), (17, 2**31))
#: The first three of RARITY together are what "rare" means.
RARE = 3
#: Kinds whose coverage is measured.
RUNS = ("words", "pairs", "triples")
#: Ranks from which, and frequency down to which, the slope of Zipf's law is taken.
_FIRST_RANK, _LEAST_COUNT = 10, 5
_FEWEST_TYPES = 50
_FEWEST_DOCUMENTS = 50
#: Of the draw of groups that are left where the baseline is made as small as the dataset.
_THINNING_SEED = 149


@dataclass(frozen=True)
class Aligned:
    """Counts of two sketches for the types that both sample."""

    dataset: Floats  # documents by type and group, shape (types, GROUPS)
    baseline: Floats
    dataset_occurrences: Floats
    baseline_occurrences: Floats


@dataclass(frozen=True)
class Halves:
    """Which groups a replicate takes: 0 or 1, shape (GROUPS, replicates)."""

    dataset: Floats
    baseline: Floats
    reference: Floats


def draw_halves(seed: int, replicates: int = REPLICATES) -> Halves:
    """Random halves of the groups; the reference is the baseline's other half.

    Dataset and baseline take the same groups: a document or site that both hold is then never in the reference as well,
    where it would count as covered.
    """
    rank = _ranks(seed, replicates)
    half = (rank < GROUPS // 2).astype(np.float32)
    return Halves(half, half, 1 - half)


def draw_quarters(seed: int, replicates: int = REPLICATES) -> Halves:
    """Two disjoint quarters of one dataset's groups and the other half as reference: what no change looks like."""
    rank = _ranks(seed, replicates)
    quarter = GROUPS // 4
    return Halves(
        (rank < quarter).astype(np.float32),
        ((rank >= quarter) & (rank < 2 * quarter)).astype(np.float32),
        (rank >= 2 * quarter).astype(np.float32),
    )


def align(dataset: Sketch, baseline: Sketch, kind: str) -> Aligned:
    """The types that both sketches sample, with their counts on either side."""
    level = max(dataset.types[kind].level, baseline.types[kind].level)
    keys, tally = dataset.types[kind].rows(level)
    others, other_tally = baseline.types[kind].rows(level)
    union = np.union1d(keys, others)
    found = np.zeros((4, len(union), GROUPS), np.float32)
    for place, (own, counts) in enumerate(((keys, tally), (others, other_tally))):
        rows = np.searchsorted(union, own)
        found[place, rows] = counts[:, DOCUMENTS]
        found[place + 2, rows] = counts[:, OCCURRENCES]
    return Aligned(*found)


def compare_types(aligned: Aligned, words: tuple[Floats, Floats], halves: Halves) -> dict[str, Floats]:
    """Statistics of one kind of type for dataset and baseline, each of shape (2, replicates).

    `words` are the words of each group in dataset and baseline, shape (GROUPS,). Both sides are thinned to the words of the
    smaller one, document by document: a type of d documents is left with probability 1 - (1 - f) ** d.
    """
    sides = aligned.dataset @ halves.dataset, aligned.baseline @ halves.baseline
    reference = aligned.baseline @ halves.reference
    sizes = words[0] @ halves.dataset, words[1] @ halves.baseline
    equal = np.minimum(*sizes)
    kept = [np.divide(equal, size, out=np.zeros_like(equal), where=size > 0) for size in sizes]
    seen = [_seen(side, f) for side, f in zip(sides, kept, strict=True)]
    found = {}
    classes = [(low <= reference) & (reference <= high) for low, high in RARITY]
    rare = np.logical_or.reduce(classes[:RARE])
    for name, inside in (("rare_coverage", rare), *((f"coverage_{i}", c) for i, c in enumerate(classes))):
        total = inside.sum(axis=0)
        found[name] = np.array([_ratio((part * inside).sum(axis=0), total, _FEWEST_TYPES) for part in seen])
    found["types"] = np.array([part.sum(axis=0) for part in seen])
    half = [_seen(side, f / 2).sum(axis=0) for side, f in zip(sides, kept, strict=True)]
    found["growth"] = np.log2(_ratio(found["types"], np.array(half), 1))
    found["unseen_mass"] = np.array([_singletons(side, f) for side, f in zip(sides, kept, strict=True)])
    expected = _seen(reference, np.minimum(1.0, equal / np.maximum(words[1] @ halves.reference, 1)))
    found["overlap"] = np.array(
        [_ratio((p * expected).sum(axis=0), (p + expected - p * expected).sum(axis=0), 1) for p in seen]
    )
    return found


def compare_repeats(aligned: Aligned, words: tuple[Floats, Floats], halves: Halves) -> Floats:
    """Share of occurrences that repeat a type which occurred before, at equal numbers of words, shape (2, replicates).

    Of lines it is the share of templates, of documents that of exact copies, of responses what is not unique.
    """
    sides = aligned.dataset_occurrences @ halves.dataset, aligned.baseline_occurrences @ halves.baseline
    sizes = words[0] @ halves.dataset, words[1] @ halves.baseline
    equal = np.minimum(*sizes)
    found = []
    for side, size in zip(sides, sizes, strict=True):
        f = np.divide(equal, size, out=np.zeros_like(equal), where=size > 0)
        found.append(1.0 - _ratio(_seen(side, f).sum(axis=0), side.sum(axis=0) * f, 1))
    return np.array(found)


def zipf_slope(aligned: Aligned, halves: Halves) -> Floats:
    """Slope of log frequency over log rank among the sampled types, shape (2, replicates)."""
    sides = aligned.dataset_occurrences @ halves.dataset, aligned.baseline_occurrences @ halves.baseline
    found = np.full((2, halves.dataset.shape[1]), np.nan)
    for place, side in enumerate(sides):
        ordered = -np.sort(-side, axis=0)
        for column in range(ordered.shape[1]):
            last = int((ordered[:, column] >= _LEAST_COUNT).sum())
            if last > 2 * _FIRST_RANK:
                ranks = np.unique(np.geomspace(_FIRST_RANK, last, 40).astype(int)) - 1
                slope = np.polyfit(np.log(ranks + 1), np.log(ordered[ranks, column]), 1)[0]
                found[place, column] = slope
    return found


def divergence(dataset: Sketch, baseline: Sketch, order: int, halves: Halves) -> Floats:
    """Jensen-Shannon divergence to the reference half in bits, of words or pairs in buckets, shape (2, replicates).

    Buckets merge types, so it is a lower bound. What sampling alone adds falls with the number of words, but not as its
    inverse; how much it is, with documents that repeat their words, is what two parts of the baseline show, of which one
    is no larger than the dataset's half.
    """
    reference = halves.reference.T @ baseline.buckets[order]
    sides = halves.dataset.T @ dataset.buckets[order], halves.baseline.T @ baseline.buckets[order]
    share = float(sides[0].sum() / max(sides[1].sum(), 1))
    alike = _as_large(halves.baseline, share).T @ baseline.buckets[order]
    found = []
    for side, part in zip(sides, (alike, sides[1]), strict=True):
        scale = _jensen_shannon(part, reference).mean() / _sampled(part, reference).mean()
        found.append(_jensen_shannon(side, reference) - float(scale) * _sampled(side, reference))
    return np.array(found)


def _sampled(part: Floats, reference: Floats) -> Floats:
    """What sampling adds to a divergence falls roughly as this does, shape (replicates,)."""
    return np.asarray(1 / np.maximum(part.sum(axis=1), 1) + 1 / np.maximum(reference.sum(axis=1), 1))


def _as_large(groups: Floats, share: float) -> Floats:
    """So many of each replicate's groups, drawn, that they hold about this share of its words; all from 1 on."""
    if share >= 1:
        return groups
    rank = np.where(groups > 0, _ranks(_THINNING_SEED, groups.shape[1]), GROUPS)
    fewest = max(1, round(share * float(groups.sum(axis=0).max())))
    return (np.argsort(np.argsort(rank, axis=0, kind="stable"), axis=0) < fewest).astype(np.float32)


def document_means(sketch: Sketch, name: str, groups: Floats) -> Floats:
    """Mean of a measure of single documents in each replicate; NaN where too few documents have it."""
    total, count = sketch.sums[SUMMED.index(name)] @ groups
    return _ratio(total / 1e6, count, _FEWEST_DOCUMENTS)


def _ranks(seed: int, replicates: int) -> NDArray[np.int64]:
    """A random order of the groups for each replicate, shape (GROUPS, replicates)."""
    random = np.random.RandomState(seed)
    return np.argsort(np.argsort(random.random_sample((GROUPS, replicates)), axis=0), axis=0)


def _seen(documents: Floats, kept: Floats) -> Floats:
    """Probability that a type is left when each document stays with probability `kept`."""
    return np.asarray(-np.expm1(documents * np.log1p(-_below_one(kept)).astype(np.float32)))


def _below_one(kept: Floats) -> Floats:
    return np.asarray(np.minimum(kept, 1 - 1e-6))


def _singletons(documents: Floats, kept: Floats) -> Floats:
    """Good and Turing's estimate by documents: the share of what is left that belongs to types left in one document."""
    kept = _below_one(kept).astype(np.float32)
    once = documents * kept * np.exp(np.maximum(documents - 1, 0) * np.log1p(-kept))
    once = np.where(documents > 0, once, 0.0)
    return _ratio(once.sum(axis=0), documents.sum(axis=0) * kept, 1)


def _jensen_shannon(counts: Floats, others: Floats) -> Floats:
    p, q = (part / np.maximum(part.sum(axis=1, keepdims=True), 1) for part in (counts, others))
    return np.asarray((_plogp(p) + _plogp(q)) / 2 - _plogp((p + q) / 2))


def _plogp(p: Floats) -> Floats:
    return np.asarray((p * np.log2(np.where(p > 0, p, 1.0))).sum(axis=1))


def _ratio(part: Floats, whole: Floats, least: float) -> Floats:
    """Part / whole, NaN where the whole is less than `least`."""
    out = np.full(np.shape(part), np.nan)
    return np.asarray(np.divide(part, whole, out=out, where=np.asarray(whole) >= least))
