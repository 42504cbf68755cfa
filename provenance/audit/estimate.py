"""How much of a dataset is synthetic, and what its watermarks say; what is kept of it are counts that add up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from provenance.annotators.hashing import GOLDEN
from provenance.annotators.watermarks.null import benjamini_hochberg
from provenance.audit.columns import has_p_values, languages_of, proof_of, sites_of, strings_of
from provenance.audit.drawn import CAPACITY, Drawn, ranks_of
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
_DIMENSIONS = ("language", "year", "source")


@dataclass
class Stratum:
    """Counts of one part of a dataset."""

    capacity: int = CAPACITY  # of each of `judged`
    documents: int = 0
    proven_human: int = 0  # of `documents`, proven to be older than 2022-11-30
    #: Judged documents by language and whether they are proven human.
    judged: dict[tuple[str, bool], Drawn] = field(default_factory=dict)

    def of(self, human: bool) -> dict[str, Drawn]:
        """Judged documents, proven human or not, by language."""
        return {name: drawn for (name, old), drawn in sorted(self.judged.items()) if old == human}


@dataclass
class Counts:
    """What an audit keeps of a dataset to estimate shares."""

    whole: Stratum = field(default_factory=Stratum)
    strata: dict[str, dict[str, Stratum]] = field(default_factory=lambda: {name: {} for name in _DIMENSIONS})
    probabilities: Probabilities = field(default_factory=Probabilities)
    p_values: list[float] = field(default_factory=list)
    watermarks_read: bool = False

    def parts(self, labels: Mapping[str, list[str]]) -> list[tuple[Stratum, NDArray[np.int64]]]:
        """The parts of the dataset that a batch belongs to, each with its rows; `labels` name those of each row by dimension."""
        found = [(self.whole, np.arange(len(labels["language"])))]
        for dimension, values in labels.items():
            strata, own = self.strata[dimension], np.array(values, dtype=object)
            for value in sorted(set(values)):
                name = value if value in strata or len(strata) < MOST_STRATA else "other"
                stratum = strata.setdefault(name, Stratum(self.whole.capacity))
                found.append((stratum, np.flatnonzero(own == value)))
        return found


@dataclass(frozen=True)
class _Documents:
    """Documents of a batch, each array of shape (documents,)."""

    language: NDArray[np.object_]
    human: NDArray[np.bool_]  # proven to be
    rank: NDArray[np.uint8]

    def by_kind(self, rows: NDArray[np.int64]) -> Iterator[tuple[tuple[str, bool], NDArray[np.int64]]]:
        """Some documents by language and whether they are proven human; those without a language are passed over."""
        language, human = self.language[rows], self.human[rows]
        for name in sorted({name for name in language.tolist() if name is not None}):
            for old in (False, True):
                yield (name, old), rows[(language == name) & (human == old)]


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
    humans = {name: drawn.table() for name, drawn in counts.whole.of(human=True).items()}
    own = {name: found for name, found in humans.items() if found.sum() >= ENOUGH_HUMANS}
    worlds = {
        name: make_worlds(kinds, name, own[name], selected is not None)
        if name in own
        else shipped_worlds(name, selected is not None)
        for name in counts.whole.of(human=False)
        if kinds.human.own_kinds(name)
    }
    stated = set(kinds.languages)
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
        "documents": _shares(counts.whole, worlds, stated) | {"further": _further(counts.whole)},
        **{
            f"by_{name}": {
                value: _shares(stratum, worlds, stated)
                for value, stratum in sorted(counts.strata[name].items())
            }
            for name in _DIMENSIONS
        },
    }


def _shares(stratum: Stratum, worlds: Mapping[str, Worlds], stated: AbstractSet[str]) -> dict[str, Any]:
    """Counts and estimate of one stratum, the share being that of all its judged documents.

    Of languages that are not `stated`, whose people may score like machines, there is the upper limit only (`at_most`).
    Limits of several languages add up as if all erred the same way; documents proven human lower them all.
    """
    found, judged = [], 0
    effects, at_most = {}, {}
    fresh, old = (
        stratum.of(human=False),
        {name: drawn.documents for name, drawn in stratum.of(human=True).items()},
    )
    for name, drawn in fresh.items():
        counts = drawn.table()
        if name not in worlds or counts.sum() < FEWEST_DOCUMENTS:
            continue
        item, documents = worlds[name].estimate(counts, METHOD), drawn.documents + old.get(name, 0)
        if name in stated:
            found.append((drawn.documents, item))
            effects[name] = round(design_effect(counts), 2)
            judged += documents
        else:
            at_most[name] = item.high * drawn.documents / documents
    judged += sum(documents for name, documents in old.items() if name not in fresh)
    estimates = []
    if found:
        share, low, high = (
            sum(documents * getattr(item, limit) for documents, item in found) / judged
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
        "at_most": at_most,
        "read_by_sample": {
            name: sum(len(drawn.cells) for key, drawn in stratum.judged.items() if key[0] == name)
            for name in sorted({name for (name, _), drawn in stratum.judged.items() if drawn.level})
        },
    }


def _further(stratum: Stratum) -> list[dict[str, Any]]:
    """The share that the ratios of single documents give, as the select stage reads them, of the documents not proven human."""
    calibration = load_calibration()
    counts = sum(drawn.table().sum(axis=0) << drawn.level for drawn in stratum.of(human=False).values())
    documents = int(np.sum(counts))
    if documents < FEWEST_DOCUMENTS:
        return []
    ratios = np.exp(np.clip(LOWEST + WIDTH * (np.arange(BINS) + 0.5), *calibration.bounds))
    return [{"method": "EM on calibrated ratios", "share": em_share(ratios, counts), "documents": documents}]


def count_batch(counts: Counts, batch: pa.RecordBatch, texts: pa.Array) -> None:
    """Count the documents of a batch; each has a text. The detector reads those that some part still keeps."""
    languages = languages_of(batch, texts)
    proven, year = proof_of(batch)
    documents = _Documents(
        np.array(languages, dtype=object),
        np.asarray(proven < LOW_BACKGROUND_BEFORE),
        ranks_of(counts.whole.documents, len(texts)),
    )
    labels = {
        "language": [language or "unknown" for language in languages],
        "year": year,
        "source": strings_of(batch, "source"),
    }
    parts = counts.parts(labels)
    wanted = np.zeros(len(texts), bool)
    for stratum, rows in parts:
        stratum.documents += len(rows)
        stratum.proven_human += int(documents.human[rows].sum())
        for key, some in documents.by_kind(rows):
            wanted[some] |= documents.rank[some] >= (
                stratum.judged[key].level if key in stratum.judged else 0
            )
    cell = _judge(batch, texts, documents.language, wanted)
    for stratum, rows in parts:
        for key, some in documents.by_kind(rows[cell[rows] >= 0]):
            if len(some):
                drawn = stratum.judged.setdefault(key, Drawn(stratum.capacity))
                drawn.add(documents.rank[some], cell[some])
    counts.probabilities.add(batch)
    if "watermarks" in batch.schema.names and has_p_values(batch["watermarks"].type):
        _count_watermarks(counts, batch["watermarks"])


def _judge(
    batch: pa.RecordBatch, texts: pa.Array, languages: NDArray[np.object_], wanted: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Group of sites times BINS plus bin of the ratio that the detector gives each of the `wanted` documents, -1 where it gives none."""
    calibration = load_calibration()
    read = np.flatnonzero(wanted & np.isin(languages, sorted(calibration.lines)))
    spoken = languages[read].tolist()
    scores = load_model().score(texts.take(pa.array(read)), spoken)
    _, abstained = calibration.ratios(scores.score, scores.words, spoken, scores.known)
    place = np.full(len(read), -1)
    for name in sorted(set(languages[read[~abstained]].tolist())):
        rows = ~abstained & (languages[read] == name)
        place[rows] = ratio_bins(calibration, name, scores.score[rows].astype(float), scores.words[rows])
    sites = sites_of(batch)[read]
    # Where no site is known each document is one, and its own words say which group it falls into.
    own = scores.score.view(np.uint32).astype(np.uint64) << np.uint64(32) | scores.words.astype(np.uint64)
    spread = ((own ^ (own >> np.uint64(31))) * GOLDEN) >> np.uint64(32)
    group = np.where(sites > 0, sites, spread) % np.uint64(GROUPS)
    found = np.full(len(texts), -1)
    found[read] = np.where(abstained, -1, group.astype(np.int64) * BINS + place)
    return found


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
