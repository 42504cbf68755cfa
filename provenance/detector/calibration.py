"""From a detector's score to a log-likelihood ratio, and to a threshold for a false-positive rate.

A calibration is a JSON file with a version and its provenance. Slopes and ratios are bounded, so one
detector can never outweigh everything else; where it has no proof of working it abstains.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: Lengths in words at which a bucket begins; shorter documents are abstained on.
BUCKETS = (100, 150, 250, 500)
#: False-positive rates for which thresholds are kept.
LEVELS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1)
FORMAT = 1


@dataclass(frozen=True)
class Calibration:
    """How to read the scores of one detector version.

    `lines[language][bucket]` is (intercept, slope): llr = intercept + slope·score, clipped to `bounds`.
    `thresholds[language][bucket][k]` is the score above which a document is flagged at LEVELS[k].
    `floors[language]` is the least share of known words; a language that is not in `lines` is abstained on.
    """

    version: str
    detector: str
    lines: Mapping[str, Sequence[tuple[float, float]]]
    thresholds: Mapping[str, Sequence[Sequence[float]]]
    floors: Mapping[str, float]
    bounds: tuple[float, float] = (-4.0, 4.0)
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def languages(self) -> list[str]:
        """The languages this calibration claims, sorted."""
        return sorted(self.lines)

    def ratios(
        self, scores: ArrayLike, words: ArrayLike, languages: Sequence[str | None], known: ArrayLike
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """(log-likelihood ratios in nats, abstained), each of shape (n,); an abstention has ratio 0."""
        scores, words, known = np.asarray(scores, float), np.asarray(words), np.asarray(known, float)
        ratios = np.zeros(len(scores), np.float32)
        abstained = np.ones(len(scores), bool)
        lengths = bucket(words)
        for language, rows in _rows_by(languages).items():
            if language not in self.lines:
                continue
            table = np.asarray(self.lines[language], float)
            use = rows[(lengths[rows] >= 0) & (known[rows] >= self.floors.get(language, 0.0))]
            values = table[lengths[use], 0] + table[lengths[use], 1] * scores[use]
            ratios[use] = np.clip(values, *self.bounds)
            abstained[use] = False
        return ratios, abstained

    def cutoffs(
        self, words: ArrayLike, languages: Sequence[str | None], max_fpr: float
    ) -> NDArray[np.float64]:
        """Score above which each document is flagged at `max_fpr` (0 to 1); infinite where it abstains.

        Between the kept levels the next stricter one is used; below the strictest nothing is flagged.
        """
        if not 0 < max_fpr < 1:
            raise ValueError(f"max_fpr must lie between 0 and 1, not {max_fpr}")
        lengths = bucket(np.asarray(words))
        cut = np.full(len(lengths), np.inf)
        level = int(np.searchsorted(LEVELS, max_fpr * (1 + 1e-9), side="right")) - 1
        if level < 0:
            return cut
        for language, rows in _rows_by(languages).items():
            if language in self.thresholds:
                use = rows[lengths[rows] >= 0]
                cut[use] = np.asarray(self.thresholds[language], float)[lengths[use], level]
        return cut

    def save(self, path: Path) -> None:
        """Write as JSON, keys sorted."""
        path.write_text(json.dumps({"format": FORMAT, **asdict(self)}, sort_keys=True, indent=1) + "\n")


def read_calibration(path: Path) -> Calibration:
    """Read a calibration file; raises ValueError if it is not one or of another format."""
    return parse_calibration(path.read_text(), str(path))


def parse_calibration(text: str, name: str) -> Calibration:
    """Parse the JSON `text` of the file `name`; raises ValueError naming what is wrong."""
    try:
        stored = json.loads(text)
        if stored.pop("format") != FORMAT:
            raise ValueError("another format version")
        stored["bounds"] = tuple(stored["bounds"])
        calibration = Calibration(**stored)
        shapes = [np.shape(v) == (len(BUCKETS), 2) for v in calibration.lines.values()]
        shapes += [np.shape(v) == (len(BUCKETS), len(LEVELS)) for v in calibration.thresholds.values()]
        if not all(shapes):
            raise ValueError("lines or thresholds do not have one row a length bucket")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"{name}: not a calibration file ({error})") from error
    return calibration


@lru_cache(maxsize=1)
def load_calibration() -> Calibration:
    """The calibration that ships in the package."""
    resource = files("provenance.detector") / "data" / "calibration.json"
    return parse_calibration(resource.read_text(), "calibration.json")


def bucket(words: NDArray[Any]) -> NDArray[np.int64]:
    """Index into BUCKETS of each length; -1 below the shortest."""
    return np.searchsorted(BUCKETS, words, side="right") - 1


def fit_line(
    scores: NDArray[np.float64], synthetic: NDArray[np.bool_], weights: NDArray[np.float64], max_slope: float
) -> tuple[float, float]:
    """(intercept, slope) of a logistic fit at even odds, slope between 0 and `max_slope`.

    Weights are scaled to the same total for both labels, so the line is a log-likelihood ratio. A ridge
    of one part in a thousand on the slope keeps separable data finite.
    """
    weights = weights.astype(float).copy()
    for label in (False, True):
        chosen = synthetic == label
        if weights[chosen].sum() <= 0:
            raise ValueError("calibration needs documents of both labels")
        weights[chosen] /= 2 * weights[chosen].sum()
    slope, intercept = 0.5, 0.0
    for free in (True, False):  # once freely; once more for the intercept where the slope hit its bound
        for _ in range(100):
            p = 1 / (1 + np.exp(-np.clip(intercept + slope * scores, -30, 30)))
            gap, curve = weights * (p - synthetic), weights * p * (1 - p) + 1e-12
            if free:
                gradient = np.array([gap.sum(), (gap * scores).sum() + 1e-3 * slope])
                cross = (curve * scores).sum()
                hessian = np.array([[curve.sum(), cross], [cross, (curve * scores**2).sum() + 1e-3]])
                step = np.linalg.solve(hessian, gradient)
            else:
                step = np.array([gap.sum() / curve.sum(), 0.0])
            step = np.clip(step, -2, 2)
            intercept, slope = intercept - step[0], slope - step[1]
            if np.abs(step).max() < 1e-9:
                break
        if 0 <= slope <= max_slope:
            break
        slope = min(max(slope, 0.0), max_slope)
    return float(intercept), float(slope)


def _rows_by(languages: Sequence[str | None]) -> dict[str, NDArray[np.int64]]:
    names, codes = np.unique(
        np.array([language or "" for language in languages], dtype=object).astype(str), return_inverse=True
    )
    return {str(name): np.flatnonzero(codes == i) for i, name in enumerate(names)}
