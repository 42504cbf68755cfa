"""Parquet tables as rows: one row group at a time, only the columns that are used.

A damaged row group is one failure row and reading goes on with the next.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from typing import BinaryIO, cast

import pyarrow as pa
import pyarrow.parquet as pq

from provenance.records.compression import ByteSource
from provenance.records.jsonl import value_row
from provenance.records.options import DEFAULT_FIELDS, ReadOptions
from provenance.records.rows import Row, failure


def table_rows(source: ByteSource, stream: BinaryIO, options: ReadOptions) -> Iterator[Row]:
    """Rows of a Parquet file. `record_offset` is the row's number in the file.

    `source` holds what was read of `stream` already: a stream that cannot seek is spooled behind it.
    """
    try:
        file = pq.ParquetFile(_seekable(source, stream))
    except (pa.ArrowException, OSError, ValueError) as error:
        yield failure(0, "bad_container", f"the Parquet file cannot be opened ({_one_line(error)})")
        return
    names = set(file.schema_arrow.names)
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
    for group in range(file.metadata.num_row_groups):
        meta = file.metadata.row_group(group)
        done = 0
        mean = max(1, meta.total_byte_size // max(1, meta.num_rows))
        size = max(1, min(options.batch_rows, options.batch_bytes // mean))
        try:
            for batch in file.iter_batches(size, row_groups=[group], columns=sorted(set(wanted.values()))):
                yield from _rows(batch, wanted, first + done, options)
                done += batch.num_rows
        except (pa.ArrowException, OSError, ValueError) as error:
            detail = (
                f"row group {group} of the Parquet file is damaged after row {first + done:,}: "
                f"{meta.num_rows - done:,} rows are lost ({_one_line(error)})"
            )
            yield failure(first + done, "bad_compression", detail)
        first += meta.num_rows


def _rows(batch: pa.RecordBatch, wanted: dict[str, str], first: int, options: ReadOptions) -> Iterator[Row]:
    columns = [(name, batch.column(name).to_pylist()) for name in dict.fromkeys(wanted.values())]
    for index in range(batch.num_rows):
        value = {name: values[index] for name, values in columns}
        yield value_row(value, first + index, "row", f"row {first + index:,}", options)


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
