"""Parquet tables as rows: one row group at a time, only the columns that are used.

A damaged row group is one failure row and reading goes on with the next. Columns that repeat their values stay
encoded while they are read, so that a small file cannot expand to more than one batch in memory.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from typing import BinaryIO, cast

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from provenance.records.compression import ByteSource
from provenance.records.jsonl import value_row
from provenance.records.options import DEFAULT_FIELDS, ReadOptions
from provenance.records.rows import Row, failure

_BUFFER_BYTES = 1 << 20  # a column of a row group is read in pieces of this size, not as a whole
#: What damaged or invented bytes make Arrow and Python raise.
_DAMAGE = (pa.ArrowException, OSError, ValueError, OverflowError)


def table_rows(source: ByteSource, stream: BinaryIO, options: ReadOptions) -> Iterator[Row]:
    """Rows of a Parquet file. `record_offset` is the row's number in the file.

    `source` holds what was read of `stream` already: a stream that cannot seek is spooled behind it.
    """
    try:
        seekable = _seekable(source, stream)
        metadata = pq.read_metadata(seekable)
        names = metadata.schema.to_arrow_schema().names
        encoded = _dictionary_encoded(metadata)
        file = pq.ParquetFile(
            seekable,
            metadata=metadata,
            pre_buffer=False,
            buffer_size=_BUFFER_BYTES,
            read_dictionary=encoded,
        )
    except _DAMAGE as error:
        yield failure(0, "bad_container", f"the Parquet file cannot be opened ({_one_line(error)})")
        return
    wanted = {
        column: name
        for column in DEFAULT_FIELDS
        if (name := next((name for name in options.names(column) if name in names), None)) is not None
    }
    if "text" not in wanted and "body" not in wanted:
        found = ", ".join(sorted(names))[:400]
        tried = ", ".join((*options.names("text"), *options.names("body")))
        detail = f"the Parquet file has no text column: tried {tried}; its columns are {found} (map one with fields)"
        yield failure(0, "bad_container", detail)
        return
    first = 0
    for group in range(metadata.num_row_groups):
        meta = metadata.row_group(group)
        done = 0
        mean = max(1, meta.total_byte_size // max(1, meta.num_rows))
        size = max(1, min(options.batch_rows, options.batch_bytes // mean))
        try:
            for batch in file.iter_batches(size, row_groups=[group], columns=sorted(set(wanted.values()))):
                yield from _rows(batch, wanted, first + done, options)
                done += batch.num_rows
        except _DAMAGE as error:
            detail = (
                f"row group {group} of the Parquet file is damaged after row {first + done:,}: "
                f"{meta.num_rows - done:,} rows are lost ({_one_line(error)})"
            )
            yield failure(first + done, "bad_compression", detail)
        first += meta.num_rows


def _dictionary_encoded(metadata: pq.FileMetaData) -> list[str]:
    """Paths of the string columns that hold a dictionary: a handful of bytes can stand for many rows there."""
    found = set()
    for group in range(metadata.num_row_groups):
        for index in range(metadata.num_columns):
            column = metadata.row_group(group).column(index)
            if column.physical_type == "BYTE_ARRAY" and column.has_dictionary_page:
                found.add(column.path_in_schema)
    return sorted(found)


def _rows(batch: pa.RecordBatch, wanted: dict[str, str], first: int, options: ReadOptions) -> Iterator[Row]:
    # The first of several columns of one name counts, as the first of several fields of a header does.
    columns = [
        (name, _values(batch.column(batch.schema.get_all_field_indices(name)[0])))
        for name in dict.fromkeys(wanted.values())
    ]
    for index in range(batch.num_rows):
        value = {name: values[index] for name, values in columns}
        yield value_row(value, first + index, "row", f"row {first + index:,}", options)


def _values(column: pa.Array) -> list[object]:
    """Python values of a column. Equal values of a dictionary are one object; invalid UTF-8 comes as bytes."""
    if isinstance(column, pa.DictionaryArray):
        used = pc.unique(column.indices.drop_null())
        known = dict(zip(used.to_pylist(), _values(column.dictionary.take(used)), strict=True))
        return [known.get(index) for index in column.indices.to_pylist()]
    try:
        return cast(list[object], column.to_pylist())
    except _DAMAGE:
        return [_value(scalar) for scalar in column]


def _value(scalar: pa.Scalar) -> object:
    """One value; None where Python has no such value, such as a date in the year 140,000."""
    try:
        return scalar.as_py()
    except _DAMAGE:
        is_string = pa.types.is_string(scalar.type) or pa.types.is_large_string(scalar.type)
        return scalar.as_buffer().to_pybytes() if is_string else None


def _seekable(source: ByteSource, stream: BinaryIO) -> BinaryIO:
    if stream.seekable():
        stream.seek(0)
        return stream
    spool = tempfile.SpooledTemporaryFile(max_size=64 << 20)  # noqa: SIM115 (lives as long as the reader)
    spool.write(source.buf)
    shutil.copyfileobj(stream, spool, 1 << 20)
    spool.seek(0)
    return cast(BinaryIO, spool)


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:300]
