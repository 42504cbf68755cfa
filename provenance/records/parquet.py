"""Parquet tables as rows: one row group at a time, only the columns that are used.

A damaged row group is one failure row and reading goes on with the next. Columns that repeat their values stay
encoded while they are read, so that a small file cannot expand to more than one batch in memory. What the footer says of
a column is never asked for: pyarrow 25 ends the process where it is encrypted, or where a damaged footer contradicts itself.
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
        file = pq.ParquetFile(
            seekable,
            metadata=metadata,
            pre_buffer=False,
            buffer_size=_BUFFER_BYTES,
            read_dictionary=_strings(metadata),
        )
    except StoreError:
        raise
    except _DAMAGE as error:
        if not part.span.number:
            yield failure(0, "bad_container", f"the Parquet file cannot be opened ({_one_line(error)})")
        return
    wanted = _wanted(metadata.schema.to_arrow_schema(), options)
    if not wanted["text"] and not wanted["body"]:
        tried = ", ".join((*options.columns["text"], *options.columns["body"]))
        found = ", ".join(sorted(names))[:400]
        has = (
            f"its columns are {found} (name one: reading.fields.text)" if names else "it has no column at all"
        )
        detail = f"the Parquet file has no text column: tried {tried}; {has}"
        if not part.span.number:
            yield failure(0, "bad_container", detail)
        return
    columns = sorted({column for chosen in wanted.values() for column in chosen})
    first = 0
    for group, begin in enumerate(_beginnings(metadata, seekable.seek(0, 2))):
        meta = metadata.row_group(group)
        if not part.owns(begin):
            first += meta.num_rows
            continue
        done = 0
        mean = max(1, meta.total_byte_size // max(1, meta.num_rows))
        size = max(1, min(options.batch_rows, options.batch_bytes // mean))
        problem = f"it holds {meta.num_rows:,} by its footer, and no more are there"
        try:
            for batch in file.iter_batches(size, row_groups=[group], columns=columns):
                yield from _rows(batch, first + done, options)
                done += batch.num_rows
        except StoreError:
            raise
        except _DAMAGE as error:
            problem = _one_line(error)
        if done < meta.num_rows:
            yield _loss(group, first + done, meta.num_rows - done, problem)
        first += meta.num_rows


def _loss(group: int, at: int, lost: int, problem: str) -> Row:
    """The failure of a row group from some row on."""
    if "decrypt" in problem:
        problem = "it is encrypted: write it without encryption"
    detail = f"row group {group} of the Parquet file cannot be read from row {at:,} on: {lost:,} rows are lost ({problem})"
    return failure(at, "bad_compression", detail)


def _beginnings(metadata: pq.FileMetaData, size: int) -> Iterator[int]:
    """Where each row group of a file of so many bytes begins, nearly: as the groups in front of it are of all of them, unpacked."""
    groups = [max(0, metadata.row_group(group).total_byte_size) for group in range(metadata.num_row_groups)]
    total, before = max(1, sum(groups)), 0
    for unpacked in groups:
        yield size * before // total
        before += unpacked


def _wanted(schema: pa.Schema, options: ReadOptions) -> dict[str, list[str]]:
    """For each column of a row the columns of the file that can hold it, in the order in which they are tried, row by row."""
    wanted: dict[str, list[str]] = {}
    for column, paths in options.columns.items():
        tried = (*paths, *options.claims_with) if column == "capture_time" else paths
        wanted[column] = [found for path in tried if (found := column_of(schema, path)) is not None]
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


def _strings(metadata: pq.FileMetaData) -> list[str]:
    """Names of the columns of strings, which may hold a dictionary: a handful of bytes can stand for many rows there."""
    columns = [metadata.schema.column(index) for index in range(metadata.num_columns)]
    return sorted({c.path for c in columns if c.physical_type == "BYTE_ARRAY" and "." not in c.path})


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
