"""What is no text is not scored as one: the message says what it is and what to do (exit status 2)."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
from pathlib import Path

import pytest
import zstandard

from tests.program import DEMO, run

TEXT = (
    "The harbour was quiet that morning, and the boats lay where the storm had left them the night before. "
    * 20
)
LINE = json.dumps({"id": 1, "text": TEXT}) + "\n"


def refused(folder: Path, name: str, data: bytes, *options: str) -> str:
    path = folder / name
    path.write_bytes(data)
    ended = run("score", path, *options)
    assert (ended.code, ended.out) == (2, ""), ended
    assert ended.err.startswith(f"error: {name}: ")
    return ended.err


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (gzip.compress(LINE.encode()), "is gzip: decompress it"),
        (bz2.compress(LINE.encode()), "is bzip2: decompress it"),
        (lzma.compress(LINE.encode()), "is xz: decompress it"),
        (zstandard.compress(LINE.encode()), "is zstd: decompress it"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj", "is a PDF"),
        (b"PK\x03\x04\x14\x00", "is a ZIP archive"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "is no text (image/png)"),
        (bytes(range(256)) * 10, "is no text (binary data)"),
        (b"PAR1\x15\x04", "is Parquet: `provenance curate` reads it"),
        (b"WARC/1.1\r\nWARC-Type: warcinfo\r\n", "is a crawl archive (WARC): `provenance curate` reads it"),
    ],
)
@pytest.mark.parametrize("form", ["auto", "lines", "text"])
def test_what_is_no_text_is_named(tmp_path: Path, data: bytes, words: str, form: str) -> None:
    assert words in refused(tmp_path, "x", data, "--format", form)


@pytest.mark.parametrize(
    "text", [json.dumps([{"text": TEXT}], indent=1), json.dumps([{"text": TEXT}]), '\n [ ["a"] ]']
)
def test_a_json_array_is_named(tmp_path: Path, text: str) -> None:
    assert "is a JSON array" in refused(tmp_path, "x.json", text.encode())


def test_an_object_over_several_lines_is_named(tmp_path: Path) -> None:
    data = json.dumps({"text": TEXT}, indent=1).encode()
    assert "over several lines" in refused(tmp_path, "x.json", data)


def test_a_directory_is_named(tmp_path: Path) -> None:
    ended = run("score", tmp_path)
    assert ended.code == 2 and "is a directory" in ended.err


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_a_text_in_any_unicode_form_has_one_score(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "x.txt"
    path.write_text(TEXT, encoding="utf-8")
    plain = run("score", path).out
    path.write_text(TEXT, encoding=encoding)
    assert run("score", path).out == plain


@pytest.mark.parametrize(
    "text", ["[Music] Hello there.", "{x} is a set.", "", "\n\n", "(1) first\n(2) second"]
)
def test_text_that_only_looks_like_json_is_text(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.txt").write_text(text)
    assert run("score", tmp_path / "x.txt", "--format", "text").code == 0


def test_a_file_address_is_a_path() -> None:
    path = DEMO / "demo-2019.jsonl"
    assert run("score", f"file://{path}").out == run("score", path).out
