"""One dataset against a baseline: each measure with its change, its interval, what no change looks like, and a status.

A measure fails where it fell by more than its tolerance, its interval excludes that it did not fall at all, and the change
lies outside of what two parts of the baseline differ by.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from provenance.audit.sketches import novelty, topics
from provenance.audit.sketches.replicates import (
    RARITY,
    RUNS,
    Floats,
    Halves,
    align,
    compare_repeats,
    compare_types,
    divergence,
    document_means,
    draw_halves,
    draw_quarters,
    zipf_slope,
)
from provenance.audit.sketches.sketch import BINS, SUMMED, Sketch, bin_value

STEADY, CHANGED, WARN, FAIL, UNKNOWN = "steady", "changed", "WARN", "FAIL", "unknown"
#: Standard deviations outside of which a change is real: with the twenty measures here one false alarm in about 800 datasets.
_LIMIT = 4.0
_NORMAL = 1.959963984540054
#: Words below which dataset or baseline are too small for anything to be said.
FEWEST_WORDS = 20_000


@dataclass(frozen=True)
class Measure:
    """What a measure is called, whether its change is a ratio or a difference, and how far it may fall (or rise)."""

    name: str
    meaning: str
    relative: bool
    tolerance: float | None  # None: reported, never a failure
    worse: int = -1  # sign of a change for the worse
    counted: bool = False  # copies: that few documents or sites have them makes them no less certain


MEASURES = (
    *(
        Measure(f"rare_coverage_{kind}", f"rare {kind} of the baseline that are here", True, 0.03)
        for kind in RUNS
    ),
    *(Measure(f"types_{kind}", f"distinct {kind}", True, 0.05) for kind in RUNS),
    *(
        Measure(f"unseen_mass_{kind}", f"weight of {kind} seen in one document only", True, 0.10)
        for kind in RUNS
    ),
    Measure("growth_words", "exponent by which distinct words grow (Heaps)", False, None),
    Measure("zipf_slope", "slope of frequency over rank (Zipf)", False, None),
    *(Measure(f"overlap_{kind}", f"overlap of distinct {kind} with the baseline", True, None) for kind in RUNS),
    Measure("divergence_words", "Jensen-Shannon divergence of words, bits", False, None, 1),
    Measure("divergence_pairs", "Jensen-Shannon divergence of pairs, bits", False, None, 1),
    Measure("topics", "share of the baseline's topics that is here", True, 0.15),
    Measure("mattr", "types by tokens in 50 words (MATTR)", True, 0.05),
    Measure("mtld", "words until types by tokens falls to .72 (MTLD)", True, 0.15),
    Measure("hdd", "types by tokens of 42 words drawn (HD-D)", True, 0.05),
    Measure("self_repetition", "runs of four words that a document repeats", False, 0.02, 1),
    Measure("compression", "compressed size of 4 KB of a document", True, 0.05),
    Measure("repeated_lines", "lines that came before", False, 0.05, 1, counted=True),
    Measure("repeated_documents", "exact copies of documents", False, 0.02, 1, counted=True),
    Measure("repeated_responses", "responses that a prompt already had", False, 0.05, 1, counted=True),
)  # fmt: skip
#: Measures of what the baseline lacks. They warn and never fail: the tolerance is the part of all words that could be missing
#: from what is new, .025 being what lies between a capped 2% and the 3% at which a model's perplexity moves (docs/collapse.md).
EARLY = tuple(
    Measure(f"novelty_{kind}", f"new {kind} in what the baseline lacks, by those to be expected", True, 0.025)
    for kind in RUNS
)
NAMES = tuple(measure.name for measure in (*MEASURES, *EARLY))


def no_change(baseline: Sketch, seed: int = 0) -> dict[str, Floats]:
    """Every measure of two parts of a baseline, each of shape (2, replicates): what no change looks like."""
    return _replicates(baseline, baseline, draw_quarters(seed + 1))


def worst(measures: Mapping[str, Any]) -> str:
    """The status of a dataset by those of its measures; one that is unknown says nothing of the others."""
    statuses = [item["status"] for item in measures.values()]
    return next((status for status in (FAIL, WARN, CHANGED) if status in statuses), STEADY)


def gravest(statuses: Collection[str]) -> str | None:
    """The status of several datasets by their own, None without any: one that could not be compared is no reassurance."""
    return next((status for status in (FAIL, WARN, UNKNOWN, CHANGED, STEADY) if status in statuses), None)


def compare(
    dataset: Sketch,
    baseline: Sketch,
    tolerances: Mapping[str, float] | None = None,
    seed: int = 0,
    *,
    same: Mapping[str, Floats] | None = None,
) -> dict[str, Any]:
    """Measures of a dataset against a baseline as JSON values; docs/audit.md says what each can and cannot see.

    `tolerances` are the largest changes for the worse by name of measure: shares for ratios, else absolute. `same` is
    `no_change` of the baseline, where that is known already.
    """
    small = [
        name for name, sketch in (("dataset", dataset), ("baseline", baseline)) if sketch.words < FEWEST_WORDS
    ]
    if small:
        return {
            "status": UNKNOWN,
            "note": f"the {' and the '.join(small)} has fewer than {FEWEST_WORDS:,} words",
            "measures": {},
            "coverage": {},
        }
    found = _replicates(dataset, baseline, draw_halves(seed))
    same = same or no_change(baseline, seed)
    sizes = baseline.words / dataset.words
    measures = {}
    for measure in MEASURES:
        if measure.name not in found:
            continue
        allowed = (tolerances or {}).get(measure.name, measure.tolerance)
        measures[measure.name] = judge(measure, found[measure.name], same[measure.name], sizes, allowed)
    measures |= _early(dataset, baseline, tolerances or {})
    return {
        "status": worst(measures),
        "measures": measures,
        "coverage": {kind: _classes(found, kind) for kind in RUNS},
    }


def summary(sketch: Sketch) -> dict[str, Any]:
    """What one sketch says by itself: sizes, estimated distinct types, and quantiles of what documents measure."""
    distinct = {}
    for kind, sampled in sketch.types.items():
        keys, _ = sampled.rows()
        distinct[kind] = len(keys) << sampled.level
    quantiles = {}
    for index, name in enumerate(SUMMED):
        counts = sketch.histograms[index]
        if counts.sum():
            at = np.searchsorted(np.cumsum(counts), np.array([0.1, 0.5, 0.9]) * counts.sum())
            values = bin_value(name, np.minimum(at, BINS - 1))
            quantiles[name] = dict(zip(("p10", "p50", "p90"), values.round(4).tolist(), strict=True))
    return {
        "documents": sketch.documents,
        "words": sketch.words,
        "bytes": int(sketch.totals[2].sum()),
        "distinct": distinct,
        "quantiles": quantiles,
    }


def spectrum(sketch: Sketch, kind: str) -> list[list[float]]:
    """How many types occur in 1, 2, 3-4, 5-8, … documents: [least documents, estimated types]."""
    sampled = sketch.types[kind]
    documents = sampled.rows()[1][:, 1].sum(axis=1)
    documents = documents[documents > 0]
    if not len(documents):
        return []
    classes = np.ceil(np.log2(documents)).astype(int)
    counts = np.bincount(classes) << sampled.level
    return [[float(2 ** (place - 1) + 1 if place else 1), float(count)] for place, count in enumerate(counts)]


def _replicates(dataset: Sketch, baseline: Sketch, halves: Halves) -> dict[str, Floats]:
    """Every measure in every replicate, each of shape (2, replicates): dataset and baseline."""
    words = dataset.totals[1].astype(float), baseline.totals[1].astype(float)
    found: dict[str, Floats] = {}
    for kind in RUNS:
        aligned = align(dataset, baseline, kind)
        values = compare_types(aligned, words, halves)
        found |= {f"{name}_{kind}": value for name, value in values.items()}
        if kind == "words":
            found["zipf_slope"] = zipf_slope(aligned, halves)
    for order, kind in enumerate(RUNS[:2]):
        found[f"divergence_{kind}"] = divergence(dataset, baseline, order, halves)
    about = topics.topic_counts(dataset.topics, baseline.topics)
    if about is not None:
        reference = about[1] @ halves.reference
        sides = about[0] @ halves.dataset, about[1] @ halves.baseline
        found["topics"] = np.array([topics.coverage(side, reference) for side in sides])
    for name in SUMMED:
        found[name] = np.array(
            [
                document_means(dataset, name, halves.dataset),
                document_means(baseline, name, halves.baseline),
            ]
        )
    for kind in ("lines", "documents", "responses"):
        if len(dataset.types[kind].rows()[0]) and len(baseline.types[kind].rows()[0]):
            found[f"repeated_{kind}"] = compare_repeats(align(dataset, baseline, kind), words, halves)
    return found


def judge(
    measure: Measure, found: Floats, same: Floats, sizes: float, tolerance: float | None
) -> dict[str, Any]:
    """Value, change, interval, null band and status of one measure.

    `found` and `same` are its replicates beside the baseline and of two parts of the baseline, of (2, replicates) each;
    `sizes` is the size of the baseline in parts of the dataset's.
    """
    changes, null = _changes(measure, found), _changes(measure, same)
    if np.isnan(changes).mean() > 0.1 or np.isnan(null).mean() > 0.1:
        return {"meaning": measure.meaning, "status": UNKNOWN}
    value, base = (float(np.nanmean(side)) for side in found)
    change, spread = float(np.nanmean(changes)), float(np.nanstd(changes))
    if measure.counted and tolerance is not None:
        # All copies of a document lie in one group: half of the halves have none, though every one of them was counted.
        spread = min(spread, tolerance / _LIMIT)
    # Quarters of one dataset scatter twice as far as the whole; a dataset of another size has its share of that.
    band = float(np.nanstd(null)) / 2 * float(np.sqrt((1 + sizes) / 2))
    sigma = max(spread, band, 1e-9)
    status = STEADY
    if abs(change) > _LIMIT * sigma:
        status = CHANGED
        if tolerance is not None and change * measure.worse > tolerance:
            status = FAIL
    return {
        "meaning": measure.meaning,
        "value": value,
        "baseline": base,
        "change": change,
        "relative": measure.relative,
        "interval": [change - _NORMAL * spread, change + _NORMAL * spread],
        "null_band": [-_NORMAL * band, _NORMAL * band],
        "tolerance": tolerance,
        "status": status,
    }


def _early(dataset: Sketch, baseline: Sketch, tolerances: Mapping[str, float]) -> dict[str, Any]:
    """The measures of EARLY, where the dataset has enough that the baseline lacks."""
    extra = novelty.added(dataset, baseline)
    measures: dict[str, Any] = {}
    if extra is None:
        return measures
    for measure, kind in zip(EARLY, RUNS, strict=True):
        found = novelty.novelty(dataset, baseline, kind, extra)
        if found is None:
            continue
        change, allowed, status = found.ratio - 1, tolerances.get(measure.name, measure.tolerance), STEADY
        if change < -_LIMIT * found.band:
            status = WARN if allowed is not None and -change * extra.share > allowed else CHANGED
        elif found.ratio > found.most * (1 + _LIMIT * found.band):
            status = CHANGED
        measures[measure.name] = {
            "meaning": measure.meaning,
            "value": found.ratio,
            "baseline": 1.0,
            "change": change,
            "relative": True,
            "interval": [change - _NORMAL * found.spread, change + _NORMAL * found.spread],
            "null_band": [-_NORMAL * found.band, found.most * (1 + _NORMAL * found.band) - 1],
            "tolerance": allowed,
            "share": extra.share,
            "status": status,
        }
    return measures


def _changes(measure: Measure, found: Floats) -> Floats:
    if measure.relative:
        out = np.full(found[0].shape, np.nan)
        return np.asarray(np.divide(found[0], found[1], out=out, where=found[1] > 0) - 1)
    return np.asarray(found[0] - found[1])


def _classes(found: Mapping[str, Floats], kind: str) -> list[dict[str, Any]]:
    """Coverage by class of rarity, with that of another part of the baseline beside it."""
    rows = []
    for place, (low, high) in enumerate(RARITY):
        own, base = found[f"coverage_{place}_{kind}"]
        if np.isnan(own).mean() < 0.1 and np.isnan(base).mean() < 0.1:
            label = f"{low}" if low == high else f"{low}-{high}" if high < 2**31 else f"{low} and more"
            rows.append(
                {"documents": label, "coverage": float(np.nanmean(own)), "baseline": float(np.nanmean(base))}
            )
    return rows
