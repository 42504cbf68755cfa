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

from provenance import schema
from provenance.configuration import Configuration, Prior
from provenance.decisions.counts import histograms
from provenance.decisions.detectors import CalibratedDetectors, Scored, embedded_scores
from provenance.decisions.level import Level, levels
from provenance.decisions.prior import STATED_SD, Priors, estimate
from provenance.decisions.sites import SITE_SOURCE, Clustering, SiteEffects, kinds, look_up
from provenance.detectors.embedded import conformal
from provenance.detectors.embedded.annotator import NAME
from provenance.detectors.embedded.calibration import (
    BUCKETS,
    HIGHEST,
    limit_documents,
    limit_table,
    rows_by,
)
from provenance.evidence import at_most_one, evidence_sum, join_lists, low_background

#: Source of the piece of evidence that takes back what the crawl's own humans do not allow.
LIMIT_SOURCE = "detector:crawl"
#: Source of the piece that moves all ratios of a language to the level of the crawl's own humans.
LEVEL_SOURCE = "detector:level"
#: One-sided 95% of a normal distribution: how far `probability_upper` lies above the posterior, in deviations.
UPPER = 1.6448536269514722


@dataclass(frozen=True)
class Posterior:
    """Columns of `schema.DECISIONS` for the rows of one shard, and which of them were limited or flagged."""

    columns: dict[str, pa.Array]
    probability: NDArray[np.float32]
    upper: NDArray[
        np.float32
    ]  # what the probability is below with 95% confidence, prior and level being uncertain
    prior: NDArray[np.float64]  # log-odds
    ratio: NDArray[np.float64]  # of all evidence but the site's, nats
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
    clustering: Clustering = field(default_factory=Clustering)

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
        level, shift = self._level(scored)
        limits, limited = self._limits(scored, shift, proven, keepers)
        evidence = join_lists([scored.evidence, level, limits])
        prior, deviation, because = self.priors.of(proven, scored.language, scored.source)
        ratio = evidence_sum(evidence)
        if sites is not None and self.clustering.spread:
            told = keepers & ~low_background(proven)
            evidence = join_lists([evidence, self._sites(sites, scored, prior, ratio, told)])
        log_odds = prior.astype(np.float64) + evidence_sum(evidence)
        off = np.where(scored.judged, np.hypot(STATED_SD, self._level_deviations(scored)), 0.0)
        above = UPPER * np.hypot(deviation, np.where(low_background(proven), 0.0, off))
        flagged = scored.judged & self._flag(scored)
        columns = {
            "prior_log_odds": pa.array(prior),
            "prior_because": because.dictionary_decode(),
            "detectors": scored.detectors,
            "detector_abstained": scored.abstained,
            "detector_flagged": pa.array(flagged, mask=np.asarray(scored.abstained.is_null())),
            "evidence": evidence,
        }
        return Posterior(
            columns=columns,
            probability=_probability(log_odds),
            upper=_probability(log_odds + above),
            prior=prior.astype(np.float64),
            ratio=ratio,
            limited=limited,
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
            "sites": self.clustering.as_json(),
        }

    def _flag(self, scored: Scored) -> NDArray[np.bool_]:
        arguments = (scored.words, scored.language)
        if not self.detectors.joint:
            return conformal.flag(scored.score, *arguments, self.thresholds)
        # A calibration's thresholds are of raw scores, the crawl's of the ratio that is ranked.
        own = [row for row in self.thresholds if row.source == conformal.CRAWL]
        other = [row for row in self.thresholds if row.source != conformal.CRAWL]
        raw, _ = embedded_scores(scored.detectors)
        sure = ~np.asarray(scored.abstained.fill_null(True))
        return conformal.flag(scored.score, *arguments, own) | (sure & conformal.flag(raw, *arguments, other))

    def _sites(
        self,
        effects: SiteEffects,
        scored: Scored,
        prior: NDArray[np.float32],
        ratio: NDArray[np.float64],
        told: NDArray[np.bool_],
    ) -> pa.Array:
        """What its site says about each row that is `told`: new keepers; alone on its site, no more than the common shift."""
        rows = np.flatnonzero(told)
        new = np.zeros(len(rows), bool)
        kind = kinds(prior[rows].astype(np.float64), ratio[rows], scored.judged[rows], new)
        at = look_up(effects, scored.site[rows], kind)
        nats = effects.effect[at] + np.float32(self.clustering.shift)
        because = [
            f"{machine:,} of {judged:,} other judged documents of its site look machine-written"
            for machine, judged in zip(effects.machine[at].tolist(), effects.judged[at].tolist(), strict=True)
        ]
        return at_most_one(_pieces(SITE_SOURCE, nats, because), told, schema.EVIDENCE)

    def _level(self, scored: Scored) -> tuple[pa.Array, NDArray[np.float64]]:
        """(evidence that moves the ratios of judged rows to the crawl's level, its nats) of each row."""
        shift, documents = np.zeros(len(scored.score)), np.zeros(len(scored.score), np.int64)
        for name, rows in rows_by(scored.language).items():
            level = self.priors.levels.get(name, Level())
            shift[rows], documents[rows] = np.float32(level.shift), level.documents
        shift = np.where(scored.judged, shift, 0.0)
        moved = np.abs(shift) > 1e-6
        because = [
            f"{count:,} documents of this crawl from before 2022-11-30 in this language have a mean ratio that says so"
            for count in documents[moved].tolist()
        ]
        return at_most_one(_pieces(LEVEL_SOURCE, shift[moved], because), moved, schema.EVIDENCE), shift

    def _level_deviations(self, scored: Scored) -> NDArray[np.float64]:
        found = np.full(len(scored.score), Level().deviation)
        for name, level in self.priors.levels.items():
            found[rows_by(scored.language).get(name, [])] = level.deviation
        return found

    def _limits(
        self,
        scored: Scored,
        shift: NDArray[np.float64],
        proven: NDArray[np.datetime64],
        keepers: NDArray[np.bool_],
    ) -> tuple[pa.Array, NDArray[np.bool_]]:
        """(evidence that takes back what is too much, whether there is any) of each row, its ratio shifted."""
        old = low_background(proven)
        humans = self.humans if self.detectors.by_crawl else {}
        at_least, total = conformal.ranks(
            humans, scored.score, scored.words, scored.language, keepers & scored.judged & old
        )
        most = conformal.limits(at_least, total, self.detectors.calibration.bounds[1])
        excess = np.where(scored.judged, np.minimum(most - scored.ratio - shift, 0.0), 0.0).astype(np.float32)
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
        pieces = _pieces(LIMIT_SOURCE, excess[rows], because)
        return at_most_one(pieces, limited, schema.EVIDENCE), limited


def calibrate_crawl(detectors: CalibratedDetectors, counts: pa.Table, prior: Prior) -> CrawlCalibration:
    """What the counts of a whole crawl say about its detectors and its priors."""
    humans = histograms(counts, human=True)
    usable = humans if detectors.by_crawl else {}
    thresholds = conformal.thresholds(usable, detectors.calibration, detectors.max_fpr, detectors.name)
    most = detectors.calibration.bounds[1]
    nats = {}
    for language in sorted({*detectors.calibration.languages(), *(humans if detectors.joint else ())}):
        nats[language] = _joint_ratios() if detectors.joint else detectors.calibration.bin_ratios(language)
    found = levels(counts, nats, detectors.calibration) if detectors.by_crawl and not detectors.joint else {}
    for language, table in nats.items():
        if language in usable:
            shift = found[language].shift if language in found else 0.0
            nats[language] = np.minimum(table, limit_table(usable[language], most) - shift)
    priors = estimate(counts, nats, found, prior)
    return CrawlCalibration(detectors, humans, histograms(counts, human=False), tuple(thresholds), priors)


def _joint_ratios() -> NDArray[np.float64]:
    """Ratio at the middle of each bin where ratios themselves are what is binned."""
    middle = np.linspace(-HIGHEST, HIGHEST, 2 * conformal.BINS + 1)[1::2]
    return np.tile(middle, (len(BUCKETS), 1))


def _pieces(source: str, nats: NDArray[Any], because: list[str]) -> pa.StructArray:
    """Pieces of evidence of one source."""
    columns = [
        pa.array([source] * len(because), pa.string()),
        pa.array(nats.astype(np.float32)),
        pa.array(because, pa.string()),
    ]
    return pa.StructArray.from_arrays(columns, fields=list(schema.EVIDENCE.value_type))


def _probability(log_odds: NDArray[np.float64]) -> NDArray[np.float32]:
    return np.asarray(1.0 / (1.0 + np.exp(-log_odds))).astype(np.float32)


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
