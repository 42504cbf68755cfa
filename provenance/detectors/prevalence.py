"""The share of synthetic text by EM on likelihood ratios that are taken as known.

No single verdict is added up: errors of the detector that its ratios know of are taken out. Where kinds of text are in
question that no ratio was made of, `share` says what can still be said.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

F64 = NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """A share between 0 and 1 with its 95% interval, from `documents` that could be judged."""

    method: str
    share: float
    low: float
    high: float
    documents: int

    def as_json(self) -> dict[str, Any]:
        """The estimate as JSON values."""
        return {
            "method": self.method,
            "share": self.share,
            "interval": [self.low, self.high],
            "documents": self.documents,
        }


def em_share(ratios: ArrayLike, weights: ArrayLike | None = None) -> float:
    """The share at which observations with these likelihood ratios (synthetic : human) are likeliest.

    The fixed point of the EM of Saerens, Latinne and Decaestecker (2002), found by bisection of the
    derivative, which falls everywhere. `ratios` and `weights` (counts) have the shape (n,).
    """
    r = np.asarray(ratios, float)
    w = np.ones_like(r) if weights is None else np.asarray(weights, float)
    return float(_shares(r[None, :], w[None, :])[0])


def _shares(ratios: F64, weights: F64) -> F64:
    """Maximum-likelihood share of each row: root in [0, 1] of sum w (r - 1) / (1 + a (r - 1)), by bisection."""
    gain = ratios - 1
    low, high = np.zeros(len(weights)), np.ones(len(weights))
    for _ in range(40):
        middle = (low + high) / 2
        slope = (weights * gain / (1 + middle[:, None] * gain)).sum(axis=1)
        low, high = np.where(slope > 0, middle, low), np.where(slope > 0, high, middle)
    found = (low + high) / 2
    return np.where(found < 1e-9, 0.0, np.where(found > 1 - 1e-9, 1.0, found))
