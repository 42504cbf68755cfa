"""What the estimates of a share promise: known shares are found, and intervals hold."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provenance.audit import word_shares
from provenance.audit.estimate import Counts, Stratum, prevalence_report
from provenance.detectors import prevalence
from provenance.detectors.embedded.calibration import BUCKETS, load_calibration
from provenance.detectors.embedded.conformal import BINS
from provenance.detectors.embedded.model import Scores, load_model

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
    reference = word_shares.load_reference()
    texts = pa.array(
        ["The man and the dog went to the house. Yes. It was not the same as that which we had.", None]
    )
    found = word_shares.read_sentences(texts, reference.vocabulary)
    assert found.document.tolist() == [0, 0]
    for start, stop in zip(found.starts[:-1], found.starts[1:], strict=True):
        words = found.words[start:stop].tolist()
        assert len(words) == len(set(words)) > 4
    assert len(word_shares.sentence_ratios(found, reference)) == 2


@pytest.mark.parametrize("text", ["", " ", "." * 10_000, "a " * 50_000, "\ud7ff\U0010ffff" * 500])
def test_hostile_texts_are_read_in_bounds(text: str) -> None:
    reference = word_shares.load_reference()
    counts = word_shares.count_sentences(pa.array([text]), 0, reference, np.ones(1, bool))
    assert counts.sum() <= 8192


def test_shipped_reference_is_small_and_fits_the_shipped_detector() -> None:
    reference = word_shares.load_reference()
    assert reference.detector == load_model().version
    assert reference.human.sum() > 1000
    assert reference.synthetic.sum() > 1000
    assert (np.diff(reference.curve[0]) >= 0).all()


@pytest.fixture(scope="module")
def passages(shared: Path) -> dict[str, tuple[Scores, np.ndarray, np.ndarray]]:
    """(scores, human rows, synthetic rows) of judged English passages: held-out ones, and some of other kinds."""
    pool = pd.read_parquet(shared / "data" / "detector" / "pool_test.parquet")
    frames = {
        "pool": pool[pool.language == "en"],
        "others": pd.read_parquet(shared / "data" / "web" / "pages" / "texts.parquet"),
    }
    found = {}
    for name, frame in frames.items():
        scores = load_model().score(pa.array(frame.text, pa.large_string()))
        _, abstained = load_calibration().ratios(
            scores.score, scores.words, ["en"] * len(frame), scores.known
        )
        synthetic = (frame.label == "synthetic").to_numpy()
        found[name] = (
            scores,
            np.flatnonzero(~synthetic & ~abstained),
            np.flatnonzero(synthetic & ~abstained),
        )
    return found


def _histogram(scores: Scores, rows: np.ndarray) -> np.ndarray:
    use = np.zeros(len(scores.score), bool)
    use[rows] = True
    return word_shares.count_scores(scores, use, len(BUCKETS), BINS)


def _report(counts: np.ndarray, humans: np.ndarray | None = None) -> dict[str, Any]:
    """What the audit says of documents with these scores, and of old ones with those of `humans`."""
    found = Counts()
    none = np.zeros(int(counts.sum()), bool)
    found.whole.add(none, ~none, counts)
    if humans is not None:
        found.humans += humans
    return prevalence_report(found)["documents"]


@pytest.mark.parametrize("share", SHARES)
def test_known_mixtures_of_held_out_text_are_found_within_two_points(
    passages: dict[str, tuple[Scores, np.ndarray, np.ndarray]], share: float
) -> None:
    """On average: of 1,000 documents the luck of the draw alone moves a share of one half by 1.5 points."""
    scores, humans, machines = passages["pool"]
    found, machine = [], round(1000 * share)
    for seed in range(12):
        random = np.random.RandomState(seed)
        rows = random.choice(humans, 1000 - machine, replace=False), random.choice(machines, machine, False)
        report = _report(_histogram(scores, np.concatenate(rows)))
        for item in report["estimates"]:
            low, high = item["interval"]
            assert low - 0.005 <= share <= high + 0.005
        assert report["at_least"] <= share
        found.append([item["share"] for item in report["estimates"]])
    assert np.abs(np.mean(found, axis=0) - share).max() <= 0.02


@pytest.mark.parametrize("share", [0.0, 0.05, 0.2, 0.5])
def test_other_kinds_and_generators_are_within_the_interval_and_above_the_bound(
    passages: dict[str, tuple[Scores, np.ndarray, np.ndarray]], share: float
) -> None:
    pool, others = passages["pool"], passages["others"]
    for humans, seed in itertools.product((pool, others), range(3)):
        random = np.random.RandomState(seed)
        machine = round(400 * share)
        counts = _histogram(humans[0], random.choice(humans[1], 400 - machine, replace=False))
        report = _report(counts + _histogram(others[0], random.choice(others[2], machine, replace=False)))
        low, high = report["estimates"][0]["interval"]
        assert low <= share <= high
        assert report["at_least"] <= share
    assert report["at_least"] >= share - 0.1


def test_human_abstracts_prove_no_synthetic_share(shared: Path) -> None:
    """The worst kind of text known: its humans score like machines, so only the cautious bound holds."""
    frame = pd.read_parquet(shared / "data" / "web" / "pages" / "texts.parquet")
    frame = frame[(frame.label == "human") & (frame.domain == "arxiv")]
    scores = load_model().score(pa.array(frame.text, pa.large_string()))
    report = _report(_histogram(scores, np.flatnonzero(scores.words >= 100)))
    assert report["at_least"] <= 0.01


def test_own_old_documents_stand_for_human_text(
    passages: dict[str, tuple[Scores, np.ndarray, np.ndarray]],
) -> None:
    scores, humans, machines = passages["others"]
    order = np.random.RandomState(1).permutation(humans)
    counts = _histogram(scores, np.concatenate([order[330:490], machines[:40]]))
    own = _report(counts, _histogram(scores, order[:330]))
    shipped = _report(counts)
    assert abs(own["estimates"][0]["share"] - 0.2) <= 0.04
    assert abs(own["estimates"][1]["share"] - 0.2) < abs(shipped["estimates"][1]["share"] - 0.2)


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


def test_strata_start_empty_and_apart() -> None:
    first, second = Stratum(), Stratum()
    first.scores[0, 0] = 1
    assert second.scores.sum() == 0
