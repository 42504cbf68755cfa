"""A second reading of scores finds what the crawl's machines and people are like, and never claims what nothing supports."""

from __future__ import annotations

import numpy as np
import pytest

from provenance.detectors.reading import Reading, read_scores
from provenance.detectors.share import BINS, GROUPS, Kinds, load_kinds

NOTHING = np.zeros((GROUPS, BINS), np.int64)


def crawl(*parts: tuple[np.ndarray, int], seed: int = 0) -> np.ndarray:
    """Counts of so many documents drawn of each distribution, dealt to groups of sites by chance."""
    random = np.random.RandomState(seed)
    counts = NOTHING.copy()
    for shape, documents in parts:
        bins = random.choice(BINS, documents, p=shape / shape.sum())
        np.add.at(counts, (random.randint(0, GROUPS, documents), bins), 1)
    return counts


@pytest.fixture(scope="module")
def kinds() -> Kinds:
    return load_kinds()


def test_a_low_score_says_more_where_little_lies_between_high_and_low(kinds: Kinds) -> None:
    people = (kinds.human.counts[kinds.human.languages == "en"].sum(axis=0).astype(float), 600)
    place = np.arange(BINS)
    high, between = (place >= 22).astype(float), ((place >= 8) & (place < 18)).astype(float)
    apart = read_scores(kinds, "en", crawl(people, (high, 300)), NOTHING)
    mixed = read_scores(kinds, "en", crawl(people, (high, 150), (between, 150)), NOTHING)
    assert abs(apart.share - 1 / 3) < 0.08
    assert (apart.upper[2:9] < mixed.upper[2:9] - 0.5).all()


def test_old_documents_that_score_high_take_the_share_down(kinds: Kinds) -> None:
    side = kinds.human
    rows = np.flatnonzero(side.languages == "en")
    accused = side.counts[rows, 16:].sum(axis=1) / side.counts[rows].sum(axis=1)
    worst = rows[np.argsort(accused)[-1]]
    people = side.counts[worst].astype(float)
    left = kinds.without({str(side.owners[worst])}, set())
    alone = read_scores(left, "en", crawl((people, 400)), NOTHING)
    beside = read_scores(left, "en", crawl((people, 400)), crawl((people, 400), seed=1))
    assert beside.share < alone.share
    assert beside.humans == 400


def test_log_odds_rise_with_the_ratio_and_lie_below_their_upper_end(kinds: Kinds) -> None:
    people = kinds.human.counts[kinds.human.languages == "fr"].sum(axis=0).astype(float)
    found = read_scores(kinds, "fr", crawl((people, 60)), NOTHING)
    for values in (found.log_odds, found.upper):
        assert (np.diff(values) >= 0).all()
        assert np.isfinite(values).all()
    assert (found.upper >= found.log_odds).all()


def test_the_same_counts_give_the_same_reading(kinds: Kinds) -> None:
    people = kinds.human.counts[kinds.human.languages == "en"].sum(axis=0).astype(float)
    counts = crawl((people, 200))
    one, two = (read_scores(kinds, "en", counts, NOTHING) for _ in range(2))
    np.testing.assert_array_equal(one.log_odds, two.log_odds)
    np.testing.assert_array_equal(one.upper, two.upper)


def test_between_bins_log_odds_are_interpolated_and_beyond_them_held() -> None:
    log_odds = np.linspace(-3, 3, BINS)
    reading = Reading(log_odds, log_odds + 1, 0.5, 10, 0)
    low, high = reading.at(np.array([-50.0, -5.5, 50.0]))
    assert low[0] == -3
    assert -3 < low[1] < log_odds[1]
    assert (low[2], high[2]) == (3, 4)
