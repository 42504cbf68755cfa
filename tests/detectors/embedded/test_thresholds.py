"""Thresholds where few kinds of human text are known: raised by what the known kinds show of each other."""

from __future__ import annotations

import math

import numpy as np
import pytest

from provenance.detectors.embedded.thresholds import find_margin, raised_thresholds, threshold


def people(unlike: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """(scores, words, weights, sources) of 3,000 human texts of three sources, the last of which scores higher."""
    random = np.random.RandomState(5)
    source = np.repeat(np.array(["a", "b", "c"], object), 1000)
    scores = random.exponential(size=3000) + np.where(source == "c", unlike, 0.0)
    return scores, random.randint(60, 600, 3000).astype(np.int32), np.ones(3000), source


@pytest.mark.parametrize(("unlike", "margin"), [(0.0, math.log(2)), (0.2, math.log(2)), (2.0, math.log(3))])
def test_sources_that_score_alike_need_the_lesser_margin(unlike: float, margin: float) -> None:
    scores, words, weight, source = people(unlike)
    assert find_margin(scores, words, weight, np.zeros(5), source) == pytest.approx(margin)


def test_one_source_proves_nothing_about_others() -> None:
    scores, words, weight, source = people(0.0)
    alone = source == "a"
    assert find_margin(scores[alone], words[alone], weight[alone], None, source[alone]) == math.log(3)


def test_a_threshold_is_exceeded_by_no_more_than_its_level_and_margins_raise_it() -> None:
    scores, words, weight, _ = people(0.0)
    cut = threshold(scores, weight, 0.01)
    assert 0.005 < (scores > cut).mean() <= 0.01
    plain, raised = (np.array(raised_thresholds(scores, words, weight, None, m)) for m in (0.0, 0.5))
    np.testing.assert_allclose(raised - plain, 0.5, atol=1e-5)
    assert threshold(scores[:50], weight[:50], 0.01) > scores[:50].max()  # too few to prove it
