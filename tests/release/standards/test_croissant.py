"""Croissant: mlcroissant finds nothing to say against the file and iterates every record of the release from it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import mlcroissant
import pyarrow.parquet as pq
import pytest

from provenance.errors import DataError
from provenance.release.standards.croissant import build_croissant
from tests.program import data
from tests.release.described import manifest_of, schemas_of, tables_of


@pytest.fixture
def croissant(demo_release: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((demo_release / "croissant.json").read_text(encoding="utf-8"))
    return found


def test_mlcroissant_has_no_error_and_no_warning_and_reads_every_record(demo_release: Path) -> None:
    dataset = mlcroissant.Dataset(jsonld=demo_release / "croissant.json")
    assert dataset.metadata.ctx.issues.report() == ""
    counts = manifest_of(demo_release)["counts"]
    documents = list(dataset.records("documents"))
    assert len(documents) == counts["kept"]
    assert len(list(dataset.records("ledger"))) == counts["records"]
    texts = {row["documents/doc_id"].decode(): row["documents/text"].decode() for row in documents}
    table = data(demo_release)
    assert texts == dict(zip(table["doc_id"], table["text"], strict=True))


def test_nested_columns_come_out_as_they_went_in(demo_release: Path) -> None:
    dataset = mlcroissant.Dataset(jsonld=demo_release / "croissant.json")
    found = {
        row["documents/doc_id"].decode(): [
            item["documents/evidence/source"].decode() for item in row["documents/evidence"]
        ]
        for row in dataset.records("documents")
    }
    table = pq.read_table(demo_release / "data").to_pylist()
    assert found == {row["doc_id"]: [item["source"] for item in row["evidence"]] for row in table}


def test_every_data_and_ledger_file_is_there_with_its_digest(
    demo_release: Path, croissant: dict[str, Any]
) -> None:
    stated = {
        item["contentUrl"]: item["sha256"] for item in croissant["distribution"] if "contentUrl" in item
    }
    files = tables_of(manifest_of(demo_release))["files"]
    assert stated == {item["path"]: item["sha256"] for item in files}


def test_it_cites_what_it_derives_from(demo_release: Path) -> None:
    manifest = tables_of(manifest_of(demo_release))
    manifest["contents"]["records"]["sources"] = [
        {"value": "CC-MAIN-2024-51", "documents": 9, "tokens": 9},
        {"value": "own crawl", "documents": 1, "tokens": 1},
        {"value": None, "documents": 1, "tokens": 1},
    ]
    manifest["configuration"]["about"]["sources"] = {"own crawl": "https://crawl.example/croissant.json"}
    found = json.loads(build_croissant(manifest, schemas_of(demo_release)))
    assert [item.get("@id") for item in found["prov:wasDerivedFrom"]] == [
        "https://data.commoncrawl.org/crawl-data/CC-MAIN-2024-51/index.html",
        "https://crawl.example/croissant.json",
        None,
    ]
    mlcroissant.Dataset(jsonld=found)


def test_columns_of_provenance_say_what_prov_calls_them(croissant: dict[str, Any]) -> None:
    fields = {
        field["@id"]: field.get("equivalentProperty")
        for item in croissant["recordSet"]
        for field in item["field"]
    }
    assert fields["documents/input_file"] == "prov:wasDerivedFrom"
    assert fields["documents/capture_time"] == "prov:generatedAtTime"
    assert fields["ledger/duplicate_of"] == "prov:alternateOf"


def test_what_the_publisher_says_is_in_it(demo_release: Path) -> None:
    manifest = tables_of(manifest_of(demo_release))
    manifest["configuration"]["about"] |= {
        "title": 'Web "of" <2025>',
        "publisher": "Example Ltd",
        "url": "https://example.org/web",
        "version": "1.2.3",
        "date": "2026-01-31",
        "license": "ODC-By-1.0",
        "contact": "mailto:rights@example.org",
    }
    found = json.loads(build_croissant(manifest, schemas_of(demo_release)))
    assert found["name"] == 'Web "of" <2025>' and found["version"] == "1.2.3"
    assert found["license"] == "ODC-By-1.0" and found["datePublished"] == "2026-01-31"
    assert found["publisher"]["name"] == "Example Ltd"
    assert "rights@example.org" in found["rai:dataReleaseMaintenancePlan"]
    mlcroissant.Dataset(jsonld=found)


def test_a_description_that_cannot_be_made_says_what_to_mend(demo_release: Path) -> None:
    manifest = tables_of(manifest_of(demo_release))
    manifest["files"] = manifest["files"] * 2  # two files of one name
    with pytest.raises(DataError, match="mend the section `about`"):
        build_croissant(manifest, schemas_of(demo_release))
