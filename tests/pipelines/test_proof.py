"""What proves a time, curated end to end: claims, contradictions and unreadable times are told apart, counted and shown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.program import Outcome, annotated, data, ledger, run

CASES = ("03-date-is-a-claim", "05-json-gz-names", "15-warc-kinds", "25-server-clock")


@pytest.fixture(scope="module")
def curated(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Outcome]:
    """Cases of several kinds as one crawl, with the defaults."""
    release = tmp_path_factory.mktemp("proof") / "release"
    inputs = [shared / "data/cases" / case for case in CASES]
    ended = run("curate", *inputs, "--output", release, "--max-synthetic", "1", "--quiet")
    assert ended.code == 0, ended.err
    return release, ended


@pytest.fixture(scope="module")
def manifest(curated: tuple[Path, Outcome]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((curated[0] / "manifest.json").read_text())
    return found


@pytest.fixture(scope="module")
def rows(curated: tuple[Path, Outcome]) -> pd.DataFrame:
    return ledger(curated[0])


def shards(release: Path) -> pd.DataFrame:
    """All documents, near-duplicates among the cases too."""
    return annotated(release, ["doc_id", "url", "published_time", "published_evidence"])


def test_a_publishers_date_makes_no_document_old(curated: tuple[Path, Outcome], rows: pd.DataFrame) -> None:
    claimed = rows[rows.input_file.str.contains("ccnews|trafilatura")]
    assert len(claimed) == 4 and claimed.capture_time.isna().all()
    assert claimed[
        claimed.low_background
    ].witness.tolist() == [  # the text of a page that was captured in June 2022
        rows[rows.url == "https://w.example/http2"].doc_id.item()
    ]
    documents = shards(curated[0]).set_index("doc_id").loc[claimed.doc_id]
    assert (documents.published_evidence == "field date").all()
    assert sorted(documents.published_time.dt.year) == [2015, 2015, 2017, 2017]
    assert set(documents.url) >= {"https://news.example/1"}  # trafilatura calls it `source`


def test_a_capture_that_its_archive_refutes_is_no_proof_and_is_remarked(rows: pd.DataFrame) -> None:
    clock = rows[rows.url.str.startswith("https://clock.example", na=False)].set_index("url")
    assert not clock.low_background.any()
    assert clock.time_remark["https://clock.example/a"].startswith("contradicted: WARC-Date says 2018-12-25")
    assert pd.isna(clock.time_remark["https://clock.example/b"])
    assert clock.capture_evidence["https://clock.example/b"] == "WARC-Date"
    assert clock.time_remark["https://clock.example/c"].startswith("impossible: WARC-Date is '2099-")


def test_the_witness_against_a_false_capture_is_heard(curated: tuple[Path, Outcome]) -> None:
    documents = shards(curated[0]).set_index("url")
    assert str(documents.published_time["https://clock.example/a"].date()) == "2025-02-20"


def test_no_bookkeeping_is_published(curated: tuple[Path, Outcome], rows: pd.DataFrame) -> None:
    urls = data(curated[0]).url.dropna()
    assert not urls.str.startswith(("metadata:", "urn:")).any() and not urls.str.endswith("/robots.txt").any()
    only = rows[rows.url == "https://w.example/only"]
    assert len(only) == 1 and only.domain.iloc[0] == "w.example"


def test_the_manifest_the_summary_and_the_card_name_what_proved(
    curated: tuple[Path, Outcome], manifest: dict[str, Any], rows: pd.DataFrame
) -> None:
    release, ended = curated
    times = manifest["times"]
    proven = rows[rows.capture_evidence.notna() & rows.token_count.notna()]
    assert times["proofs"] == [
        {"evidence": "WARC-Date", "documents": len(proven), "low_background": len(proven) - 1}
    ]
    assert times["claims"] == [
        {"evidence": "field date", "documents": 4},
        {"evidence": "field timestamp", "documents": 4},
    ]
    assert times["remarks"] == {"contradicted": 1, "impossible": 1, "unreadable": 0}
    said = f"{len(proven):,} documents by WARC-Date"
    assert said in ended.out and said in (release / "README.md").read_text()
    assert "4 of these by a claim alone, field timestamp" in ended.out
    assert run("verify", release).code == 0


def test_what_was_passed_over_is_in_the_manifest(manifest: dict[str, Any]) -> None:
    reasons = {item["name"]: item["reason"] for item in manifest["passed_over"]}
    assert "still being written" in reasons["c4/rec.warc.gz.open"]
    assert "recompress" in reasons["c4/x.jsonl.bz2"]
    read = {item["name"]: item["records"] for item in manifest["inputs"]}
    assert read["c4/c4-train.00000-of-01024.json.gz"] == 2 and read["c4/c4-train.00001-of-01024.json.gz"] == 1


def test_a_preset_proves_what_its_dataset_proves(shared: Path, tmp_path: Path) -> None:
    config = tmp_path / "c.yaml"
    config.write_text("reading: {preset: c4}")
    crawl = shared / "data/cases/05-json-gz-names/c4"
    ended = run(
        "curate", crawl, "--config", config, "--output", tmp_path / "r", "--max-synthetic", "1", "--quiet"
    )
    assert ended.code == 0, ended.err
    rows = ledger(tmp_path / "r")
    proven = rows[rows.input_file.str.startswith("c4-train")]
    assert proven.low_background.all() and set(proven.capture_evidence) == {"field timestamp"}


def test_a_mapping_that_no_row_satisfies_is_refused_before_work(shared: Path, tmp_path: Path) -> None:
    case = shared / "data/cases/04-nested-fields"
    ended = run(
        *(
            "curate",
            case / "redpajama.jsonl",
            "--config",
            case / "typo.yaml",
            "--output",
            tmp_path / "r",
            "--quiet",
        )
    )
    assert ended.code == 2
    assert "reading.fields.url: no row of redpajama.jsonl has 'urll'; did you mean meta.url?" in ended.err
    assert not (tmp_path / "r").exists()


def test_nested_fields_are_mapped(shared: Path, tmp_path: Path) -> None:
    case = shared / "data/cases/04-nested-fields"
    options = ("--config", case / "map.yaml", "--output", tmp_path / "r", "--max-synthetic", "1", "--quiet")
    assert run("curate", case / "oscar.jsonl", *options).code == 0
    rows = ledger(tmp_path / "r").sort_values("record_offset")
    assert rows.url.tolist() == ["https://o.example/1", "https://o.example/2"]
    assert set(rows.capture_time.dt.strftime("%Y-%m-%d")) == {"2021-09-16"} and rows.low_background.all()


def test_unreadable_times_are_counted_on_screen(shared: Path, tmp_path: Path) -> None:
    config = tmp_path / "c.yaml"
    config.write_text("reading: {fields: {capture_time: date}}")
    case = shared / "data/cases/19-capture-times"
    options = ("--config", config, "--output", tmp_path / "r", "--max-synthetic", "1", "--quiet")
    ended = run("curate", case / "in.jsonl", *options)
    assert ended.code == 0, ended.err
    rows = ledger(tmp_path / "r").drop_duplicates("record_id").set_index("record_id")
    for written in ("2019-05-12 10:00:00+00", "Sun, 12 May 2019 10:00:00 GMT", "2019/05/12"):
        assert str(rows.capture_time[written].date()) == "2019-05-12"
    assert str(rows.capture_time["1556668800"].date()) == "2019-05-01"
    assert str(rows.capture_time["2019-05-12T24:00:00Z"]) == "2019-05-13 00:00:00+00:00"
    assert str(rows.capture_time["{'$date': '2019-05-12T10:00:00Z'}"].date()) == "2019-05-12"
    assert "13 times there but unreadable" in ended.out and "2 times not believed: before 1991" in ended.out
    assert rows.capture_time.dropna().dt.year.max() == 2019
