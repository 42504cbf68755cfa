"""Thresholds for a rate of false alarms, from scores of human documents that no expert has seen.

They move with the length of a text; where few kinds of human text are known, they are raised by what the known kinds
prove to be needed for those that are not.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from provenance.detectors.embedded.calibration import BUCKETS, LEVELS, bucket

#: Human passages of a length from which on its thresholds are its own; with fewer, the language's own level moves
#: with the length as it does in the first language.
_OWN_LENGTH = 1000
#: Nats by which thresholds of a language with few domains are higher, because pages of other kinds score higher: half or a
#: third of the rate is asked of the kinds that are known (without it 3.6% of old German pages were flagged).
_MARGINS = float(np.log(2)), float(np.log(3))
#: The rate that tells which margin is needed.
_LEVEL = LEVELS.index(0.01)


def find_margin(
    scores: NDArray[np.float64],
    words: NDArray[np.int32],
    weight: NDArray[np.float64],
    trend: NDArray[np.float64] | None,
    source: NDArray[np.object_],
) -> float:
    """The lesser margin where it keeps the rate of 1% on sources left out one after the other, else the greater.

    Each of the human documents, all arrays (documents,), is judged by thresholds of all sources but its own.
    """
    lengths, flagged = bucket(words), np.zeros(len(scores), bool)
    for name in np.unique(source):
        own = source == name
        if own.all():
            return _MARGINS[1]
        cuts = np.asarray(raised_thresholds(scores[~own], words[~own], weight[~own], trend, _MARGINS[0]))
        flagged[own] = scores[own] > cuts[lengths[own], _LEVEL]
    return _MARGINS[0] if weight[flagged].sum() <= LEVELS[_LEVEL] * weight.sum() else _MARGINS[1]


def raised_thresholds(
    scores: NDArray[np.float64],
    words: NDArray[np.int32],
    weight: NDArray[np.float64],
    trend: NDArray[np.float64] | None,
    margin: float,
) -> list[list[float]]:
    """Thresholds of a language's human documents by length bucket and level, raised by `margin`.

    `trend` (buckets,) is the first language's.
    """
    lengths, rows = bucket(words), []
    for index in range(len(BUCKETS)):
        at = near(index, words, np.zeros(len(words), bool))
        moved = scores
        if trend is not None and (lengths == index).sum() < _OWN_LENGTH:
            moved, at = scores + trend[index] - trend[lengths], np.arange(len(words))
        rows.append([round(threshold(moved[at], weight[at], level) + margin, 6) for level in LEVELS])
    return rows


def find_trend(
    scores: NDArray[np.float64], words: NDArray[np.int32], weight: NDArray[np.float64]
) -> NDArray[np.float64]:
    """How the score that 1% of humans exceed depends on the length bucket, (buckets,)."""
    none = np.zeros(len(words), bool)
    buckets = [near(index, words, none) for index in range(len(BUCKETS))]
    return np.array([threshold(scores[at], weight[at], 0.01) for at in buckets])


def threshold(scores: NDArray[np.float64], weights: NDArray[np.float64], level: float) -> float:
    """Score exceeded by at most `level` of the weight of these human documents and one more (the conformal rule).

    Above all scores where the sample is too small to prove `level`.
    """
    order = np.argsort(-scores, kind="stable")
    spare = weights.max()
    above = (np.cumsum(weights[order]) + spare) / (weights.sum() + spare)
    index = int(np.searchsorted(above, level, side="right"))
    if spare / (weights.sum() + spare) > level:
        return float(scores.max() + 1)
    return float(scores[order][min(index, len(scores) - 1)])


def near(index: int, words: NDArray[np.int32], synthetic: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The documents of a length bucket, with its neighbours where it alone has fewer than 400 or lacks a label."""
    lengths, labels = bucket(words), np.unique(synthetic)
    for reach in range(len(BUCKETS)):
        chosen = (lengths >= 0) & (np.abs(lengths - index) <= reach)
        if chosen.sum() >= 400 and len(np.unique(synthetic[chosen])) == len(labels):
            break
    return np.flatnonzero(chosen)
