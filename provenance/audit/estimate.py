"""How much of a dataset is synthetic, and what its watermarks say; what is kept of it are counts that add up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from provenance.annotators.watermarks.null import benjamini_hochberg
from provenance.audit.columns import has_p_values, languages_of, proof_of, sites_of, strings_of
from provenance.audit.inputs import AuditError
from provenance.audit.selection import Probabilities
from provenance.detectors.embedded.calibration import load_calibration
from provenance.detectors.embedded.model import load_model
from provenance.detectors.prevalence import Estimate, em_share
from provenance.detectors.share import (
    BINS,
    GROUPS,
    LOWEST,
    WIDTH,
    Worlds,
    design_effect,
    load_kinds,
    make_worlds,
    ratio_bins,
    shipped_worlds,
)
from provenance.evidence import LOW_BACKGROUND_BEFORE

#: Own documents of a language from before 2022-11-30 from which on they count among what may stand for its people.
ENOUGH_HUMANS = 100
#: Strata of one dimension that are counted apart; the rest go to "other".
MOST_STRATA = 200
#: Documents of a language below which no share is estimated for it.
FEWEST_DOCUMENTS = 50
#: False-discovery rate at which watermarked documents are counted.
DISCOVERY_RATE = 0.05
METHOD = "kinds unlike the known ones allowed for"
_MOST_P_VALUES = 1_000_000
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_DIMENSIONS = ("language", "year", "source")

Table = NDArray[np.int64]


@dataclass
class Stratum:
    """Counts of one part of a dataset."""

    documents: int = 0
    proven_human: int = 0  # of `documents`, proven to be older than 2022-11-30
    #: Of those the judged ones, by language.
    old: dict[str, int] = field(default_factory=dict)
    #: Judged documents not proven human, by language: group of sites and bin of their ratio, shape (GROUPS, BINS).
    fresh: dict[str, Table] = field(default_factory=dict)


@dataclass
class Counts:
    """What an audit keeps of a dataset to estimate shares."""

    whole: Stratum = field(default_factory=Stratum)
    strata: dict[str, dict[str, Stratum]] = field(default_factory=lambda: {name: {} for name in _DIMENSIONS})
    #: Judged documents that are proven human, by language.
    humans: dict[str, Table] = field(default_factory=dict)
    probabilities: Probabilities = field(default_factory=Probabilities)
    p_values: list[float] = field(default_factory=list)
    watermarks_read: bool = False


@dataclass(frozen=True)
class _Judged:
    """Documents of a batch, each array of shape (documents,)."""

    human: NDArray[np.bool_]
    judged: NDArray[np.bool_]
    language: NDArray[np.object_]
    cell: NDArray[np.int64]  # group times BINS plus bin, of the judged

    def count(self, rows: NDArray[np.bool_]) -> dict[str, Table]:
        """Judged documents among some, by language, shape (GROUPS, BINS)."""
        rows = rows & self.judged
        return {
            name: np.bincount(self.cell[rows & (self.language == name)], minlength=GROUPS * BINS).reshape(
                GROUPS, BINS
            )
            for name in sorted(set(self.language[rows].tolist()))
        }


def prevalence_report(counts: Counts, selected: str | None = None) -> dict[str, Any]:
    """Shares of the whole and of its strata; `selected` says what was taken from the dataset before.

    Raises:
        AuditError: where the shipped reference belongs to another detector.
    """
    kinds, calibration = load_kinds(), load_calibration()
    made = (kinds.detector, kinds.calibration)
    if made != (load_model().version, calibration.version):
        raise AuditError(
            f"the shipped reference was made for detector {made[0]} and calibration {made[1]}, these are "
            f"{load_model().version} and {calibration.version}; run `python scripts/train prevalence`"
        )
    own = {name: found for name, found in counts.humans.items() if found.sum() >= ENOUGH_HUMANS}
    worlds = {
        name: make_worlds(kinds, name, own[name], selected is not None)
        if name in own
        else shipped_worlds(name, selected is not None)
        for name in sorted(counts.whole.fresh)
        if name in kinds.languages
    }
    return {
        "reference": {
            "detector": kinds.detector,
            "calibration": kinds.calibration,
            "languages": list(kinds.languages),
            "human_kinds": len(kinds.human.counts),
            "generators": len(kinds.synthetic.counts),
            "own_human_documents": {name: int(found.sum()) for name, found in sorted(own.items())},
        },
        "selected": selected,
        "documents": _shares(counts.whole, worlds) | {"further": _further(counts.whole)},
        **{
            f"by_{name}": {
                value: _shares(stratum, worlds) for value, stratum in sorted(counts.strata[name].items())
            }
            for name in _DIMENSIONS
        },
    }


def _shares(stratum: Stratum, worlds: Mapping[str, Worlds]) -> dict[str, Any]:
    """Counts and estimate of one stratum, the share being that of all its judged documents.

    Limits of several languages add up as if all erred the same way; documents proven human lower them all.
    """
    found, judged = [], 0
    effects = {}
    for name, counts in sorted(stratum.fresh.items()):
        fresh = int(counts.sum())
        if name in worlds and fresh >= FEWEST_DOCUMENTS:
            item = worlds[name].estimate(counts, METHOD)
            found.append((fresh, item))
            effects[name] = round(design_effect(counts), 2)
            judged += fresh + stratum.old.get(name, 0)
    for name, old in stratum.old.items():
        if name not in effects and not stratum.fresh.get(name, np.zeros(0)).any():
            judged += old
    estimates = []
    if found:
        share, low, high = (
            sum(fresh * getattr(item, limit) for fresh, item in found) / judged
            for limit in ("share", "low", "high")
        )
        estimates.append(Estimate(METHOD, share, low, high, judged).as_json())
    elif judged:
        estimates.append(Estimate("all proven before 2022-11-30", 0.0, 0.0, 0.0, judged).as_json())
    return {
        "documents": stratum.documents,
        "judged": judged,
        "proven_human": stratum.proven_human,
        "estimates": estimates,
        "design_effects": effects,
    }


def _further(stratum: Stratum) -> list[dict[str, Any]]:
    """The share that the ratios of single documents give, as the select stage reads them, of the documents not proven human."""
    calibration = load_calibration()
    counts = sum(table.sum(axis=0) for table in stratum.fresh.values())
    documents = int(np.sum(counts))
    if documents < FEWEST_DOCUMENTS:
        return []
    ratios = np.exp(np.clip(LOWEST + WIDTH * (np.arange(BINS) + 0.5), *calibration.bounds))
    return [{"method": "EM on calibrated ratios", "share": em_share(ratios, counts), "documents": documents}]


def count_batch(counts: Counts, batch: pa.RecordBatch, texts: pa.Array) -> None:
    """Count the documents of a batch; each has a text."""
    languages = languages_of(batch, texts)
    proven, year = proof_of(batch)
    found = _judge(batch, texts, languages, np.asarray(proven < LOW_BACKGROUND_BEFORE))
    everything = np.ones(len(texts), bool)
    for name, table in found.count(found.human).items():
        counts.humans[name] = counts.humans.get(name, 0) + table
    _add(counts.whole, found, everything)
    labels = {
        "language": [language or "unknown" for language in languages],
        "year": year,
        "source": strings_of(batch, "source"),
    }
    for dimension, values in labels.items():
        strata, own = counts.strata[dimension], np.array(values, dtype=object)
        for value in sorted(set(values)):
            name = value if value in strata or len(strata) < MOST_STRATA else "other"
            _add(strata.setdefault(name, Stratum()), found, own == value)
    counts.probabilities.add(batch)
    if "watermarks" in batch.schema.names and has_p_values(batch["watermarks"].type):
        _count_watermarks(counts, batch["watermarks"])


def _judge(
    batch: pa.RecordBatch,
    texts: pa.Array,
    languages: list[str | None],
    human: NDArray[np.bool_],
) -> _Judged:
    """What the detector says of the documents of a batch."""
    calibration = load_calibration()
    scores = load_model().score(texts, languages)
    _, abstained = calibration.ratios(scores.score, scores.words, languages, scores.known)
    names = np.array(languages, dtype=object)
    place = np.zeros(len(texts), np.int64)
    for name in sorted(set(names[~abstained].tolist())):
        rows = ~abstained & (names == name)
        place[rows] = ratio_bins(calibration, name, scores.score[rows].astype(float), scores.words[rows])
    sites = sites_of(batch)
    # Where no site is known each document is one, and its own words say which group it falls into.
    own = scores.score.view(np.uint32).astype(np.uint64) << np.uint64(32) | scores.words.astype(np.uint64)
    spread = ((own ^ (own >> np.uint64(31))) * _GOLDEN) >> np.uint64(32)
    group = np.where(sites > 0, sites, spread) % np.uint64(GROUPS)
    return _Judged(human, ~abstained, names, group.astype(np.int64) * BINS + place)


def _add(stratum: Stratum, found: _Judged, rows: NDArray[np.bool_]) -> None:
    stratum.documents += int(rows.sum())
    stratum.proven_human += int((rows & found.human).sum())
    for name, table in found.count(rows & ~found.human).items():
        stratum.fresh[name] = stratum.fresh.get(name, 0) + table
    for name, table in found.count(rows & found.human).items():
        stratum.old[name] = stratum.old.get(name, 0) + int(table.sum())


def _count_watermarks(counts: Counts, column: pa.Array) -> None:
    """Collect the smallest p-value of each document that has one."""
    counts.watermarks_read = True
    parents = np.asarray(pc.list_parent_indices(column))
    p_values = np.asarray(pc.list_flatten(column).field("p_value").fill_null(1.0), float)
    smallest = np.ones(len(column))
    np.minimum.at(smallest, parents, p_values)
    found = smallest[np.unique(parents)].tolist()
    counts.p_values.extend(found[: _MOST_P_VALUES - len(counts.p_values)])


def watermarks_report(counts: Counts) -> dict[str, Any]:
    """How many documents carry a watermark at DISCOVERY_RATE, by Benjamini and Hochberg (1995).

    Every document counts as a test, for only small p-values are written to a dataset.
    """
    if not counts.watermarks_read:
        return {"read": False, "documents": 0, "found": 0}
    tests = counts.whole.documents
    q = np.zeros(0)
    if counts.p_values:
        q = benjamini_hochberg(np.array(counts.p_values)) * (tests / len(counts.p_values))
    return {
        "read": True,
        "documents": tests,
        "with_p_value": len(counts.p_values),
        "false_discovery_rate": DISCOVERY_RATE,
        "found": int((q <= DISCOVERY_RATE).sum()),
    }
