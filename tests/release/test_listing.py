"""A ledger is asked by what became of records, by host and by address; every count is that of the table itself."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from provenance.annotators.source import split_urls
from provenance.errors import UsageError
from provenance.files.storage import LocalStorage
from provenance.release.listing import Query, find_records, host_asked_for, hosts, list_records
from tests.program import ledger, run

STORAGE = LocalStorage()


@pytest.fixture(scope="module")
def rows(demo_release: Path) -> pd.DataFrame:
    found = ledger(demo_release)
    return found.assign(host=found.url.str.extract(r"^[a-z]+://([^/:]*)", expand=False))


def test_all_records_are_counted_by_what_became_of_them(demo_release: Path, rows: pd.DataFrame) -> None:
    found = list_records(STORAGE, str(demo_release), Query(), limit=3)
    assert found.records == len(rows)
    assert found.decisions == Counter(zip(rows.decision, rows.reason.fillna(""), strict=True))
    assert found.hosts == Counter(rows.host.dropna())
    assert [row["doc_id"] for row in found.rows] == rows.doc_id[:3].tolist()


def test_duplicates_of_a_host_are_listed(demo_release: Path, rows: pd.DataFrame) -> None:
    duplicates = rows[rows.reason == "duplicate"]
    host = duplicates.host.mode()[0]
    wanted = duplicates[duplicates.host == host]
    ended = run("list", demo_release, "--reason", "duplicate", "--host", host, "--limit", "2", "--json")
    found = json.loads(ended.out)
    assert ended.code == 0
    assert found["records"] == len(wanted) and found["decisions"] == {"dropped:duplicate": len(wanted)}
    assert found["hosts"] == {host: len(wanted)}
    assert [row["doc_id"] for row in found["rows"]] == wanted.doc_id[:2].tolist()
    shown = run("list", demo_release, "--reason", "duplicate", "--host", host, "--limit", "0").out
    assert shown.startswith(f"{len(wanted):,} records\n")
    assert all(doc_id in shown for doc_id in wanted.doc_id)


@pytest.mark.parametrize(
    ("query", "mask"),
    [
        (Query(decision="failed"), lambda rows: rows.decision == "failed"),
        (
            Query(decision="kept", input="demo-2019"),
            lambda rows: (rows.decision == "kept") & rows.input_file.str.startswith("demo-2019"),
        ),
        (Query(url="https://"), lambda rows: rows.url.str.startswith("https://").fillna(False)),
        (Query(reason="bad_row"), lambda rows: rows.reason == "bad_row"),
    ],
)
def test_conditions_are_those_of_the_table(
    demo_release: Path, rows: pd.DataFrame, query: Query, mask: object
) -> None:
    wanted = rows[mask(rows)]  # type: ignore[operator]
    found = list_records(STORAGE, str(demo_release), query)
    assert [row["doc_id"] for row in found.rows] == wanted.doc_id.tolist()


def test_a_host_stands_for_those_below_it_and_not_for_those_that_end_alike() -> None:
    url = ["https://EXAMPLE.org/a", "http://me@www.example.org:80", "https://notexample.org/", "urn:x", None]
    table = pa.table({"url": pa.chunked_array([pa.array(url)])})
    assert Query(host="example.org").mask(table).to_pylist() == [True, True, False, False, False]
    assert hosts(table["url"]).to_pylist() == ["example.org", "www.example.org", "notexample.org", None, None]


def test_an_unknown_reason_is_no_empty_answer() -> None:
    with pytest.raises(UsageError, match="did you mean duplicate"):
        Query(reason="duplicates")


def test_what_is_meant_is_found_by_its_whole_and_by_its_beginning(
    demo_release: Path, rows: pd.DataFrame
) -> None:
    captures = rows[rows.url.duplicated(keep=False) & rows.url.notna()]
    url = captures.url.iloc[0]
    same = rows[rows.url == url].doc_id.tolist()

    def found(what: str) -> list[str]:
        return [row["doc_id"] for row in find_records(STORAGE, str(demo_release), what, limit=1000).rows]

    assert len(same) > 1 and found(url) == same
    assert found(url.split("://")[1]) == same, "the scheme may be left out"
    assert found(same[0]) == [same[0]]
    assert found(same[0][:10]) == [same[0]]
    host = url.split("/")[2]
    assert (
        found(f"https://{host}/")
        == rows[rows.url.str.startswith(f"https://{host}/").fillna(False)].doc_id.tolist()
    )
    for nothing in ("", "nonsense", "0" * 32, "https://nowhere.example/"):
        assert found(nothing) == []


def test_explain_takes_an_address_and_explains_every_capture(demo_release: Path, rows: pd.DataFrame) -> None:
    url = rows[rows.url.duplicated(keep=False) & rows.url.notna()].url.iloc[0]
    same = rows[rows.url == url]
    ended = run("explain", demo_release, url)
    assert ended.code == 0
    for row in same.itertuples():
        assert f"{row.doc_id}: {row.decision}" in ended.out
    explained = json.loads(run("explain", demo_release, url, "--json").out)
    assert [item["ledger"]["doc_id"] for item in explained] == same.doc_id.tolist()


def test_explain_takes_the_beginning_of_a_doc_id(demo_release: Path, rows: pd.DataFrame) -> None:
    doc_id = rows[rows.decision == "kept"].doc_id.iloc[0]
    assert run("explain", demo_release, doc_id[:8]).out == run("explain", demo_release, doc_id).out
    found = json.loads(run("explain", demo_release, doc_id[:8], "--json").out)
    assert found["ledger"]["doc_id"] == doc_id


def test_explain_lists_what_begins_alike(demo_release: Path, rows: pd.DataFrame) -> None:
    host = rows.host.mode()[0]
    wanted = rows[rows.url.str.startswith(f"https://{host}/").fillna(False)]
    ended = run("explain", demo_release, f"https://{host}/")
    assert ended.code == 0 and f"{len(wanted):,} records" in ended.out and "name one of them" in ended.out
    found = json.loads(run("explain", demo_release, f"https://{host}/", "--json").out)
    assert found["records"] == len(wanted)


@pytest.mark.parametrize(
    "written",
    [
        "a.example",
        "A.Example.",
        "*.a.example",
        ".a.example",
        "a.example:443",
        "https://me@a.example:8/b?c",
        "a.example/b",
    ],
)
def test_a_host_is_asked_for_as_people_write_it(written: str) -> None:
    assert host_asked_for(written) == "a.example"


@pytest.mark.parametrize(
    ("url", "asked"),
    [
        ("http://[2001:DB8::1]:8080/page", "2001:db8::1"),
        ("http://[2001:db8::1]/page", "[2001:db8:0::1]:80"),
        ("https://b\N{LATIN SMALL LETTER U WITH DIAERESIS}cher.example/", "xn--bcher-kva.example"),
        ("https://xn--bcher-kva.example/", "*.B\N{LATIN SMALL LETTER U WITH DIAERESIS}cher.example"),
        ("https://example.org./dot", "example.org"),
        ("http://user:secret@example.org/", "example.org"),
    ],
)
def test_a_host_is_found_however_it_is_written(url: str, asked: str) -> None:
    (host,) = hosts(pa.chunked_array([[url]], pa.string())).to_pylist()
    assert host == host_asked_for(asked) == split_urls(pa.array([url]))[0][0].as_py()
