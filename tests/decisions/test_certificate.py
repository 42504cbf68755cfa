"""What is certified says what holds, in which sense, and what share could be certified where it does not."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provenance.configuration import Cap
from provenance.decisions import cap
from provenance.decisions.cap import NOTHING_SELECTED
from provenance.decisions.certificate import asked_and_found, build_certificate, cap_request, read_request
from provenance.decisions.documents import LARGEST_WEIGHT, Documents, labels
from provenance.decisions.measure import Measure, add_sums, measure, measure_documents
from provenance.decisions.request import CapRequest
from provenance.errors import ConfigurationError


def table(rows: list[tuple[int, float, float, str | None]]) -> pa.Table:
    tokens, probability, upper, language = zip(*rows, strict=True) if rows else ((),) * 4
    return pa.table(
        {
            "token_count": pa.array(tokens, pa.int32()),
            "synthetic_probability": pa.array(probability, pa.float32()),
            "synthetic_probability_upper": pa.array(upper, pa.float32()),
            "language": pa.array(language, pa.string()),
        }
    )


def documents(rows: pa.Table, request: CapRequest) -> Documents:
    return Documents(
        np.arange(len(rows), dtype=np.uint64),
        np.asarray(rows["token_count"], np.int64)
        if request.unit == "tokens"
        else np.ones(len(rows), np.int64),
        np.asarray(rows["synthetic_probability"]),
        np.asarray(rows["synthetic_probability_upper"]),
        strata={"language": labels(rows["language"])},
    )


CHANCE = st.floats(0, 1, width=32)
ROWS = st.lists(
    st.tuples(st.integers(0, 9_000), CHANCE, CHANCE, st.sampled_from(["en", "de", None])).map(
        lambda row: (row[0], min(row[1:3]), max(row[1:3]), row[3])
    ),
    max_size=30,
)
CAPS = st.builds(
    Cap,
    max_synthetic=st.sampled_from(["0", "0.05", "0.1", "0.5"]),
    guarantee=st.sampled_from(["expected", "confident", "hard"]),
    unit=st.sampled_from(["tokens", "documents"]),
    policy=st.sampled_from(["lowest", "sample"]),
    strata=st.sampled_from([(), ({"by": "language", "max_synthetic": "0.02"},)]),
)


@settings(max_examples=200, deadline=None)
@given(ROWS, CAPS)
def test_what_the_selection_keeps_is_certified_from_the_published_columns(rows, configured: Cap) -> None:
    request, whole = cap_request(configured), table(rows)
    kept = whole.filter(pa.array(cap.select(documents(whole, request), request)))
    halves = [measure_documents(part, request) for part in (kept.slice(0, 3), kept.slice(3))]
    found = build_certificate(
        request, measure_documents(whole, request), add_sums(halves), dict(NOTHING_SELECTED)
    )
    assert found["holds"], found["note"]
    assert all(part["exceeded_by"] == 0 for part in found["parts"])
    assert read_request(found) == request


def certify(rows: list[tuple[int, float, float, str | None]], kept: list[int], **asked: object) -> dict:
    request, whole = CapRequest(**asked), table(rows)
    sums = [measure_documents(part, request) for part in (whole, whole.take(pa.array(kept, pa.int64())))]
    return build_certificate(request, *sums, dict(NOTHING_SELECTED))


def test_hard_says_wherever_it_is_printed_that_it_bounds_only_what_was_found() -> None:
    found = certify(
        [(90, 0.4, 0.6, "en"), (10, 0.9, 1.0, "en")], [0, 1], max_synthetic="0.1", guarantee="hard"
    )
    assert found["holds"]
    assert "bounds only what was found" in found["note"]
    assert "bounds only what was found" in asked_and_found(found)[0][1]


def test_asked_claimed_and_found_stand_side_by_side() -> None:
    found = certify([(900, 0.04, 0.06, "en"), (100, 0.5, 0.7, "en")], [0, 1], max_synthetic="0.1")
    assert [name for name, _ in asked_and_found(found)] == ["asked", "claimed", "found"]
    assert found["claimed"] == pytest.approx(0.086, abs=1e-5)
    assert found["claimed"] < 0.124 < found["claimed_at_most"]
    assert found["found"] == 0.1


def test_the_margin_is_certified_beside_what_is_claimed() -> None:
    rows = table([(100, 0.02, 0.12, "en"), (100, 0.02, 0.02, "en")])
    assert cap_request(Cap(max_synthetic="0.06")).margin == "0.8"
    request = cap_request(Cap(max_synthetic="0.06"))
    sums = measure_documents(rows, request)
    made = build_certificate(request, sums, sums, NOTHING_SELECTED)
    assert made["margin"] == "0.8" and made["holds"]
    assert made["claimed"] == pytest.approx(0.02, abs=1e-6)
    assert made["published_fraction"] == pytest.approx(0.02 + 0.8 * 0.05, abs=2e-6)
    assert "0.060000 with its margin for kinds of text that nobody has seen" in made["note"]
    assert "0.8 of the way to its upper bound" in dict(asked_and_found(made))["asked"]
    tighter = cap_request(Cap(max_synthetic="0.059"))
    assert not build_certificate(tighter, sums, sums, NOTHING_SELECTED)["holds"]


def test_a_certificate_of_before_there_were_margins_has_none() -> None:
    request = CapRequest("0.1")
    sums = measure_documents(table([(100, 0.09, 0.5, "en")]), request)
    made = build_certificate(request, sums, sums, NOTHING_SELECTED)
    del made["margin"]
    again = read_request(made)
    assert again.margin == 0 and build_certificate(again, sums, sums, NOTHING_SELECTED)["holds"]
    assert dict(asked_and_found(made))["asked"] == "at most 0.1 of the tokens (expected share)"


def test_where_proven_documents_alone_exceed_the_cap_the_share_that_is_left_is_said() -> None:
    found = certify([(100, 0.0009765625, 0.002, "en"), (50, 0.4, 0.5, "en")], [0], max_synthetic="0")
    assert not found["holds"]
    assert found["exceeded_by"] == pytest.approx(0.000977)
    assert "0.000977 can be certified (documents proven human" in found["note"]


def test_an_all_synthetic_corpus_publishes_nothing_and_says_so() -> None:
    found = certify([(5, 0.9, 0.9, "en"), (7, 0.8, 0.9, "en")], [], max_synthetic="0.1")
    assert found["holds"] and found["note"].startswith("nothing is published: any of the 2 documents")


def test_where_nothing_is_published_the_least_share_says_which_cap_would_leave_some() -> None:
    rows = table([(5, 0.9, 0.9, "en"), (7, 0.8, 0.9, "en")])
    request = CapRequest("0.1", margin="0.5")
    rule = cap.find_rule([documents(rows, request)], request)
    sums, nothing = measure_documents(rows, request), measure_documents(rows[:0], request)
    found = build_certificate(request, sums, nothing, rule.as_json())
    assert rule.as_json()["least_share"] == pytest.approx(0.85, abs=2e-6)
    assert "counts as 0.8500 with its margin; a higher cap, a smaller cap.margin or" in found["note"]


def test_a_share_above_the_cap_is_not_certified_and_the_excess_is_named() -> None:
    rows = [(1, 0.0, 0.0, "en"), (1, 1.0, 1.0, "en")]
    found = certify(rows, [0, 1], max_synthetic="0.25", guarantee="hard")
    assert not found["holds"] and "0.250000 above the cap" in found["note"]


def test_a_part_above_its_cap_fails_the_whole_and_is_named() -> None:
    strata = read_request(
        Cap(strata=({"by": "language", "max_synthetic": "0.05"},)).model_dump(mode="json")
    ).strata
    rows = [(900, 0.0, 0.0, "en"), (10, 0.5, 0.5, "de")]
    found = certify(rows, [0, 1], max_synthetic="0.1", strata=strata)
    assert not found["holds"] and "language de with 0.500000" in found["note"]
    assert [part["value"] for part in found["parts"]] == ["de", "en"]


def test_contradictions_of_a_configuration_are_configuration_errors() -> None:
    twice = Cap(strata=({"by": "year", "max_synthetic": 0}, {"by": "year", "max_synthetic": 1}))
    with pytest.raises(ConfigurationError, match="cap: strata: year all others has two caps"):
        cap_request(twice)


def test_sums_beyond_64_bits_are_exact() -> None:
    heavy = Documents(
        np.arange(8, dtype=np.uint64),
        np.full(8, LARGEST_WEIGHT),
        np.full(8, 0.5, np.float32),
        np.ones(8, np.float32),
    )
    found = measure(heavy, 0.5)
    assert found.upper == 8 * LARGEST_WEIGHT * 10**6
    assert found.variance == 8 * (32 * LARGEST_WEIGHT) ** 2
    assert (found + Measure()).share("expected") == Fraction(1, 2)
