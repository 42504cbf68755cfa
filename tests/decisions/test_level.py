"""A crawl's own humans move the level of the ratios, by what they prove and no more."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from provenance.decisions.counts import count_scores
from provenance.decisions.level import LEVEL_SD, Level, levels
from provenance.detectors.embedded.calibration import BUCKETS, LEVELS, Calibration

#: Ratio = score; human documents have a mean ratio of one half.
CALIBRATION = Calibration(
    version="toy",
    detector="toy",
    lines={"en": [(0.0, 1.0)] * len(BUCKETS)},
    thresholds={"en": [[9.0] * len(LEVELS)] * len(BUCKETS)},
    floors={"en": 0.0},
    human_means={"en": 0.5},
)
NATS = {"en": CALIBRATION.bin_ratios("en")}


def old(scores: np.ndarray, sites: np.ndarray) -> pa.Table:
    n = len(scores)
    return count_scores(
        scores=scores,
        words=np.full(n, 300),
        languages=pa.array(["en"] * n),
        sources=pa.array(["s"] * n),
        sites=sites.astype(np.uint64),
        months=np.full(n, 600, np.int16),
        human=np.ones(n, bool),
    )


def level_of(scores: np.ndarray, sites: np.ndarray) -> Level:
    return levels(old(scores, sites), NATS, CALIBRATION)["en"]


def test_humans_as_the_calibration_expects_them_change_nothing() -> None:
    scores = np.full(3200, np.log(0.5))
    found = level_of(scores, np.arange(3200))
    assert abs(found.shift) < 0.02
    assert found.deviation < 0.2


@pytest.mark.parametrize(("off", "found"), [(-1.0, -1.0), (0.7, 0.0)])
def test_many_sites_that_score_high_are_believed_almost_and_low_scores_raise_nothing(
    off: float, found: float
) -> None:
    random = np.random.RandomState(1)
    scores = np.log(0.5) - off + random.normal(0, 0.1, 6400)
    assert level_of(scores, np.arange(6400)).shift == pytest.approx(found, abs=0.15)


def test_one_high_human_moves_little_and_one_site_nothing() -> None:
    scores = np.full(400, np.log(0.6))
    calm = level_of(scores, np.arange(400))
    scores[7] = 3.9
    assert abs(level_of(scores, np.arange(400)).shift - calm.shift) < LEVEL_SD
    assert level_of(scores, np.full(400, 5)).shift == 0.0


def test_pages_of_a_few_sites_prove_less_than_as_many_of_many_sites() -> None:
    random = np.random.RandomState(2)
    by_site = np.repeat(random.normal(0.5, 1, 8), 200)
    few, many = level_of(by_site, np.repeat(np.arange(8), 200)), level_of(by_site, np.arange(1600))
    assert few.deviation > many.deviation
    assert abs(few.shift) < abs(many.shift)


def test_a_calibration_without_human_means_is_left_as_it_is() -> None:
    silent = replace(CALIBRATION, human_means={})
    assert levels(old(np.zeros(100), np.arange(100)), NATS, silent) == {}


def test_few_humans_prove_less_where_the_calibrations_mean_is_made_by_few() -> None:
    """Of 200 humans none may be the one in a hundred that makes half of the mean."""
    scores, sites = np.full(200, np.log(1.2)), np.arange(200)
    plain = level_of(scores, sites)
    rare = replace(CALIBRATION, human_spreads={"en": 100.0})
    shy = levels(old(scores, sites), NATS, rare)["en"]
    assert plain.shift < -0.7 < -0.3 < shy.shift < 0
    assert shy.deviation > 0.3 > plain.deviation
    many = levels(old(np.full(20_000, np.log(1.2)), np.arange(20_000)), NATS, rare)["en"]
    assert many.shift < -0.7
