"""p-values are uniform on unmarked texts, corrections are right, and the evidence is bounded."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from provenance.annotators.watermarks import benjamini_hochberg, sidak, watermark_llr
from provenance.annotators.watermarks.dipmark import DipMark
from provenance.annotators.watermarks.gumbel import Gumbel, PermuteAndFlip
from provenance.annotators.watermarks.kgw import Kgw
from provenance.annotators.watermarks.null import (
    MARKED_SHARE,
    MAX_LLR,
    MIN_LLR,
    binomial_p,
    gamma_p,
    hypergeometric_p,
    sum_p,
)
from provenance.annotators.watermarks.synthid import SynthId
from provenance.annotators.watermarks.textseal import TextSeal
from provenance.annotators.watermarks.unigram import Unigram

TEXTS = 100_000


@settings(deadline=None)
@given(st.integers(1, 3000), st.floats(0.01, 0.99), st.floats(0, 1), st.floats(0.001, 0.999))
def test_binomial_tails_are_exact(trials: int, rate: float, share: float, tie: float) -> None:
    hits = round(share * trials)
    ours = binomial_p(np.array([hits]), np.array([trials]), rate, np.array([tie]))[0]
    exact = stats.binom.sf(hits, trials, rate) + tie * stats.binom.pmf(hits, trials, rate)
    assert ours == pytest.approx(max(exact, 1e-300), rel=1e-7)


@settings(deadline=None)
@given(st.integers(2, 3000), st.floats(0.05, 0.95), st.floats(0, 1), st.floats(0, 1), st.floats(0.001, 0.999))
def test_hypergeometric_tails_are_exact(
    population: int, green: float, drawn: float, share: float, tie: float
) -> None:
    marked = max(1, min(population - 1, round(green * population)))
    draws = max(1, round(drawn * population))
    low, high = max(0, draws - (population - marked)), min(draws, marked)
    hits = low + round(share * (high - low))
    ours = hypergeometric_p(np.array([hits]), np.array([draws]), population, marked, np.array([tie]))[0]
    law = stats.hypergeom(population, marked, draws)
    assert ours == pytest.approx(max(law.sf(hits) + tie * law.pmf(hits), 1e-300), rel=1e-6)


@pytest.mark.parametrize("count", [20, 200, 3000])
def test_the_saddlepoint_tail_is_close_to_the_exact_one(count: int) -> None:
    """A sum of draws of 0..4 with binomial weights is binomial itself."""
    values, weights = np.arange(5.0), stats.binom.pmf(np.arange(5), 4, 0.5)
    for z in (1.2, 2.0, 3.1, 5.0, 7.0):
        total = math.floor(2 * count + z * math.sqrt(count))
        ours = sum_p(np.array([total - 0.5]), np.array([count]), values, weights)[0]
        assert ours == pytest.approx(
            stats.binom.sf(total - 1, 4 * count, 0.5), rel=0.08 if count == 20 else 0.01
        )
    assert sum_p(np.array([4.0 * count]), np.array([count]), values, weights)[0] == pytest.approx(
        max(1e-300, (1 / 16) ** count)
    )


def test_the_gamma_tail_is_exact() -> None:
    assert gamma_p(np.array([30.0]), np.array([10]))[0] == pytest.approx(stats.gamma.sf(30.0, 10))


#: Every scheme on texts whose keys are as good as random: uniform tokens.
SCHEMES = [
    Kgw(vocab_size=2000),
    Kgw(vocab_size=4000, seeding_scheme="selfhash", context_width=4),
    Unigram(vocab_size=50_257),
    SynthId(score="mean"),
    SynthId(),
    SynthId(sampling_table_size=1000, keys=(5, 6, 7)),
    SynthId(
        score="bayesian",
        keys=(1, 2, 3),
        beta=(-2.0, -2.5, -3.0),
        delta=((0.0,) * 3, (0.1, 0, 0), (0.2, 0.1, 0)),
    ),
    Gumbel(vocab_size=3000),
    DipMark(vocab_size=1000),
    PermuteAndFlip(vocab_size=3000),
    TextSeal(key_a=3, key_b=4),
    TextSeal(key_a=3, key_b=4, ngram=3, mixing_alpha=0.2),
]


@pytest.mark.parametrize("scheme", SCHEMES, ids=lambda scheme: f"{scheme.scheme}-{scheme.key}")
def test_of_unmarked_texts_one_in_a_thousand_has_p_below_a_thousandth(scheme: Any) -> None:
    rng = np.random.default_rng(11)
    # a scheme that draws a generator for each pair of tokens gets fewer and shorter texts: it costs more
    slow = (
        scheme.scheme in ("gumbel", "permute_and_flip") or getattr(scheme, "seeding_scheme", "") == "selfhash"
    )
    texts = 4000 if slow else TEXTS
    lengths = rng.integers(24, 40, texts) + (10 if slow else 0)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    tokens = rng.integers(0, getattr(scheme, "vocab_size", 50_000), offsets[-1])
    p = scheme.measure(tokens, offsets).p_value
    for level in (1e-3, 1e-2, 0.1, 0.5):
        low, high = stats.binom.ppf([0.0005, 0.9995], len(p), level)
        assert low <= (p < level).sum() <= high, level


@pytest.mark.parametrize("make", [Kgw, Unigram, DipMark], ids=lambda make: make.__name__)
def test_natural_repetition_does_not_break_the_null_over_keys(make: Any) -> None:
    """Zipf text shares its frequent pairs between documents; each text has its own key here."""
    rng = np.random.default_rng(5)
    weights = 1 / np.arange(1, 20_001) ** 1.05
    low = 0
    for key in range(300):
        field = "watermark_key" if make is Unigram else "hashing_key"
        scheme = make(vocab_size=20_000, **{field: 1000 + key})
        tokens = rng.choice(20_000, 200, p=weights / weights.sum())
        low += scheme.measure(tokens, [0, 200]).p_value[0] < 0.05
    assert stats.binom.ppf(0.0005, 300, 0.05) <= low <= stats.binom.ppf(0.9995, 300, 0.05)


def test_sidak_corrects_for_what_was_tried() -> None:
    assert sidak(0.01, 1) == pytest.approx(0.01)
    assert sidak(0.01, 5) == pytest.approx(1 - 0.99**5)
    assert sidak(1e-30, 100) == pytest.approx(1e-28)
    assert sidak(1.0, 3) == pytest.approx(1.0)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60))
def test_benjamini_hochberg_agrees_with_scipy(values: list[float]) -> None:
    np.testing.assert_allclose(benjamini_hochberg(values), stats.false_discovery_control(values), atol=1e-12)


@given(st.floats(0, 1), st.floats(0, 1))
def test_the_evidence_is_bounded_and_never_rises_with_p(a: float, b: float) -> None:
    low, high = sorted((a, b))
    assert MIN_LLR <= watermark_llr(high) <= watermark_llr(low) <= MAX_LLR


def test_the_evidence_is_a_mixture_of_unmarked_and_marked_synthetic_texts() -> None:
    bound = 1 / (-math.e * 1e-3 * math.log(1e-3))  # Sellke, Bayarri and Berger
    assert watermark_llr(1e-3) == pytest.approx(math.log(1 - MARKED_SHARE + MARKED_SHARE * bound))
    assert watermark_llr(1e-12) == MAX_LLR == watermark_llr(0.0)
    assert watermark_llr(0.9) == MIN_LLR
    with pytest.raises(ValueError, match="p-value"):
        watermark_llr(1.5)


def test_human_texts_gain_nothing_from_the_evidence_on_average() -> None:
    """A likelihood ratio has mean one where its denominator holds, and so p-values by chance move no total."""
    p = (np.arange(1_000_000) + 0.5) / 1_000_000
    ratios = np.exp([watermark_llr(value) for value in p[::10]])
    assert 0.97 < ratios.mean() < 1.03
    assert np.quantile(ratios, 0.99) < 1.5
