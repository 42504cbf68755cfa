"""The linear program behind caps that cross: what a unit of each cap is worth, and the most that can be kept.

Parts of documents may be kept here, so its optimum bounds every selection from above (weak duality): that is how far from
the best a selection is known to be.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from provenance.decisions.documents import Integers
from provenance.decisions.histogram import SYNTHETIC, WEIGHT, Histogram
from provenance.decisions.request import MILLION

#: Variables of the program: bins of a cell are put together until there are no more than this. Solved in about a second.
MOST_VARIABLES = 20_000


def multipliers(
    merged: Histogram, of: NDArray[np.int64], caps: Integers, slack: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Price of each constraint, not negative, per millionth of a weight unit.

    Args:
        merged: documents in bins by cell.
        of: constraints of each cell, shape (cells, families + 1), -1 for none.
        caps: of each constraint, millionths.
        slack: what each constraint has left over what is kept in any case.
    """
    from scipy.optimize import linprog  # half a second that only caps that cross need
    from scipy.sparse import coo_matrix

    width = 1
    while True:
        key = merged.cell.astype(np.int64) * (2**31) + merged.bin // width
        _, start = np.unique(key, return_index=True)
        if len(start) <= MOST_VARIABLES:
            break
        width *= 2
    sums = np.add.reduceat(merged.sums.astype(np.float64), start, axis=0)
    members = of[merged.cell[start]]
    row, column = np.nonzero(members >= 0)
    number = members[row, column]
    scale = max(sums[:, WEIGHT].sum(), 1.0)
    cost = (sums[row, SYNTHETIC] - caps[number] * sums[row, WEIGHT]) / scale / MILLION
    matrix = coo_matrix((cost, (number, row)), shape=(len(caps), len(start))).tocsr()
    # A cap that what is kept in any case exceeds already cannot be met: as little as possible then.
    room = np.maximum(slack, 0.0) / scale / MILLION
    solved = linprog(-sums[:, WEIGHT] / scale, A_ub=matrix, b_ub=room, bounds=(0, 1), method="highs")
    if solved.status != 0:
        return np.zeros(len(caps))
    prices: NDArray[np.float64] = np.maximum(-solved.ineqlin.marginals, 0.0) / MILLION
    return prices


def most_kept(
    merged: Histogram,
    of: NDArray[np.int64],
    caps: Integers,
    slack: NDArray[np.float64],
    prices: NDArray[np.float64],
) -> float:
    """The most weight beyond what is kept in any case that any selection can keep, by these prices."""
    priced = np.where(of >= 0, prices[of], 0.0)
    paid = (priced * np.where(of >= 0, caps[of], 0)).sum(axis=1)
    weight, synthetic = (merged.sums[:, k].astype(np.float64) for k in (WEIGHT, SYNTHETIC))
    worth = weight * (1 + paid[merged.cell]) - synthetic * priced.sum(axis=1)[merged.cell]
    return float(np.maximum(worth, 0.0).sum() + (prices * np.maximum(slack, 0.0)).sum())
