"""The standards' files are valid by their own libraries, say what the manifest says, and come from it alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from provenance.release.standards.data_provenance import check_data_provenance
from provenance.release.standards.files import CHECKS, build_standards, check_file, check_standards
from tests.release.described import manifest_of, schemas_of, tables_of

STANDARDS = ["croissant.json", "data_provenance.json", "lineage.jsonl", "prov.json"]


def test_every_file_is_in_the_release_and_valid(demo_release: Path) -> None:
    manifest = manifest_of(demo_release)
    assert {*STANDARDS, "README.md", "domains.csv"} <= {item["path"] for item in manifest["files"]}
    assert set(CHECKS) == {*STANDARDS, "README.md"}
    assert list(check_standards(lambda path: (demo_release / path).read_bytes(), manifest)) == []


def test_they_are_made_from_the_manifest_alone_and_from_no_clock(demo_release: Path) -> None:
    found = build_standards(tables_of(manifest_of(demo_release)), schemas_of(demo_release))
    assert {path: data for path, data in found.items() if data != (demo_release / path).read_bytes()} == {}


def test_an_input_whose_name_is_no_unicode_is_described(demo_release: Path) -> None:
    manifest = tables_of(manifest_of(demo_release))
    manifest["inputs"] = [{"name": "caf\udce9.warc", "bytes": 1, "sha256": None}]
    found = build_standards(manifest, schemas_of(demo_release))
    for path, data in found.items():
        assert list(check_file(path, data, manifest)) == []


@pytest.mark.parametrize("path", STANDARDS)
@pytest.mark.parametrize("damage", [b"", b"{}", b"[1, 2", b"\xff\xfe"])
def test_a_file_that_is_no_longer_valid_is_said_with_what_to_do(
    demo_release: Path, path: str, damage: bytes
) -> None:
    manifest = manifest_of(demo_release)
    if damage == b"" and path == "lineage.jsonl":
        damage = b"\n"
    (problem, *_) = check_file(path, damage, manifest)
    assert problem.startswith(f"{path}: ") and "publish the release anew" in problem


@pytest.mark.parametrize("version", ["7", "1.4.3", "2.40.0+21AF26D3", "1.0.0-beta.2"])
def test_whole_numbers_and_semantic_versions_are_versions(demo_release: Path, version: str) -> None:
    found = json.loads((demo_release / "data_provenance.json").read_text(encoding="utf-8"))
    found["source"]["data-version"] = version
    assert not list(check_data_provenance(json.dumps(found).encode()))


def without(place: str) -> Any:
    def change(found: dict[str, Any]) -> None:
        *steps, last = place.split(".")
        for step in steps:
            found = found[step]
        del found[last]

    return change


@pytest.mark.parametrize(
    ("path", "change", "said"),
    [
        ("data_provenance.json", without("set.tracking.id"), "lacks id in set.tracking"),
        ("data_provenance.json", without("provenance.generation-method"), "lacks generation-method"),
        (
            "data_provenance.json",
            lambda found: found["source"].update({"data-version": "1.0"}),
            "source.data-version '1.0' is not",
        ),
        (
            "data_provenance.json",
            lambda found: found["set"]["tracking"]["revision-history"][0].update(date="today"),
            "set.tracking.revision-history.date 'today' is not",
        ),
        (
            "data_provenance.json",
            lambda found: found["set"]["publisher"].update(namespace="nowhere in particular"),
            "set.publisher.namespace 'nowhere in particular' is not",
        ),
        (
            "data_provenance.json",
            lambda found: found["source"]["id"]["hashes"][0]["tree-hashes"][0].update(value=7),
            "source.id.hashes.tree-hashes.value 7 is not",
        ),
        ("croissant.json", lambda found: found["distribution"][0].update(sha256="0" * 64), "SHA-256 of"),
        (
            "croissant.json",
            lambda found: found["recordSet"][0]["field"].append({"@type": "cr:Field"}),
            "Croissant",
        ),
    ],
)
def test_what_is_missing_or_contradicts_the_manifest_is_named(
    demo_release: Path, path: str, change: Any, said: str
) -> None:
    found = json.loads((demo_release / path).read_text(encoding="utf-8"))
    change(found)
    problems = list(check_file(path, json.dumps(found).encode(), manifest_of(demo_release)))
    assert len(problems) == 1 and said in problems[0]
