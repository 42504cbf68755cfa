"""From a detector's score to a log-likelihood ratio, and to a threshold for a false-positive rate.

A calibration is a JSON file with a version and its provenance. Slopes and ratios are bounded, so one
detector can never outweigh everything else; where it has no proof of working it abstains.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

from provenance.errors import UsageError
from provenance.files.storage import AnyStorage, read_bytes, write_bytes

#: Lengths in words at which a bucket begins; shorter documents are abstained on.
BUCKETS = (60, 100, 150, 250, 500)
#: False-positive rates for which thresholds are kept.
LEVELS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1)
FORMAT = 2
#: Language codes of documents.
Languages: TypeAlias = Sequence[str | None] | pa.Array
#: Scores are counted in bins of this width between the limits; both ends are open.
LOWEST, HIGHEST, WIDTH = -16.0, 16.0, 1 / 32
BINS = int((HIGHEST - LOWEST) / WIDTH)
#: No detector may be given ratios beyond this, in nats; a file that does is refused.
MOST_BOUND = 8.0


class CalibrationError(UsageError):
    """A file that cannot be used as a calibration; the message says which and why."""


def level_of(max_fpr: float) -> int:
    """The place in LEVELS of the largest rate that is at most `max_fpr`; -1 below the strictest."""
    return int(np.searchsorted(LEVELS, max_fpr * (1 + 1e-9), side="right")) - 1


@dataclass(frozen=True)
class Calibration:
    """How to read the scores of one detector version.

    `lines[language][bucket]` is (intercept, slope): llr = intercept + slope·score, clipped to `bounds`.
    `thresholds[language][bucket][k]` is the score above which a document is flagged at LEVELS[k].
    `floors[language]` is the least share of known words; a language that is not in `lines` is abstained on.
    `humans[language][bucket]` are (bin, count) pairs of the scores of human documents, where the file has
    them: no ratio exceeds what they allow (`limit_table`).
    """

    version: str
    detector: str
    lines: Mapping[str, Sequence[tuple[float, float]]]
    thresholds: Mapping[str, Sequence[Sequence[float]]]
    floors: Mapping[str, float]
    bounds: tuple[float, float] = (-4.0, 4.0)
    provenance: Mapping[str, Any] = field(default_factory=dict)
    humans: Mapping[str, Sequence[Sequence[tuple[int, int]]]] = field(default_factory=dict)
    #: Mean of exp(ratio) over the human texts that calibrated a language: 1, less what the bounds cut off.
    human_means: Mapping[str, float] = field(default_factory=dict)
    #: Variance of exp(ratio) over the same texts, in squares of its mean: few humans make most of that.
    human_spreads: Mapping[str, float] = field(default_factory=dict)

    def languages(self) -> list[str]:
        """The languages this calibration claims, sorted."""
        return sorted(self.lines)

    def ratios(
        self, scores: ArrayLike, words: ArrayLike, languages: Languages, known: ArrayLike
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """(log-likelihood ratios in nats, abstained), each of shape (n,); an abstention has ratio 0."""
        scores, words, known = np.asarray(scores, float), np.asarray(words), np.asarray(known, float)
        ratios = np.zeros(len(scores), np.float32)
        abstained = np.ones(len(scores), bool)
        lengths = bucket(words)
        for language, rows in rows_by(languages).items():
            if language not in self.lines:
                continue
            table = np.asarray(self.lines[language], float)
            use = rows[(lengths[rows] >= 0) & (known[rows] >= self.floors.get(language, 0.0))]
            values = np.clip(table[lengths[use], 0] + table[lengths[use], 1] * scores[use], *self.bounds)
            if language in self.humans:
                limits = limit_table(self.human_counts(language), self.bounds[1])
                values = np.minimum(values, limits[lengths[use], bin_of(scores[use])])
            ratios[use] = values
            abstained[use] = False
        return ratios, abstained

    def unbounded(
        self, scores: NDArray[np.float64], words: NDArray[np.int64], language: str
    ) -> NDArray[np.float64]:
        """Ratios in nats of documents of a claimed language before their bounds, shape (n,); none shorter than the first bucket."""
        lines = np.asarray(self.lines[language], float)[bucket(words)]
        return np.asarray(lines[:, 0] + lines[:, 1] * scores)

    def bin_ratios(self, language: str) -> NDArray[np.float64]:
        """Ratio in nats at the middle of each score bin, shape (length buckets, BINS)."""
        middle = LOWEST + WIDTH * (np.arange(BINS) + 0.5)
        known = np.full(BINS, np.inf)
        rows = [self.ratios(middle, np.full(BINS, least), [language] * BINS, known)[0] for least in BUCKETS]
        return np.asarray(rows, float)

    def human_counts(self, language: str) -> NDArray[np.int64]:
        """Scores of the human documents that the file holds, shape (length buckets, BINS)."""
        counts = np.zeros((len(BUCKETS), BINS), np.int64)
        for row, pairs in enumerate(self.humans.get(language, ())):
            for place, documents in pairs:
                counts[row, place] += documents
        return counts

    def cutoffs(self, words: ArrayLike, languages: Languages, max_fpr: float) -> NDArray[np.float64]:
        """Score above which each document is flagged at `max_fpr` (0 to 1); infinite where it abstains.

        Between the kept levels the next stricter one is used; below the strictest nothing is flagged.
        """
        if not 0 < max_fpr < 1:
            raise ValueError(f"max_fpr must lie between 0 and 1, not {max_fpr}")
        lengths = bucket(np.asarray(words))
        cut = np.full(len(lengths), np.inf)
        level = level_of(max_fpr)
        if level < 0:
            return cut
        for language, rows in rows_by(languages).items():
            if language in self.thresholds:
                use = rows[lengths[rows] >= 0]
                cut[use] = np.asarray(self.thresholds[language], float)[lengths[use], level]
        return cut

    def save(self, path: str | Path) -> None:
        """Write as JSON, keys sorted."""
        text = json.dumps({"format": FORMAT, **asdict(self)}, sort_keys=True, indent=1) + "\n"
        write_bytes(AnyStorage(), str(path), text.encode())

    def digest(self) -> str:
        """SHA-256 of everything that the calibration says, as 64 hexadecimal digits."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()


def read_calibration(path: str | Path, detector: str | None = None) -> Calibration:
    """Read a calibration file of this machine or of a store, made for the detector version `detector` where that is given.

    Raises:
        CalibrationError: where it cannot be read, is not a calibration, or was made for another detector.
    """
    try:
        text = read_bytes(AnyStorage(), str(path)).decode("utf-8")
    except OSError as error:
        raise CalibrationError(f"{path}: cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise CalibrationError(f"{path}: not a calibration file ({error})") from error
    calibration = parse_calibration(text, str(path))
    if detector is not None and calibration.detector != detector:
        raise CalibrationError(
            f"{path}: was made for detector {calibration.detector}, this program has {detector}, whose scores "
            "mean something else; make it again with `provenance calibrate`"
        )
    return calibration


def parse_calibration(text: str, name: str) -> Calibration:
    """Parse the JSON `text` of the file `name`; raises CalibrationError naming what is wrong."""
    try:
        stored = json.loads(text)
        if stored.pop("format") != FORMAT:
            raise ValueError("another format version")
        stored["bounds"] = tuple(stored["bounds"])
        calibration = Calibration(**stored)
        _check(calibration)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise CalibrationError(f"{name}: not a calibration file ({error})") from error
    return calibration


def _check(calibration: Calibration) -> None:
    """Raise ValueError where numbers are missing, not finite or out of bounds."""
    low, high = calibration.bounds
    if not -MOST_BOUND <= low <= 0 <= high <= MOST_BOUND:
        raise ValueError(f"bounds must lie around 0 within {MOST_BOUND:g} nats, not {low}, {high}")
    if not (isinstance(calibration.detector, str) and isinstance(calibration.version, str)):
        raise ValueError("detector and version must be strings")
    for language, line in calibration.lines.items():
        table, cuts = np.asarray(line, float), np.asarray(calibration.thresholds[language], float)
        if table.shape != (len(BUCKETS), 2) or cuts.shape != (len(BUCKETS), len(LEVELS)):
            raise ValueError("lines or thresholds do not have one row a length bucket")
        if not (np.isfinite(table).all() and np.isfinite(cuts).all() and (table[:, 1] >= 0).all()):
            raise ValueError(f"{language}: numbers must be finite and slopes not negative")
        float(calibration.floors.get(language, 0.0))
    for language, rows in calibration.humans.items():
        pairs = [pair for row in rows for pair in row]
        if len(rows) != len(BUCKETS) or not all(0 <= place < BINS and count > 0 for place, count in pairs):
            raise ValueError(f"humans: {language}: not (bin, count) pairs for each length bucket")


@lru_cache(maxsize=4)
def load_calibration(folder: str | None = None) -> Calibration:
    """The calibration of a trained detector's folder, by default the one that ships in the package.

    Raises:
        CalibrationError: where the folder has none that can be used.
    """
    if folder is not None:
        return read_calibration(Path(folder) / "calibration.json")
    resource = files("provenance.detectors.embedded") / "data" / "calibration.json"
    return parse_calibration(resource.read_text(), "calibration.json")


def bucket(words: NDArray[Any]) -> NDArray[np.int64]:
    """Index into BUCKETS of each length; -1 below the shortest."""
    return np.searchsorted(BUCKETS, words, side="right") - 1


def bin_of(scores: ArrayLike) -> NDArray[np.int64]:
    """Index of each score's bin, 0 to BINS - 1; scores beyond the limits fall in the end bins."""
    position = np.floor((np.asarray(scores, float) - LOWEST) / WIDTH)
    return np.clip(position, 0, BINS - 1).astype(np.int64)


def limit_table(counts: NDArray[np.int64], most: float) -> NDArray[np.float64]:
    """The largest ratio in nats that human documents allow at each bin, shape (rows, BINS) like their `counts`.

    A score that k of n human documents reach has the conformal p-value p = (k + 1) / (n + 1). A likelihood
    ratio that grows with the score is at most 1 / P(a human scores as high), because its mean among humans
    is 1 (Markov); -log p is the estimate of that bound. Infinite for rows of fewer than `limit_documents`.
    """
    at_least = np.cumsum(counts[:, ::-1], axis=1)[:, ::-1]
    total = counts.sum(axis=1, keepdims=True)
    limits = np.log(total + 1) - np.log(at_least + 1)
    return np.where(total >= limit_documents(most), limits, np.inf)


def limit_documents(most: float) -> int:
    """Human documents that it takes so that a score above them all is not limited below `most` nats."""
    return int(np.ceil(np.exp(most))) - 1


def base_language(code: str) -> str:
    """The language of a tag in lower case: `EN`, `en-US` and `en_GB` are `en`."""
    return code.strip().lower().replace("_", "-").split("-")[0]


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
    middle = float((weights * scores).sum())
    width = float(np.sqrt((weights * (scores - middle) ** 2).sum())) or 1.0
    inner = (scores - middle) / width
    intercept, slope = _newton(inner, synthetic, weights, None)
    if not 0 <= slope <= max_slope * width:  # once more for the intercept where the slope hit its bound
        intercept, slope = _newton(inner, synthetic, weights, min(max(slope, 0.0), max_slope * width))
    return intercept - slope * middle / width, slope / width


def _newton(
    scores: NDArray[np.float64],
    synthetic: NDArray[np.bool_],
    weights: NDArray[np.float64],
    held: float | None,
) -> tuple[float, float]:
    """(intercept, slope) that minimise the logistic loss by damped Newton steps; the slope is `held` where given."""

    def loss(at: NDArray[np.float64]) -> float:
        value = at[0] + at[1] * scores
        return float((weights * (np.logaddexp(0, value) - synthetic * value)).sum() + 5e-4 * at[1] ** 2)

    at = np.array([0.0, 0.5 if held is None else held])
    for _ in range(100):
        p = 1 / (1 + np.exp(-np.clip(at[0] + at[1] * scores, -30, 30)))
        gap, curve = weights * (p - synthetic), weights * p * (1 - p) + 1e-12
        gradient = np.array([gap.sum(), (gap * scores).sum() + 1e-3 * at[1]])
        cross = (curve * scores).sum()
        hessian = np.array([[curve.sum(), cross], [cross, (curve * scores**2).sum() + 1e-3]])
        step = (
            np.linalg.solve(hessian, gradient) if held is None else np.array([gradient[0] / hessian[0, 0], 0])
        )
        while loss(at - step) > loss(at) + 1e-15 and np.abs(step).max() > 1e-9:
            step = step / 2
        at = at - step
        if np.abs(step).max() < 1e-9:
            break
    return float(at[0]), float(at[1])


def auroc(scores: NDArray[np.float64], synthetic: NDArray[np.bool_]) -> float:
    """Area under the ROC curve; ties count half."""
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    rank = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    positive = int(synthetic.sum())
    return float(
        (rank[synthetic].sum() - positive * (positive + 1) / 2) / max(1, positive * (len(scores) - positive))
    )


def rows_by(languages: Languages) -> dict[str, NDArray[np.int64]]:
    """Rows of each base language; null is left out."""
    if isinstance(languages, pa.Array):
        encoded = languages.dictionary_encode()
        codes = np.asarray(encoded.indices.fill_null(-1))
        bases = [base_language(name) for name in encoded.dictionary.to_pylist()]
    else:
        spelled = sorted({name for name in languages if name is not None})
        place = {name: code for code, name in enumerate(spelled)}
        codes = np.fromiter((place.get(name, -1) for name in languages), np.int64, len(languages))  # type: ignore[arg-type]
        bases = [base_language(name) for name in spelled]
    names = sorted(set(bases))
    number = np.array([names.index(base) for base in bases] + [-1], np.int16)[codes]  # short ones sort faster
    order = np.argsort(number, kind="stable")
    edges = np.searchsorted(number[order], np.arange(len(names) + 1))
    return {name: order[edges[i] : edges[i + 1]] for i, name in enumerate(names)}
