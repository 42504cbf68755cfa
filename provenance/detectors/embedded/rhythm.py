"""The expert that reads only style: a small network over the measures of `style`, one for all languages.

It knows no word, so what it learned where machine text of many makers is at hand (English) holds elsewhere too.
Trained in a seeded order in float32, so the same passages give the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from provenance.detectors.embedded.style import STYLE

#: Units of the hidden layer. 64 were no better between unseen makers.
UNITS = 32
_EPOCHS, _RATE, _RIDGE = 10, 0.03, 1e-4


@dataclass(frozen=True)
class Network:
    """One hidden layer of n rectified units over m measures of style; `out @ max(0, hidden @ [style, 1]) + bias`."""

    hidden: NDArray[np.float32]  # (n, m + 1), the last column for the constant
    out: NDArray[np.float32]  # (n,)
    bias: float

    def scores(self, style: NDArray[np.float32]) -> NDArray[np.float64]:
        """Score of each row of standardised measures, shape (rows, m) to (rows,)."""
        found = np.zeros(len(style))
        _answer_all(style, self.hidden, self.out, self.bias, found)
        return found


def fit_network(
    style: NDArray[np.float32], synthetic: NDArray[np.bool_], weight: NDArray[np.float64], seed: int
) -> Network:
    """A network by AdaGrad on standardised rows of style, (rows, measures); rows of weight 0 are left out."""
    random = np.random.RandomState(seed)
    hidden = np.zeros((UNITS, len(STYLE) + 1), np.float32)
    hidden[:, :-1] = random.normal(0, 1 / np.sqrt(len(STYLE)), (UNITS, len(STYLE)))
    out = random.normal(0, 1 / np.sqrt(UNITS), UNITS).astype(np.float32)
    used = np.flatnonzero(weight > 0)
    if not len(used):
        return Network(hidden, out, 0.0)
    weight = (weight / weight[used].mean()).astype(np.float32)
    order = np.stack([random.permutation(used) for _ in range(_EPOCHS)])
    bias = _fit(
        style=style,
        target=synthetic.astype(np.float32),
        weight=weight,
        order=order,
        hidden=hidden,
        out=out,
    )
    return Network(hidden, out, float(np.float32(bias)))


@njit(cache=True, nogil=True)
def answer(style, hidden, out, bias):  # type: ignore[no-untyped-def]
    """Score of one passage from its standardised measures."""
    value = bias
    for unit in range(len(out)):
        inner = hidden[unit, -1]
        for k in range(len(style)):
            inner += hidden[unit, k] * style[k]
        if inner > 0:
            value += out[unit] * inner
    return value


@njit(cache=True)
def _answer_all(style, hidden, out, bias, found):  # type: ignore[no-untyped-def]
    for row in range(len(style)):
        found[row] = answer(style[row], hidden, out, bias)


@njit(cache=True)
def _fit(style, target, weight, order, hidden, out):  # type: ignore[no-untyped-def]
    """AdaGrad, one row at a time; changes `hidden` and `out`, returns the bias."""
    rate, ridge = np.float32(_RATE), np.float32(_RIDGE)
    hidden_squares = np.full(hidden.shape, np.float32(1e-3))
    out_squares = np.full(out.shape, np.float32(1e-3))
    bias = 0.0
    bias_squares: Any = 1e-3
    inner = np.zeros(len(out), np.float32)
    last = hidden.shape[1] - 1
    for epoch in range(len(order)):
        for row in order[epoch]:
            value = bias
            for unit in range(len(out)):
                total = hidden[unit, last]
                for k in range(last):
                    total += hidden[unit, k] * style[row, k]
                inner[unit] = max(total, np.float32(0))
                value += out[unit] * inner[unit]
            gap = np.float32((1 / (1 + np.exp(-value)) - target[row]) * weight[row])
            for unit in range(len(out)):
                if inner[unit] <= 0:
                    continue
                back = gap * out[unit]
                for k in range(last):
                    gradient = back * style[row, k] + ridge * hidden[unit, k]
                    hidden_squares[unit, k] += gradient * gradient
                    hidden[unit, k] -= rate * gradient / np.sqrt(hidden_squares[unit, k])
                hidden_squares[unit, last] += back * back
                hidden[unit, last] -= rate * back / np.sqrt(hidden_squares[unit, last])
                gradient = gap * inner[unit] + ridge * out[unit]
                out_squares[unit] += gradient * gradient
                out[unit] -= rate * gradient / np.sqrt(out_squares[unit])
            bias_squares += gap * gap
            bias -= rate * gap / np.sqrt(bias_squares)
    return bias
