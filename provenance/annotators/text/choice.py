"""Which blocks of a page are its main text: a small boosted ensemble of trees over `features`, and what guards it.

The trees were learned by `scripts/train/text.py`, which also prints what they find on pages of sites that they never saw.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import as_file, files
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from provenance.annotators.kernel import kernel
from provenance.annotators.text import names
from provenance.annotators.text.blocks import CHARS, Blocks
from provenance.annotators.text.features import NAMES, describe, prose_of

MODEL = "main_text.npz"
#: Log-odds from which on a block is main text.
THRESHOLD = -0.4
#: Where less than this is found, in characters, or as a share of the prose of the page, the bar is lowered; where still too
#: few characters are, all visible text is taken. The share raised recall on unseen sites from .953 to .956 at the same F.
_LEAST, _LEAST_SHARE = 120, 0.2
#: Fewer characters (blanks not counted) are enough where they are no small part of all that a page shows: a post of one sentence under a menu.
_FEW, _FEW_SHARE = 30, 0.15
_LOWERED = -2.2
_LEAVES = 32  # of a tree, at most
_ALL = np.uint32((1 << _LEAVES) - 1)
#: Blocks that are judged side by side, in µs a page of 197 blocks: 53 by 32, 50 by 64, 73 by 48.
_LANES = 64
#: Floats are compared as whole numbers (`_ordered`): infinity, and what is below and above all.
_INFINITY, _NO_NUMBER, _HIGHEST = 0x7F800000, -(1 << 31), (1 << 31) - 1
#: The upper five bits of the product of a single bit and this number (a sequence of de Bruijn) tell the bit from all others.
_SEQUENCE, _UPPER = 0x077CB531, 27
_PLACES = [((1 << leaf) * _SEQUENCE & 0xFFFFFFFF) >> _UPPER for leaf in range(_LEAVES)]
_NAMED = np.uint64(sum(1 << names.MARKS.index(mark) for mark in ("article", "articlebody")))
SOURCES = ("article", "main", "fallback")
FALLBACK = SOURCES[2]


class Trees(NamedTuple):
    """Nodes of all trees: a leaf has feature -1 and adds its value."""

    feature: npt.NDArray[np.int16]
    threshold: npt.NDArray[np.float32]
    left: npt.NDArray[np.int32]
    right: npt.NDArray[np.int32]
    value: npt.NDArray[np.float32]
    roots: npt.NDArray[np.int32]
    base: float


@cache
def load_trees() -> Trees:
    """The shipped trees. Raises `ValueError` where they were made for other features."""
    with as_file(files("provenance.annotators.text").joinpath("data", MODEL)) as path, np.load(path) as file:
        if tuple(file["names"].tolist()) != NAMES:
            raise ValueError(f"{path} was made for other features: run scripts/train/text.py")
        arrays = {name: file[name] for name in Trees._fields if name != "base"}
        return Trees(**arrays, base=float(file["base"]))


def choose(blocks: Blocks, trees: Trees | None = None) -> tuple[npt.NDArray[np.bool_], str]:
    """Which blocks are main text (bool[blocks]), and where it was found: one of `SOURCES`."""
    return settle(blocks, score(describe(blocks), trees))


def settle(blocks: Blocks, odds: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.bool_], str]:
    """Turn the log-odds of the blocks into a choice that is never next to nothing."""
    kept = np.empty(len(blocks.rows), np.bool_)
    return kept, SOURCES[settle_into(blocks.rows, blocks.marks, odds, kept)]


@njit(cache=True, nogil=True)
def settle_into(rows, marks, odds, kept):  # type: ignore[no-untyped-def]
    """Fill `kept` as `settle` does; the place in SOURCES."""
    prose, shown = prose_of(rows), rows[:, CHARS].sum()
    for lowered in range(2):
        threshold, least_share = (_LOWERED, 0.0) if lowered else (THRESHOLD, _LEAST_SHARE)
        found, named, good = 0, 0, 0.0
        for i in range(len(rows)):
            kept[i] = odds[i] > threshold
            if kept[i]:
                found += rows[i, CHARS]
                named += rows[i, CHARS] if marks[i] & _NAMED else 0
                good += prose[i]
        few = not lowered and found >= _FEW and found >= _FEW_SHARE * shown
        enough = found >= _LEAST or few
        if enough and good >= least_share * prose.sum():
            return 0 if 2 * named > found else 1
    kept[:] = True
    return 2


class Cuts(NamedTuple):
    """The same trees by feature: where a block's value exceeds a threshold, leaves of one tree cannot be reached.

    The order of evaluation of QuickScorer (Lucchese et al., SIGIR 2015): four times faster than to walk each tree.
    """

    bounds: npt.NDArray[np.int64]  # of the cuts of each feature
    threshold: npt.NDArray[np.int32]  # ascending within a feature; `_ordered`
    tree: npt.NDArray[np.int32]
    left: npt.NDArray[np.uint32]  # one bit for each leaf that is left when the threshold is exceeded
    #: of each tree those of its leaves, from left to right at the places that `_PLACES` says
    value: npt.NDArray[np.float64]
    base: float
    lanes: int  # blocks that are judged side by side; a constant would be written out, lane after lane, for one at a time


@cache
def shipped_cuts() -> Cuts:
    """The trees that ship, by feature."""
    return _cuts(load_trees())


def _cuts(trees: Trees) -> Cuts:
    cuts: list[tuple[int, float, int, int]] = []
    value = np.zeros((len(trees.roots), _LEAVES))

    def visit(node: int, tree: int, leaf: int) -> int:
        """Number the leaves under `node` from `leaf` on; returns the next number."""
        if trees.feature[node] < 0:
            value[tree, leaf] = trees.value[node]
            return leaf + 1
        middle = visit(int(trees.left[node]), tree, leaf)
        gone = (1 << middle) - (1 << leaf)
        cuts.append((int(trees.feature[node]), float(trees.threshold[node]), tree, ~gone & 0xFFFFFFFF))
        return visit(int(trees.right[node]), tree, middle)

    for tree, root in enumerate(trees.roots.tolist()):
        if visit(root, tree, 0) > _LEAVES:
            raise ValueError(f"a tree has more than {_LEAVES} leaves")
    cuts.sort()
    features, thresholds, owners, masks = zip(*cuts, strict=True)
    placed = np.zeros_like(value)
    placed[:, _PLACES] = value
    return Cuts(
        bounds=np.searchsorted(np.array(features), np.arange(len(NAMES) + 1)).astype(np.int64),
        threshold=_in_order(np.array(thresholds, np.float32)),
        tree=np.array(owners, np.int32),
        left=np.array(masks, np.uint32),
        value=placed,
        base=trees.base,
        lanes=_LANES,
    )


def _in_order(values: npt.NDArray[np.float32]) -> npt.NDArray[np.int32]:
    """The numbers that `_ordered` gives; of two zeros that with a sign is none."""
    bits = (values + np.float32(0)).view(np.int32)
    return bits ^ ((bits >> 31) & 0x7FFFFFFF)


def score(table: npt.NDArray[np.float32], trees: Trees | None = None) -> npt.NDArray[np.float64]:
    """Log-odds that each block is main text (float64[blocks]) from its features, by the shipped trees or others."""
    cuts = shipped_cuts() if trees is None else _cuts(trees)
    odds: npt.NDArray[np.float64] = score_all(np.ascontiguousarray(table.T), cuts)
    return odds


@njit(cache=True, nogil=True)
def score_all(columns, cuts):  # type: ignore[no-untyped-def]
    """The log-odds that `score` returns; `columns`: what is known of the blocks, feature by feature."""
    count, bits = columns.shape[1], columns.view(np.int32)
    odds, sums = np.empty(count), np.empty(cuts.lanes)
    reachable = np.empty((len(cuts.value), cuts.lanes), np.uint32)
    of_all, values = np.empty(len(cuts.value), np.uint32), np.zeros(cuts.lanes, np.int32)
    for first in range(0, count, cuts.lanes):
        stop = min(first + cuts.lanes, count)
        _cut_leaves(bits, (first, stop), cuts, (reachable, of_all), values=values)
        sums[:] = cuts.base
        _add_leaves(reachable, of_all, cuts.value, sums)
        odds[first:stop] = sums[: stop - first]
    return odds


@kernel
def _cut_leaves(bits, bounds, cuts, trees, values):  # type: ignore[no-untyped-def]
    """Which leaves of the `trees` each block in `bounds` can reach, and which all of them can; `values` is room for one column.

    Every number keeps its width and no index has a sign: so lanes become one instruction for eight, and none is asked whether it
    counts from the end. A cut that all blocks exceed, of three one, is made once for all.
    """
    (first, stop), (reachable, of_all) = bounds, trees
    reachable[:], of_all[:] = _ALL, _ALL
    cut = np.uint64(0)
    for feature in range(np.uint64(len(bits))):
        column, end = bits[feature][first:stop], np.uint64(cuts.bounds[feature + np.uint64(1)])
        if cut == end:
            continue
        least, most = np.int32(_HIGHEST), np.int32(_NO_NUMBER)
        for lane in range(len(column)):
            value = _ordered(column[lane])
            values[lane] = value
            least, most = min(least, value), max(most, value)
        while cut < end and least > cuts.threshold[cut]:
            of_all[np.uint64(cuts.tree[cut])] &= cuts.left[cut]
            cut += np.uint64(1)
        while cut < end and most > cuts.threshold[cut]:
            row = reachable[np.uint64(cuts.tree[cut])]
            threshold, gone = cuts.threshold[cut], np.uint32(~cuts.left[cut])
            for lane in range(len(row)):
                row[lane] = np.uint32(
                    row[lane] & np.uint32(~(gone if values[lane] > threshold else np.uint32(0)))
                )
            cut += np.uint64(1)
        cut = end


@kernel
def _ordered(bits):  # type: ignore[no-untyped-def]
    """A whole number for the bits of a float, in the order of floats; what is no number is below all."""
    if np.int32(bits & 0x7FFFFFFF) > _INFINITY:
        return np.int32(_NO_NUMBER)
    return np.int32(bits ^ ((bits >> 31) & 0x7FFFFFFF))


@kernel
def _add_leaves(reachable, of_all, value, sums):  # type: ignore[no-untyped-def]
    """Add to `sums` what the lowest leaf of each tree is worth, lanes side by side: no sum waits for its own last addition."""
    for tree in range(len(value)):
        row, everyone, worth = reachable[tree], of_all[tree], value[tree]
        for lane in range(len(sums)):
            left = np.uint32(row[lane] & everyone)
            lowest = np.uint32(left & np.uint32(np.uint32(~left) + np.uint32(1)))
            sums[lane] += worth[np.uint32(lowest * np.uint32(_SEQUENCE)) >> np.uint32(_UPPER)]
