"""Caps of the whole and of its parts hold together, at the least loss, and contradictions are refused before any work."""

from __future__ import annotations

from fractions import Fraction
from functools import reduce
from operator import add
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from provenance.decisions import cap
from provenance.decisions.documents import Documents, counted, labels
from provenance.decisions.request import MILLION, CapRequest, Mixture, StratumCap

LANGUAGES, YEARS = ["en", "de", None], ["2021", "2023", "2024"]
SHARES = st.sampled_from(["0", "0.05", "0.1", "0.3", "1"])
STRATA = st.sampled_from(
    [
        ("language",),
        ("year",),
        ("language", "year"),
    ]
).flatmap(lambda names: st.tuples(*(st.builds(StratumCap, st.just(name), SHARES) for name in names)))
REQUESTS = st.builds(
    CapRequest,
    max_synthetic=SHARES,
    guarantee=st.sampled_from(["hard", "expected", "confident"]),
    policy=st.sampled_from(["lowest", "sample"]),
    strata=STRATA,
)
ROWS = st.lists(
    st.tuples(
        st.integers(0, 2**64 - 1),
        st.integers(0, 1_000),
        st.floats(0, 1, width=32),
        st.sampled_from(LANGUAGES),
        st.sampled_from(YEARS),
    ),
    max_size=50,
    unique_by=lambda row: row[0],
)


def documents(rows: list[Any]) -> Documents:
    hashes, weights, probabilities, languages, years = zip(*rows, strict=True) if rows else ((),) * 5
    return Documents(
        np.array(hashes, dtype=np.uint64),
        np.array(weights, dtype=np.int64),
        np.array(probabilities, dtype=np.float32),
        strata={"language": labels(list(languages)), "year": labels(list(years))},
    )


def corpus(count: int, seed: int) -> Documents:
    random = np.random.default_rng(seed)
    language = random.choice(["en", "de", "fr"], count, p=[0.6, 0.3, 0.1])
    year = random.choice(["2021", "2023", "2024"], count)
    machine = random.random(count) < np.where(year == "2021", 0.02, np.where(language == "en", 0.35, 0.15))
    return Documents(
        random.integers(0, 2**64, count, np.uint64),
        random.integers(50, 900, count),
        np.where(machine, random.beta(3, 1, count), random.beta(0.3, 4, count)).astype(np.float32),
        strata={"language": labels(language.tolist()), "year": labels(year.tolist())},
    )


def in_shards(parts: list[Documents], request: CapRequest) -> set[int]:
    plan = cap.boundary(reduce(add, [cap.histogram(part, request) for part in parts]), request)
    rule = cap.settle(plan, cap.concatenate([cap.boundary_candidates(part, plan) for part in parts]))
    return {int(key) for part in parts for key in part.doc_hash[cap.apply(rule, part)]}


def parts_of(found: Documents, by: str) -> dict[str, np.ndarray]:
    column = found.strata[by]
    codes = np.asarray(column.indices)
    return {name: codes == k for k, name in enumerate(column.dictionary.to_pylist())}


def limits(found: Documents, request: CapRequest) -> list[tuple[int, np.ndarray]]:
    """(millionths, rows) of every cap."""
    rows = [(request.millionths, np.ones(len(found), bool))]
    for item in request.strata:
        share = int(Fraction(item.max_synthetic) * MILLION)
        rows += [
            (share, mask)
            for name, mask in parts_of(found, item.by).items()
            if not item.only or name in item.only
        ]
    return rows


def most_weight(found: Documents, request: CapRequest) -> float:
    """What could be kept if documents could be divided."""
    costs = [
        found.weight * mask * (counted(found, request) - share) / MILLION
        for share, mask in limits(found, request)
    ]
    solved = linprog(
        -found.weight.astype(float), A_ub=np.array(costs), b_ub=np.zeros(len(costs)), bounds=(0, 1)
    )
    return float(-solved.fun)


@settings(max_examples=200, deadline=None)
@given(ROWS, REQUESTS)
def test_every_cap_holds_by_its_own_integers(rows: list[Any], request: CapRequest) -> None:
    found = documents(rows)
    keep = cap.select(found, request)
    for share, mask in limits(found, request):
        held = keep & mask
        assert (found.weight[held] * (counted(found, request)[held] - share)).sum() <= 0


@settings(max_examples=100, deadline=None)
@given(ROWS, REQUESTS, st.integers(2, 5))
def test_order_and_shards_do_not_matter(rows: list[Any], request: CapRequest, count: int) -> None:
    shards = [documents(rows[start::count]) for start in range(count)]
    assert in_shards(shards[::-1], request) == in_shards([documents(rows)], request)


@pytest.mark.parametrize(
    "strata",
    [
        (StratumCap("language", "0.05"),),
        (StratumCap("year", "0.02", ("2024",)), StratumCap("year", "0.2")),
        (StratumCap("language", "0.5"),),
    ],
)
@pytest.mark.parametrize("guarantee", ["hard", "expected"])
def test_nested_caps_lose_no_more_than_a_document_each_and_a_bin(
    strata: tuple[StratumCap, ...], guarantee: str
) -> None:
    found = corpus(4_000, 1)
    request = CapRequest("0.08", guarantee=guarantee, strata=strata)
    plan = cap.boundary(cap.histogram(found, request), request)
    kept = found.weight[cap.select(found, request)].sum()
    assert plan.gap == 0
    assert most_weight(found, request) - kept <= 900 * len(limits(found, request)) * 2


@pytest.mark.parametrize("caps", [("0.04", "0.05"), ("0.10", "0.02"), ("0.02", "0.10")])
def test_caps_that_cross_come_as_close_to_the_best_as_they_say(caps: tuple[str, str]) -> None:
    found = corpus(6_000, 2)
    request = CapRequest("0.09", strata=(StratumCap("language", caps[0]), StratumCap("year", caps[1])))
    plan = cap.boundary(cap.histogram(found, request), request)
    best, kept = most_weight(found, request), found.weight[cap.select(found, request)].sum()
    assert plan.gap is not None and plan.gap < 0.02
    assert best - kept <= (plan.gap + 0.002) * found.weight.sum()


def test_a_part_that_is_empty_or_has_no_cap_takes_part_in_the_whole_only() -> None:
    found = corpus(2_000, 3)
    only = CapRequest("0.08", strata=(StratumCap("language", "0", ("ja",)),))
    assert np.array_equal(cap.select(found, only), cap.select(found, CapRequest("0.08")))


def test_mixture_reaches_its_shares_and_leaves_every_part_under_the_cap() -> None:
    found = corpus(20_000, 4)
    request = CapRequest("0.05", mixture=Mixture("language", {"de": "0.5", "*": "0.5"}, most=3.0))
    rule = cap.find_rule([found], request)
    keep, weight = cap.apply(rule, found), cap.weigh(rule, found)
    assert weight is not None
    sampled = found.weight * weight * keep
    german = parts_of(found, "language")["de"]
    assert sampled[german].sum() / sampled.sum() == pytest.approx(0.5, abs=1e-6)
    assert sampled.sum() == pytest.approx(found.weight[keep].sum(), rel=1e-6)
    assert (sampled * found.probability).sum() / sampled.sum() <= 0.05


def test_mixture_repeats_no_document_more_often_than_allowed() -> None:
    found = corpus(20_000, 4)
    request = CapRequest("1", mixture=Mixture("language", {"fr": "0.9"}, most=2.0))
    weight = cap.weigh(cap.find_rule([found], request), found)
    assert weight is not None and weight.max() == 2.0


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (
            {"strata": (StratumCap("language", 0.1, ("en",)), StratumCap("language", 0.2, ("en",)))},
            "en has two caps",
        ),
        ({"strata": (StratumCap("year", 0.1), StratumCap("year", 0.2))}, "all others has two caps"),
        ({"policy": "weights", "strata": (StratumCap("year", 0.1),)}, "drops nothing"),
    ],
)
def test_contradictions_are_refused_before_any_work(values: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        CapRequest(0.1, **values)


@pytest.mark.parametrize(
    "make",
    [
        lambda: StratumCap("colour", 0.1),
        lambda: StratumCap("language", 2),
        lambda: Mixture("year", {"2024": 1}),
        lambda: Mixture("language", {"en": 0.9, "de": 0.2}),
        lambda: Mixture("language", {"en": 0.5, "*": 0.2}),
        lambda: Mixture("language", {}),
        lambda: Mixture("language", {"en": 1}, most=0.5),
    ],
)
def test_strata_and_mixtures_out_of_range_are_refused(make: Any) -> None:
    with pytest.raises(ValueError):
        make()
