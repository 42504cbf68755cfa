"""Pass 1 of the cap: integer sums of documents in bins of the order in which they are kept, by cell.

A cell is what documents share as to caps: one part of each family. Only bins that hold something are stored, so memory
follows cells × bins, not the corpus.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from provenance.decisions.documents import Documents, Flags, Integers, counted, exact_sum, variances
from provenance.decisions.request import MILLION, CapRequest

#: A part of each family, in their order.
Cell = tuple[str, ...]

#: Bits of a bin for what the policy orders by: a step of a thousandth of probability.
LEVEL_BITS = 10
LEVELS = 1 << LEVEL_BITS
#: Bits of a bin for the seeded hash, which divides what the policy finds equal: many documents have the very same
#: probability where no detector could judge them. Fewer where there are many cells.
HASH_BITS, HASH_BITS_STRATA = 10, 4
#: Levels of policy `tail` for documents with rare words, and steps of them for each power of two of what they are worth.
_WORTH, _STEPS = 768, 12
#: Columns of sums: documents, weight, synthetic (weight × millionths), variance (`GRAIN`s squared).
COUNT, WEIGHT, SYNTHETIC, VARIANCE = range(4)


@dataclass(frozen=True)
class Histogram:
    """What is kept in any case, and sums of the rest by cell and bin; columns of sums are named above.

    `free` has shape (cells, 4); `cell`, `bin` and `sums`, of shape (bins, 4), stand in order of cell and bin.
    """

    cells: tuple[Cell, ...]
    free: Integers
    cell: NDArray[np.int32]
    bin: NDArray[np.int32]
    sums: Integers

    def __add__(self, other: Histogram) -> Histogram:
        return merge_histograms([self, other])


@dataclass(frozen=True)
class Placed:
    """Documents of one shard with their place in the order of selection."""

    cells: tuple[Cell, ...]
    cell: NDArray[np.int64]
    counted: Integers  # millionths of the weight
    free: Flags  # kept in any case: they only help, or are human by construction
    level: NDArray[np.int64]
    bin: NDArray[np.int64]


def bins(request: CapRequest) -> int:
    """Number of bins of the order of selection."""
    return 1 << (LEVEL_BITS + _hash_bits(request))


def place(documents: Documents, request: CapRequest) -> Placed:
    """Cells, levels and bins of documents; raises ValueError for a weight or probability out of range."""
    synthetic = counted(documents, request)
    cells, cell = _cells(documents, request)
    most = np.array([harmless_millionths(item, request) for item in cells], dtype=np.int64)
    helps = synthetic <= (most[cell] if len(cells) else 0)
    # Under `confident` no document is without its noise, so none is kept in any case; under `weights` all are.
    free = helps if request.guarantee != "confident" and request.policy != "weights" else np.zeros_like(helps)
    if documents.proven is not None:
        free = free | documents.proven
    over = synthetic - (most[cell] if len(cells) else 0)
    level = _levels(documents, synthetic, over, request)
    if documents.first is not None:
        # In two halves: should the cap not let all of the first stay, those go that are worth least.
        first = _tail_levels(documents, synthetic, over)
        level = np.where(documents.first, first, LEVELS + level) >> 1
    bits = _hash_bits(request)
    if request.policy == "sample" and documents.first is None:
        bits += LEVEL_BITS - 1  # there are two levels
    order = (level << bits) | (documents.doc_hash >> np.uint64(64 - bits)).astype(np.int64)
    return Placed(cells, cell, counted=synthetic, free=free, level=level, bin=order)


def tail_levels(documents: Documents, request: CapRequest) -> NDArray[np.int64]:
    """The levels of policy `tail`, whatever the policy is; 0 for what is kept in any case."""
    placed = place(replace(documents, first=None), replace(request, policy="tail"))
    return np.where(placed.free, 0, placed.level)


def histogram(documents: Documents, request: CapRequest) -> Histogram:
    """Pass 1 over one shard. Raises ValueError for a weight or probability out of range, NaN included."""
    placed = place(documents, request)
    if exact_sum(documents.weight) * MILLION >= 2**63:
        raise OverflowError("one shard holds more than 9·10¹² tokens: divide it")
    sums = np.ones((len(documents), 4), dtype=np.int64)
    sums[:, WEIGHT] = documents.weight
    sums[:, SYNTHETIC] = documents.weight * placed.counted
    sums[:, VARIANCE] = variances(documents) if request.guarantee == "confident" else 0
    free = np.zeros((len(placed.cells), 4), dtype=np.int64)
    np.add.at(free, placed.cell[placed.free], sums[placed.free])
    rough = np.zeros_like(free, dtype=np.float64)  # whole numbers that wrapped round do not show it
    np.add.at(rough, placed.cell[placed.free], sums[placed.free])
    _refuse_overflow(rough)
    held = np.flatnonzero(~placed.free)
    key = placed.cell[held] * bins(request) + placed.bin[held]
    return Histogram(placed.cells, free, *_reduced(key, sums[held], bins(request)))


def merge_histograms(parts: Sequence[Histogram]) -> Histogram:
    """The histograms of several shards as one; their order does not matter."""
    cells = tuple(sorted({cell for part in parts for cell in part.cells}))
    at = {cell: number for number, cell in enumerate(cells)}
    free = np.zeros((len(cells), 4), dtype=np.int64)
    keys = []
    most = 1 + max((int(part.bin.max()) for part in parts if len(part.bin)), default=0)
    for part in parts:
        place = np.array([at[cell] for cell in part.cells], dtype=np.int64)
        if len(place):
            free[place] = _added(free[place], part.free)
            keys.append(place[part.cell] * most + part.bin)
    if not keys:
        return parts[0]
    return Histogram(
        cells, free, *_reduced(np.concatenate(keys), np.concatenate([p.sums for p in parts]), most)
    )


def harmless_millionths(cell: Cell, request: CapRequest) -> int:
    """The most millionths that a document of a cell may have without raising any part of a release above its cap."""
    caps = [family.cap(part) for family, part in zip(request.families, cell, strict=True) if part]
    return min([request.millionths, *caps])


def _hash_bits(request: CapRequest) -> int:
    return HASH_BITS_STRATA if request.families else HASH_BITS


def _levels(
    documents: Documents, synthetic: Integers, over: Integers, request: CapRequest
) -> NDArray[np.int64]:
    """What the policy orders by, in steps, what only helps (`over` at most 0) first: those of the least level are kept first."""
    if request.policy == "sample":
        return (over > 0).astype(np.int64) * (1 if documents.first is None else LEVELS // 2)
    if request.policy == "tail":
        return _tail_levels(documents, synthetic, over)
    if request.guarantee == "hard":
        synthetic = np.ceil(documents.probability.astype(np.float64) * MILLION).astype(np.int64)
    return np.asarray(synthetic * LEVELS // (MILLION + 1))


def _tail_levels(documents: Documents, synthetic: Integers, over: Integers) -> NDArray[np.int64]:
    """What only helps, then most rare words for what they take of the cap, then those without any by probability."""
    if documents.rare is None:
        raise ValueError("policy tail and tail protection need to know which documents hold rare words")
    cost = np.maximum(documents.weight, 1) * np.maximum(over, 1)
    worth = _log_steps(np.maximum(documents.rare, 1) * MILLION / cost, _WORTH - 1)
    rest = _WORTH + synthetic * (LEVELS - _WORTH) // (MILLION + 1)
    return np.where(over > 0, np.where(documents.rare > 0, _WORTH - 1 - worth, rest), 0)


def _log_steps(ratio: NDArray[np.float64], most: int) -> NDArray[np.int64]:
    """Positive numbers in `_STEPS` for each power of two, from 0 to `most` - 1 with 1 in the middle.

    By exponent and mantissa alone, so equal on every machine.
    """
    mantissa, exponent = np.frexp(ratio)
    step = exponent.astype(np.int64) * _STEPS + np.floor((2 * mantissa - 1) * _STEPS).astype(np.int64)
    return np.asarray(np.clip(step + most // 2, 0, most - 1))


def _cells(documents: Documents, request: CapRequest) -> tuple[tuple[Cell, ...], NDArray[np.int64]]:
    """(cells that occur, the cell of each document)."""
    if not request.families:
        return ((),), np.zeros(len(documents), dtype=np.int64)
    codes, names = [], []
    for family in request.families:
        column = documents.strata[family.by]
        parts = [family.part(value) for value in column.dictionary.to_pylist()]
        known = sorted(set(parts))
        place_of = {part: number for number, part in enumerate(known)}
        at = np.array([place_of[part] for part in parts], dtype=np.int64)
        codes.append(at[np.asarray(column.indices)] if len(column) else np.empty(0, np.int64))
        names.append(known)
    joint = np.zeros(len(documents), dtype=np.int64)
    for code, known in zip(codes, names, strict=True):
        joint = joint * len(known) + code
    unique, cell = np.unique(joint, return_inverse=True)
    columns: list[list[str]] = []
    for known in reversed(names):
        columns.insert(0, [known[k] for k in (unique % len(known)).tolist()])
        unique = unique // len(known)
    return tuple(zip(*columns, strict=True)), cell.astype(np.int64)


def _reduced(
    key: NDArray[np.int64], sums: Integers, width: int
) -> tuple[NDArray[np.int32], NDArray[np.int32], Integers]:
    """(cell, bin, sums) with rows of equal key added up, in order."""
    order = np.argsort(key, kind="stable")
    key = key[order]
    starts = (
        np.flatnonzero(np.concatenate([[True], key[1:] != key[:-1]])) if len(key) else np.empty(0, np.int64)
    )
    total = np.add.reduceat(sums[order], starts, axis=0) if len(key) else sums
    if len(sums) and max(exact_sum(sums[:, column]) for column in range(4)) >= 2**63:
        # Only now can one bin have overflowed: a sum in floating point shows it.
        _refuse_overflow(np.add.reduceat(sums[order].astype(np.float64), starts, axis=0))
    at = key[starts]
    return (at // width).astype(np.int32), (at % width).astype(np.int32), total


def _added(left: Integers, right: Integers) -> Integers:
    _refuse_overflow(left.astype(np.float64) + right)
    return left + right


def _refuse_overflow(total: NDArray[np.float64]) -> None:
    if len(total) and total.max() >= 2.0**63:
        raise OverflowError(
            "more in one bin of the selection order than can be added up: 9·10¹² tokens, or hundreds of documents "
            "of millions of tokens under the guarantee confident"
        )
