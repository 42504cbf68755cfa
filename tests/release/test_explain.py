"""Every decision is explained by the release alone: reason, evidence in nats, and who was kept instead."""

from __future__ import annotations

import math
import shutil
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pandas as pd
import pyarrow.parquet as pq
import pytest

from provenance.files.storage import LocalStorage
from provenance.release.explain import describe, explain
from provenance.release.manifest import ReleaseError
from tests.hostile import check_page
from tests.program import DEMO, ledger, run

STORAGE = LocalStorage()


@pytest.fixture(scope="module")
def rows(demo_release: Path) -> pd.DataFrame:
    return ledger(demo_release)


def of(release: Path, row: pd.Series) -> tuple[dict[str, object], str]:
    """The explanation of a row of the ledger, and its text."""
    found = explain(STORAGE, str(release), row.doc_id)
    assert found is not None
    return found, describe(found)


def test_evidence_adds_up_to_the_probability_of_every_document(
    demo_release: Path, rows: pd.DataFrame
) -> None:
    for _, row in rows[rows.synthetic_probability.notna()].sample(15, random_state=0).iterrows():
        found, text = of(demo_release, row)
        total = found["prior_log_odds"] + found["evidence_log_odds"]  # type: ignore[operator]
        assert 1 / (1 + math.exp(-total)) == pytest.approx(row.synthetic_probability, abs=1e-6)
        assert f"{total:+.2f} nats together" in text
        assert all(item["because"][:30] in text for item in row.evidence)


def test_a_kept_document_is_described_without_its_text(demo_release: Path, rows: pd.DataFrame) -> None:
    found, text = of(demo_release, rows[rows.decision == "kept"].iloc[0])
    assert "text" not in found["document"]  # type: ignore[operator]
    assert "captured: " in text and "proven by: " in text


def test_a_duplicate_names_the_document_in_its_place(demo_release: Path, rows: pd.DataFrame) -> None:
    row = rows[rows.reason == "duplicate"].iloc[0]
    found, text = of(demo_release, row)
    assert found["kept_in_its_place"]["doc_id"] == row.duplicate_of  # type: ignore[index]
    assert f"kept in its place: {row.duplicate_of} (similarity {row.similarity:.3f})" in text


def test_a_document_over_the_cap_names_the_cap(tmp_path: Path) -> None:
    release = tmp_path / "strict"
    assert run("curate", DEMO, "--output", release, "--max-synthetic", "0.01", "--quiet").code == 0
    dropped = ledger(release)
    found, text = of(release, dropped[dropped.reason == "synthetic_cap"].iloc[0])
    assert set(found["cap"]) == {
        "max_synthetic",
        "guarantee",
        "unit",
        "threshold",
        "policy",
        "seed",
        "strata",
    }  # type: ignore[call-overload]
    assert "cap: 0.01 of tokens, expected share; what stays is chosen by policy 'lowest'" in text


def test_a_failed_record_says_why_and_where(demo_release: Path, rows: pd.DataFrame) -> None:
    row = rows[rows.decision == "failed"].iloc[0]
    found, text = of(demo_release, row)
    assert "prior_log_odds" not in found
    assert f"({row.reason})" in text and "because: " in text and f"offset {row.record_offset:,}" in text


def test_what_the_crawl_says_cannot_steer_a_terminal(demo_release: Path, rows: pd.DataFrame) -> None:
    found, _ = of(demo_release, rows[rows.decision == "kept"].iloc[0])
    found["ledger"]["url"] = "https://a.example/\x1b[2J\u202e"  # type: ignore[index]
    assert "\x1b" not in describe(found) and "\u202e" not in describe(found)


def test_an_identifier_that_is_not_there_and_a_release_that_is_none(
    demo_release: Path, tmp_path: Path
) -> None:
    assert explain(STORAGE, str(demo_release), "0" * 32) is None
    assert run("explain", demo_release, "0" * 32).code == 1
    with pytest.raises(ReleaseError, match="not a finished release"):
        explain(STORAGE, str(tmp_path), "0" * 32)


def test_the_neighbours_of_a_document_are_named(demo_release: Path, rows: pd.DataFrame) -> None:
    duplicate = rows[rows.reason == "duplicate"].iloc[0]
    keeper = rows[rows.doc_id == duplicate.duplicate_of].iloc[0]
    found, text = of(demo_release, keeper)
    neighbours: dict[str, Any] = found["neighbours"]  # type: ignore[assignment]
    alike = rows[rows.duplicate_of == keeper.doc_id]
    assert neighbours["duplicates"]["records"] == len(alike)
    assert {row["doc_id"] for row in neighbours["duplicates"]["rows"]} == set(alike.doc_id)
    assert duplicate.doc_id in text
    host = urlsplit(keeper.url).hostname
    same = rows[
        (rows.url.map(lambda url: urlsplit(url or "").hostname) == host) & (rows.doc_id != keeper.doc_id)
    ]
    assert neighbours["host"]["name"] == host and neighbours["host"]["records"] == len(same)
    assert sum(neighbours["host"]["decisions"].values()) == len(same)
    assert f"host {host}: {len(same):,} other records" in text
    other, _ = of(demo_release, duplicate)
    assert keeper.doc_id not in {row["doc_id"] for row in other["neighbours"]["duplicates"]["rows"]}  # type: ignore[index]


def test_the_story_of_a_document_is_a_page(demo_release: Path, rows: pd.DataFrame) -> None:
    for reason in ("duplicate", "truncated", None):
        row = rows[rows.reason.isna() if reason is None else rows.reason == reason].iloc[0]
        ended = run("explain", demo_release, row.doc_id, "--html")
        assert ended.code == 0, ended.err
        page = check_page(ended.out)
        text = " ".join(page.text)
        assert row.doc_id in text
        assert all(
            item["because"][:30] in text for item in (row.evidence if row.evidence is not None else [])
        )
        if row.synthetic_probability == row.synthetic_probability:
            assert repr(float(row.synthetic_probability)) in page.values
    ended = run("explain", demo_release, "https://government.example/", "--html")
    assert ended.code == 1 and "name one of them" in ended.err


def test_every_document_says_what_proves_its_age(demo_release: Path, rows: pd.DataFrame) -> None:
    for chosen in (rows[rows.decision == "kept"], rows[rows.reason == "synthetic_cap"]):
        row = chosen[chosen.witness == chosen.doc_id].iloc[0]
        _, text = of(demo_release, row)
        assert f"proven by: {row.proven_by} (its own capture)" in text
    copies = rows[(rows.reason == "duplicate") & (rows.witness == rows.duplicate_of)]
    row = copies.iloc[0]
    assert row.proven_by < row.capture_time
    _, text = of(demo_release, row)
    assert f"proven by: {row.proven_by} (witness {row.witness})" in text
    page = " ".join(check_page(run("explain", demo_release, row.doc_id, "--html").out).text)
    assert f"(witness {row.witness})" in page
    assert f"at least {row.witness_similarity:.3f} similar to this document" in page
    assert "No other record shares its text" not in page


def test_a_document_says_whether_its_digest_is_the_one_its_record_states(
    demo_release: Path, rows: pd.DataFrame
) -> None:
    kept = rows[(rows.decision == "kept") & rows.input_file.str.endswith("warc.gz")]
    found, text = of(demo_release, kept.iloc[0])
    document: dict[str, Any] = found["document"]  # type: ignore[assignment]
    assert f"offset {document['record_offset']:,}, {document['record_length']:,} bytes, record" in text
    assert f"payload: {document['payload_digest']}, the header of its record states none to compare" in text
    for verified, said in ((True, ", as the header"), (False, ", not the one that the header")):
        document["digest_verified"] = verified
        assert f"{said} of its record states" in describe(found)


def test_a_release_of_an_earlier_version_is_explained_by_what_it_has(
    demo_release: Path, rows: pd.DataFrame, tmp_path: Path
) -> None:
    release = shutil.copytree(demo_release, tmp_path / "release")
    later = {
        "witness_place",
        "witness_similarity",
        "record_length",
        "payload_digest",
        "digest_verified",
        "replaces",
    }
    for path in [*release.glob("data/*.parquet"), *release.glob("_ledger/*.parquet")]:
        table = pq.read_table(path)
        pq.write_table(table.drop_columns([name for name in table.column_names if name in later]), path)
    for row in (rows[rows.decision == "kept"].iloc[0], rows[rows.reason == "duplicate"].iloc[0]):
        _, text = of(release, row)
        assert f"proven by: {row.proven_by}" in text and " bytes, record" not in text
        assert run("explain", release, row.doc_id, "--html").code == 0
