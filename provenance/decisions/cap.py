"""Keep the synthetic part of a release at or under the cap, exactly.

Two passes over per-shard arrays: integer histograms find the bin at which the cap is reached, then only
the documents around it are gathered and settled one by one. Promise 4: the cap holds, never exceeded.

All sums are integers, so neither the order of documents nor their division into shards matters. With the
cap as the fraction a/b and a document of weight w and q millionths of synthetic text, the release is under
the cap exactly if the sum of w·(b·q − a·10⁶) is at most 0. A document whose term is not positive only
helps and is always kept; the others are taken in the order of the policy, each one that still fits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Literal

import numpy as np
import pyarrow as pa
import xxhash
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]
Weights = NDArray[np.int64]
Probabilities = NDArray[np.float32]

BINS = 65_536
MILLION = 1_000_000
#: A weight times a million stays inside int64.
LARGEST_WEIGHT = 2**42
#: Documents after the bin at which the cap is reached are looked at too, up to this many, so that a long
#: document that does not fit leaves its room to shorter ones. About 1.3 MB.
CANDIDATES = 65_536

_KEY = np.dtype([("probability", "<u4"), ("hash", "<u8")])


@dataclass(frozen=True)
class CapRequest:
    """How much synthetic text may be published, and in which sense.

    `max_synthetic` is read as the decimal number it is written as: 0.1 is one tenth. With the guarantee
    `hard`, documents with probability of at least `threshold` are at most that share of the weight; with
    `expected`, the weight times probability of all documents is. Raises ValueError for a share or
    threshold outside 0 to 1 and for an unknown name.
    """

    max_synthetic: Decimal | Fraction | float | int | str
    guarantee: Literal["hard", "expected"] = "hard"
    unit: Literal["tokens", "documents"] = "tokens"
    threshold: float = 0.5
    policy: Literal["sample", "lowest"] = "sample"
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            raise ValueError(f"max_synthetic must lie between 0 and 1, not {self.max_synthetic}")
        if not 0 < self.threshold <= 1:
            raise ValueError(f"threshold must be above 0 and at most 1, not {self.threshold}")
        allowed = {
            "guarantee": ("hard", "expected"),
            "unit": ("tokens", "documents"),
            "policy": ("sample", "lowest"),
        }
        for name, values in allowed.items():
            if getattr(self, name) not in values:
                raise ValueError(f"{name} must be one of {', '.join(values)}, not {getattr(self, name)!r}")

    @property
    def share(self) -> Fraction:
        """`max_synthetic` as an exact fraction."""
        value = self.max_synthetic
        return Fraction(str(value)) if isinstance(value, float) else Fraction(value)


@dataclass(frozen=True)
class Histogram:
    """Pass 1: what is kept in any case, and integer sums of the rest in `BINS` bins of the selection order.

    Add histograms to merge shards. `count`, `weight` and `synthetic` (weight × millionths) are per bin;
    `free_weight` and `free_synthetic` are the sums over the documents that are kept in any case.
    """

    free_count: int
    free_weight: int
    free_synthetic: int
    count: NDArray[np.int64]
    weight: NDArray[np.int64]
    synthetic: NDArray[np.int64]

    def __add__(self, other: Histogram) -> Histogram:
        return Histogram(
            self.free_count + other.free_count,
            self.free_weight + other.free_weight,
            self.free_synthetic + other.free_synthetic,
            self.count + other.count,
            _add(self.weight, other.weight),
            _add(self.synthetic, other.synthetic),
        )


@dataclass(frozen=True)
class Plan:
    """Bins before `first` are kept, bins after `last` dropped; between them `room` is left to settle.

    `room` is in units of w·(b·q − a·10⁶). `fits` says that everything fits and nothing is to be settled.
    """

    request: CapRequest
    first: int
    last: int
    room: int

    @property
    def fits(self) -> bool:
        """Whether every document can be kept."""
        return self.first == BINS


@dataclass(frozen=True)
class BoundaryDocuments:
    """Pass 2: the documents in the bins that are settled one by one, as equally long arrays."""

    doc_hash: Hashes
    weight: Weights
    probability: Probabilities


@dataclass(frozen=True)
class Rule:
    """The decision: `apply` needs nothing else. `kept` are the sorted keys kept among the settled bins."""

    plan: Plan
    kept: NDArray[np.void]


def selection_hash(doc_ids: pa.Array | pa.ChunkedArray | Sequence[str | None], seed: int) -> Hashes:
    """The seeded 64-bit hash (XXH3) of each document id; 0 for null. Equal on every machine."""
    values = doc_ids.to_pylist() if isinstance(doc_ids, pa.Array | pa.ChunkedArray) else doc_ids
    seed &= 2**64 - 1
    digest = xxhash.xxh3_64_intdigest
    return np.fromiter(
        (0 if value is None else digest(value, seed) for value in values), dtype=np.uint64, count=len(values)
    )


def histogram(
    doc_hash: Hashes, weight: Weights, probability: Probabilities, request: CapRequest
) -> Histogram:
    """Pass 1 over one shard. Raises ValueError for a weight or probability out of range, NaN included."""
    millionths = synthetic_millionths(weight, probability, request)
    free = millionths <= _harmless(request)
    bins = _bins(doc_hash, probability, request)[~free]
    held = weight[~free].astype(np.int64)
    count, total, synthetic = (np.zeros(BINS, dtype=np.int64) for _ in range(3))
    np.add.at(count, bins, 1)
    if exact_sum(held) * MILLION < 2**63:
        np.add.at(total, bins, held)
        np.add.at(synthetic, bins, held * millionths[~free])
    else:
        raise OverflowError("one shard holds more than 9·10¹² tokens: divide it")
    return Histogram(
        int(free.sum()),
        exact_sum(weight[free]),
        exact_sum(weight[free] * millionths[free]),
        count,
        total,
        synthetic,
    )


def boundary(merged: Histogram, request: CapRequest) -> Plan:
    """Find the bin at which the cap is reached, and what is left of it there."""
    share = request.share
    a, b = share.numerator * MILLION, share.denominator
    room = a * merged.free_weight - b * merged.free_synthetic
    filled = np.flatnonzero(merged.count)
    for position, first in enumerate(filled.tolist()):
        cost = b * int(merged.synthetic[first]) - a * int(merged.weight[first])
        if cost > room:
            gathered = np.cumsum(merged.count[filled[position:]])
            more = int(np.searchsorted(gathered, CANDIDATES, side="right")) - 1
            return Plan(request, first, int(filled[position + max(more, 0)]), room)
        room -= cost
    return Plan(request, BINS, BINS, room)


def boundary_candidates(
    doc_hash: Hashes, weight: Weights, probability: Probabilities, plan: Plan
) -> BoundaryDocuments:
    """Pass 2 over one shard: the documents that have to be settled one by one."""
    rows = _open_rows(doc_hash, weight, probability, plan)
    return BoundaryDocuments(doc_hash[rows], weight[rows], probability[rows])


def concatenate(parts: Sequence[BoundaryDocuments]) -> BoundaryDocuments:
    """The candidates of all shards as one; their order does not matter."""
    if not parts:
        return BoundaryDocuments(np.empty(0, np.uint64), np.empty(0, np.int64), np.empty(0, np.float32))
    return BoundaryDocuments(
        np.concatenate([part.doc_hash for part in parts]),
        np.concatenate([part.weight for part in parts]),
        np.concatenate([part.probability for part in parts]),
    )


def settle(plan: Plan, candidates: BoundaryDocuments) -> Rule:
    """Take each candidate that still fits, in selection order.

    Candidates with the same hash (and, for `lowest`, the same probability) stand or fall together, since
    nothing tells them apart in every division into shards.
    """
    request = plan.request
    share = request.share
    a, b = share.numerator * MILLION, share.denominator
    keys = _keys(candidates.doc_hash, candidates.probability, request)
    unique, group = np.unique(keys, return_inverse=True)
    millionths = synthetic_millionths(candidates.weight, candidates.probability, request)
    costs = [0] * len(unique)
    rows = zip(group.tolist(), candidates.weight.tolist(), millionths.tolist(), strict=True)
    for key, weight, synthetic in rows:
        costs[key] += weight * (b * synthetic - a)
    room = plan.room
    kept = np.zeros(len(unique), dtype=bool)
    for key, cost in enumerate(costs):
        if cost <= room:
            room -= cost
            kept[key] = True
    return Rule(plan, unique[kept])


def apply(rule: Rule, doc_hash: Hashes, weight: Weights, probability: Probabilities) -> NDArray[np.bool_]:
    """Which documents of one shard are kept: one value for each row."""
    plan = rule.plan
    free = synthetic_millionths(weight, probability, plan.request) <= _harmless(plan.request)
    keep: NDArray[np.bool_] = free | (_bins(doc_hash, probability, plan.request) < plan.first)
    rows = _open_rows(doc_hash, weight, probability, plan)
    keys = _keys(doc_hash[rows], probability[rows], plan.request)
    if len(rule.kept):
        at = np.minimum(np.searchsorted(rule.kept, keys), len(rule.kept) - 1)
        keep[rows] = rule.kept[at] == keys
    return keep


def select(
    doc_hash: Hashes, weight: Weights, probability: Probabilities, request: CapRequest
) -> NDArray[np.bool_]:
    """Both passes over documents that fit in memory."""
    plan = boundary(histogram(doc_hash, weight, probability, request), request)
    rule = settle(plan, boundary_candidates(doc_hash, weight, probability, plan))
    return apply(rule, doc_hash, weight, probability)


def synthetic_millionths(
    weight: Weights, probability: Probabilities, request: CapRequest
) -> NDArray[np.int64]:
    """What counts as synthetic of each document, in millionths of its weight, rounded up."""
    if len(weight) and not (weight.min() >= 0 and weight.max() <= LARGEST_WEIGHT):
        raise ValueError(f"weights must lie between 0 and {LARGEST_WEIGHT}")
    exact = probability.astype(np.float64)
    if not np.all((exact >= 0) & (exact <= 1)):
        bad = int(np.flatnonzero(~((exact >= 0) & (exact <= 1)))[0])
        raise ValueError(f"row {bad}: synthetic probability {exact[bad]} is not between 0 and 1")
    if request.guarantee == "expected":
        # 24 bits times 20 bits: the product is exact, so rounding up is too.
        return np.ceil(exact * MILLION).astype(np.int64)
    # A reader may compare the published float32 with the threshold as float32 or as float64: count both.
    threshold = min(request.threshold, float(np.float32(request.threshold)))
    return np.where(exact >= threshold, MILLION, 0).astype(np.int64)


def _harmless(request: CapRequest) -> int:
    """The most millionths that a document may have without raising a release above the cap."""
    return request.share.numerator * MILLION // request.share.denominator


def _bins(doc_hash: Hashes, probability: Probabilities, request: CapRequest) -> NDArray[np.int64]:
    if request.policy == "sample":
        return (doc_hash >> np.uint64(48)).astype(np.int64)
    exact = probability.astype(np.float64) * (BINS - 1)
    return np.floor(exact).astype(np.int64)


def _keys(doc_hash: Hashes, probability: Probabilities, request: CapRequest) -> NDArray[np.void]:
    """Sortable keys in selection order. Bits of float32 values that are not negative sort like the values."""
    keys = np.zeros(len(doc_hash), dtype=_KEY)
    keys["hash"] = doc_hash
    if request.policy == "lowest":
        keys["probability"] = (probability.astype(np.float32) + np.float32(0)).view(np.uint32)
    return keys


def _open_rows(
    doc_hash: Hashes, weight: Weights, probability: Probabilities, plan: Plan
) -> NDArray[np.int64]:
    if plan.fits:
        return np.empty(0, dtype=np.int64)
    bins = _bins(doc_hash, probability, plan.request)
    held = synthetic_millionths(weight, probability, plan.request) > _harmless(plan.request)
    return np.flatnonzero(held & (bins >= plan.first) & (bins <= plan.last))


def exact_sum(values: NDArray[np.int64]) -> int:
    """Sum of values from 0 to 2⁶³ − 1 without overflow."""
    high, low = values >> 32, values & 0xFFFFFFFF
    return (int(high.sum()) << 32) + int(low.sum())


def _add(left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.int64]:
    """Sum of values that are not negative; an overflow shows as a smaller sum."""
    total = left + right
    if np.any(total < left):
        raise OverflowError("more than 9·10¹² tokens in one bin of the selection order")
    return total
