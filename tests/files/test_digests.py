"""An input's SHA-256 is that of the whole file, however it was read."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import BinaryIO, cast

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given
from hypothesis import strategies as st

from provenance.files.digests import DigestedFile


@given(st.binary(max_size=400), st.lists(st.tuples(st.integers(0, 400), st.integers(0, 90)), max_size=12))
def test_the_digest_is_that_of_the_whole_file_in_whatever_order_it_was_read(
    data: bytes, reads: list[tuple[int, int]]
) -> None:
    file = DigestedFile(io.BytesIO(data))
    for at, size in reads:
        assert file.seek(at) == at
        assert file.read(size) == data[at : at + size]
    assert file.digest() == hashlib.sha256(data).hexdigest()
    assert file.digest() == hashlib.sha256(data).hexdigest()  # asked again, it is the same


@given(
    st.binary(max_size=400),
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 90)), max_size=12),
    st.integers(0, 400),
    st.integers(0, 400),
)
def test_of_a_range_it_is_that_of_its_bytes(
    data: bytes, reads: list[tuple[int, int]], start: int, size: int
) -> None:
    start = min(start, len(data))
    file = DigestedFile(io.BytesIO(data), start, start + size)
    for at, count in reads:
        file.seek(at)
        assert file.read(count) == data[at : at + count]
    assert file.digest() == hashlib.sha256(data[start : start + size]).hexdigest()
    assert file.digest() == hashlib.sha256(data[start : start + size]).hexdigest()


def test_a_parquet_file_is_read_through_it(tmp_path: Path) -> None:
    table = pa.table({"text": ["a", "b"] * 5000, "number": range(10_000)})
    pq.write_table(table, tmp_path / "a.parquet")
    file = DigestedFile((tmp_path / "a.parquet").open("rb"))
    assert pq.ParquetFile(cast(BinaryIO, file)).read(columns=["number"]).num_rows == 10_000
    assert file.digest() == hashlib.sha256((tmp_path / "a.parquet").read_bytes()).hexdigest()
