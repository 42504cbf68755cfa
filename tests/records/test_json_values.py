"""A JSON array and objects over several lines are read one object at a time; a broken one costs itself."""

from __future__ import annotations

import gzip
import json

import pytest

from tests.records.archives import read

DOCUMENTS = [{"text": f"Grüße {number}", "url": f"https://a.example/{number}"} for number in range(4)]
TEXTS = [item["text"] for item in DOCUMENTS]


@pytest.mark.parametrize(
    "written",
    [
        json.dumps(DOCUMENTS),
        json.dumps(DOCUMENTS, ensure_ascii=False),
        json.dumps(DOCUMENTS, indent=2, ensure_ascii=False),
        "\ufeff" + json.dumps(DOCUMENTS, indent="\t") + "\n",
        "\n".join(json.dumps(item, indent=2) for item in DOCUMENTS),
        "\n".join(json.dumps(item) for item in DOCUMENTS),
    ],
)
def test_every_form_of_json_gives_the_same_documents_at_their_offsets(written: str) -> None:
    data = written.encode()
    for stored in (data, gzip.compress(data)):
        rows = read(stored, "x.json")
        assert [row["text"] for row in rows] == TEXTS and not any(row["outcome"] for row in rows)
        assert all(data[row["record_offset"] :].lstrip(b"\xef\xbb\xbf")[:1] == b"{" for row in rows)


def test_what_is_no_object_is_a_row_and_reading_goes_on() -> None:
    rows = read(b'[{"text":"a"},1,{"text": "b",},{"text":"c"}] rest', "x.json")
    assert [row["outcome"] for row in rows] == [None, "bad_row", "bad_row", None, "bad_row"]
    assert "value 2 is a number, not an object" in rows[1]["detail"] and rows[3]["text"] == "c"


def test_a_large_value_and_one_above_the_limit() -> None:
    large = json.dumps([{"text": "y" * 700_000}, {"text": "z" * 3_000_000}, {"text": "end"}]).encode()
    assert [len(row["text"]) for row in read(large, "x.json")] == [700_000, 3_000_000, 3]
    rows = read(large, "x.json", max_line_bytes=1_000_000)
    assert [row["outcome"] for row in rows][:2] == [None, "too_large"]


def test_an_array_that_ends_early_and_bytes_that_are_no_utf8() -> None:
    rows = read(b'[{"text":"a\xff"},{"text":"b', "x.json")
    assert rows[0]["text"] == "a\N{REPLACEMENT CHARACTER}" and rows[1]["outcome"] == "bad_row"
