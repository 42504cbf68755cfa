"""What a whole crawl says about its detectors: thresholds, limits and priors from its own documents.

Documents proven older than 2022-11-30 are human by construction. They are counted once, duplicates left out,
and no detector may claim more than they allow.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from provenance.configuration import Configuration, Prior
from provenance.decisions.counts import histograms
from provenance.decisions.detectors import COMBINATION, CalibratedDetectors, Scored, Scores, embedded_scores
from provenance.decisions.level import Level, levels
from provenance.decisions.prior import STATED_SD, Priors, estimate
from provenance.decisions.second_reading import SecondReading, read_again
from provenance.decisions.sites import Clustering, SiteEffects, kinds, look_up
from provenance.decisions.weighed import Weighed, kinds_pieces, level_pieces, limit_pieces, site_pieces
from provenance.detectors.embedded import conformal
from provenance.detectors.embedded.annotator import NAME
from provenance.detectors.embedded.calibration import (
    BUCKETS,
    HIGHEST,
    limit_documents,
    limit_table,
    rows_by,
)
from provenance.evidence import join_lists, low_background

#: One-sided 95% of a normal distribution: how far `probability_upper` lies above the posterior, in deviations.
UPPER = 1.6448536269514722
#: Of the nats that its site takes from a document, how many its upper end does without: what the other documents of a site say holds
#: for most of them, and a cap is passed by those that are not like the rest. Without it crawls whose machine text comes by the
#: site passed caps that others kept (`scripts/evaluate cap` and `margin`; docs/cap.md).
SITE_DOUBT = 0.5


@dataclass(frozen=True)
class Posterior:
    """Columns of `schema.DECISIONS` for the rows of one shard, and which of them were limited or flagged."""

    columns: dict[str, pa.Array]
    probability: NDArray[np.float32]
    #: What the probability is below with 95% confidence, prior, level and site being uncertain.
    upper: NDArray[np.float32]
    limited: NDArray[np.bool_]
    flagged: NDArray[np.bool_]


@dataclass(frozen=True)
class CrawlCalibration:
    """A job's detectors, calibrated by the whole crawl. Small: it travels to every worker."""

    detectors: CalibratedDetectors
    humans: conformal.Histograms
    others: conformal.Histograms
    thresholds: tuple[conformal.Threshold, ...]
    priors: Priors
    again: SecondReading
    clustering: Clustering = field(default_factory=Clustering)

    def weigh(self, scores: Scores, proven: NDArray[np.datetime64], keepers: NDArray[np.bool_]) -> Weighed:
        """Prior and ratio of each row, without what its site says."""
        level = self._level(scores)
        kinds = self.again.add(scores, level, ~low_background(proven))
        excess, at_least, total, most = self._limits(scores, level + kinds, proven, keepers)
        prior, deviation, because = self.priors.of(proven, scores.language, scores.source)
        return Weighed(
            prior=prior,
            deviation=deviation,
            because=because,
            level=np.where(np.abs(level) > 1e-6, level, 0.0),
            kinds=np.where(np.abs(kinds) > 1e-6, kinds, 0.0),
            excess=np.where(excess < -1e-6, excess, np.float32(0)),
            at_least=at_least,
            total=total,
            most=most,
            base=scores.total,
        )

    def posterior(
        self,
        scored: Scored,
        proven: NDArray[np.datetime64],
        keepers: NDArray[np.bool_],
        sites: SiteEffects | None = None,
    ) -> Posterior:
        """Prior, evidence and probability of each row; rows without text have what the prior says.

        `sites` are the effects on all `keepers`, once their sites have been counted.
        """
        found = self.weigh(scored, proven, keepers)
        old = low_background(proven)
        documents = {name: level.documents for name, level in self.priors.levels.items()}
        pieces = [
            scored.evidence,
            level_pieces(found, scored.language, documents),
            kinds_pieces(found, scored.language, self.again.languages),
            limit_pieces(found, keepers & old),
        ]
        site, told = np.zeros(len(old)), keepers & ~old
        if sites is not None and self.clustering.spread:
            nats, at = self._sites(sites, scored, found, told)
            pieces.append(site_pieces(nats, sites.machine[at], sites.judged[at], told))
            site[told] = nats
        log_odds = found.prior.astype(np.float64) + (found.ratio + site)
        off = np.where(scored.judged, np.hypot(STATED_SD, self._level_deviations(scored)), 0.0)
        above = UPPER * np.hypot(found.deviation, np.where(old, 0.0, off))
        above = self.again.above(scored, above, ~old) + SITE_DOUBT * np.maximum(-site, 0.0)
        flagged = scored.judged & self._flag(scored)
        columns = {
            "prior_log_odds": pa.array(found.prior),
            "prior_because": found.because.dictionary_decode(),
            "detectors": scored.detectors,
            "detector_abstained": scored.abstained,
            "detector_flagged": pa.array(flagged, mask=np.asarray(scored.abstained.is_null())),
            "evidence": join_lists(pieces),
        }
        return Posterior(
            columns=columns,
            probability=_probability(log_odds),
            upper=_probability(log_odds + above),
            limited=found.excess < 0,
            flagged=flagged,
        )

    def as_json(self) -> dict[str, Any]:
        """What was counted and what follows, for the manifest."""
        detectors = self.detectors
        most = detectors.calibration.bounds[1]
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
                    "limits_ratios": detectors.by_crawl and low >= limit_documents(most),
                    "threshold": float(row.score) if np.isfinite(row.score) else None,
                    "bound": row.bound,
                    "proven_by_documents": row.documents if row.source == conformal.CRAWL else 0,
                    "from": row.source,
                }
            )
        return {
            "detector": {
                "name": NAME,
                "version": detectors.detector,
                "calibration": detectors.name,
                "calibration_version": detectors.calibration.version,
                "calibration_sha256": detectors.calibration.digest(),
                "ranked_by": "ratio of all detectors" if detectors.joint else "score",
                "max_fpr": detectors.max_fpr,
                "strata": strata,
            },
            "prior": self.priors.as_json(),
            "second_reading": self.again.as_json(),
            "sites": self.clustering.as_json(),
        }

    def _flag(self, scored: Scored) -> NDArray[np.bool_]:
        arguments = (scored.words, scored.language)
        if not self.detectors.joint:
            return conformal.flag(scored.score, *arguments, self.thresholds)
        # A calibration's thresholds are of raw scores, the crawl's and a combination's of the ratio that is ranked.
        joint = (conformal.CRAWL, COMBINATION)
        own = [row for row in self.thresholds if row.source in joint]
        other = [row for row in self.thresholds if row.source not in joint]
        raw, _ = embedded_scores(scored.detectors)
        sure = ~np.asarray(scored.abstained.fill_null(True))
        return conformal.flag(scored.score, *arguments, own) | (sure & conformal.flag(raw, *arguments, other))

    def _sites(
        self, effects: SiteEffects, scored: Scored, found: Weighed, told: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """(nats that its site says of each row that is `told`, its row of `effects`); alone on its site, no more than the shift."""
        rows = np.flatnonzero(told)
        new = np.zeros(len(rows), bool)
        prior, ratio = found.prior[rows].astype(np.float64), found.ratio[rows]
        at = look_up(effects, scored.site[rows], kinds(prior, ratio, scored.judged[rows], new))
        return (effects.effect[at] + np.float32(self.clustering.shift)).astype(np.float32), at

    def _level(self, scores: Scores) -> NDArray[np.float64]:
        """Nats that move the ratio of each judged row to the crawl's level."""
        shift = np.zeros(len(scores.score))
        for name, rows in rows_by(scores.language).items():
            shift[rows] = np.float32(self.priors.levels.get(name, Level()).shift)
        return np.where(scores.judged, shift, 0.0)

    def _level_deviations(self, scored: Scored) -> NDArray[np.float64]:
        found = np.full(len(scored.score), Level().deviation)
        rows = rows_by(scored.language)
        for name, level in self.priors.levels.items():
            found[rows.get(name, [])] = level.deviation
        return found

    def _limits(
        self,
        scores: Scores,
        moved: NDArray[np.float64],
        proven: NDArray[np.datetime64],
        keepers: NDArray[np.bool_],
    ) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        """(nats to take back, humans that score as high, humans, nats that they allow) of each row."""
        humans = self.humans if self.detectors.by_crawl else {}
        counted = keepers & scores.judged & low_background(proven)
        at_least, total = conformal.ranks(humans, scores.score, scores.words, scores.language, counted)
        most = conformal.limits(at_least, total, self.detectors.calibration.bounds[1])
        excess = np.where(scores.judged, np.minimum(most - scores.ratio - moved, 0.0), 0.0)
        return excess.astype(np.float32), at_least, total, most


def calibrate_crawl(detectors: CalibratedDetectors, counts: pa.Table, prior: Prior) -> CrawlCalibration:
    """What the counts of a whole crawl say about its detectors and its priors."""
    humans = histograms(counts, human=True)
    usable = humans if detectors.by_crawl else {}
    thresholds = conformal.thresholds(usable, detectors.calibration, detectors.max_fpr, detectors.name)
    thresholds = [detectors.joint_threshold(row) for row in thresholds]
    most = detectors.calibration.bounds[1]
    nats = {}
    for language in sorted({*detectors.calibration.languages(), *(humans if detectors.joint else ())}):
        nats[language] = joint_ratios() if detectors.joint else detectors.calibration.bin_ratios(language)
    found = levels(counts, nats, detectors.known_humans()) if detectors.by_crawl else {}
    for language, table in nats.items():
        if language in usable:
            shift = found[language].shift if language in found else 0.0
            nats[language] = np.minimum(table, limit_table(usable[language], most) - shift)
    priors = estimate(counts, nats, found, prior)
    again = read_again(detectors, counts, priors)
    others = histograms(counts, human=False)
    return CrawlCalibration(
        detectors, humans, others, thresholds=tuple(thresholds), priors=priors, again=again
    )


def joint_ratios() -> NDArray[np.float64]:
    """Ratio at the middle of each bin where ratios themselves are what is binned."""
    middle = np.linspace(-HIGHEST, HIGHEST, 2 * conformal.BINS + 1)[1::2]
    return np.tile(middle, (len(BUCKETS), 1))


def _probability(log_odds: NDArray[np.float64]) -> NDArray[np.float32]:
    # Beyond 700 nats, which no evidence reaches but a prior of 1e-320 does, a float overflows.
    return np.asarray(1.0 / (1.0 + np.exp(np.minimum(-log_odds, 700.0)))).astype(np.float32)


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
