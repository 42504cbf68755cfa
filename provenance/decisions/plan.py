"""Where the order of selection is cut in each cell, so that every cap holds and the least weight is dropped.

Each cap is met by lowering the cut of its cells to the last bin at which it holds, smaller parts first, until nothing has
to be lowered. For policy `lowest` that is optimal where the parts are nested (docs/cap.md); where they cross, the cuts start from the
multipliers of the linear program, and the distance to its bound is stated. Promise 4: never above any cap.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from provenance.decisions.documents import Integers, noise, noise_of
from provenance.decisions.histogram import (
    COUNT,
    SYNTHETIC,
    VARIANCE,
    WEIGHT,
    Cell,
    Histogram,
    bins,
)
from provenance.decisions.relaxation import most_kept, multipliers
from provenance.decisions.request import MILLION, CapRequest
from provenance.decisions.sampling import least_exponent

#: Documents around the cut are looked at one by one, up to this many, so that a long document that does not fit
#: leaves its room to shorter ones. About 2 MB.
CANDIDATES = 65_536


@dataclass(frozen=True)
class Constraints:
    """The caps of a corpus: the whole, and each part of each family that occurs.

    `of` has shape (cells, families + 1): the constraint that a cell falls under, or -1. `cap` is in millionths.
    """

    of: NDArray[np.int64]
    cap: Integers
    names: tuple[tuple[str, str], ...]  # (family, part); ("", "") is the whole

    @cached_property
    def nested(self) -> bool:
        """Whether of two parts that overlap one always holds the other."""
        for one in range(1, self.of.shape[1]):
            for other in range(one + 1, self.of.shape[1]):
                both = (self.of[:, one] >= 0) & (self.of[:, other] >= 0)
                pairs, count = np.unique(self.of[both][:, [one, other]], axis=0, return_counts=True)
                sizes = [
                    np.bincount(self.of[self.of[:, k] >= 0, k], minlength=len(self.cap)) for k in (one, other)
                ]
                whole = (sizes[0][pairs[:, 0]] == count) | (sizes[1][pairs[:, 1]] == count)
                if not whole.all():
                    return False
        return True


@dataclass(frozen=True)
class Plan:
    """In each cell, bins before `first` are kept, bins after `last` dropped; those between are settled.

    `kept` are the sums over what is kept already, of shape (cells, 4). `gap` is the share of the weight that the best
    selection could keep beyond what this one does; None where the policy does not ask for the least loss. `least_share` is
    the synthetic share, as the cap counts it, of the bin with least of those above a cap; None where nothing is above one.
    """

    request: CapRequest
    constraints: Constraints
    cells: tuple[Cell, ...]
    first: NDArray[np.int64]
    last: NDArray[np.int64]
    kept: Integers
    gap: float | None
    exponent: float | None = None  # of the sampling weights, policy `weights`
    least_share: float | None = None

    @property
    def fits(self) -> bool:
        """Whether every document can be kept."""
        return bool((self.first == bins(self.request)).all())


def boundary(merged: Histogram, request: CapRequest) -> Plan:
    """Find the bin at which a cap is reached in each cell, and what is left to settle there."""
    constraints = _constraints(merged, request)
    cuts = _Cuts(merged, constraints, bins(request))
    gap = None
    if request.policy != "weights":
        cuts.lower()
        cuts.refill()
    if request.policy == "lowest":
        gap = 0.0
        if len(cuts.taken()) < len(merged.sums) and not constraints.nested:
            cuts, gap = _relaxed(merged, constraints, cuts, request)
    kept = merged.free.copy()
    taken = cuts.taken()
    np.add.at(kept, merged.cell[taken], merged.sums[taken])
    return Plan(
        request=request,
        constraints=constraints,
        cells=merged.cells,
        first=cuts.at,
        last=_last(merged, cuts.at, bins(request)),
        kept=kept,
        gap=gap,
        exponent=least_exponent(merged, request) if request.policy == "weights" else None,
        least_share=_least_share(merged),
    )


def _least_share(merged: Histogram) -> float | None:
    weight = merged.sums[:, WEIGHT].astype(np.float64)
    if not weight.any():
        return None
    shares = merged.sums[weight > 0, SYNTHETIC] / weight[weight > 0] / MILLION
    return round(float(shares.min()), 6)


def _constraints(merged: Histogram, request: CapRequest) -> Constraints:
    of = np.full((len(merged.cells), 1 + len(request.families)), -1, dtype=np.int64)
    of[:, 0] = 0
    names, caps = [("", "")], [request.millionths]
    for column, family in enumerate(request.families):
        number: dict[str, int] = {}
        for row, cell in enumerate(merged.cells):
            part = cell[column]
            if part and part not in number:
                number[part] = len(names)
                names.append((family.name, part))
                caps.append(family.cap(part))
            of[row, column + 1] = number.get(part, -1)
    return Constraints(of, np.array(caps, dtype=np.int64), tuple(names))


class _Cuts:
    """The cut of each cell, lowered and raised by whole bins; sums are exact."""

    def __init__(self, merged: Histogram, constraints: Constraints, top: int) -> None:
        self.merged = merged
        self.constraints = constraints
        self.top = top
        self.at = np.full(len(merged.cells), top, dtype=np.int64)
        large = sum(int(part[:, WEIGHT].sum(dtype=object)) for part in (merged.sums, merged.free))
        #: Sums of costs stay in int64 up to 9·10¹² tokens; beyond, numbers of any size are slower and as exact.
        self.kind: type = np.int64 if large * MILLION < 2**62 else object
        members = constraints.of[merged.cell]
        self.rows: list[NDArray[np.int64]] = [np.empty(0, np.int64)] * len(constraints.cap)
        by_bin = np.argsort(merged.bin, kind="stable")
        for column in range(members.shape[1]):
            own = members[by_bin, column]
            order = np.argsort(own, kind="stable")
            edges = np.searchsorted(own[order], np.arange(len(constraints.cap) + 1))
            for number in np.unique(own[own >= 0]).tolist():
                self.rows[number] = by_bin[order[edges[number] : edges[number + 1]]]

    def taken(self) -> NDArray[np.int64]:
        """Rows of the histogram before the cuts."""
        return np.flatnonzero(self.merged.bin < self.at[self.merged.cell])

    def free(self, number: int) -> tuple[int, int]:
        """(cost, variance) of what is kept in any case under a constraint."""
        own = self.merged.free[(self.constraints.of == number).any(axis=1)]
        weight, synthetic, variance = (
            int(own[:, k].sum(dtype=object)) for k in (WEIGHT, SYNTHETIC, VARIANCE)
        )
        return synthetic - int(self.constraints.cap[number]) * weight, variance

    def lower(self) -> None:
        """Meet every constraint, the smallest parts first, until none has to be met again."""
        order = sorted(range(len(self.rows)), key=lambda number: (len(self.rows[number]), number))
        while any([self._meet(number) for number in order]):  # all of them in each round
            pass

    def _meet(self, number: int) -> bool:
        """Lower the cuts under one constraint to the last bin at which it holds; whether that changed anything."""
        merged, rows = self.merged, self.rows[number]
        rows = rows[merged.bin[rows] < self.at[merged.cell[rows]]]
        if not len(rows):
            return False
        cost, variance = self.free(number)
        cap = int(self.constraints.cap[number])
        sums: NDArray[Any] = merged.sums[rows].astype(self.kind)
        total = np.cumsum(sums[:, SYNTHETIC] - cap * sums[:, WEIGHT]) + cost
        spread = noise(np.cumsum(sums[:, VARIANCE]) + variance)
        place = merged.bin[rows]
        ends = np.concatenate([place[1:] != place[:-1], [True]])
        good = np.flatnonzero(ends & (total + spread <= 0))
        count = int(good[-1]) + 1 if len(good) else 0
        if count == len(rows):
            return False
        cells = np.flatnonzero((self.constraints.of == number).any(axis=1))
        self.at[cells] = np.minimum(self.at[cells], int(place[count]))
        return True

    def refill(self) -> None:
        """Raise cuts again, bin by bin in the order of selection, where another constraint has made room."""
        if len(self.constraints.cap) == 1:
            return
        merged, room = self.merged, self.totals()
        edges = np.searchsorted(merged.cell, np.arange(len(merged.cells) + 1))
        taken = np.bincount(merged.cell[self.taken()], minlength=len(merged.cells))
        heap: list[tuple[int, int, int]] = []
        for cell, start in enumerate((edges[:-1] + taken).tolist()):
            if start < edges[cell + 1]:
                heapq.heappush(heap, (int(merged.bin[start]), cell, start))
        while heap:
            _, cell, row = heapq.heappop(heap)
            if not room.take(cell, merged.sums[row].tolist()):
                continue
            more = row + 1 < edges[cell + 1]
            self.at[cell] = int(merged.bin[row + 1]) if more else self.top
            if more:
                heapq.heappush(heap, (int(merged.bin[row + 1]), cell, row + 1))

    def totals(self) -> Room:
        """What every constraint has left."""
        kept = self.merged.free.astype(object)
        taken = self.taken()
        np.add.at(kept, self.merged.cell[taken], self.merged.sums[taken].astype(object))
        return Room(self.constraints, kept)


class Room:
    """What every constraint has left, in numbers of any size; documents or bins are taken while they fit."""

    def __init__(self, constraints: Constraints, kept: NDArray[np.object_] | Integers) -> None:
        self.caps = constraints.cap.tolist()
        self.of = [[k for k in row if k >= 0] for row in constraints.of.tolist()]
        self.cost, self.variance = [0] * len(self.caps), [0] * len(self.caps)
        for own, (_, weight, synthetic, variance) in zip(self.of, kept.tolist(), strict=True):
            for k in own:
                self.cost[k] += synthetic - self.caps[k] * weight
                self.variance[k] += variance

    def excess(self) -> list[int]:
        """By how much each constraint is exceeded, in millionths of a weight unit; not positive where it holds."""
        return [cost + noise_of(variance) for cost, variance in zip(self.cost, self.variance, strict=True)]

    def take(self, cell: int, sums: list[int]) -> bool:
        """Whether what has these sums fits under all constraints of its cell; if so it is counted.

        Where a cap is exceeded already by what is kept in any case, only what lowers it fits.
        """
        _, weight, synthetic, variance = sums
        found = []
        for k in self.of[cell]:
            cost, spread = self.cost[k] + synthetic - self.caps[k] * weight, self.variance[k] + variance
            now = cost + noise_of(spread)
            if now > 0 and now > self.cost[k] + noise_of(self.variance[k]):
                return False
            found.append((k, cost, spread))
        for k, cost, spread in found:
            self.cost[k], self.variance[k] = cost, spread
        return True


def _relaxed(
    merged: Histogram, constraints: Constraints, plain: _Cuts, request: CapRequest
) -> tuple[_Cuts, float]:
    """(the better of the plain cuts and those that start from the linear program, distance to its bound)."""
    slack = []
    for number in range(len(constraints.cap)):
        cost, variance = plain.free(number)
        slack.append(-cost - noise_of(variance))
    free = float(merged.free[:, WEIGHT].sum())
    total = free + float(merged.sums[:, WEIGHT].sum())
    prices = multipliers(merged, constraints.of, constraints.cap, np.array(slack))
    cuts = _Cuts(merged, constraints, bins(request))
    own = np.where(constraints.of >= 0, prices[constraints.of], 0.0)
    caps = np.where(constraints.of >= 0, constraints.cap[constraints.of], 0)
    with np.errstate(divide="ignore"):
        # A document is worth its weight as long as its price is at most 1 a unit.
        most = np.where(own.sum(axis=1) > 0, (1 + (own * caps).sum(axis=1)) / own.sum(axis=1), np.inf)
    step = bins(request) / (MILLION + 1)
    cuts.at = np.minimum(np.ceil(np.minimum(most, MILLION + 1) * step), bins(request)).astype(np.int64)
    cuts.lower()
    cuts.refill()
    weights = [int(merged.sums[found.taken(), WEIGHT].sum(dtype=object)) for found in (plain, cuts)]
    bound = most_kept(merged, constraints.of, constraints.cap, np.array(slack), prices)
    best = cuts if weights[1] > weights[0] else plain
    return best, max(bound - max(weights), 0.0) / total if total else 0.0


def _last(merged: Histogram, first: NDArray[np.int64], top: int) -> NDArray[np.int64]:
    """The last bin of each cell that is settled: at least the first that holds something, up to `CANDIDATES` in all."""
    last = np.full(len(first), -1, dtype=np.int64)
    edges = np.searchsorted(merged.cell, np.arange(len(first) + 1))
    open_cells = np.flatnonzero(first < top)
    each = CANDIDATES // max(len(open_cells), 1)
    for cell in open_cells.tolist():
        rows = np.arange(edges[cell], edges[cell + 1])
        rows = rows[merged.bin[rows] >= first[cell]]
        if len(rows):
            gathered = np.cumsum(merged.sums[rows, COUNT])
            last[cell] = merged.bin[rows[max(int(np.searchsorted(gathered, each, side="right")) - 1, 0)]]
    return last
