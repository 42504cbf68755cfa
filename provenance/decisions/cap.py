"""Keep the synthetic part of a release at or under the cap, exactly.

Two passes over per-shard arrays: integer histograms find the bins at which caps are reached, then only the documents around
them are gathered and settled one by one. Promise 4: the cap holds, never exceeded.

All sums are integers, so neither the order of documents nor their division into shards matters. With the cap as c millionths
and a document of weight w and q millionths of synthetic text, the release is under the cap exactly if the sum of w·(q − c) is
at most 0. A document whose term is not positive only helps and is always kept, and so is one that is human by construction; the
others are taken in the order of the policy, each one that still fits under the caps of all parts that it belongs to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from provenance.decisions.documents import Documents, Integers, variances
from provenance.decisions.histogram import Cell, Histogram, Placed, histogram, merge_histograms, place
from provenance.decisions.plan import Plan, Room, boundary
from provenance.decisions.request import CapRequest
from provenance.decisions.sampling import mixture_factors, sampling_weight

__all__ = [
    "NOTHING_SELECTED",
    "BoundaryDocuments",
    "Histogram",
    "Plan",
    "Rule",
    "apply",
    "boundary",
    "boundary_candidates",
    "concatenate",
    "find_rule",
    "histogram",
    "merge_histograms",
    "select",
    "settle",
    "weigh",
]

#: `Rule.as_json` of a job without documents.
NOTHING_SELECTED: dict[str, Any] = {
    "gap": None,
    "exponent": None,
    "factors": None,
    "exceeded_by_proven": [],
    "least_share": None,
}
_KEY = np.dtype([("cell", "<i4"), ("level", "<u4"), ("hash", "<u8")])


@dataclass(frozen=True)
class BoundaryDocuments:
    """Pass 2: the documents in the bins that are settled one by one: their keys, and sums of shape (documents, 4)."""

    keys: NDArray[np.void]
    sums: Integers


@dataclass(frozen=True)
class Rule:
    """The decision: `apply` and `weigh` need nothing else.

    `kept` are the sorted keys kept among the settled bins, `exponent` and `factors` (by part of the mixture) what sampling
    weights are made of; `over` names the constraints that what is never dropped exceeds alone.
    """

    plan: Plan
    kept: NDArray[np.void]
    over: tuple[tuple[str, str], ...] = ()
    exponent: float | None = None
    factors: dict[str, float] | None = None

    def as_json(self) -> dict[str, Any]:
        """How documents were chosen, for the manifest."""
        return {
            "gap": self.plan.gap,
            "exponent": self.exponent,
            "factors": self.factors,
            "exceeded_by_proven": [" ".join(name) or "all" for name in self.over],
            "least_share": self.plan.least_share,
        }


def boundary_candidates(documents: Documents, plan: Plan) -> BoundaryDocuments:
    """Pass 2 over one shard: the documents that have to be settled one by one."""
    placed = place(documents, plan.request)
    cell = _cell_numbers(placed, plan)
    rows = _open_rows(placed, cell, plan)
    weight = documents.weight[rows]
    confident = plan.request.guarantee == "confident"
    variance = variances(documents.take(rows)) if confident else np.zeros_like(weight)
    sums = np.stack([np.ones_like(weight), weight, weight * placed.counted[rows], variance], axis=1)
    return BoundaryDocuments(_keys(documents, placed, cell, rows), sums)


def concatenate(parts: Sequence[BoundaryDocuments]) -> BoundaryDocuments:
    """The candidates of all shards as one; their order does not matter."""
    if not parts:
        return BoundaryDocuments(np.empty(0, _KEY), np.empty((0, 4), np.int64))
    return BoundaryDocuments(
        np.concatenate([part.keys for part in parts]), np.concatenate([part.sums for part in parts])
    )


def settle(plan: Plan, candidates: BoundaryDocuments) -> Rule:
    """Take each candidate that still fits, in selection order.

    Candidates of one level, hash and cell stand or fall together, since nothing tells them apart in every division into
    shards.
    """
    order = np.lexsort([candidates.keys[name] for name in ("cell", "hash", "level")])
    keys, sums = candidates.keys[order], candidates.sums[order]
    starts = (
        np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
        if len(keys)
        else np.empty(0, np.int64)
    )
    groups = np.add.reduceat(sums, starts, axis=0) if len(keys) else sums
    room = Room(plan.constraints, plan.kept)
    over = tuple(name for name, cost in zip(plan.constraints.names, room.excess(), strict=True) if cost > 0)
    kept = np.zeros(len(groups), dtype=bool)
    cells = keys["cell"][starts].tolist()
    for row, (cell, own) in enumerate(zip(cells, groups.tolist(), strict=True)):
        kept[row] = room.take(cell, own)
    total = plan.kept.copy()
    np.add.at(total, keys["cell"][starts][kept], groups[kept])
    request = plan.request
    return Rule(
        plan,
        np.sort(keys[starts][kept], order=["cell", "level", "hash"]),
        over,
        plan.exponent,
        mixture_factors(request, plan.cells, total) if request.mixture is not None else None,
    )


def apply(rule: Rule, documents: Documents) -> NDArray[np.bool_]:
    """Which documents of one shard are kept: one value for each row."""
    plan = rule.plan
    placed = place(documents, plan.request)
    cell = _cell_numbers(placed, plan)
    keep: NDArray[np.bool_] = placed.free | (placed.bin < plan.first[cell])
    rows = _open_rows(placed, cell, plan)
    keys = _keys(documents, placed, cell, rows)
    if len(rule.kept):
        at = np.minimum(np.searchsorted(rule.kept, keys), len(rule.kept) - 1)
        keep[rows] = rule.kept[at] == keys
    return keep


def weigh(rule: Rule, documents: Documents) -> NDArray[np.float32] | None:
    """How often each document is to be sampled, of shape (documents,); None where all are alike."""
    request = rule.plan.request
    return sampling_weight(documents, request, rule.exponent, rule.factors) if request.sampled else None


def select(documents: Documents, request: CapRequest) -> NDArray[np.bool_]:
    """All passes over documents that fit in memory."""
    return apply(find_rule([documents], request), documents)


def find_rule(shards: Sequence[Documents], request: CapRequest) -> Rule:
    """The rule for the documents of some shards, all in memory."""
    plan = boundary(merge_histograms([histogram(shard, request) for shard in shards]), request)
    return settle(plan, concatenate([boundary_candidates(shard, plan) for shard in shards]))


def _cell_numbers(placed: Placed, plan: Plan) -> NDArray[np.int64]:
    """The cell of each document among those of the whole corpus."""
    number: dict[Cell, int] = {cell: k for k, cell in enumerate(plan.cells)}
    return np.array([number[cell] for cell in placed.cells], dtype=np.int64)[placed.cell]


def _open_rows(placed: Placed, cell: NDArray[np.int64], plan: Plan) -> NDArray[np.int64]:
    if plan.fits:
        return np.empty(0, dtype=np.int64)
    inside = (placed.bin >= plan.first[cell]) & (placed.bin <= plan.last[cell])
    return np.flatnonzero(~placed.free & inside)


def _keys(
    documents: Documents, placed: Placed, cell: NDArray[np.int64], rows: NDArray[np.int64]
) -> NDArray[np.void]:
    keys = np.zeros(len(rows), dtype=_KEY)
    keys["cell"], keys["level"], keys["hash"] = cell[rows], placed.level[rows], documents.doc_hash[rows]
    return keys
