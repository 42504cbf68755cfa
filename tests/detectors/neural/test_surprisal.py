"""Surprisal: the statistics that scipy gives, finite for texts of one surprisal."""

from __future__ import annotations

import numpy as np
import pytest

from provenance.detectors.neural.config import ScoreCalibration
from provenance.detectors.neural.load import load_scorer
from tests.detectors.neural.models import detector, logits_of, texts, torch

# After the models, which skip the module where torch is not installed.
from provenance.detectors.neural.surprisal import STATISTICS, Surprisal, surprisal_statistics  # isort: skip


def test_surprisal_statistics_are_those_of_scipy(causal: tuple[str, str]) -> None:
    stats = pytest.importorskip("scipy.stats")
    sample = texts()
    expected = []
    for text in sample:
        ids, logits = logits_of(causal[0], text)
        s = torch.nn.functional.cross_entropy(logits[0, :-1].double(), ids[0, 1:], reduction="none").numpy()
        second = np.diff(s, n=2)
        expected.append(
            [
                s.mean(),
                s.std(),
                s.var(),
                stats.skew(s),
                stats.kurtosis(s),
                np.diff(s).mean(),
                np.diff(s).std(),
                second.var(),
                stats.entropy(np.histogram(second, bins=20, density=True)[0]),
                np.corrcoef(second[:-1], second[1:])[0, 1],
            ]
        )
    scorer = load_scorer(detector("surprisal", causal[0]))
    assert isinstance(scorer, Surprisal)
    np.testing.assert_allclose(scorer.statistics(sample), expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(scorer.score(sample).score, np.array(expected)[:, 0], atol=1e-5)
    weights = {name: 0.1 * k for k, name in enumerate(STATISTICS)}
    weighted = detector(
        "surprisal", causal[0], calibration=ScoreCalibration(intercept=0, slope=1, weights=weights)
    )
    by_hand = np.array(expected) @ np.array(list(weights.values()))
    np.testing.assert_allclose(load_scorer(weighted).score(sample).score, by_hand, rtol=1e-5, atol=1e-5)


def test_surprisal_that_never_changes_has_finite_statistics() -> None:
    assert np.isfinite(surprisal_statistics(np.full(20, 2.5))).all()
