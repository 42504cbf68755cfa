"""What the estimates of a share promise: known shares are found, and intervals hold."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provenance import prevalence, wordshares
from provenance.audit import Stratum, _adjusted
from provenance.detector.calibration import BUCKETS, load_calibration
from provenance.detector.conformal import BINS
from provenance.detector.model import load_model

SHARES = (0.0, 0.01, 0.05, 0.2, 0.5)


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


def test_sentences_end_at_full_stops_and_count_each_word_once() -> None:
    reference = wordshares.load_reference()
    texts = pa.array(
        ["The man and the dog went to the house. Yes. It was not the same as that which we had.", None]
    )
    found = wordshares.read_sentences(texts, reference.vocabulary)
    assert found.document.tolist() == [0, 0]
    for start, stop in zip(found.starts[:-1], found.starts[1:], strict=True):
        words = found.words[start:stop].tolist()
        assert len(words) == len(set(words)) > 4
    assert len(wordshares.sentence_ratios(found, reference)) == 2


@pytest.mark.parametrize("text", ["", " ", "." * 10_000, "a " * 50_000, "\ud7ff\U0010ffff" * 500])
def test_hostile_texts_are_read_in_bounds(text: str) -> None:
    reference = wordshares.load_reference()
    counts = wordshares.count_sentences(pa.array([text]), 0, reference, np.ones(1, bool))
    assert counts.sum() <= 8192


def test_shipped_reference_is_small_and_fits_the_shipped_detector() -> None:
    reference = wordshares.load_reference()
    assert reference.detector == load_model().version
    assert reference.human.sum() > 1000
    assert reference.synthetic.sum() > 1000
    assert (np.diff(reference.curve[0]) >= 0).all()


def test_known_mixtures_of_held_out_text_are_found_within_two_points(shared: Path) -> None:
    pool = pd.read_parquet(shared / "data" / "detector" / "pool_test.parquet")
    pool = pool[pool.language == "en"].reset_index(drop=True)
    reference = wordshares.load_reference()
    scores = load_model().score(pa.array(pool.text, pa.large_string()))
    _, abstained = load_calibration().ratios(scores.score, scores.words, ["en"] * len(pool), scores.known)
    synthetic = (pool.label == "synthetic").to_numpy()
    humans, machines = np.flatnonzero(~synthetic & ~abstained), np.flatnonzero(synthetic & ~abstained)
    for share in SHARES:
        use = np.zeros(len(pool), bool)
        random = np.random.RandomState(11)
        use[random.choice(machines, round(1000 * share), replace=False)] = True
        use[random.choice(humans, 1000 - round(1000 * share), replace=False)] = True
        counts = wordshares.count_scores(scores, use, len(BUCKETS), BINS)
        em = prevalence.histogram_estimate(counts, reference.human, reference.synthetic)
        adjusted = _adjusted(counts, reference.human, reference.synthetic)
        assert adjusted is not None
        assert abs(em.share - share) <= 0.02, share
        assert abs(adjusted.share - share) <= 0.02, share


def test_strata_start_empty_and_apart() -> None:
    first, second = Stratum(), Stratum()
    first.scores[0, 0] = 1
    assert second.scores.sum() == 0
