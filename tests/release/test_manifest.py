"""A manifest is sealed, says what its files add up to, and a release without one is unfinished."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from provenance.configuration import Configuration
from provenance.files.ownership import mark_incomplete
from provenance.files.storage import LocalStorage
from provenance.release.contents import CONTENTS, describe_contents
from provenance.release.manifest import ReleaseError, build_manifest, read_manifest, write_json

STORAGE = LocalStorage()


def manifest(**changes: Any) -> dict[str, Any]:
    ledger = [
        {
            "path": "_ledger/0",
            "records": 5,
            "decisions": {"kept": 2, "dropped:duplicate": 1, "failed:http_error": 2},
            "times": {"proof:ARC": 2, "old:ARC": 1, "proof:": 1, "remark:unreadable": 4},
            "claims": {"field date": 1},
        },
        {
            "path": "_ledger/1",
            "records": 3,
            "decisions": {"kept": 2, "dropped:duplicate": 1},
            "times": {"proof:ARC": 3},
            "claims": {},
        },
    ]
    return (
        build_manifest(
            Configuration(),
            "f" * 32,
            inputs=[{"name": "a.warc", "bytes": 9}],
            data=[{"path": "data/0", "tokens": 30}, {"path": "data/1", "tokens": 12}],
            ledger=ledger,
            certificate={"holds": True},
            tail={"holds": True},
            contents=describe_contents(CONTENTS.empty_table()),
            runs=[],
            tokenizer={"name": "own.json", "vocabulary": 400, "sha256": "a" * 64},
            crawl={
                "detector": {"name": "embedded"},
                "prior": {"estimate": "none"},
                "second_reading": [],
                "sites": {},
            },
        )
        | changes
    )


def test_what_proved_the_times_is_added_up_over_the_files() -> None:
    assert manifest()["times"] == {
        "proofs": [{"evidence": "ARC", "documents": 5, "low_background": 1}],
        "without_proof": 1,
        "claims": [{"evidence": "field date", "documents": 1}],
        "remarks": {"contradicted": 0, "impossible": 0, "unreadable": 4},
    }


def saved(folder: Path, data: bytes) -> str:
    folder.mkdir(exist_ok=True)
    (folder / "manifest.json").write_bytes(data)
    return str(folder)


def test_counts_are_those_of_the_files() -> None:
    assert manifest()["counts"] == {
        "records": 8,
        "kept": 4,
        "dropped": 2,
        "failed": 2,
        "reasons": {"dropped:duplicate": 2, "failed:http_error": 2},
        "tokens": 42,
    }
    assert [item["path"] for item in manifest()["files"]] == ["data/0", "data/1", "_ledger/0", "_ledger/1"]


def test_what_is_written_is_read_and_writing_it_again_changes_nothing(tmp_path: Path) -> None:
    written = write_json(manifest())
    found = read_manifest(STORAGE, saved(tmp_path / "r", written))
    assert {key: value for key, value in found.items() if key != "sha256"} == manifest()
    assert write_json(found) == written


def test_names_that_are_no_unicode_are_kept(tmp_path: Path) -> None:
    odd = "caf\udce9.warc"  # a byte of a file name that is not UTF-8, as Python gives it
    written = write_json(manifest(inputs=[{"name": odd, "bytes": 1}]))
    assert b"caf\xe9.warc" in written


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda text: text.replace(b'"tokens": 42', b'"tokens": 41'), "SHA-256 does not fit"),
        (lambda text: text.replace(b"\n", b"\r\n"), "SHA-256 does not fit"),
        (lambda text: text[: len(text) // 2], "is damaged"),
        (lambda text: b"[" * 100_000, "is damaged"),
        (lambda text: b"[]", "not a manifest of format"),
        (lambda text: text.replace(b'"format": 2', b'"format": 3'), "not a manifest of format"),
    ],
)
def test_what_is_not_as_it_was_written_is_refused(tmp_path: Path, change: Any, words: str) -> None:
    release = saved(tmp_path / "r", change(write_json(manifest())))
    with pytest.raises(ReleaseError, match=words):
        read_manifest(STORAGE, release)


def test_without_a_manifest_it_says_whether_writing_was_interrupted(tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match=r"there is no manifest\.json"):
        read_manifest(STORAGE, str(tmp_path))
    mark_incomplete(STORAGE, str(tmp_path / "r"))
    with pytest.raises(ReleaseError, match="run the same command again"):
        read_manifest(STORAGE, str(tmp_path / "r"))


def test_a_real_manifest_names_what_it_was_made_with(demo_release: Path) -> None:
    found = json.loads((demo_release / "manifest.json").read_text(encoding="utf-8"))
    assert found == read_manifest(STORAGE, str(demo_release))
    assert found["versions"]["provenance-pipelines"] and found["versions"]["pyarrow"]
    assert found["configuration"] == Configuration().model_dump(mode="json")
