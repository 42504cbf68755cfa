"""Causal models: texts of any length are read within the bounds."""

from __future__ import annotations

import numpy as np

from provenance.detectors.neural.load import load_scorer
from tests.detectors.neural.models import detector


def test_short_and_huge_texts_are_bounded(causal: tuple[str, str]) -> None:
    huge = ["", "the river", "river " * 200_000, "x" * 1_000_000]
    scores = load_scorer(detector("surprisal", causal[0])).score(huge)
    assert np.isnan(scores.score).tolist() == [True, True, False, True]
    assert scores.tokens.max() <= 128
