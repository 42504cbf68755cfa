"""Measures of sampled documents as points beside a baseline's: how many are distinct, how near they lie.

They cost an embedding and see other things than counts of words do, so they are made where they are asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provenance.audit.sketches.compare import Measure, judge
from provenance.audit.sketches.points import FEWEST, Floats, Points, compare_points
from provenance.audit.sketches.replicates import draw_halves, draw_quarters

#: By what makes the points (`audit.embeddings`).
MEASURES = {
    kind: (
        Measure(f"vendi_{kind}", f"effective number of distinct documents ({of}, Vendi)", True, 0.10),
        Measure(f"mauve_{kind}", f"closeness to the baseline ({of}, MAUVE)", True, 0.15),
    )
    for kind, of in (("tfidf", "hashed words"), ("embeddings", "embeddings"))
}
NAMES = tuple(measure.name for measures in MEASURES.values() for measure in measures)


def no_change(baseline: Points, seed: int = 0) -> dict[str, Floats]:
    """Both measures of two parts of a baseline's points, each of shape (2, replicates): what no change looks like."""
    return compare_points(baseline, baseline, draw_quarters(seed + 1))[0]


def compare_samples(
    kind: str,
    dataset: Points,
    baseline: Points,
    tolerances: Mapping[str, float] | None = None,
    seed: int = 0,
    *,
    same: Mapping[str, Floats] | None = None,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """(the measures of a kind as `compare` gives its own, what other tools would say of the same points), as JSON values.

    `same` is `no_change` of the baseline's points, where that is known already.
    """
    equal = min(len(dataset.groups), len(baseline.groups))
    if equal < FEWEST:
        return {}, {"documents": equal, "note": f"fewer than {FEWEST} documents were sampled"}
    found, said = compare_points(dataset, baseline, draw_halves(seed))
    if same is None:
        same = no_change(baseline, seed)
    # The baseline's size is asked for in parts of the dataset's; here both have as many documents as the smaller one.
    sizes = 2 * len(baseline.groups) / equal - 1
    measures = {}
    for measure in MEASURES[kind]:
        name = measure.name.removesuffix(f"_{kind}")
        allowed = (tolerances or {}).get(measure.name, measure.tolerance)
        measures[measure.name] = judge(measure, found[name], same[name], sizes, allowed)
    return measures, said
