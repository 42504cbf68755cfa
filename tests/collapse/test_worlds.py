"""The small worlds collapse as their formulas say, and do not where a share of the original stays."""

from __future__ import annotations

import numpy as np
import pytest

from scripts.collapse import worlds


@pytest.mark.parametrize("human", [0.0, 0.1, 0.5])
def test_the_variance_of_a_gaussian_chain_is_that_of_the_formula(human: float) -> None:
    simulated = worlds.gaussian_chain(20, 20, human, 40_000)
    assert simulated == pytest.approx(worlds.gaussian_formula(20, 20, human), rel=0.03)


def test_without_human_points_the_variance_decays_by_one_part_in_the_sample() -> None:
    assert worlds.gaussian_formula(50, 20, 0) == pytest.approx((1 - 1 / 50) ** np.arange(21))


def test_a_tenth_of_human_points_keeps_most_of_the_variance_for_ever() -> None:
    assert worlds.gaussian_formula(50, 10_000, 0)[-1] < 1e-12
    assert worlds.gaussian_formula(50, 10_000, 0.1)[-1] > 0.89


def test_blue_dies_out_as_often_as_the_chain_of_wright_and_fisher_says() -> None:
    simulated = worlds.colours_chain(20, 20, 0.9, 20_000)
    assert simulated == pytest.approx(worlds.colours_formula(20, 20, 0.9), abs=0.015)


def test_in_the_end_yellow_wins_with_the_share_it_began_with() -> None:
    assert worlds.colours_formula(20, 2_000, 0.9)[-1] == pytest.approx(0.9, abs=1e-9)


def test_as_many_types_of_zipf_survive_as_the_formula_says() -> None:
    simulated = worlds.tails_chain(200, 20, 1000, 200)
    assert simulated == pytest.approx(worlds.tails_formula(200, 20, 1000), rel=0.02)
    first = (1 - (1 - worlds.zipf(1000)) ** 200).sum()
    assert worlds.tails_formula(200, 1, 1000)[1] == pytest.approx(first)
