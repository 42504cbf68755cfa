"""Documents as the cap sees them: arrays of one value each, and what of each of them counts as synthetic.

All sums over them are integers, so neither their order nor their division into shards matters.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from provenance.decisions.hashes import Hashes
from provenance.decisions.request import MILLION, UNKNOWN, CapRequest, exact

Weights = NDArray[np.int64]
Probabilities = NDArray[np.float32]
Flags = NDArray[np.bool_]
Integers = NDArray[np.int64]

#: A weight times a million stays inside int64.
LARGEST_WEIGHT = 2**42
#: One-sided 95% of the normal distribution.
Z = 1.6448536269514722
#: Standard deviations of documents are counted in this part of a weight unit.
GRAIN = 64
#: A standard deviation whose square stays inside int64: that of 95 million tokens at a probability of one half.
LARGEST_DEVIATION = math.isqrt(2**63 - 1)


@dataclass(frozen=True)
class Documents:
    """Documents of one shard, arrays of shape (documents,).

    Attributes:
        doc_hash: what chooses among those that nothing else tells apart.
        weight: in the unit of the cap.
        probability: that a machine wrote it.
        upper: what the probability is at most, at 95%; None: the probability itself.
        proven: human by construction, never dropped; None: none is.
        rare: rare words that it holds and no other document of the crawl (`decisions.tail`); None: nothing is known.
        first: kept before all others for the rare words that they hold, whatever the policy; None: none is.
        strata: value of each dimension that has caps of its own, as dictionaries of strings; null is `UNKNOWN`.
    """

    doc_hash: Hashes
    weight: Weights
    probability: Probabilities
    upper: Probabilities | None = None
    proven: Flags | None = None
    rare: Integers | None = None
    first: Flags | None = None
    strata: Mapping[str, pa.DictionaryArray] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.weight)

    def take(self, rows: NDArray[np.int64] | Flags) -> Documents:
        """Some of the documents, by row numbers or by a mask."""
        own = [item.name for item in fields(self) if item.name != "strata"]
        arrays = {name: getattr(self, name) for name in own}
        taken: dict[str, Any] = {
            name: None if values is None else values[rows] for name, values in arrays.items()
        }
        at = pa.array(np.flatnonzero(rows) if rows.dtype == bool else rows)
        return Documents(**taken, strata={name: column.take(at) for name, column in self.strata.items()})


def counted(documents: Documents, request: CapRequest) -> Integers:
    """What counts as synthetic of each document, in millionths of its weight, rounded up.

    Raises ValueError for a weight or probability out of range, NaN included.
    """
    if request.guarantee == "hard":
        return hard_millionths(documents, request.threshold)
    probable = millionths(documents.weight, documents.probability)
    toward = 1 if request.guarantee == "confident" else exact(request.margin)
    if documents.upper is None or not toward:
        return probable
    upper = millionths(documents.weight, documents.upper)
    if toward == 1:
        return upper
    parts = probable * (toward.denominator - toward.numerator) + upper * toward.numerator
    return -(-parts // toward.denominator)


def hard_millionths(documents: Documents, threshold: float) -> Integers:
    """A million for each document with a probability of at least the threshold, else 0."""
    exact = _checked(documents.weight, documents.probability)
    # A reader may compare the published float32 with the threshold as float32 or as float64: count both.
    return np.where(exact >= min(threshold, float(np.float32(threshold))), MILLION, 0).astype(np.int64)


def millionths(weight: Weights, probability: Probabilities) -> Integers:
    """Probabilities in millionths, rounded up; 24 bits times 20 bits is exact, so rounding up is too."""
    return np.ceil(_checked(weight, probability) * MILLION).astype(np.int64)


def deviations(documents: Documents) -> Integers:
    """Standard deviation of the synthetic weight of each document, a coin of its probability, in `GRAIN`s, rounded up."""
    chance = documents.probability.astype(np.float64)
    return np.ceil(GRAIN * documents.weight * np.sqrt(chance * (1 - chance))).astype(np.int64)


def variances(documents: Documents) -> Integers:
    """The squares of `deviations`. Raises OverflowError for a document of which that is no number of 63 bits."""
    found = deviations(documents)
    if len(found) and found.max() > LARGEST_DEVIATION:
        raise OverflowError(
            f"a document of {int(documents.weight.max()):,} tokens is too long for the guarantee confident: "
            "divide it, or count documents (cap.unit)"
        )
    return found * found


def noise(variance: NDArray[np.int64] | NDArray[np.object_]) -> NDArray[np.int64]:
    """What chance adds to a sum at one-sided 95%, in millionths of a weight unit; `variance` in `GRAIN`s squared."""
    return np.ceil(Z * np.sqrt(variance.astype(np.float64)) * (MILLION // GRAIN)).astype(np.int64)


def noise_of(variance: int) -> int:
    """The same for one variance: square roots are rounded alike on every machine."""
    return math.ceil(Z * math.sqrt(float(variance)) * (MILLION // GRAIN)) if variance else 0


def exact_sum(values: NDArray[np.int64]) -> int:
    """Sum of values from 0 to 2⁶³ − 1 without overflow."""
    high, low = values >> 32, values & 0xFFFFFFFF
    return (int(high.sum()) << 32) + int(low.sum())


def sum_of_squares(values: NDArray[np.int64]) -> int:
    """Sum of the squares of values from 0 to 2⁴⁸ without overflow."""
    high, low = values >> 24, values & 0xFFFFFF
    parts = (high * high, high * low, low * low)
    return sum(exact_sum(part) << shift for part, shift in zip(parts, (48, 25, 0), strict=True))


def labels(values: Sequence[str | None] | pa.Array | pa.ChunkedArray) -> pa.DictionaryArray:
    """A column of strings as `Documents.strata` takes it."""
    column = values if isinstance(values, pa.Array | pa.ChunkedArray) else pa.array(values, pa.string())
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    return column.cast(pa.string()).fill_null(UNKNOWN).dictionary_encode()


def _checked(weight: Weights, probability: Probabilities) -> NDArray[np.float64]:
    if len(weight) and not (weight.min() >= 0 and weight.max() <= LARGEST_WEIGHT):
        raise ValueError(f"weights must lie between 0 and {LARGEST_WEIGHT}")
    exact = probability.astype(np.float64)
    good = (exact >= 0) & (exact <= 1)
    if not good.all():
        bad = int(np.flatnonzero(~good)[0])
        raise ValueError(f"row {bad}: synthetic probability {exact[bad]} is not between 0 and 1")
    return exact
