"""A record of a release is found again in its archive, and only its own bytes are read where they are known."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import shutil
from pathlib import Path

import pyarrow as pa
import pytest

from provenance.errors import DataError
from provenance.records import read_records
from provenance.records.original import read_original
from tests.program import DEMO, ledger, run


class Counting(io.BytesIO):
    """A file that counts the bytes read of it."""

    taken = 0

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        self.taken += len(data)
        return data


def rows(data: bytes, name: str) -> list[dict[str, object]]:
    columns = ["record_offset", "record_length", "url", "payload_digest", "content_digest", "outcome"]
    return pa.Table.from_batches(list(read_records(io.BytesIO(data), name))).select(columns).to_pylist()


def plain(name: str) -> bytes:
    """A file of the demo decompressed, as far as that goes: one of them ends early."""
    data = b""
    with gzip.open(DEMO / name) as file, contextlib.suppress(EOFError):
        while part := file.read(1 << 14):
            data += part
    return data


@pytest.mark.parametrize("compressed", [True, False])
def test_every_record_is_found_by_its_offset_and_length(compressed: bool) -> None:
    data = (DEMO / "demo-2021.warc.gz").read_bytes() if compressed else plain("demo-2021.warc.gz")
    name = "demo-2021.warc.gz" if compressed else "demo.warc"
    for row in rows(data, name)[:-1:15]:
        stream = Counting(data)
        found = read_original(stream, name, row["record_offset"], row["record_length"])
        assert stream.taken == row["record_length"] or row["record_length"] is None
        assert found.data.startswith(b"WARC/1.") and found.row is not None
        for column in ("url", "payload_digest", "content_digest"):
            assert found.row.get(column) == row[column]
        assert read_original(io.BytesIO(data), name, row["record_offset"]).data == found.data


def test_a_record_inside_a_member_of_many_is_found_from_the_beginning() -> None:
    data = gzip.compress(plain("demo-2021.warc.gz"))
    row = rows(data, "x.warc.gz")[9]
    found = read_original(io.BytesIO(data), "x.warc.gz", row["record_offset"], row["record_length"])
    assert found.row is not None and found.row["url"] == row["url"]
    with pytest.raises(DataError, match="no record begins at byte 3"):
        read_original(io.BytesIO(data), "x.warc.gz", 3)


def test_a_line_is_found_in_the_decompressed_text() -> None:
    text = "\n".join(
        json.dumps({"text": "word " * n, "url": f"https://x.example/{n}"}) for n in range(9)
    ).encode()
    for data, name in ((text, "x.jsonl"), (gzip.compress(text), "x.jsonl.gz")):
        for row in rows(data, name):
            found = read_original(io.BytesIO(data), name, row["record_offset"])
            assert json.loads(found.data)["url"] == row["url"]


def test_what_was_put_behind_an_uncompressed_file_is_found_too() -> None:
    archive = plain("demo-2025.warc.gz")
    archive = archive[: archive.rfind(b"\r\n\r\nWARC/") + 4]
    for data, name in (
        (archive + gzip.compress(archive, mtime=0), "a.warc"),
        (b'{"text": "one"}\n' + gzip.compress(b'{"text": "two"}\n{"text": "three"}\n'), "a.jsonl"),
    ):
        last = rows(data, name)[-1]
        found = read_original(io.BytesIO(data), name, int(str(last["record_offset"])))
        assert b"three" in found.data or (found.row is not None and found.row.get("url") == last["url"])


def test_of_a_file_compressed_twice_the_one_inside_is_asked_for() -> None:
    data = gzip.compress((DEMO / "demo-2025.warc.gz").read_bytes())
    with pytest.raises(DataError, match="decompress it once and name that file"):
        read_original(io.BytesIO(data), "a.warc.gz", int(str(rows(data, "a")[3]["record_offset"])))


def test_the_command_prints_the_record_and_refuses_another_one(demo_release: Path, tmp_path: Path) -> None:
    table = ledger(demo_release)
    row = table[(table.decision == "kept") & (table.input_file == "demo-2021.warc.gz")].iloc[3]
    found = run("fetch-record", demo_release, row.doc_id, "--archive", DEMO)
    assert found.code == 0 and row.url in found.out and found.out.startswith("WARC/1.")
    assert "payload_digest sha1:" in found.err and f"byte {row.record_offset:,}" in found.err
    shutil.copyfile(DEMO / "demo-2025.warc.gz", tmp_path / "demo-2021.warc.gz")
    changed = run("fetch-record", demo_release, row.doc_id, "--archive", tmp_path)
    assert changed.code == 1 and ("no record begins" in changed.err or "written anew" in changed.err)
    absent = run("fetch-record", demo_release, row.doc_id, "--archive", tmp_path / "nowhere")
    assert absent.code == 1 and "--archive" in absent.err
    unknown = run("fetch-record", demo_release, "0" * 32, "--archive", DEMO)
    assert unknown.code == 1 and "no record has the doc_id" in unknown.err
