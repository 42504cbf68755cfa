"""Shares of synthetic text from counts, scores and words: the published estimators and their intervals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provenance.detectors import prevalence


def test_adjusted_count_takes_known_errors_out_of_the_count() -> None:
    # 30% synthetic, sensitivity 80%, 5% of humans flagged: 0.3 * 0.8 + 0.7 * 0.05 = 0.275
    found = prevalence.adjusted_count(2750, 10_000, 4000, 5000, 250, 5000)
    assert found.share == pytest.approx(0.3)
    assert found.low < 0.3 < found.high
    assert found.high - found.low < 0.06


def test_adjusted_count_limits_agree_with_the_published_formula() -> None:
    # 127 positive of 200, sensitivity 0.65 of 150, specificity 0.9 of 120, worked by hand from the paper's steps.
    found = prevalence.adjusted_count(127, 200, 97.5, 150, 12, 120)
    n, z2 = 200, 1.959963984540054**2
    p = (127 + z2 / 2) / (n + z2)
    se, sp = 98.5 / 152, 109 / 122
    middle = (p + sp - 1) / (se + sp - 1)
    shift = 2 * z2 * (middle * se * (1 - se) / 152 - (1 - middle) * sp * (1 - sp) / 122)
    spread = (
        p * (1 - p) / (n + z2) + middle**2 * se * (1 - se) / 152 + (1 - middle) ** 2 * sp * (1 - sp) / 122
    )
    assert found.low == pytest.approx(middle + shift - np.sqrt(z2 * spread) / (se + sp - 1))
    assert found.high == 1.0


def test_a_test_that_knows_nothing_gives_no_share() -> None:
    with pytest.raises(ValueError, match="no share follows"):
        prevalence.adjusted_count(10, 100, 5, 100, 5, 100)
    with pytest.raises(ValueError, match="needs documents"):
        prevalence.adjusted_count(0, 0, 5, 100, 5, 100)


def _em_by_its_definition(ratios: np.ndarray) -> float:
    share = 0.5
    for _ in range(20_000):
        posterior = share * ratios / (share * ratios + 1 - share)
        share = posterior.mean()
    return float(share)


def test_em_share_is_the_fixed_point_of_the_published_iteration() -> None:
    random = np.random.RandomState(1)
    synthetic = random.rand(400) < 0.3
    ratios = np.exp(random.normal(np.where(synthetic, 1.0, -1.0), np.sqrt(2)))
    assert prevalence.em_share(ratios) == pytest.approx(_em_by_its_definition(ratios), abs=1e-6)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**31 - 1), st.floats(0, 1), st.integers(1, 500))
def test_em_interval_holds_its_own_estimate_and_stays_within_bounds(
    seed: int, share: float, size: int
) -> None:
    random = np.random.RandomState(seed)
    synthetic = random.rand(size) < share
    ratios = np.exp(random.normal(np.where(synthetic, 2.0, -2.0), 2))
    found = prevalence.em_estimate(ratios)
    assert 0 <= found.low <= found.share <= found.high <= 1


def test_em_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    random = np.random.RandomState(5)
    held = 0
    for _ in range(200):
        synthetic = random.rand(500) < 0.1
        found = prevalence.em_estimate(np.exp(random.normal(np.where(synthetic, 2.0, -2.0), 2)))
        held += found.low <= 0.1 <= found.high
    assert 182 <= held <= 199


def test_histograms_without_labelled_documents_are_refused() -> None:
    none = np.zeros((2, 8), np.int64)
    with pytest.raises(ValueError, match="labelled documents of both kinds"):
        prevalence.histogram_estimate(np.ones((2, 8), np.int64), none, none)


def test_mixture_estimate_inverts_its_curve_and_knows_that_sentences_cluster() -> None:
    random = np.random.RandomState(2)
    ratios = np.exp(np.linspace(-2, 2, 16))
    human, machine = 1 / (1 + ratios), ratios / (1 + ratios)
    cells = 0.8 * human / human.sum() + 0.2 * machine / machine.sum()
    groups = random.multinomial(200, cells, size=64)
    true_ratios = (machine / machine.sum()) / (human / human.sum())
    found = prevalence.mixture_estimate(groups, true_ratios, (np.array([0.0, 1.0]), np.array([0.0, 1.0])))
    assert found.low < 0.2 < found.high
    lumped = prevalence.mixture_estimate(
        np.repeat(groups[:8] * 8, 1, axis=0), true_ratios, (np.array([0.0, 1.0]), np.array([0.0, 1.0]))
    )
    assert lumped.high - lumped.low > found.high - found.low


def test_intervals_allow_for_kinds_of_text_that_differ() -> None:
    """Two kinds of humans that score differently make the share less certain than one kind of both together."""
    place = np.arange(64)
    low, high, top = (np.exp(-((place - middle) ** 2) / 40)[None] for middle in (15, 35, 50))
    kinds = np.round(np.stack([low, high]) * 500).astype(np.int64)
    synthetic = np.round(top * 1000).astype(np.int64)
    counts = np.round((0.8 * (low + high) / 2 + 0.2 * top) * 500).astype(np.int64)
    apart = prevalence.histogram_estimate(counts, kinds, synthetic)
    together = prevalence.histogram_estimate(counts, kinds.sum(axis=0), synthetic)
    assert apart.share == pytest.approx(together.share)
    assert apart.high - apart.low > 1.5 * (together.high - together.low)
    bound = prevalence.lower_bound(counts, kinds.sum(axis=0))
    assert prevalence.lower_bound(counts, kinds) < bound < 0.25


def test_kinds_are_weighted_by_the_roots_of_their_sizes() -> None:
    kinds = np.zeros((3, 1, 2), np.int64)
    kinds[0, 0], kinds[1, 0] = (300, 100), (0, 100)
    found = prevalence.balanced(kinds)
    assert found.sum() == pytest.approx(500)
    assert found[0].sum() / found[1].sum() == pytest.approx(2)
    assert found[2].sum() == 0


def test_a_lower_bound_of_nothing_is_nothing() -> None:
    none, some = np.zeros((2, 8), np.int64), np.ones((2, 8), np.int64)
    assert prevalence.lower_bound(none, some) == prevalence.lower_bound(some, none) == 0.0
