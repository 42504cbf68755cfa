"""A WACZ is read where its archives lie, whatever its directory says of them: each that cannot be read is one row."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provenance.files.spans import Span
from provenance.records import Part, read_records
from provenance.records.original import read_original
from tests.records.archives import ENCODERS, PAGE, URLS, Pipe, read, record


def wacz(entries: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", method) as file:
        file.writestr("datapackage.json", "{}", zipfile.ZIP_DEFLATED)
        for name, data in entries.items():
            file.writestr(zipfile.ZipInfo(name), data, method)
        file.writestr("pages/pages.jsonl", '{"format": "json-pages-1.0"}\n', zipfile.ZIP_DEFLATED)
    return sink.getvalue()


def archive(numbers: list[int], codec: str = "gzip") -> bytes:
    return b"".join(
        ENCODERS[codec](record(f"https://a.example/{n}", PAGE + str(n).encode())) for n in numbers
    )


def outcomes(data: bytes) -> list[tuple[str | None, str]]:
    return [(row["outcome"], row["detail"] or "") for row in read(data, "x.wacz")]


def only_problem(data: bytes) -> str:
    ((outcome, detail),) = outcomes(data)
    assert outcome == "bad_container"
    return detail


@pytest.mark.parametrize("codec", sorted(ENCODERS))
def test_the_records_of_all_archives_are_read_with_offsets_in_the_file(codec: str) -> None:
    data = wacz({"archive/b.warc.gz": archive([0, 1], codec), "archive/a.warc": archive([2, 3], codec)})
    rows = read(data, "x.wacz")
    assert [row["url"] for row in rows] == URLS and all(row["outcome"] is None for row in rows)
    for row in rows:
        found = read_original(io.BytesIO(data), "x.wacz", row["record_offset"], row["record_length"])
        assert found.row is not None and found.row["url"] == row["url"]


def test_a_part_has_the_archives_that_begin_in_it() -> None:
    data = wacz({f"archive/{n}.warc.gz": archive([n]) for n in range(9)})
    borders = [len(data) * n // 5 for n in range(6)]
    found: list[Any] = []
    for number in range(5):
        part = Part(Span(number, 5, borders[number], borders[number + 1]))
        batches = read_records(io.BytesIO(data), "x.wacz", part=part)
        found += [row for batch in batches for row in batch.to_pylist()]
    assert found == read(data, "x.wacz")


def test_the_sample_of_pywb_is_read(shared: Path) -> None:
    folder = shared / "data" / "web" / "warc" / "pywb"
    rows = read((folder / "valid_example_1.wacz").read_bytes(), "x.wacz")
    assert "http://www.example.com/" in {row["url"] for row in rows}
    assert "no archive" in only_problem((folder / "invalid_example_1.wacz").read_bytes())


def test_what_is_stored_otherwise_is_said_and_costs_no_other_archive() -> None:
    good = archive([1])
    assert "compressed once more" in only_problem(wacz({"archive/a.warc": good}, zipfile.ZIP_DEFLATED))
    assert "another WACZ" in only_problem(wacz({"archive/a.wacz": wacz({"archive/b.warc.gz": good})}))
    nested = wacz({"archive/a.wacz": b"PK", "archive/b.warc.gz": good})
    assert [outcome for outcome, _ in outcomes(nested)] == ["bad_container", None]
    assert "no archive/*.warc.gz among its 2 entries" in only_problem(wacz({}))


def test_an_encrypted_archive_is_said_to_be_so() -> None:
    data = bytearray(wacz({"archive/a.warc.gz": archive([1])}))
    at = data.find(b"PK\x01\x02", data.find(b"PK\x01\x02") + 1)
    data[at + 8] |= 1
    assert "is encrypted" in only_problem(bytes(data))


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        (20, 1 << 31, "is said to have"),
        (24, 5, "is said to have"),
        (42, 7, "is not where the directory says"),
        (42, 0, "has another name"),
    ],
    ids=["stored size", "size", "no entry there", "another entry there"],
)
def test_a_directory_that_lies_is_not_believed(field: int, value: int, said: str) -> None:
    data = bytearray(wacz({"archive/a.warc.gz": archive([1])}))
    at = data.find(b"PK\x01\x02", data.find(b"PK\x01\x02") + 1)
    data[at + field : at + field + 4] = value.to_bytes(4, "little")
    assert said in only_problem(bytes(data))


def test_archives_over_one_another_are_read_once() -> None:
    """A bomb: one archive that many entries of the directory point to."""
    single = wacz({"archive/a.warc.gz": archive([1])})
    at = single.find(b"PK\x01\x02", single.find(b"PK\x01\x02") + 1)
    end = single.find(b"PK\x01\x02", at + 1)
    last = single.rfind(b"PK\x05\x06")
    many = single[at:end] * 50
    tail = bytearray(single[last:])
    count, size = (
        int.from_bytes(tail[10:12], "little") + 50,
        int.from_bytes(tail[12:16], "little") + len(many),
    )
    tail[8:10] = tail[10:12] = count.to_bytes(2, "little")
    tail[12:16] = size.to_bytes(4, "little")
    found = outcomes(single[:end] + many + single[end:last] + bytes(tail))
    assert sum(outcome is None for outcome, _ in found) == 1
    assert sum("lies over" in detail for _, detail in found) == 50


def test_names_are_only_names() -> None:
    """Nothing is unpacked: an entry that would climb out of its folder is an archive of a strange name, or none."""
    data = wacz(
        {
            "archive/../../etc/a.warc.gz": archive([1]),
            "../archive/b.warc.gz": archive([2]),
            "/archive/c.warc.gz": b"",
        }
    )
    assert [row["url"] for row in read(data, "x.wacz")] == [URLS[1]]


def test_a_directory_of_any_size_is_not_held() -> None:
    data = bytearray(wacz({"archive/a.warc.gz": archive([1])}))
    at = data.rfind(b"PK\x05\x06")
    data[at + 12 : at + 16] = (len(data) - 30).to_bytes(4, "little")
    assert "cannot be opened" in only_problem(bytes(data))
    wide = bytearray(wacz({"archive/a.warc.gz": archive([1]), "x": bytes(12 << 20)}))
    at = wide.rfind(b"PK\x05\x06")
    wide[at + 12 : at + 16] = (12 << 20).to_bytes(4, "little")
    assert "is said to have 12,582,912 bytes" in only_problem(bytes(wide))


def test_damage_inside_an_archive_costs_no_other_one() -> None:
    broken = bytearray(archive([1]))
    broken[len(broken) // 2] ^= 255
    data = wacz({"archive/a.warc.gz": bytes(broken), "archive/b.warc.gz": archive([2])})
    found = read(data, "x.wacz")
    assert [row["outcome"] for row in found] == ["bad_compression", None] and found[1]["url"] == URLS[2]


def test_a_stream_that_cannot_seek_says_so() -> None:
    data = wacz({"archive/a.warc.gz": archive([1])})
    rows = [row for batch in read_records(Pipe(data), "x.wacz") for row in batch.to_pylist()]  # type: ignore[arg-type]
    assert [row["outcome"] for row in rows] == ["bad_container"] and "seekable" in rows[0]["detail"]


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 1 << 30), st.binary(min_size=1, max_size=6), st.integers(0, 3))
def test_no_damage_to_a_wacz_raises(where: int, bytes_: bytes, cut: int) -> None:
    data = bytearray(wacz({"archive/a.warc.gz": archive([1, 2]), "archive/b.warc": archive([3], "plain")}))
    at = where % len(data)
    data[at : at + len(bytes_)] = bytes_
    rows = read(bytes(data[: len(data) - cut * 37]), "x.wacz")
    assert rows


def test_gzip_around_a_wacz_is_no_wacz() -> None:
    rows = read(gzip.compress(wacz({"archive/a.warc.gz": archive([1])})), "x.wacz")
    assert [row["outcome"] for row in rows] == ["bad_container"]
