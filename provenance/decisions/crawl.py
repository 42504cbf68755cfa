"""What a whole crawl says about its detectors: thresholds, limits and priors from its own documents.

Documents proven older than 2022-11-30 are human by construction. They are counted once, duplicates left out,
and no detector may claim more than they allow.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from provenance import schema
from provenance.annotators.columns import at_most_one, join_lists
from provenance.configuration import Configuration, Prior
from provenance.decisions.counts import histograms
from provenance.decisions.detectors import Instrument, Opinions, embedded_scores
from provenance.decisions.prior import Priors, estimate
from provenance.detectors.embedded import conformal
from provenance.detectors.embedded.annotator import NAME
from provenance.detectors.embedded.calibration import BUCKETS, HIGHEST, limit_documents, limit_table
from provenance.evidence import evidence_sum, low_background

#: Source of the piece of evidence that takes back what the crawl's own humans do not allow.
LIMIT_SOURCE = "detector:crawl"


@dataclass(frozen=True)
class Judgement:
    """Columns of `schema.DECISIONS` for the rows of one shard, and which of them were limited or flagged."""

    columns: dict[str, pa.Array]
    probability: NDArray[np.float32]
    limited: NDArray[np.bool_]
    flagged: NDArray[np.bool_]


@dataclass(frozen=True)
class Reading:
    """An instrument, and what the whole crawl says about it. Small: it travels to every worker."""

    instrument: Instrument
    humans: conformal.Histograms
    others: conformal.Histograms
    thresholds: tuple[conformal.Threshold, ...]
    priors: Priors

    def judge(
        self, opinions: Opinions, proven: NDArray[np.datetime64], keepers: NDArray[np.bool_]
    ) -> Judgement:
        """Prior, evidence and probability of each row; rows without text have what the prior says."""
        limits, limited = self._limits(opinions, proven, keepers)
        evidence = join_lists([opinions.evidence, limits])
        prior, because = self.priors.of(proven, opinions.language, opinions.source)
        log_odds = prior.astype(np.float64) + evidence_sum(evidence)
        probability = (1.0 / (1.0 + np.exp(-log_odds))).astype(np.float32)
        flagged = opinions.judged & self._flag(opinions)
        columns = {
            "prior_log_odds": pa.array(prior),
            "prior_because": because.dictionary_decode(),
            "detectors": opinions.detectors,
            "detector_abstained": opinions.abstained,
            "detector_flagged": pa.array(flagged, mask=np.asarray(opinions.abstained.is_null())),
            "evidence": evidence,
        }
        return Judgement(columns, probability, limited, flagged)

    def as_json(self) -> dict[str, Any]:
        """What was counted and what follows, for the manifest."""
        instrument = self.instrument
        most = instrument.calibration.bounds[1]
        strata = []
        for row in self.thresholds:
            low, others = (
                int(part[row.language][row.bucket].sum()) if row.language in part else 0
                for part in (self.humans, self.others)
            )
            if low + others == 0:
                continue
            strata.append(
                {
                    "language": row.language,
                    "words_from": BUCKETS[row.bucket],
                    "low_background": low,
                    "other_documents": others,
                    "limits_ratios": instrument.by_crawl and low >= limit_documents(most),
                    "threshold": float(row.score) if np.isfinite(row.score) else None,
                    "bound": row.bound,
                    "proven_by_documents": row.documents if row.source == conformal.CRAWL else 0,
                    "from": row.source,
                }
            )
        return {
            "detector": {
                "name": NAME,
                "version": instrument.detector,
                "calibration": instrument.name,
                "calibration_version": instrument.calibration.version,
                "calibration_sha256": instrument.calibration.digest(),
                "ranked_by": "ratio of all detectors" if instrument.joint else "score",
                "max_fpr": instrument.max_fpr,
                "strata": strata,
            },
            "prior": self.priors.as_json(),
        }

    def _flag(self, opinions: Opinions) -> NDArray[np.bool_]:
        arguments = (opinions.words, opinions.language)
        if not self.instrument.joint:
            return conformal.flag(opinions.score, *arguments, self.thresholds)
        # A calibration's thresholds are of raw scores, the crawl's of the ratio that is ranked.
        own = [row for row in self.thresholds if row.source == conformal.CRAWL]
        other = [row for row in self.thresholds if row.source != conformal.CRAWL]
        raw, _ = embedded_scores(opinions.detectors)
        sure = ~np.asarray(opinions.abstained.fill_null(True))
        return conformal.flag(opinions.score, *arguments, own) | (
            sure & conformal.flag(raw, *arguments, other)
        )

    def _limits(
        self, opinions: Opinions, proven: NDArray[np.datetime64], keepers: NDArray[np.bool_]
    ) -> tuple[pa.Array, NDArray[np.bool_]]:
        """(evidence that takes back what is too much, whether there is any) of each row."""
        old = low_background(proven)
        humans = self.humans if self.instrument.by_crawl else {}
        at_least, total = conformal.ranks(
            humans, opinions.score, opinions.words, opinions.language, keepers & opinions.judged & old
        )
        most = conformal.limits(at_least, total, self.instrument.calibration.bounds[1])
        excess = np.where(opinions.judged, np.minimum(most - opinions.ratio, 0.0), 0.0).astype(np.float32)
        limited = excess < -1e-6
        rows = np.flatnonzero(limited)
        others = np.where((keepers & old)[rows], "other ", "")
        because = [
            f"{k:,} of {n:,} {other}documents of this crawl from before 2022-11-30 in this language and length "
            f"score as high: at most {top:+.2f} together"
            for k, n, other, top in zip(
                at_least[rows].tolist(),
                total[rows].tolist(),
                others.tolist(),
                most[rows].tolist(),
                strict=True,
            )
        ]
        pieces = pa.StructArray.from_arrays(
            [
                pa.array([LIMIT_SOURCE] * len(rows), pa.string()),
                pa.array(excess[rows]),
                pa.array(because, pa.string()),
            ],
            fields=list(schema.EVIDENCE.value_type),
        )
        return at_most_one(pieces, limited, schema.EVIDENCE), limited


def read_crawl(instrument: Instrument, counts: pa.Table, prior: Prior) -> Reading:
    """What the counts of a whole crawl say about its detectors and its priors."""
    humans = histograms(counts, human=True)
    usable = humans if instrument.by_crawl else {}
    thresholds = conformal.thresholds(usable, instrument.calibration, instrument.max_fpr, instrument.name)
    most = instrument.calibration.bounds[1]
    nats = {}
    for language in sorted({*instrument.calibration.languages(), *(humans if instrument.joint else ())}):
        table = _joint_ratios() if instrument.joint else instrument.calibration.bin_ratios(language)
        if language in usable:
            table = np.minimum(table, limit_table(usable[language], most))
        nats[language] = table
    priors = estimate(counts, nats, prior)
    return Reading(instrument, humans, histograms(counts, human=False), tuple(thresholds), priors)


def _joint_ratios() -> NDArray[np.float64]:
    """Ratio at the middle of each bin where ratios themselves are what is binned."""
    middle = np.linspace(-HIGHEST, HIGHEST, 2 * conformal.BINS + 1)[1::2]
    return np.tile(middle, (len(BUCKETS), 1))


def neural_cost(configuration: Configuration, asked: Mapping[str, int]) -> list[dict[str, Any]]:
    """Of how many documents with text each neural detector has read one, and in which band it was to.

    `asked` counts by detector, the embedded one, which reads every text, among them.
    """
    return [
        {
            "name": detector.name,
            "band": None if detector.band is None else list(detector.band),
            "documents": asked.get(NAME, 0),
            "asked": asked.get(detector.name, 0),
        }
        for detector in configuration.neural.detectors
    ]
