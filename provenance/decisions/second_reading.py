"""The second reading (`detectors.reading`) of a crawl's scores, from what was counted of it, and what it adds to the first.

The first reading of a score is the ratio of the calibration, at the crawl's level, with the prior that EM finds. The two are
wrong on different crawls, so the log-odds of a document are the mean of both, and so are their upper ends (docs/cap.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from provenance.decisions.detectors import CalibratedDetectors, Scores
from provenance.decisions.prior import Priors, logit
from provenance.detectors.embedded.calibration import BUCKETS, LOWEST, WIDTH, Calibration, rows_by
from provenance.detectors.reading import Reading, read_scores
from provenance.detectors.share import BINS, GROUPS, bin_ratios

F64 = NDArray[np.float64]

#: New judged documents of a language from which on its scores are read a second time.
FEWEST = 50
#: What the second reading counts, of one: by half, less is lost where sources are known than by the first alone, at margins that
#: keep the cap as well in groups left out (`scripts/evaluate margin`; docs/cap.md).
WEIGHT = 0.5


@dataclass(frozen=True)
class SecondReading:
    """The readings of a crawl by language, and the log-odds of the share that the first reading found of each."""

    calibration: Calibration
    languages: Mapping[str, Reading] = field(default_factory=dict)
    first: Mapping[str, float] = field(default_factory=dict)

    def add(self, scores: Scores, level: F64, new: NDArray[np.bool_]) -> F64:
        """Nats to add to the first reading of each judged row that is `new`, at its `level`; 0 for others."""
        found = np.zeros(len(scores.score))
        for name, rows, (log_odds, _) in self._read(scores, new):
            first = self.first[name] + scores.ratio[rows] + level[rows]
            # Together no more than the calibration allows: what is certain of a kind is not certain of a document.
            most = self.calibration.bounds[1] - scores.ratio[rows] - level[rows]
            found[rows] = np.minimum(WEIGHT * (log_odds - first), np.maximum(most, 0.0)).astype(np.float32)
        return found

    def above(self, scores: Scores, first: F64, new: NDArray[np.bool_]) -> F64:
        """Nats from each row's log-odds to their upper end, which is so far above in the `first` reading."""
        found = first.copy()
        for _, rows, (log_odds, upper) in self._read(scores, new):
            found[rows] = (1 - WEIGHT) * first[rows] + WEIGHT * (upper - log_odds)
        return found

    def as_json(self) -> list[dict[str, Any]]:
        """What was read, for the manifest."""
        return [
            {
                "language": name,
                "documents": reading.documents,
                "low_background": reading.humans,
                "share": reading.share,
                "log_odds": reading.log_odds.tolist(),
                "upper": reading.upper.tolist(),
            }
            for name, reading in sorted(self.languages.items())
        ]

    def _read(
        self, scores: Scores, new: NDArray[np.bool_]
    ) -> Iterator[tuple[str, NDArray[np.int64], tuple[F64, F64]]]:
        for name, rows in rows_by(scores.language).items():
            if name in self.languages:
                told = rows[(scores.judged & new)[rows]]
                ratios = self.calibration.unbounded(scores.score[told], scores.words[told], name)
                yield name, told, self.languages[name].at(ratios)


def read_again(detectors: CalibratedDetectors, counts: pa.Table, priors: Priors) -> SecondReading:
    """The second reading of a crawl's counts (`counts.COUNTS`): of languages of which enough kinds are known, and `FEWEST` documents."""
    kinds, whole = detectors.kinds, {item.language: item for item in priors.strata if item.year is None}
    if kinds is None:
        return SecondReading(detectors.calibration)
    language = np.asarray(counts["language"].to_pylist(), object)
    human = np.asarray(counts["human"])
    found, first = {}, {}
    for name in sorted(set(kinds.languages) & set(detectors.calibration.lines)):
        new, own = (
            _by_ratio(counts.take(pa.array(np.flatnonzero((language == name) & side))), detectors, name)
            for side in (~human, human)
        )
        if new.sum() >= FEWEST and name in whole:
            found[name] = read_scores(kinds, name, new, own)
            first[name] = logit(whole[name].prior)
    return SecondReading(detectors.calibration, found, first)


def _by_ratio(counts: pa.Table, detectors: CalibratedDetectors, language: str) -> NDArray[np.int64]:
    """Documents by group of sites and bin of their ratio before its bounds, shape (GROUPS, BINS)."""
    words = np.asarray(BUCKETS)[np.asarray(counts["bucket"])]
    scores = LOWEST + WIDTH * (np.asarray(counts["bin"]) + 0.5)
    place = bin_ratios(detectors.calibration.unbounded(scores, words, language))
    found = np.zeros((GROUPS, BINS), np.int64)
    np.add.at(found, (np.asarray(counts["group"]), place), np.asarray(counts["documents"]))
    return found
