"""JSON lines: a row for each line, and a bad line costs only itself."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from typing import Any

import pytest
import zstandard

from tests.records.archives import read

LINE = {"id": "a", "url": "https://a.example/", "crawl_date": "2021-06-07", "text": "Grüße", "source": "dump"}


@pytest.mark.parametrize("encode", [bytes, gzip.compress, zstandard.compress])
def test_json_lines_give_a_row_for_each_line(encode: Any) -> None:
    lines = [
        json.dumps(LINE),
        "",
        "{broken",
        json.dumps({"text": 5}),
        json.dumps({"body": "x"}),
        "[1]",
        json.dumps(LINE),
    ]
    rows = read(encode(b"\xef\xbb\xbf" + "\r\n".join(lines).encode()), "x.jsonl")
    assert [row["outcome"] for row in rows] == [None, "bad_row", "bad_row", "bad_row", "bad_row", None]
    assert rows[0]["text"] == "Grüße" and rows[0]["record_id"] == "a" and rows[0]["source"] == "dump"
    assert rows[0]["capture_time"] == datetime(2021, 6, 7, tzinfo=UTC)
    assert "line 3" in rows[1]["detail"]


def test_json_lines_are_known_by_their_bytes_even_after_a_bad_first_line() -> None:
    good = json.dumps(LINE).encode()
    assert [row["outcome"] for row in read(b"oops\n" + good + b"\n" + good, "x.warc.gz")] == [
        "bad_row",
        None,
        None,
    ]


def test_a_line_that_is_too_long_costs_only_itself() -> None:
    good = json.dumps(LINE).encode()
    rows = read(good + b"\n" + b'{"text": "' + b"a" * 5000 + b'"}\n' + good, max_line_bytes=1000)
    assert [row["outcome"] for row in rows] == [None, "too_large", None]


def test_deep_json_and_lone_surrogates_and_nul_do_not_raise() -> None:
    rows = read(
        b'{"text": "a"}\n{"text": ' + b"[" * 200_000 + b'\n{"text": "\\ud800 x"}\n{"text": "a\\u0000b"}\n'
    )
    assert [row["outcome"] for row in rows] == [None, "bad_row", None, None]


def test_a_line_with_broken_utf8_or_stray_nuls_is_read_and_says_so() -> None:
    broken, padded = read(b'{"text": "caf\xe9"}\n\0\0{"text": "fine"}\0\n', "x.jsonl")
    assert broken["text"] == "caf\N{REPLACEMENT CHARACTER}" and "UTF-8" in broken["detail"]
    assert (padded["text"], padded["detail"]) == ("fine", None)


@pytest.mark.parametrize("before", [b"\xef\xbb\xbf", b"\x1e", b" \0"])
def test_what_stands_before_a_value_of_any_line_costs_nothing(before: bytes) -> None:
    line = before + json.dumps(LINE).encode() + b"\n"
    for name in ("x.jsonl", "x.json", "x"):
        assert [row["outcome"] for row in read(line * 3, name)] == [None] * 3


@pytest.mark.parametrize("written", ["%s", "[%s]", "[\n%s\n]"])
def test_a_number_of_more_digits_than_python_reads_costs_no_text(written: str) -> None:
    line = '{"text": "a text", "count": %s, "id": -%s, "crawl_date": 20210607}' % (("9" * 5000,) * 2)
    (row,) = read((written % line).encode(), "x.json")
    assert (row["text"], row["record_id"]) == ("a text", None)
    assert row["capture_time"] == datetime(2021, 6, 7, tzinfo=UTC)


def test_a_number_that_is_none_names_no_record() -> None:
    assert [row["record_id"] for row in read(b'{"text":"a","id":NaN}\n{"text":"a","id":1.5}\n')] == [
        None,
        "1.5",
    ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b'{"text": 5}', "the text is a number (another field: reading.fields.text)"),
        (
            b'{"text": {"raw": "a"}}',
            "an object with the fields 'raw': name one by its path, reading.fields.text",
        ),
        (b"[1]", "line 1 is a list, not an object"),
        (b"null", "line 1 is null, not an object"),
        (b'{"text": "a"},', "it ends in a comma"),
        (b'{"text": "a"}\r{"text": "b"}\r', "its lines end in carriage returns alone"),
        (b'{"text": "a"}{"text": "b"}', "more follows at its character 14"),
        (b"{'text': 'a'}", "enclosed in double quotes, at its character 2)"),
    ],
)
def test_what_is_wrong_with_a_line_is_said_in_words_for_who_wrote_it(line: bytes, said: str) -> None:
    (row,) = read(line + b"\n", "x.jsonl")
    assert row["outcome"] == "bad_row" and said in row["detail"]
