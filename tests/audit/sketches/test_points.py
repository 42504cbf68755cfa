"""Vendi score and MAUVE of points are those of their papers, and alarm where documents became alike, not where the draw changed."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from provenance.audit.sketches.compare import FAIL
from provenance.audit.sketches.points import Points, compare_points, mauve, vendi
from provenance.audit.sketches.replicates import Halves, draw_halves
from provenance.audit.sketches.sampled import compare_samples
from provenance.audit.sketches.types import GROUPS


def points(vectors: NDArray[np.float64], counts: list[float] | None = None) -> Points:
    """Points of length 1 in groups by turns."""
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    groups = np.arange(len(unit)) % GROUPS
    return Points(groups, np.array(counts) if counts else np.ones(len(unit)), unit)


def about(topics: int, count: int, seed: int, spread: float = 0.6) -> Points:
    """Points around centres, the same whatever the seed; `topics` of sixteen have any."""
    centres = np.random.RandomState(7).normal(size=(16, 24))
    random = np.random.RandomState(seed)
    noise = spread * random.normal(size=(count, 24))
    return points(centres[random.randint(topics, size=count)] + noise)


def test_documents_that_have_nothing_in_common_count_in_full_and_copies_once() -> None:
    assert vendi(points(np.eye(5))) == pytest.approx(5)
    assert vendi(points(np.ones((5, 5)))) == pytest.approx(1)
    # Two kinds, one of them three times: the exponential of the entropy of 3/4 and 1/4.
    assert vendi(points(np.eye(2), [3, 1])) == pytest.approx(4 / 3**0.75)


@pytest.mark.parametrize("dimensions", [6, 60], ids=["fewer dimensions than documents", "more"])
def test_the_score_is_that_of_the_matrix_of_similarities(dimensions: int) -> None:
    some = points(np.random.RandomState(1).normal(size=(30, dimensions)))
    values = np.linalg.eigvalsh(some.vectors @ some.vectors.T / 30)
    values = values[values > 1e-12]
    assert vendi(some) == pytest.approx(np.exp(-(values * np.log(values)).sum()))


@pytest.mark.parametrize(
    ("own", "other", "area"),
    [
        # By mauve-text 0.4.0 (get_divergence_curve_for_multinomials with 25 mixtures and scale 5, mean of both areas).
        ([5, 3, 0, 2, 10], [4, 4, 4, 4, 4], 0.6020972149492039),
        ([1, 2, 3, 4], [4, 3, 2, 1], 0.6538536633533254),
        ([1, 0], [0, 1], 0.0040720962619612555),
        ([2, 1], [4, 2], 1.0),
    ],
)
def test_the_area_is_that_of_the_authors_package(own: list[int], other: list[int], area: float) -> None:
    p, q = (np.array(side, float)[:, None] for side in (own, other))
    assert mauve(p, q)[0] == pytest.approx(area, abs=1e-9)
    assert mauve(q, p)[0] == pytest.approx(area, abs=1e-9)


def test_scores_of_halves_scatter_as_if_each_half_were_decomposed() -> None:
    some, halves = about(16, 1200, 3), draw_halves(0)
    both = Halves(halves.dataset, 1 - halves.dataset, halves.reference)
    quick = compare_points(some, some, both)[0]["vendi"]
    slow = np.array(
        [
            [vendi(Points(some.groups[taken], some.counts[taken], some.vectors[taken])) for taken in sides]
            for sides in zip(*((side[some.groups].T > 0) for side in (halves.dataset, 1 - halves.dataset)))
        ]
    ).T
    changes = [np.log(side[0] / side[1]) for side in (quick, slow)]
    assert np.std(changes[0]) == pytest.approx(np.std(changes[1]), rel=0.15)
    assert np.corrcoef(*changes)[0, 1] > 0.95


def test_documents_that_became_alike_are_an_alarm_and_another_draw_is_none() -> None:
    baseline = about(16, 1200, 1)
    same, _ = compare_samples("embeddings", about(16, 900, 2), baseline)
    alike, said = compare_samples("embeddings", about(16, 1200, 4, spread=0.2), baseline)
    gone, _ = compare_samples("embeddings", about(8, 1200, 3), baseline)
    assert {item["status"] for item in same.values()} == {"steady"}
    assert alike["vendi_embeddings"]["status"] == FAIL
    assert said["vendi"] < said["vendi_baseline"]
    assert {item["status"] for item in gone.values()} == {FAIL}


def test_too_few_documents_say_nothing_and_that_is_said() -> None:
    measures, said = compare_samples("tfidf", about(16, 150, 1), about(16, 1200, 2))
    assert measures == {}
    assert said == {"documents": 150, "note": "fewer than 200 documents were sampled"}


def test_either_side_has_as_many_documents() -> None:
    _, found = compare_points(about(16, 1200, 1), about(16, 400, 2), draw_halves(0))
    assert found["documents"] == 400
    assert found["vendi"] == pytest.approx(vendi(about(16, 1200, 1).first(400)))
