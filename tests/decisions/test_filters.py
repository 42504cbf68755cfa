"""The first filter that a document fails is its reason; what follows is asked only of what is left."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from provenance.configuration import Configuration
from provenance.decisions.certificate import Sums
from provenance.decisions.filters import Plan, judge_documents, plan_filters, report_filters, signal_family
from provenance.errors import ConfigurationError
from provenance.filters.listing import Listing
from provenance.schema import ANNOTATED


def plan(**sections: Any) -> tuple[Plan, tuple[Listing, ...]]:
    made = plan_filters(Configuration.model_validate(sections), ANNOTATED)
    return made, tuple(read() for read in made.listings)


def documents(*rows: dict[str, Any]) -> pa.Table:
    """Rows of an annotated shard."""
    return pa.Table.from_pylist(
        [{name: None for name in ANNOTATED.names} | row for row in rows], schema=ANNOTATED
    )


def verdicts(table: pa.Table, made: tuple[Plan, tuple[Listing, ...]]) -> list[tuple[str | None, str | None]]:
    asked, listings = made
    found = judge_documents(table.select(asked.columns(listings)), asked, listings)
    return list(zip(found["reason"].to_pylist(), found["detail"].to_pylist(), strict=True))


def optout(where: str) -> list[dict[str, str]]:
    return [
        {"signal": "license", "value": "CC", "where": "link"},
        {"signal": "optout", "value": "1", "where": where},
    ]


def test_the_first_filter_that_fails_is_the_reason() -> None:
    made = plan(
        filters=[
            {"kind": "languages", "allow": ["en"], "min_score": 0.5},
            {"kind": "expression", "name": "long", "keep": "token_count >= 100"},
        ]
    )
    found = verdicts(
        documents(
            {"language": "en", "language_score": 0.9, "token_count": 100},
            {"language": "en", "language_score": 0.9, "token_count": 99},
            {"language": "de", "language_score": 0.9, "token_count": 10},
            {"language": "en", "language_score": 0.4, "token_count": 100},
            {"outcome": "http_error"},
        ),
        made,
    )
    assert found == [
        (None, None),
        ("filter:long", "not: token_count >= 100"),
        ("filter:languages", "language de, score 0.90"),
        ("filter:languages", "language en, score 0.40"),
        (None, None),  # no document: its own outcome stands
    ]


def test_reservations_exclude_by_their_family_and_the_ledger_names_it() -> None:
    table = documents(
        {"rights_signals": optout("http tdm-reservation")},
        {"rights_signals": optout("meta robots")},
        {"rights_signals": []},
        {"rights_signals": None},
    )
    assert plan(rights={"policy": "record"})[0].steps == ()
    every = verdicts(table, plan(rights={"policy": "exclude"}))
    assert [reason for reason, _ in every] == ["opt_out", "opt_out", None, None]
    assert every[0][1] == "tdm-reservation: http tdm-reservation says 1"
    some = verdicts(table, plan(rights={"policy": "exclude", "signals": ["robots"]}))
    assert [reason for reason, _ in some] == [None, "opt_out", None, None]


@pytest.mark.parametrize(
    ("where", "family"),
    [
        ("http tdm-reservation", "tdm-reservation"), ("meta googlebot", "robots"), ("http x-robots-tag", "robots"),
        ("http content-usage", "content-usage"), ("meta content-signal", "content-signal"), ("inline RSL", "rsl"),
    ],
)  # fmt: skip
def test_every_place_of_a_reservation_has_a_family(where: str, family: str) -> None:
    assert signal_family(where) == family


def test_personal_data_is_dropped_only_where_that_is_asked_for() -> None:
    counts = {"email": 2, "phone": None, "ip": 0, "iban": None, "card": None, "secret": 1}
    table = documents({"personal_data": counts}, {"personal_data": None})
    assert verdicts(table, plan(personal_data={"secret": "drop", "email": "mask", "ip": "drop"})) == [
        ("personal_data", "1 secret"),
        (None, None),
    ]


def test_a_removal_request_says_why_and_whether_near_duplicates_follow(tmp_path: Path) -> None:
    path = tmp_path / "removals.jsonl"
    entries = [
        {"url": "https://a.example/x", "reason": "privacy", "date": "2025-02-03"},
        {"host": "b.example", "reason": "left", "date": "2025-02-04"},
    ]
    path.write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    asked, listings = plan(removals={"lists": [str(path)]})
    table = documents(
        {"url": "https://a.example/x", "host": "a.example"},
        {"url": "https://b.example/", "host": "b.example"},
        {},
    )
    found = judge_documents(table.select(asked.columns(listings)), asked, listings)
    assert found["reason"].to_pylist() == ["removed", "removed", None]
    assert found["with_duplicates"].to_pylist() == [True, False, False]
    assert found["detail"][0].as_py() == "url https://a.example/x is listed: privacy, 2025-02-03"


def test_a_classifier_needs_its_score() -> None:
    made = plan_filters(
        Configuration.model_validate(
            {
                "classifiers": [{"name": "quality", "model": "m.bin"}],
                "filters": [{"kind": "classifier", "classifier": "quality", "min_score": 0.5}],
            }
        ),
        ANNOTATED,
    )
    table = pa.table(
        {"outcome": pa.nulls(3, pa.string()), "quality_score": pa.array([0.5, 0.4, None], pa.float32())}
    )
    found = judge_documents(table, made, ())
    assert found["reason"].to_pylist() == [None, "filter:classifier", "filter:classifier"]


@pytest.mark.parametrize(
    ("sections", "said"),
    [
        ({"filters": [{"kind": "gopher"}, {"kind": "gopher"}]}, "'gopher' stands twice"),
        (
            {"filters": [{"kind": "classifier", "classifier": "x", "min_score": 1}]},
            "no entry of `classifiers`",
        ),
        ({"filters": [{"kind": "block_list"}]}, "at least one file"),
        ({"filters": [{"kind": "nosuch"}]}, "nosuch"),
        ({"filters": [{"kind": "gopher", "name": "A b"}]}, "name"),
    ],
)
def test_a_filter_that_cannot_be_is_refused_when_it_is_read(sections: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Configuration.model_validate(sections)


def test_an_expression_or_list_that_cannot_be_used_is_refused_before_any_work(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="there is no column 'tokens'"):
        plan(filters=[{"kind": "expression", "keep": "tokens > 5"}])
    with pytest.raises(ConfigurationError, match="cannot be read"):
        plan(filters=[{"kind": "block_list", "hosts": [str(tmp_path / "none")]}])


def test_no_path_of_a_machine_is_published(tmp_path: Path) -> None:
    path = str(tmp_path / "hosts.txt")
    made = Configuration.model_validate(
        {"filters": [{"kind": "block_list", "hosts": [path]}], "removals": {"lists": [path]}}
    )
    assert str(tmp_path) not in made.model_dump_json() and "hosts.txt" in made.model_dump_json()


def sums(documents: int, tokens: int, expected: int) -> Sums:
    rest = {"synthetic_documents": 0, "synthetic_weight": 0}
    return {
        "tokens": {"documents": documents, "weight": tokens, "expected": expected * 1_000_000, **rest},
        "documents": {"documents": documents, "weight": documents, "expected": 0, **rest},
    }


def test_each_filter_shows_the_share_before_and_after_it() -> None:
    filtered = {"": sums(5, 50, 10), "filter:b": sums(2, 50, 0), "filter:a": sums(1, 100, 90)}
    first, second = report_filters(["filter:a", "filter:b"], filtered)
    assert [item["before"]["expected"]["tokens"] for item in (first, second)] == [0.5, 0.1]
    assert [item["after"]["expected"]["tokens"] for item in (first, second)] == [0.1, 0.2]
    assert first["dropped"]["tokens"]["documents"] == 1
