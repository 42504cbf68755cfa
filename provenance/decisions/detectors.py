"""What the detectors of a job say of the rows of a shard, by the calibration that the job was given.

Scores are read from the annotated shard: no text is touched, so another calibration costs no re-scoring.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from provenance import schema
from provenance.configuration import Configuration
from provenance.decisions.counts import count_scores, proof_months
from provenance.decisions.sites import site_hashes
from provenance.detectors.embedded.annotator import NAME, embedded_evidence
from provenance.detectors.embedded.calibration import (
    Calibration,
    CalibrationError,
    bucket,
    level_of,
    load_calibration,
    read_calibration,
)
from provenance.detectors.embedded.conformal import CRAWL, Threshold
from provenance.detectors.embedded.model import load_model
from provenance.detectors.neural.calibration import chosen_combination, combine
from provenance.detectors.neural.config import Combination
from provenance.detectors.share import Kinds, find_kinds
from provenance.errors import ConfigurationError, suggestion
from provenance.evidence import evidence_sum, filter_lists, join_lists, low_background

#: Columns of an annotated shard that are read.
COLUMNS = "doc_id detectors detector_abstained detector_words detector_known evidence language source domain host capture_time".split()
#: Sources of the evidence of detectors; the second corrects the first.
EMBEDDED, NEURAL = f"detector:{NAME}", "detector:neural"
#: Where a threshold of the joint ratio comes from if not from the crawl.
COMBINATION = "combination of the detectors"


@dataclass(frozen=True)
class Scores:
    """What the detectors say of the rows of one shard in numbers, each of shape (rows,)."""

    score: NDArray[np.float64]  # what is ranked against the crawl's humans
    words: NDArray[np.int64]
    language: pa.Array
    source: pa.Array
    site: NDArray[np.uint64]  # hash of the registrable domain
    ratio: NDArray[np.float64]  # of all detectors together, nats
    total: NDArray[np.float64]  # of all evidence, nats
    judged: NDArray[np.bool_]  # some detector has an opinion


@dataclass(frozen=True)
class Scored(Scores):
    """The same with the columns that are published."""

    detectors: pa.Array
    abstained: pa.Array  # the embedded detector; null where there is no text
    evidence: pa.Array

    def asked(self, rows: NDArray[np.bool_]) -> dict[str, int]:
        """How many of `rows` each detector was asked about, by name."""
        names = pc.list_flatten(self.detectors.filter(pa.array(rows))).field("name")
        return {item["values"]: item["counts"] for item in pc.value_counts(names).to_pylist()}


@dataclass(frozen=True)
class CalibratedDetectors:
    """What is known of a job's detectors before its documents are counted.

    With neural detectors (`joint`) the ratio of all of them together is what is ranked, else the raw score.
    """

    calibration: Calibration
    name: str  # "shipped" or the name of the calibration file
    detector: str  # version of the embedded detector
    max_fpr: float
    by_crawl: bool
    joint: bool = False
    combination: Combination | None = None
    read_by: str = ""  # version of the calibration by which the annotate stage read the scores
    kinds: Kinds | None = None  # what crawls may be made of, where that is known for detector and calibration

    def read(self, table: pa.Table) -> Scored:
        """The scores and ratios that stand in the `COLUMNS` of a shard."""
        detectors, evidence = (table[name].combine_chunks() for name in ("detectors", "evidence"))
        language, source = (table[name].combine_chunks() for name in ("language", "source"))
        words = np.asarray(table["detector_words"].fill_null(0)).astype(np.int64)
        known = np.asarray(table["detector_known"].fill_null(0.0), float)
        score, present = embedded_scores(detectors)
        abstained = table["detector_abstained"].combine_chunks()
        if self.calibration.version != self.read_by:
            ratios, silent = self.calibration.ratios(score, words, language, known)
            silent |= ~present
            version = f"{self.detector}+{self.calibration.version}"
            detectors = _with_ratios(detectors, ratios, version)
            evidence = self._read_anew(detectors, evidence, score, words=words, ratios=ratios, silent=silent)
            abstained = pa.array(silent, mask=~present)
        ratio, judged = _detector_ratios(evidence)
        return Scored(
            score=ratio if self.joint else score,
            words=words,
            language=language,
            source=source,
            site=site_hashes(table),
            ratio=ratio,
            total=evidence_sum(evidence),
            judged=judged & (bucket(words) >= 0),
            detectors=detectors,
            abstained=abstained,
            evidence=evidence,
        )

    def count(self, scored: Scores, proven: NDArray[np.datetime64], keepers: NDArray[np.bool_]) -> pa.Table:
        """Counts (`counts.COUNTS`) of the judged documents among `keepers`."""
        rows = np.flatnonzero(keepers & scored.judged)
        take = pa.array(rows)
        return count_scores(
            scores=scored.score[rows],
            words=scored.words[rows],
            languages=scored.language.take(take),
            sources=scored.source.take(take),
            sites=scored.site[rows],
            months=proof_months(proven[rows]),
            human=low_background(proven[rows]),
        )

    def joint_threshold(self, shipped: Threshold) -> Threshold:
        """The combination's threshold in place of a calibration's, which is of raw scores, where it has one."""
        levels = self.combination.thresholds.get(shipped.language) if self.combination else None
        place = level_of(self.max_fpr)
        if not self.joint or levels is None or shipped.source == CRAWL or place < 0:
            return shipped
        return replace(shipped, score=levels[place], source=COMBINATION)

    def known_humans(self) -> Calibration:
        """The calibration with what is known of humans' ratios: the embedded detector's, or the joint ones where those are ranked."""
        if not self.joint:
            return self.calibration
        means = self.combination.human_means if self.combination else {}
        spreads = self.combination.human_spreads if self.combination else {}
        return replace(self.calibration, human_means=means, human_spreads=spreads)

    def _read_anew(
        self,
        detectors: pa.Array,
        evidence: pa.Array,
        score: NDArray[np.float64],
        words: NDArray[np.int64],
        ratios: NDArray[np.float32],
        silent: NDArray[np.bool_],
    ) -> pa.Array:
        """The evidence with the embedded detector's piece replaced, and the neural one that rests on it."""
        own = embedded_evidence(score, words, ratios, silent, f"as {self.name} says for this length")
        sources = evidence.flatten().field("source")
        neural = np.flatnonzero(np.asarray(pc.equal(sources, NEURAL)))
        parents = np.asarray(pc.list_parent_indices(evidence))
        pieces: list[list[dict[str, Any]]] = [[]] * len(evidence)
        for at in neural.tolist():  # these rows have cost a neural model, so a loop is no matter
            row = int(parents[at])
            named = {item["name"]: item["llr"] for item in detectors[row].as_py() if item["llr"] is not None}
            embedded = float(ratios[row])
            if silent[row]:
                named.pop(NAME, None)
            together = combine(self.combination, named)
            shown = ", ".join(f"{name} {value:+.2f}" for name, value in named.items())
            because = f"{shown}: together {together:+.2f}, this is what that adds to embedded"
            pieces[row] = [{"source": NEURAL, "llr": together - embedded, "because": because}]
        replaced = pa.array([EMBEDDED, NEURAL])
        kept = filter_lists(evidence, pc.invert(pc.is_in(sources, value_set=replaced)))
        return join_lists([kept, own, pa.array(pieces, schema.EVIDENCE)])


def load_detectors(configuration: Configuration) -> CalibratedDetectors:
    """The detectors of a configuration.

    Raises:
        ConfigurationError: where the calibration file cannot be used.
    """
    chosen = configuration.detector
    try:
        version = load_model(chosen.model).version
        calibration = own = load_calibration(chosen.model)
    except ValueError as error:
        raise ConfigurationError(f"detector.model: {error}") from error
    if own.detector != version:
        raise ConfigurationError(
            f"detector.model: {chosen.model}: its calibration is for detector {own.detector}, not {version}"
        )
    name = "the shipped calibration" if chosen.model is None else "the calibration of its own"
    if chosen.calibration not in ("crawl", "shipped"):
        try:
            calibration = read_calibration(chosen.calibration, version)
        except CalibrationError as error:
            near = suggestion(chosen.calibration, ("crawl", "shipped"))
            raise ConfigurationError(f"detector.calibration: {error}{near}") from error
        name = f"calibration {Path(chosen.calibration).name}"
    neural, by_crawl = configuration.neural, chosen.calibration != "shipped"
    try:
        kinds = find_kinds(chosen.model) if by_crawl and not neural.detectors else None
    except ValueError as error:
        raise ConfigurationError(f"detector.model: {error}") from error
    if kinds is not None and (kinds.detector, kinds.calibration) != (version, calibration.version):
        kinds = None
    return CalibratedDetectors(
        calibration=calibration,
        name=name,
        detector=version,
        max_fpr=chosen.max_fpr,
        by_crawl=by_crawl,
        joint=bool(neural.detectors),
        combination=chosen_combination(neural, chosen.model),
        read_by=own.version,
        kinds=kinds,
    )


def embedded_scores(detectors: pa.Array) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """(raw score of the embedded detector, whether there is one) of each row."""
    entries = detectors.flatten()
    own = np.asarray(pc.equal(entries.field("name"), NAME))
    parents = np.asarray(pc.list_parent_indices(detectors))[own]
    score, present = np.zeros(len(detectors)), np.zeros(len(detectors), bool)
    score[parents] = np.asarray(entries.field("score"))[own]
    present[parents] = True
    return score, present


def _detector_ratios(evidence: pa.Array) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """(sum of the ratios of all detectors, whether there is any) of each row."""
    entries = evidence.flatten()
    ours = pa.array([EMBEDDED, NEURAL])
    own = np.asarray(pc.is_in(entries.field("source"), value_set=ours))
    parents = np.asarray(pc.list_parent_indices(evidence))[own]
    ratios = np.asarray(entries.field("llr"), np.float64)[own]
    total = np.bincount(parents, weights=ratios, minlength=len(evidence)).astype(np.float64)
    judged = np.zeros(len(evidence), bool)
    judged[parents] = True
    return total, judged


def _with_ratios(detectors: pa.Array, ratios: NDArray[np.float32], version: str) -> pa.Array:
    """The detectors with the embedded one's ratio and version replaced."""
    entries = detectors.flatten()
    own = pc.equal(entries.field("name"), NAME)
    parents = np.asarray(pc.list_parent_indices(detectors))
    fields = [
        entries.field("name"),
        pc.if_else(own, pa.scalar(version), entries.field("version")),
        entries.field("score"),
        pc.if_else(own, pa.array(ratios[parents]), entries.field("llr")),
    ]
    values = pa.StructArray.from_arrays(fields, fields=list(schema.DETECTORS.value_type))
    counts = np.asarray(pc.list_value_length(detectors).fill_null(0))
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    null = pa.array(np.asarray(detectors.is_null()))
    return pa.ListArray.from_arrays(pa.array(offsets), values, type=schema.DETECTORS, mask=null)
