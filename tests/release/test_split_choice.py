"""Splits have their shares of the tokens and are as synthetic as the whole, whatever sizes the groups have."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provenance.release.split_choice import TOLERANCE, SplitsError, choose_splits

SHARES = {"train": Decimal("0.8"), "validation": Decimal("0.1"), "test": Decimal("0.1")}
SMALL = {"train": Decimal("0.98"), "validation": Decimal("0.01"), "test": Decimal("0.01")}
#: Sizes of groups, drawn by a generator: even, of one size, a few giants among small ones, Pareto, and over forty powers of two.
SIZES = {
    "even": lambda random, count: random.integers(50, 5000, count),
    "one": lambda random, count: np.full(count, 1000),
    "giants": lambda random, count: np.where(random.random(count) < 0.02, 200_000, 500),
    "pareto": lambda random, count: np.minimum((random.pareto(1.0, count) + 1) * 100, 1e7),
    "powers": lambda random, count: 2.0 ** random.integers(0, 40, count),
}
#: The expected synthetic share of each group by its size.
CHANCES = {
    "some sites": lambda random, size: np.where(random.random(len(size)) < 0.1, 0.9, 0.01),
    "mixed": lambda random, size: random.beta(0.2, 2, len(size)),
    "alike": lambda random, size: np.full(len(size), 0.05),
    "the largest": lambda random, size: (size > np.quantile(size, 0.9)).astype(float),
    "none": lambda random, size: np.zeros(len(size)),
}


def groups(sizes: str, chances: str, count: int, seed: int) -> np.ndarray:
    """Counts as `choose_splits` takes them: tokens and synthetic millionths."""
    random = np.random.default_rng(seed)
    tokens = np.floor(SIZES[sizes](random, count)).astype(float)
    return np.stack([tokens, np.round(tokens * CHANCES[chances](random, tokens) * 1e6)])


def shares_of(counts: np.ndarray, split: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(tokens, synthetic share) of each split."""
    tokens, synthetic = (np.bincount(split, weights=row, minlength=3) for row in counts)
    return tokens, synthetic / 1e6 / np.maximum(tokens, 1)


@settings(max_examples=60, deadline=None)
@given(st.integers(300, 1000), st.sampled_from(sorted(CHANCES)), st.integers(0, 2**32 - 1))
def test_shares_are_met_and_each_split_is_as_synthetic_as_the_whole(
    count: int, chances: str, seed: int
) -> None:
    counts = groups("even", chances, count, seed)
    tokens, synthetic = shares_of(counts, choose_splits(counts, SHARES))
    assert tokens / tokens.sum() == pytest.approx([float(share) for share in SHARES.values()], rel=TOLERANCE)
    whole = counts[1].sum() / counts[0].sum() / 1e6
    assert synthetic == pytest.approx(np.full(3, whole), abs=0.03)


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(sorted(SIZES)),
    st.sampled_from(sorted(CHANCES)),
    st.integers(20, 1500),
    st.sampled_from([SHARES, SMALL]),
    st.integers(0, 2**32 - 1),
)
def test_no_size_of_groups_moves_a_split_by_more_than_two_of_the_largest(
    sizes: str, chances: str, count: int, shares: dict[str, Decimal], seed: int
) -> None:
    counts = groups(sizes, chances, count, seed)
    try:
        split = choose_splits(counts, shares)
    except SplitsError:
        return
    tokens, synthetic = shares_of(counts, split)
    asked = np.array([float(share) for share in shares.values()])
    assert (np.abs(tokens / tokens.sum() - asked) <= TOLERANCE * asked).all()
    whole = counts[1].sum() / counts[0].sum() / 1e6
    assert (np.abs(synthetic - whole) * tokens <= 2 * counts[0].max()).all()


def test_splits_are_as_synthetic_as_the_whole_in_most_crawls_of_unlike_sites() -> None:
    """With no site larger than a split: within a thousandth in nine of ten."""
    off = []
    for seed in range(40):
        counts = groups("pareto", "some sites", 1000, seed)
        counts[0] = np.minimum(counts[0], 0.02 * counts[0].sum())
        counts[1] = np.minimum(counts[1], counts[0] * 1e6)
        _, synthetic = shares_of(counts, choose_splits(counts, SHARES))
        off.append(np.abs(synthetic - counts[1].sum() / counts[0].sum() / 1e6).max())
    assert np.quantile(off, 0.9) < 0.001


def test_the_order_of_the_hash_decides_among_groups_that_are_alike() -> None:
    counts = groups("one", "alike", 1000, 0)
    split = choose_splits(counts, SHARES)
    # Every tenth or so, all along the order of the hash.
    assert np.diff(np.flatnonzero(split == 2)).max() < 30
    assert (choose_splits(counts, SHARES) == split).all()


def test_splits_that_cannot_be_met_are_refused_with_what_can() -> None:
    counts = np.array([[400.0, 300.0, 300.0], [0.0, 0.0, 0.0]])
    with pytest.raises(SplitsError) as caught:
        choose_splits(counts, SHARES)
    message = str(caught.value)
    assert "3 groups were kept and the largest holds 0.4000" in message
    assert "nearest is {train: 1.0000, validation: 0.0000, test: 0.0000}" in message
