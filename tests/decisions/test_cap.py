"""The cap is never exceeded, is reached within one document, and does not depend on order or shards."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from functools import reduce
from operator import add

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provenance.decisions import cap, certificate
from provenance.decisions.cap import CapRequest

Documents = list[tuple[int, int, float]]  # hash, weight, probability

REQUESTS = st.builds(
    CapRequest,
    max_synthetic=st.one_of(
        st.sampled_from([Decimal(0), Decimal(1), Decimal("0.1"), Decimal("0.333")]),
        st.decimals(0, 1, places=4),
    ),
    guarantee=st.sampled_from(["hard", "expected"]),
    threshold=st.sampled_from([0.5, 0.7, 1.0]),
    policy=st.sampled_from(["sample", "lowest"]),
)
PROBABILITY = st.one_of(st.floats(0, 1, width=32), st.sampled_from([0.0, 0.5, 1.0, float(np.float32(0.7))]))
DOCUMENTS = st.lists(
    st.tuples(st.integers(0, 2**64 - 1), st.integers(0, 100_000), PROBABILITY),
    max_size=40,
    unique_by=lambda document: document[0],
)


def arrays(documents: Documents) -> tuple[cap.Hashes, cap.Weights, cap.Probabilities]:
    hashes, weights, probabilities = zip(*documents, strict=True) if documents else ((), (), ())
    return (
        np.array(hashes, dtype=np.uint64),
        np.array(weights, dtype=np.int64),
        np.array(probabilities, dtype=np.float32),
    )


def brute_force(documents: Documents, request: CapRequest) -> set[int]:
    """The definition, document by document, in fractions: hashes that are kept."""

    def synthetic(probability: float) -> Fraction:
        if request.guarantee == "expected":
            millionths = Fraction(probability) * 1_000_000
            return Fraction(-(-millionths.numerator // millionths.denominator), 1_000_000)
        return Fraction(probability >= min(request.threshold, float(np.float32(request.threshold))))

    share = request.share
    kept, room = set(), Fraction(0)
    rest = []
    for key, weight, probability in documents:
        cost = weight * (synthetic(probability) - share)
        if synthetic(probability) <= share:
            kept.add(key)
            room -= cost
        else:
            rest.append(((probability if request.policy == "lowest" else 0, key), cost, key))
    for _, cost, key in sorted(rest):
        if cost <= room:
            room -= cost
            kept.add(key)
    return kept


def in_shards(shards: list[Documents], request: CapRequest) -> set[int]:
    parts = [arrays(shard) for shard in shards]
    plan = cap.boundary(reduce(add, [cap.histogram(*part, request) for part in parts]), request)
    rule = cap.settle(plan, cap.concatenate([cap.boundary_candidates(*part, plan) for part in parts]))
    return {int(key) for part in parts for key in part[0][cap.apply(rule, *part)]}


@settings(max_examples=300, deadline=None)
@given(DOCUMENTS, REQUESTS)
def test_selection_equals_the_definition(documents: Documents, request: CapRequest) -> None:
    assert in_shards([documents], request) == brute_force(documents, request)


@settings(max_examples=100, deadline=None)
@given(DOCUMENTS, REQUESTS, st.integers(1, 6), st.randoms(use_true_random=False))
def test_order_and_shards_do_not_matter(
    documents: Documents, request: CapRequest, count: int, random
) -> None:
    whole = in_shards([documents], request)
    mixed = list(documents)
    random.shuffle(mixed)
    assert in_shards([mixed[start::count] for start in range(count)], request) == whole


@settings(max_examples=300, deadline=None)
@given(DOCUMENTS, REQUESTS)
def test_cap_holds_when_recomputed_in_floating_point(documents: Documents, request: CapRequest) -> None:
    hashes, weights, probabilities = arrays(documents)
    keep = cap.select(hashes, weights, probabilities, request)
    frame = pd.DataFrame({"weight": weights[keep], "probability": probabilities[keep]})
    if request.guarantee == "hard":
        for synthetic in (
            frame.probability >= request.threshold,
            frame.probability.astype("float64") >= request.threshold,
        ):
            assert Fraction(int(frame.weight[synthetic].sum())) <= request.share * int(frame.weight.sum())
    elif frame.weight.sum():
        assert (frame.weight * frame.probability).sum() / frame.weight.sum() <= float(request.share)


@settings(max_examples=200, deadline=None)
@given(DOCUMENTS, REQUESTS)
def test_each_document_left_out_would_break_the_cap(documents: Documents, request: CapRequest) -> None:
    hashes, weights, probabilities = arrays(documents)
    keep = cap.select(hashes, weights, probabilities, request)
    for row in np.flatnonzero(~keep):
        more = keep.copy()
        more[row] = True
        measured = certificate.measure(weights[more], probabilities[more], request)
        share = measured.hard_share if request.guarantee == "hard" else measured.expected_share
        assert share > request.share


@settings(max_examples=100, deadline=None)
@given(DOCUMENTS, REQUESTS)
def test_certificate_agrees_with_the_selection(documents: Documents, request: CapRequest) -> None:
    hashes, weights, probabilities = arrays(documents)
    keep = cap.select(hashes, weights, probabilities, request)
    before = certificate.measure(weights, probabilities, request)
    published = certificate.measure(weights[keep], probabilities[keep], request)
    assert certificate.certify(request, before, published)[0]
    share = before.hard_share if request.guarantee == "hard" else before.expected_share
    assert certificate.certify(request, before, before)[0] == (share <= request.share)


def test_a_large_corpus_is_settled_in_a_bounded_number_of_documents(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(7)
    hashes = random.integers(0, 2**64, 200_000, dtype=np.uint64)
    weights = random.integers(1, 3_000, 200_000)
    probabilities = random.random(200_000).astype(np.float32)
    monkeypatch.setattr(cap, "CANDIDATES", 1_000)
    for policy in ("sample", "lowest"):
        for guarantee in ("hard", "expected"):
            request = CapRequest("0.25", guarantee=guarantee, policy=policy)
            plan = cap.boundary(cap.histogram(hashes, weights, probabilities, request), request)
            near = cap.boundary_candidates(hashes, weights, probabilities, plan)
            assert 0 < len(near.weight) <= 1_000
            keep = cap.apply(cap.settle(plan, near), hashes, weights, probabilities)
            measured = certificate.measure(weights[keep], probabilities[keep], request)
            share = measured.hard_share if guarantee == "hard" else measured.expected_share
            assert 0 <= request.share - share <= Fraction(3_000, measured.weight)


def test_lowest_keeps_the_least_probable_documents() -> None:
    request = CapRequest("0.5", policy="lowest", unit="documents")
    probabilities = np.array([0.1, 0.9, 0.6, 0.2, 0.7], dtype=np.float32)
    hashes = np.arange(5, dtype=np.uint64)
    assert cap.select(hashes, np.ones(5, np.int64), probabilities, request).tolist() == [1, 0, 1, 1, 1]


def test_one_long_document_does_not_use_up_the_cap() -> None:
    weights = np.array([900, 1_000_000, 50, 60], dtype=np.int64)
    probabilities = np.array([0, 1, 1, 1], dtype=np.float32)
    keep = cap.select(np.arange(4, dtype=np.uint64), weights, probabilities, CapRequest("0.1"))
    assert keep.tolist() == [True, False, True, False]


def test_an_all_synthetic_corpus_publishes_nothing_and_says_so() -> None:
    request = CapRequest(0.1)
    weights, probabilities = np.array([5, 7], dtype=np.int64), np.array([0.9, 0.8], dtype=np.float32)
    keep = cap.select(np.array([1, 2], dtype=np.uint64), weights, probabilities, request)
    assert not keep.any()
    before = certificate.measure(weights, probabilities, request)
    holds, note = certificate.certify(request, before, certificate.Measure())
    assert holds and note.startswith("nothing is published: all 2 documents")


def test_a_share_above_the_cap_is_not_certified_and_the_excess_is_named() -> None:
    request = CapRequest("0.25")
    measured = certificate.Measure(
        documents=2, weight=4, synthetic_documents=1, synthetic_weight=2, expected=0
    )
    holds, note = certificate.certify(request, measured, measured)
    assert not holds
    assert "0.250000 above the cap" in note


def test_cap_of_one_keeps_everything_and_of_zero_nothing_synthetic() -> None:
    weights, probabilities = np.full(100, 10, dtype=np.int64), np.linspace(0, 1, 100, dtype=np.float32)
    hashes = cap.selection_hash([f"d{number}" for number in range(100)], 0)
    assert cap.select(hashes, weights, probabilities, CapRequest(1)).all()
    assert np.array_equal(cap.select(hashes, weights, probabilities, CapRequest(0)), probabilities < 0.5)
    assert cap.select(hashes, weights, probabilities, CapRequest(0, guarantee="expected")).sum() == 1


def test_floats_mean_the_decimal_they_are_written_as() -> None:
    assert (
        CapRequest(0.1).share
        == Fraction(1, 10)
        == CapRequest("0.10").share
        == CapRequest(Decimal("0.1")).share
    )


def test_hash_depends_on_id_and_seed_only() -> None:
    ids = ["a", "b", None]
    assert cap.selection_hash(pa.chunked_array([ids]), 3).tolist() == cap.selection_hash(ids, 3).tolist()
    assert cap.selection_hash(ids, 3).tolist() != cap.selection_hash(ids, 4).tolist()
    assert cap.selection_hash(["provenance"], 0).tolist() == [HASH_OF_PROVENANCE]


HASH_OF_PROVENANCE = 15241009252570104541


def test_sums_beyond_64_bits_are_exact_or_refused() -> None:
    request = CapRequest("0.5", guarantee="expected")
    weights = np.full(8, cap.LARGEST_WEIGHT, dtype=np.int64)
    assert certificate.measure(weights, np.ones(8, np.float32), request).expected == 8 * 2**42 * 10**6
    with pytest.raises(OverflowError):
        cap.histogram(np.arange(8, dtype=np.uint64), weights, np.ones(8, np.float32), request)
    one = cap.histogram(np.zeros(2, np.uint64), weights[:2], np.ones(2, np.float32), request)
    with pytest.raises(OverflowError):
        one + one


@pytest.mark.parametrize("bad", [np.nan, -0.1, 1.5])
def test_probabilities_out_of_range_are_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="row 1: synthetic probability"):
        cap.histogram(
            np.zeros(2, np.uint64), np.ones(2, np.int64), np.array([0, bad], np.float32), CapRequest(0.1)
        )


@pytest.mark.parametrize(
    "values",
    [
        {"max_synthetic": "1.1"},
        {"max_synthetic": -1},
        {"max_synthetic": 0.1, "threshold": 0},
        {"max_synthetic": 0.1, "policy": "best"},
    ],
)
def test_requests_out_of_range_are_refused(values: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        CapRequest(**values)
