"""Shards are written as a stream, say what they hold, and are read back by rows wherever row groups end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from provenance.files import shards
from provenance.files.inputs import InputFile
from provenance.files.shards import (
    pack_signatures,
    read_range,
    read_rows,
    shard_metadata,
    unpack_signatures,
    write_shard,
)
from provenance.files.storage import LocalStorage

STORAGE = LocalStorage()
ITEM = InputFile("/disk/a.warc", "a.warc", 10, "1")
SCHEMA = pa.schema(
    [
        ("doc_id", pa.string()),
        ("outcome", pa.string()),
        ("text_bytes", pa.int64()),
        ("text", pa.large_string()),
    ]
)


def batches(rows: int, of: int) -> Iterator[pa.RecordBatch]:
    """`rows` records in batches of `of`; every fifth is no document."""
    for first in range(0, rows, of):
        numbers = range(first, min(first + of, rows))
        yield pa.RecordBatch.from_arrays(
            [
                pa.array([f"{number:032x}" for number in numbers]),
                pa.array(["redirect" if number % 5 == 0 else None for number in numbers], pa.string()),
                pa.array([number % 7 for number in numbers], pa.int64()),
                pa.array(["x" * (number % 7) for number in numbers], pa.large_string()),
            ],
            schema=SCHEMA,
        )


def written(path: Path, rows: int, of: int, fingerprint: str = "f") -> shards.ShardCounts:
    with STORAGE.create(str(path)) as file:
        return write_shard(batches(rows, of), SCHEMA, file, item=ITEM, fingerprint=fingerprint)


@pytest.fixture
def shard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """103 rows in row groups of about ten."""
    monkeypatch.setattr(shards, "ROW_GROUP_ROWS", 10)
    written(tmp_path / "a.parquet", 103, 4)
    return str(tmp_path / "a.parquet")


def test_the_footer_says_what_the_shard_was_made_from_and_what_it_holds(shard: str) -> None:
    metadata = shard_metadata(STORAGE, shard)
    assert metadata is not None
    assert (metadata["name"], metadata["fingerprint"], metadata["opened"]) == ("a.warc", "f", True)
    assert (metadata["rows"], metadata["documents"]) == (103, 82)
    assert metadata["outcomes"] == {"redirect": 21}
    assert metadata["text_bytes"] == sum(number % 7 for number in range(103))


def test_the_content_of_a_shard_does_not_depend_on_how_it_was_batched(tmp_path: Path) -> None:
    one, other = written(tmp_path / "1", 50, 3), written(tmp_path / "2", 50, 50, fingerprint="g")
    assert one == other
    assert written(tmp_path / "3", 49, 3).content != one.content


def test_an_absent_or_damaged_shard_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "damaged").write_bytes(b"PAR1 but no more")
    assert shard_metadata(STORAGE, str(tmp_path / "absent")) is None
    assert shard_metadata(STORAGE, str(tmp_path / "damaged")) is None


@pytest.mark.parametrize(("start", "rows"), [(0, 103), (0, 1), (9, 3), (12, 12), (24, 60), (102, 1), (50, 0)])
def test_a_range_is_read_wherever_row_groups_end(shard: str, start: int, rows: int) -> None:
    table = read_range(STORAGE, shard, ["doc_id", "text_bytes"], start, rows)
    assert table["doc_id"].to_pylist() == [f"{number:032x}" for number in range(start, start + rows)]
    assert table.column_names == ["doc_id", "text_bytes"]


@pytest.mark.parametrize("rows", [[0], [102], [3, 11, 12, 13, 99], list(range(103)), []])
def test_chosen_rows_are_read_in_their_order(shard: str, rows: list[int]) -> None:
    table = read_rows(STORAGE, shard, ["doc_id"], np.array(rows, np.int64))
    assert table["doc_id"].to_pylist() == [f"{number:032x}" for number in rows]


def test_signatures_are_unpacked_as_they_were_packed_nulls_and_offsets_too() -> None:
    values = [[1, 2, 3], None, [2**32 - 1, 0, 7], [4, 5, 6]]
    signatures = pa.array(values, pa.list_(pa.uint32(), 3))
    for part in (signatures, signatures.slice(1), signatures.slice(1, 2)):
        packed = pa.chunked_array([pack_signatures(part)])
        assert unpack_signatures(packed).to_pylist() == part.to_pylist()
    parts = pa.chunked_array([pack_signatures(signatures.slice(0, 2)), pack_signatures(signatures.slice(2))])
    assert unpack_signatures(parts).to_pylist() == values
