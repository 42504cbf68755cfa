"""How much of a dataset is synthetic, and what its watermarks say; what is kept of it are counts that add up."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from provenance.annotators.watermarks.null import benjamini_hochberg
from provenance.audit import word_shares
from provenance.audit.columns import has_p_values, languages_of, proof_of, strings_of
from provenance.audit.inputs import AuditError
from provenance.detectors import prevalence
from provenance.detectors.embedded.calibration import BUCKETS, load_calibration
from provenance.detectors.embedded.conformal import BINS
from provenance.detectors.embedded.model import Scores, load_model
from provenance.evidence import LOW_BACKGROUND_BEFORE

#: Own documents from before 2022-11-30 from which on they stand for human text in place of the shipped reference.
ENOUGH_HUMANS = 300
#: Strata of one dimension that are counted apart; the rest go to "other".
MOST_STRATA = 200
#: Documents below which no share is estimated for a stratum.
FEWEST_DOCUMENTS = 50
#: False-discovery rate at which watermarked documents are counted.
DISCOVERY_RATE = 0.05
_MOST_P_VALUES = 1_000_000
_DIMENSIONS = ("language", "year", "source")
#: The adjusted count flags scores that this share of the reference humans reaches.
_FLAGGED_HUMANS = 0.05


@dataclass
class Stratum:
    """Counts of one part of a dataset."""

    documents: int = 0
    proven_human: int = 0  # of `documents`, proven to be older than 2022-11-30
    judged_human: int = 0  # of those, how many the detector could judge
    scores: NDArray[np.int64] = field(default_factory=lambda: np.zeros((len(BUCKETS), BINS), np.int64))

    def add(self, human: NDArray[np.bool_], judged: NDArray[np.bool_], scores: NDArray[np.int64]) -> None:
        """Count documents; `scores` holds those that are judged and not proven human."""
        self.documents += len(human)
        self.proven_human += int(human.sum())
        self.judged_human += int((human & judged).sum())
        self.scores += scores


@dataclass
class Counts:
    """What an audit keeps of a dataset to estimate shares."""

    whole: Stratum = field(default_factory=Stratum)
    strata: dict[str, dict[str, Stratum]] = field(default_factory=lambda: {name: {} for name in _DIMENSIONS})
    humans: NDArray[np.int64] = field(default_factory=lambda: np.zeros((len(BUCKETS), BINS), np.int64))
    sentences: NDArray[np.int64] = field(
        default_factory=lambda: np.zeros((word_shares.GROUPS, word_shares.BINS), np.int64)
    )
    p_values: list[float] = field(default_factory=list)
    watermarks_read: bool = False


def prevalence_report(counts: Counts) -> dict[str, Any]:
    """Shares of the whole and of its strata; the first estimate of `estimates` is the one to quote."""
    reference = word_shares.load_reference()
    if reference.detector != word_shares.detector_version():
        raise AuditError(
            f"the shipped prevalence reference was made for detector {reference.detector}, this one is "
            f"{word_shares.detector_version()}; run scripts/train/prevalence.py"
        )
    own = int(counts.humans.sum()) >= ENOUGH_HUMANS
    # The level of each length stays the reference's where the dataset has too few of that length.
    human, synthetic = prevalence.balanced(reference.human), prevalence.balanced(reference.synthetic)
    if own:
        for row in np.flatnonzero(counts.humans.sum(axis=1) >= ENOUGH_HUMANS // 4):
            human[:, row] = counts.humans[row] / len(human)  # of one kind: this dataset's
    return {
        "reference": {
            "detector": reference.detector,
            "language": reference.language,
            "human": "low-background documents of this dataset" if own else "shipped, held-out human text",
            "human_documents": round(float(human.sum())),
            "synthetic_documents": int(reference.synthetic.sum()),
        },
        "documents": _stratum(counts.whole, human, synthetic) | {"further": _further(counts, reference)},
        **{
            f"by_{name}": {
                value: _stratum(stratum, human, synthetic)
                for value, stratum in sorted(counts.strata[name].items())
            }
            for name in _DIMENSIONS
        },
    }


def _stratum(stratum: Stratum, human: NDArray[np.float64], synthetic: NDArray[np.float64]) -> dict[str, Any]:
    """Counts and estimates of one stratum, the share being that of all its judged documents."""
    fresh = int(stratum.scores.sum())
    judged = fresh + stratum.judged_human
    at_least = None
    estimates: list[dict[str, Any]] = []
    if fresh >= FEWEST_DOCUMENTS:
        em = prevalence.histogram_estimate(stratum.scores, human, synthetic, "EM on reference scores")
        # Two human references, the second made cautious on kinds of text it had not seen: the lesser counts.
        bounds = prevalence.lower_bound(stratum.scores, human), _by_calibration(stratum.scores).low
        found = [replace(em, low=min(em.low, *bounds))]
        counted = _adjusted(stratum.scores, human, synthetic)
        if counted is not None:
            found.append(counted)
        # Documents proven older than chat models are human: they lower the share, not its certainty.
        scale = fresh / judged
        at_least = min(bounds) * scale
        for item in found:
            estimates.append(
                prevalence.Estimate(
                    item.method, item.share * scale, item.low * scale, item.high * scale, judged
                ).as_json()
            )
    elif fresh == 0 and judged:
        estimates.append(prevalence.Estimate("all proven before 2022-11-30", 0.0, 0.0, 0.0, judged).as_json())
    return {
        "documents": stratum.documents,
        "judged": judged,
        "proven_human": stratum.proven_human,
        "at_least": at_least,
        "estimates": estimates,
    }


def _adjusted(
    counts: NDArray[np.int64], human: NDArray[np.float64], synthetic: NDArray[np.float64]
) -> prevalence.Estimate | None:
    """Adjusted count at the score that 5% of the reference humans of each length reach."""
    human, synthetic = human.sum(axis=0), synthetic.sum(axis=0)
    at_least = [np.cumsum(part[:, ::-1], axis=1)[:, ::-1] for part in (counts, human, synthetic)]
    usable = np.flatnonzero((at_least[1][:, 0] > 0) & (at_least[2][:, 0] > 0))
    edge = (at_least[1] <= _FLAGGED_HUMANS * at_least[1][:, :1]).argmax(axis=1)
    flagged, false_hits, hits = (part[usable, edge[usable]] for part in (at_least[0], *at_least[1:]))
    totals = [part[usable, 0] for part in at_least]
    weight = totals[0] / max(totals[0].sum(), 1)
    n_human, n_synthetic = float(totals[1].sum()), float(totals[2].sum())
    try:
        return prevalence.adjusted_count(
            int(flagged.sum()),
            int(totals[0].sum()),
            hits=float((weight * hits / np.maximum(totals[2], 1)).sum()) * n_synthetic,
            synthetic=n_synthetic,
            false_hits=float((weight * false_hits / np.maximum(totals[1], 1)).sum()) * n_human,
            human=n_human,
        )
    except ValueError:
        return None


def _by_calibration(scores: NDArray[np.int64]) -> prevalence.Estimate:
    """EM on the detector's ratios as calibrated for single documents; scores of shape (buckets, bins)."""
    nats = load_calibration().bin_ratios(word_shares.load_reference().language)
    return prevalence.em_estimate(np.exp(nats).ravel(), scores.ravel(), "EM on calibrated ratios")


def _further(counts: Counts, reference: word_shares.Reference) -> list[dict[str, Any]]:
    """Estimates that rest on other assumptions, over the documents that are not proven human."""
    found = []
    fresh = int(counts.whole.scores.sum())
    if fresh < FEWEST_DOCUMENTS:
        return []
    found.append(_by_calibration(counts.whole.scores).as_json())
    if counts.sentences.sum():
        words = prevalence.mixture_estimate(counts.sentences, word_shares.bin_ratios(), reference.curve)
        found.append(words.as_json() | {"documents": fresh, "sentences": int(counts.sentences.sum())})
    return found


def count_batch(counts: Counts, batch: pa.RecordBatch, texts: pa.Array) -> None:
    """Count the documents of a batch; each has a text."""
    model, calibration, reference = load_model(), load_calibration(), word_shares.load_reference()
    languages = languages_of(batch, texts)
    scores = model.score(texts)
    _, abstained = calibration.ratios(scores.score, scores.words, languages, scores.known)
    known = np.array([language == reference.language for language in languages])
    judged = ~abstained & known
    proven, year = proof_of(batch)
    human = np.asarray(proven < LOW_BACKGROUND_BEFORE)
    fresh = judged & ~human
    before = counts.whole.documents
    table = word_shares.count_scores(scores, fresh, len(BUCKETS), BINS)
    counts.whole.add(human, judged, table)
    counts.humans += word_shares.count_scores(scores, judged & human, len(BUCKETS), BINS)
    counts.sentences += word_shares.count_sentences(texts, before, reference, fresh)
    labels = {
        "language": [language or "unknown" for language in languages],
        "year": year,
        "source": strings_of(batch, "source"),
    }
    for name, values in labels.items():
        found = _Judged(np.array(values, dtype=object), human, judged, fresh, scores)
        _count_strata(counts.strata[name], found)
    if "watermarks" in batch.schema.names and has_p_values(batch["watermarks"].type):
        _count_watermarks(counts, batch["watermarks"])


@dataclass(frozen=True)
class _Judged:
    """Documents of a batch as their strata count them; each array of shape (documents,)."""

    strata: NDArray[np.object_]  # names of the stratum of each, in one dimension
    human: NDArray[np.bool_]
    judged: NDArray[np.bool_]
    fresh: NDArray[np.bool_]  # judged, and not proven human
    scores: Scores


def _count_strata(strata: dict[str, Stratum], found: _Judged) -> None:
    for value in sorted(set(found.strata.tolist())):
        rows = found.strata == value
        name = value if value in strata or len(strata) < MOST_STRATA else "other"
        table = word_shares.count_scores(found.scores, found.fresh & rows, len(BUCKETS), BINS)
        strata.setdefault(name, Stratum()).add(found.human[rows], found.judged[rows], table)


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
