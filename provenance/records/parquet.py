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

from provenance.files.storage import StoreError
from provenance.records.jsonl import value_row
from provenance.records.members import ByteSource
from provenance.records.options import ReadOptions
from provenance.records.parts import Part
from provenance.records.rows import Row, failure

_BUFFER_BYTES = 1 << 20  # a column of a row group is read in pieces of this size, not as a whole
#: What damaged or invented bytes make Arrow and Python raise.
_DAMAGE = (pa.ArrowException, OSError, ValueError, OverflowError)


def table_rows(source: ByteSource, stream: BinaryIO, options: ReadOptions, part: Part) -> Iterator[Row]:
    """Rows of a Parquet file, or of the row groups that begin in a part. `record_offset` is the row's number in the file.

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
    except StoreError:
        raise
    except _DAMAGE as error:
        if not part.span.number:
            yield failure(0, "bad_container", f"the Parquet file cannot be opened ({_one_line(error)})")
        return
    wanted = _wanted(metadata, options)
    if not wanted["text"] and not wanted["body"]:
        found = ", ".join(sorted(names))[:400]
        tried = ", ".join((*options.columns["text"], *options.columns["body"]))
        detail = f"the Parquet file has no text column: tried {tried}; its columns are {found} (map one with fields)"
        if not part.span.number:
            yield failure(0, "bad_container", detail)
        return
    columns = sorted({column for chosen in wanted.values() for column in chosen})
    first = 0
    for group, begin in enumerate(_beginnings(metadata)):
        meta = metadata.row_group(group)
        if not part.owns(begin):
            first += meta.num_rows
            continue
        done = 0
        mean = max(1, meta.total_byte_size // max(1, meta.num_rows))
        size = max(1, min(options.batch_rows, options.batch_bytes // mean))
        try:
            for batch in file.iter_batches(size, row_groups=[group], columns=columns):
                yield from _rows(batch, first + done, options)
                done += batch.num_rows
        except StoreError:
            raise
        except _DAMAGE as error:
            detail = (
                f"row group {group} of the Parquet file is damaged after row {first + done:,}: "
                f"{meta.num_rows - done:,} rows are lost ({_one_line(error)})"
            )
            yield failure(first + done, "bad_compression", detail)
        first += meta.num_rows


def _beginnings(metadata: pq.FileMetaData) -> Iterator[int]:
    """Where each row group begins, never before the one in front of it, whatever the footer says: each is in one part."""
    begin = 0
    for group in range(metadata.num_row_groups):
        offsets = [0]
        if metadata.num_columns:
            column = metadata.row_group(group).column(0)
            offsets = [
                column.data_page_offset,
                *([column.dictionary_page_offset] if column.has_dictionary_page else []),
            ]
        begin = max(begin, min(offsets))
        yield begin


def _wanted(metadata: pq.FileMetaData, options: ReadOptions) -> dict[str, list[str]]:
    """For each column of a row the columns of the file that can hold it, in the order in which they are tried.

    As in JSON lines, names are tried row by row; those behind a column without a null are never needed.
    """
    schema = metadata.schema.to_arrow_schema()
    full = _without_nulls(metadata)
    wanted: dict[str, list[str]] = {}
    for column, paths in options.columns.items():
        wanted[column] = []
        for path in (*paths, *options.claims_with) if column == "capture_time" else paths:
            found = column_of(schema, path)
            if found is not None:
                wanted[column].append(found)
            if (
                found in full
                and path not in options.claims_with
                and column not in ("capture_time", "published_time")
            ):
                break  # a time that is there can still be unreadable: the next name is tried
    return wanted


def column_of(schema: pa.Schema, path: str) -> str | None:
    """The column or field of a struct that a name or dotted path reaches; the column itself where it holds JSON or maps."""
    if path in schema.names:
        return path
    at = path.find(".")
    while at >= 0:
        head = path[:at]
        if head in schema.names:
            kind = schema.types[schema.names.index(head)]
            if _reaches(kind, path[at + 1 :]):
                return path
            return head if _is_text(kind) or pa.types.is_map(kind) else None
        at = path.find(".", at + 1)
    return None


def _reaches(kind: pa.DataType, path: str) -> bool:
    """Whether a dotted path leads to a field inside a struct."""
    if not pa.types.is_struct(kind):
        return False
    names = [field.name for field in kind]
    head, _, rest = path.partition(".")
    return path in names or (bool(rest) and head in names and _reaches(kind.field(head).type, rest))


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _without_nulls(metadata: pq.FileMetaData) -> set[str]:
    """Paths of the columns of which every row group says that no value is null."""
    counts: dict[str, bool] = {}
    for group in range(metadata.num_row_groups):
        for index in range(metadata.num_columns):
            column = metadata.row_group(group).column(index)
            none = column.is_stats_set and column.statistics.null_count == 0
            counts[column.path_in_schema] = counts.get(column.path_in_schema, True) and none
    return {path for path, full in counts.items() if full}


def _dictionary_encoded(metadata: pq.FileMetaData) -> list[str]:
    """Paths of the string columns that hold a dictionary: a handful of bytes can stand for many rows there."""
    found = set()
    for group in range(metadata.num_row_groups):
        for index in range(metadata.num_columns):
            column = metadata.row_group(group).column(index)
            path = column.path_in_schema
            if column.physical_type == "BYTE_ARRAY" and column.has_dictionary_page and "." not in path:
                found.add(path)
    return sorted(found)


def _rows(batch: pa.RecordBatch, first: int, options: ReadOptions) -> Iterator[Row]:
    # The first of several columns of one name counts, as the first of several fields of a header does.
    columns = [
        (name, _values(batch.column(batch.schema.get_all_field_indices(name)[0])))
        for name in dict.fromkeys(batch.schema.names)
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
        if isinstance(column, pa.MapArray):  # as Spark writes what others call an object
            return [None if pairs is None else dict(pairs) for pairs in column.to_pylist()]
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
