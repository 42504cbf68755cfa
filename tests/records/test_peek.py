"""A mapping that no row satisfies is refused with the names that are there; JSON is told from settings by its rows."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from provenance.records import ReadOptions
from provenance.records.peek import asked_paths, peek, sniff_json, unsatisfied
from tests.records.archives import URLS, record

LINES = b"\n".join(
    json.dumps({"text": "t", "meta": {"url": "u", "timestamp": "2019-04-25"}}).encode() for _ in range(3)
)


def problems(data: bytes, options: ReadOptions, name: str = "x.jsonl") -> list[str]:
    found = peek(io.BytesIO(data), name, asked_paths(options))
    return unsatisfied({name: found} if found else {}, options)


def test_a_misspelt_field_is_named_with_what_is_there() -> None:
    (said,) = problems(LINES, ReadOptions(fields={"url": "urll", "text": "text"}))
    assert said.startswith("reading.fields.url: no row of x.jsonl has 'urll'; did you mean meta.url?")
    assert "there are text, meta.url, meta.timestamp" in said


def test_what_some_row_has_and_what_has_no_fields_is_let_through() -> None:
    options = ReadOptions(fields={"url": "meta.url", "capture_time": "meta.timestamp"})
    assert problems(LINES, options) == []
    assert problems(record(URLS[0]), options, "x.warc") == []
    later = b'{"text": "t"}\n' * 100 + LINES
    assert problems(later, options) == []


def test_a_preset_that_fits_no_row_is_refused() -> None:
    (said,) = problems(LINES, ReadOptions(preset="oscar", fields={"url": "meta.url"})) or [""]
    assert said == ""  # OSCAR's texts are called `text` in one of its forms
    (said,) = problems(b'{"Body": "t"}', ReadOptions(preset="c4"))
    assert said.startswith("reading.preset: c4: no row of x.jsonl has 'text'")


def test_not_all_rows_of_a_large_file_are_looked_at_and_the_message_says_so() -> None:
    (said,) = problems(b'{"text": "t"}\n' * 2000, ReadOptions(fields={"url": "link"}))
    assert "none of the 1,000 rows that were looked at in x.jsonl has 'link'" in said


def test_parquet_is_judged_by_its_schema(shared: Path) -> None:
    data = (shared / "data/cases/14-parquet/struct_text.parquet").read_bytes()
    assert problems(data, ReadOptions(fields={"text": "text.body"}), "x.parquet") == []
    (said,) = problems(data, ReadOptions(fields={"text": "text.bodies"}), "x.parquet")
    assert "did you mean text.body?" in said


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b'{"text": "t", "url": "u"}', None),
        (b'[{"text": "t"}]', None),
        (b'{\n "content": "t"\n}', None),
        (b'{"name": "package", "version": "1"}', "JSON without a text field"),
        (b'{\n "compilerOptions": {}\n}', "JSON without a text field"),
        (b"[1, 2]", "JSON without a row of named fields"),
        (b"[]", "JSON without a row of named fields"),
        (b"not JSON", "JSON without a row of named fields"),
    ],
)
def test_json_is_a_corpus_where_its_first_rows_have_a_text(data: bytes, reason: str | None) -> None:
    assert sniff_json(io.BytesIO(data), "x.json", ReadOptions()) == reason
