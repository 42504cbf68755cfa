"""The cap is never exceeded, is reached within one document, and does not depend on order or shards."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from functools import reduce
from operator import add

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provenance.decisions import cap, plan
from provenance.decisions.documents import LARGEST_WEIGHT, Documents, deviations, noise_of
from provenance.decisions.hashes import selection_hash
from provenance.decisions.histogram import HASH_BITS, LEVEL_BITS, LEVELS
from provenance.decisions.request import CapRequest

Rows = list[tuple[int, int, float, float, bool]]  # hash, weight, probability, upper probability, proven

REQUESTS = st.builds(
    CapRequest,
    max_synthetic=st.one_of(
        st.sampled_from([Decimal(0), Decimal(1), Decimal("0.1"), Decimal("0.333")]),
        st.decimals(0, 1, places=4),
    ),
    guarantee=st.sampled_from(["hard", "expected", "confident"]),
    threshold=st.sampled_from([0.5, 0.7, 1.0]),
    policy=st.sampled_from(["sample", "lowest"]),
    margin=st.sampled_from([0, Decimal("0.6"), 1]),
)
PROBABILITY = st.one_of(st.floats(0, 1, width=32), st.sampled_from([0.0, 0.5, 1.0, float(np.float32(0.7))]))
ROWS = st.lists(
    st.tuples(
        st.integers(0, 2**64 - 1),
        st.integers(0, 100_000),
        PROBABILITY,
        PROBABILITY,
        st.sampled_from([0, 0, 0, 1]),
    ),
    max_size=40,
    unique_by=lambda row: row[0],
)


def documents(rows: Rows) -> Documents:
    hashes, weights, probabilities, uppers, proven = zip(*rows, strict=True) if rows else ((),) * 5
    probability = np.array(probabilities, dtype=np.float32)
    return Documents(
        np.array(hashes, dtype=np.uint64),
        np.array(weights, dtype=np.int64),
        probability,
        np.maximum(probability, np.array(uppers, dtype=np.float32)),
        np.array(proven, dtype=bool),
    )


def simple(weight: list[int], probability: list[float], proven: list[bool] | None = None) -> Documents:
    return Documents(
        np.arange(len(weight), dtype=np.uint64),
        np.array(weight, dtype=np.int64),
        np.array(probability, dtype=np.float32),
        proven=None if proven is None else np.array(proven),
    )


def synthetic(probability: float, upper: float, request: CapRequest) -> Fraction:
    """What counts as synthetic of a document, by the definition."""
    if request.guarantee == "hard":
        return Fraction(probability >= min(request.threshold, float(np.float32(request.threshold))))
    least, most = (up(Fraction(value) * 1_000_000) for value in (probability, upper))
    toward = 1 if request.guarantee == "confident" else Fraction(str(request.margin))
    return Fraction(up(least + toward * (most - least)), 1_000_000)


def up(value: Fraction) -> int:
    return -(-value.numerator // value.denominator)


def brute_force(rows: Documents, request: CapRequest) -> set[int]:
    """The definition in fractions: hashes that are kept.

    In the order of the policy, by whole bins as far as the cap holds at the end of one, then each document that fits.
    """
    share = Fraction(request.millionths, 1_000_000)
    confident = request.guarantee == "confident"
    squares = (deviations(rows) ** 2).tolist() if confident else [0] * len(rows)
    kept, rest, total = set(), [], (Fraction(0), 0)

    def noisy(sums: tuple[Fraction, int]) -> Fraction:
        return sums[0] + Fraction(noise_of(sums[1]), 1_000_000)

    columns = (rows.doc_hash, rows.weight, rows.probability, rows.upper, rows.proven)
    for square, *values in zip(squares, *(column.tolist() for column in columns), strict=True):
        key, weight, probability, upper, proven = values
        part = synthetic(probability, upper, request)
        sums = (weight * (part - share), square)
        if proven or (part <= share and not confident):
            kept.add(key)
            total = (total[0] + sums[0], total[1] + sums[1])
            continue
        shown = synthetic(probability, upper, CapRequest(0)) if request.guarantee == "hard" else part
        level = (
            int(shown * 1_000_000) * LEVELS // 1_000_001 if request.policy == "lowest" else int(part > share)
        )
        bits = HASH_BITS if request.policy == "lowest" else HASH_BITS + LEVEL_BITS - 1
        rest.append(((level, key >> (64 - bits)), key, sums))
    rest.sort()
    before, cut = total, 0
    for row, (place, _, sums) in enumerate(rest, 1):
        before = (before[0] + sums[0], before[1] + sums[1])
        if (row == len(rest) or rest[row][0] != place) and noisy(before) <= 0:
            cut, total = row, before
    kept |= {key for _, key, _ in rest[:cut]}
    for _, key, sums in rest[cut:]:
        now = (total[0] + sums[0], total[1] + sums[1])
        if noisy(now) <= max(Fraction(0), noisy(total)):
            kept.add(key)
            total = now
    return kept


def in_shards(shards: list[Documents], request: CapRequest) -> set[int]:
    found = cap.boundary(reduce(add, [cap.histogram(part, request) for part in shards]), request)
    rule = cap.settle(found, cap.concatenate([cap.boundary_candidates(part, found) for part in shards]))
    return {int(key) for part in shards for key in part.doc_hash[cap.apply(rule, part)]}


def counted_share(rows: Documents, request: CapRequest) -> Fraction:
    """What the cap is about, noise included, from the definition."""
    weight = int(rows.weight.sum())
    total = sum(
        int(w) * synthetic(float(p), float(u), request)
        for w, p, u in zip(rows.weight, rows.probability, rows.upper, strict=True)
    )
    if request.guarantee == "confident":
        total += Fraction(noise_of(int((deviations(rows) ** 2).sum())), 1_000_000)
    return Fraction(total) / weight if weight else Fraction(0)


@settings(max_examples=300, deadline=None)
@given(ROWS, REQUESTS)
def test_selection_equals_the_definition(rows: Rows, request: CapRequest) -> None:
    assert in_shards([documents(rows)], request) == brute_force(documents(rows), request)


@settings(max_examples=100, deadline=None)
@given(ROWS, REQUESTS, st.integers(1, 6), st.randoms(use_true_random=False))
def test_order_and_shards_do_not_matter(rows: Rows, request: CapRequest, count: int, random) -> None:
    whole = in_shards([documents(rows)], request)
    mixed = list(rows)
    random.shuffle(mixed)
    assert in_shards([documents(mixed[start::count]) for start in range(count)], request) == whole


@settings(max_examples=300, deadline=None)
@given(ROWS, REQUESTS)
def test_cap_holds_unless_proven_documents_alone_exceed_it(rows: Rows, request: CapRequest) -> None:
    found = documents(rows)
    keep = cap.select(found, request)
    proven = found.take(found.proven)
    assert keep[found.proven].all()
    share = counted_share(found.take(keep), request)
    assert share <= request.share or share <= counted_share(proven, request)


@settings(max_examples=100, deadline=None)
@given(ROWS, REQUESTS)
def test_cap_holds_when_recomputed_in_floating_point(rows: Rows, request: CapRequest) -> None:
    found = documents([(*row[:4], False) for row in rows])
    kept = found.take(cap.select(found, request))
    frame = pd.DataFrame({"weight": kept.weight, "probability": kept.probability})
    if request.guarantee == "hard":
        for flagged in (
            frame.probability >= request.threshold,
            frame.probability.astype("float64") >= request.threshold,
        ):
            assert Fraction(int(frame.weight[flagged].sum())) <= request.share * int(frame.weight.sum())
    elif frame.weight.sum():
        assert (frame.weight * frame.probability).sum() / frame.weight.sum() <= float(request.share)


@settings(max_examples=200, deadline=None)
@given(ROWS, REQUESTS.filter(lambda request: request.guarantee != "confident"))
def test_each_document_left_out_would_break_the_cap(rows: Rows, request: CapRequest) -> None:
    found = documents(rows)
    keep = cap.select(found, request)
    for row in np.flatnonzero(~keep):
        more = keep.copy()
        more[row] = True
        assert counted_share(found.take(more), request) > Fraction(request.millionths, 1_000_000)


@pytest.mark.parametrize("policy", ["sample", "lowest"])
@pytest.mark.parametrize("guarantee", ["hard", "expected", "confident"])
def test_a_large_corpus_is_settled_in_a_bounded_number_of_documents(
    monkeypatch: pytest.MonkeyPatch, policy: str, guarantee: str
) -> None:
    """Also where most documents have the very same probability, as where no detector could judge them."""
    random = np.random.default_rng(7)
    probability = random.random(200_000).astype(np.float32)
    probability[:150_000] = 0.31
    hashes = random.integers(0, 2**64, 200_000, dtype=np.uint64)
    found = Documents(hashes, random.integers(1, 3_000, 200_000), probability)
    monkeypatch.setattr(plan, "CANDIDATES", 1_000)
    request = CapRequest("0.05" if guarantee == "hard" else "0.30", guarantee=guarantee, policy=policy)
    planned = cap.boundary(cap.histogram(found, request), request)
    near = cap.boundary_candidates(found, planned)
    assert 0 < len(near.keys) <= 1_000
    kept = found.take(cap.apply(cap.settle(planned, near), found))
    share = counted_share(
        Documents(*[getattr(kept, n) for n in ("doc_hash", "weight", "probability", "probability")]), request
    )
    assert 0 <= request.share - share <= Fraction(3_000, int(kept.weight.sum()))


def test_lowest_keeps_the_least_probable_documents() -> None:
    request = CapRequest("0.5", guarantee="hard", unit="documents")
    keep = cap.select(simple([1] * 5, [0.1, 0.9, 0.6, 0.2, 0.7]), request)
    assert keep.tolist() == [True, False, True, True, True]


def test_lowest_drops_far_less_than_a_sample_for_the_same_expected_share() -> None:
    random = np.random.default_rng(3)
    machine = random.random(20_000) < 0.2
    probability = np.where(machine, random.beta(6, 1, 20_000), random.beta(0.3, 6, 20_000)).astype(np.float32)
    found = Documents(
        random.integers(0, 2**64, 20_000, np.uint64), random.integers(50, 900, 20_000), probability
    )
    lost = {}
    for policy in ("lowest", "sample"):
        keep = cap.select(found, CapRequest("0.05", policy=policy))
        lost[policy] = found.weight[~keep & ~machine].sum() / found.weight[~machine].sum()
    assert lost["lowest"] < 0.2 * lost["sample"]


def test_one_long_document_does_not_use_up_the_cap() -> None:
    found = simple([900, 1_000_000, 50, 60], [0, 1, 1, 1])
    assert cap.select(found, CapRequest("0.1")).tolist() == [True, False, True, False]


def test_an_all_synthetic_corpus_keeps_only_what_is_proven_human() -> None:
    assert not cap.select(simple([5, 7], [0.9, 0.8]), CapRequest(0.1)).any()
    assert cap.select(simple([5, 7], [0.9, 0.8], [False, True]), CapRequest(0.1)).tolist() == [False, True]


def test_an_all_human_corpus_is_kept_whole() -> None:
    assert cap.select(simple([5, 7], [0.01, 0.02]), CapRequest("0.05")).all()
    assert cap.select(simple([], []), CapRequest("0.05")).shape == (0,)


def test_cap_of_one_keeps_everything_and_of_zero_nothing_synthetic() -> None:
    found = Documents(
        selection_hash([f"d{number}" for number in range(100)], 0),
        np.full(100, 10, dtype=np.int64),
        np.linspace(0, 1, 100, dtype=np.float32),
        proven=np.arange(100) == 1,
    )
    assert cap.select(found, CapRequest(1)).all()
    hard = cap.select(found, CapRequest(0, guarantee="hard"))
    assert np.array_equal(hard, found.probability < 0.5)
    assert np.flatnonzero(cap.select(found, CapRequest(0))).tolist() == [0, 1]


def test_confident_keeps_less_where_the_detector_is_less_sure_and_where_documents_are_few() -> None:
    random = np.random.default_rng(11)
    probability = random.beta(0.2, 1.5, 5_000).astype(np.float32)
    hashes, weight = random.integers(0, 2**64, 5_000, np.uint64), np.ones(5_000, np.int64)

    def kept(guarantee: str, factor: float, count: int) -> float:
        upper = np.minimum(probability * factor, 1).astype(np.float32)
        found = Documents(hashes, weight, probability, upper).take(np.arange(count))
        return float(cap.select(found, CapRequest("0.05", guarantee=guarantee)).mean())

    assert kept("expected", 1.0, 5_000) > kept("confident", 1.0, 5_000) > kept("confident", 1.5, 5_000)
    assert kept("confident", 1.0, 5_000) > kept("confident", 1.0, 100)


def test_floats_mean_the_decimal_they_are_written_as() -> None:
    tenths = (CapRequest(0.1), CapRequest("0.10"), CapRequest(Decimal("0.1")))
    assert {request.share for request in tenths} == {Fraction(1, 10)}


@pytest.mark.parametrize("proven", [False, True])
def test_variances_beyond_64_bits_are_refused_not_wrong(proven: bool) -> None:
    """A square that wraps round is negative: what chance adds would be no number, or too small a one."""
    request = CapRequest("0.5", guarantee="confident")
    giant = replace(simple([2**30], [0.5]), proven=np.array([proven]))
    with pytest.raises(OverflowError, match="too long for the guarantee confident"):
        cap.histogram(giant, request)
    many = replace(simple([2**26] * 4, [0.5] * 4), proven=np.full(4, proven), doc_hash=np.zeros(4, np.uint64))
    with pytest.raises(OverflowError, match="in one bin"):
        cap.histogram(many, request)
    cap.histogram(giant, replace(request, guarantee="expected"))


def test_sums_beyond_64_bits_are_exact_or_refused() -> None:
    request = CapRequest("0.5")
    heavy = simple([LARGEST_WEIGHT] * 8, [1.0] * 8)
    with pytest.raises(OverflowError):
        cap.histogram(heavy, request)
    one = cap.histogram(heavy.take(np.zeros(2, np.int64)), request)
    with pytest.raises(OverflowError):
        one + one
    apart = [cap.histogram(heavy.take(np.array([row])), request) for row in range(8)]
    human = cap.histogram(simple([LARGEST_WEIGHT] * 2, [0.5, 0.0]), request)
    assert (
        cap.boundary(cap.merge_histograms([*apart[:2], human]), request).kept[:, 1].sum()
        >= 2 * LARGEST_WEIGHT
    )


@pytest.mark.parametrize("bad", [np.nan, -0.1, 1.5])
def test_probabilities_out_of_range_are_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="row 1: synthetic probability"):
        cap.histogram(simple([1, 1], [0, bad]), CapRequest(0.1))


@pytest.mark.parametrize(
    "values",
    [
        {"max_synthetic": "1.1"},
        {"max_synthetic": -1},
        {"max_synthetic": 0.1, "threshold": 0},
        {"max_synthetic": 0.1, "policy": "best"},
        {"max_synthetic": 0.1, "guarantee": "sure"},
        {"max_synthetic": 0.1, "exponent": -1},
    ],
)
def test_requests_out_of_range_are_refused(values: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        CapRequest(**values)


def test_tail_keeps_what_holds_the_most_rare_words() -> None:
    found = simple([10] * 4, [0.0, 0.4, 0.4, 0.4])
    rare = np.array([0, 1, 9, 5])
    request = CapRequest("0.21", policy="tail")
    assert cap.select(replace(found, rare=rare), request).tolist() == [True, False, True, False]
    with pytest.raises(ValueError, match="need to know which documents hold rare words"):
        cap.select(found, request)


def test_a_margin_lets_less_stay_and_asks_for_an_upper_probability() -> None:
    rows = documents([(k, 100, 0.049 * k, 0.098 * k, False) for k in range(10)])
    kept = [
        int(cap.select(rows, CapRequest(Decimal("0.1"), margin=margin)).sum())
        for margin in (0, Decimal("0.6"), 1)
    ]
    assert kept == [5, 3, 3]
    bare = replace(rows, upper=None)
    assert cap.select(bare, CapRequest(Decimal("0.1"), margin=1)).sum() == 5
    with pytest.raises(ValueError, match="margin must lie between 0 and 1"):
        CapRequest(Decimal("0.1"), margin=Decimal("1.1"))
