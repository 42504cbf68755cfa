"""Weights in place of dropping: the least exponent that meets the cap, and whole copies of weights."""

from __future__ import annotations

import numpy as np
import pytest

from provenance.decisions import cap
from provenance.decisions.documents import Documents
from provenance.decisions.request import CapRequest
from provenance.decisions.sampling import sampling_counts


def corpus() -> Documents:
    random = np.random.default_rng(8)
    machine = random.random(20_000) < 0.25
    return Documents(
        random.integers(0, 2**64, 20_000, np.uint64),
        random.integers(50, 900, 20_000),
        np.where(machine, random.beta(4, 1, 20_000), random.beta(0.4, 5, 20_000)).astype(np.float32),
        proven=np.arange(20_000) % 10 == 0,
    )


def weigh(found: Documents, request: CapRequest) -> np.ndarray:
    rule = cap.find_rule([found], request)
    assert cap.apply(rule, found).all()
    weight = cap.weigh(rule, found)
    assert weight is not None
    return weight


def test_least_exponent_brings_the_weighted_share_under_the_cap_and_drops_nothing() -> None:
    found = corpus()
    weight = weigh(found, CapRequest("0.08", policy="weights"))
    sampled = found.weight * weight.astype(float)
    assert 0.05 < (sampled * found.probability).sum() / sampled.sum() <= 0.08
    assert (weight[found.proven] == 1).all()


def test_configured_exponent_is_the_one_of_the_formula() -> None:
    found = corpus()
    weight = weigh(found, CapRequest("0.08", policy="weights", exponent=1.5))
    free = ~found.proven
    assert weight[free] == pytest.approx((1 - found.probability[free]) ** 1.5, abs=1e-4)


def test_where_no_exponent_is_enough_the_largest_is_taken() -> None:
    found = Documents(np.arange(3, dtype=np.uint64), np.ones(3, np.int64), np.full(3, 0.5, np.float32))
    assert weigh(found, CapRequest("0.1", policy="weights")) == pytest.approx(0.5**64)


def test_copies_are_the_weights_on_average_and_never_off_by_one() -> None:
    random = np.random.default_rng(2)
    weight = random.uniform(0, 4, 50_000).astype(np.float32)
    copies = sampling_counts(weight, random.integers(0, 2**64, 50_000, np.uint64))
    assert np.abs(copies - weight).max() < 1
    assert copies.mean() == pytest.approx(weight.mean(), rel=0.01)
