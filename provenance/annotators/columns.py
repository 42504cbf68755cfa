"""The columns of a batch as an annotator reads them: there or not, and only for rows that may become documents.

Lets an annotator say what it needs without caring which reader made the batch; a row that
already has an outcome reads as null in every column, so it gets nulls in every added one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray


def open_rows(batch: pa.RecordBatch) -> pa.BooleanArray:
    """Return one boolean a row: true where `outcome` is null or the batch has no such column."""
    if "outcome" not in batch.schema.names:
        return pa.repeat(pa.scalar(True), batch.num_rows)
    return pc.is_null(batch.column("outcome"))


def read_column(batch: pa.RecordBatch, name: str, type_: pa.DataType) -> pa.Array:
    """Return column `name` cast to `type_`: null in rows with an outcome, all null where it is missing."""
    if name not in batch.schema.names:
        return pa.nulls(batch.num_rows, type_)
    column = batch.column(name)
    if column.type != type_:
        column = column.cast(type_)
    if "outcome" not in batch.schema.names or batch.column("outcome").null_count == batch.num_rows:
        return column  # every row is open: nothing to hide, and nothing to copy
    return pc.if_else(open_rows(batch), column, pa.scalar(None, type_))


def string_array(texts: Sequence[str]) -> pa.LargeStringArray:
    """Texts as an Arrow array; lone surrogates become "?". Unlike pa.array it does not import pandas."""
    encoded = [text.encode("utf-8", "replace") for text in texts]
    offsets = np.zeros(len(encoded) + 1, np.int64)
    np.cumsum([len(item) for item in encoded], out=offsets[1:])
    return pa.LargeStringArray.from_buffers(
        len(encoded), pa.py_buffer(offsets), pa.py_buffer(b"".join(encoded))
    )


def with_columns(batch: pa.RecordBatch, columns: dict[str, pa.Array]) -> pa.RecordBatch:
    """The batch with columns added or replaced."""
    # One by one: a twentieth of taking all fifty apart and together again.
    for name, column in columns.items():
        place = batch.schema.get_field_index(name)
        batch = batch.append_column(name, column) if place < 0 else batch.set_column(place, name, column)
    return batch


def kept_rows(batch: pa.RecordBatch, kept: pa.BooleanArray) -> pa.RecordBatch:
    """The rows that are kept. Pages are not copied, where the others have none: their bytes lie one behind the other."""
    if pc.all(kept).as_py():
        return batch
    columns = [
        _kept_bytes(column, kept) if pa.types.is_large_binary(column.type) else column.filter(kept)
        for column in batch.columns
    ]
    return pa.RecordBatch.from_arrays(columns, schema=batch.schema)


def _kept_bytes(column: pa.LargeBinaryArray, kept: pa.BooleanArray) -> pa.LargeBinaryArray:
    chosen = np.asarray(kept)
    _, offsets = bytes_and_offsets(column)
    if (np.diff(offsets)[~chosen] != 0).any():
        return column.filter(kept)
    known = column.is_valid().filter(kept).buffers()[1] if column.null_count else None
    starts = pa.py_buffer(np.append(offsets[:-1][chosen], offsets[-1]))
    buffers = [known, starts, column.buffers()[2]]
    return pa.LargeBinaryArray.from_buffers(column.type, int(chosen.sum()), buffers)


def bytes_and_offsets(
    column: pa.LargeStringArray | pa.LargeBinaryArray,
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """(uint8 bytes, int64 offsets into them of shape (n + 1,)) of a column as it lies in memory, nothing copied.

    What a null has between its offsets means nothing. Both are read-only, wherever the column is from, so that a
    kernel is compiled once.
    """
    _, where, data = column.buffers()
    if len(column) == 0 or where is None:
        where, first = bytes(8 * (len(column) + 1)), 0
    else:
        first = column.offset
    found, offsets = np.frombuffer(data or b"", np.uint8), np.frombuffer(where, np.int64)
    found.flags.writeable = offsets.flags.writeable = False
    return found, offsets[first : first + len(column) + 1]


def text_buffers(texts: pa.Array | pa.ChunkedArray) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """`bytes_and_offsets` of n strings of any Arrow type; null is empty. Large strings without nulls are not copied."""
    if isinstance(texts, pa.ChunkedArray):
        texts = texts.combine_chunks()
    if not pa.types.is_large_string(texts.type):
        texts = texts.cast(pa.large_string())
    return bytes_and_offsets(texts.fill_null("") if texts.null_count else texts)


#: Bytes that are read in several passes, page after page: a share of the second-level cache. All of a batch (4 MB) at once
#: costs pages of 100 KB a tenth of annotating.
_PART: Final = 1 << 18


class ByteRows(NamedTuple):
    """The rows of a binary column as they lie in memory: bytes of all, and of each the first byte and the byte after it."""

    data: NDArray[np.uint8]
    starts: NDArray[np.int64]
    stops: NDArray[np.int64]

    @property
    def sizes(self) -> NDArray[np.int64]:
        """Bytes of each row."""
        return self.stops - self.starts

    def take(self, chosen: NDArray[np.bool_]) -> ByteRows:
        """The chosen rows, in their order."""
        return ByteRows(self.data, self.starts[chosen], self.stops[chosen])

    def parts(self) -> Iterator[tuple[int, ByteRows]]:
        """The rows divided into parts of `_PART` bytes, each with the number of its first row: what reads one finds it in the cache."""
        part = np.cumsum(self.stops - self.starts) // _PART
        bounds = [0, *(np.flatnonzero(np.diff(part)) + 1).tolist(), len(part)]
        for first, last in pairwise(bounds):
            yield first, ByteRows(self.data, self.starts[first:last], self.stops[first:last])

    def row(self, number: int) -> bytes:
        """The bytes of a row."""
        return self.data[self.starts[number] : self.stops[number]].tobytes()


def byte_rows(column: pa.LargeBinaryArray) -> ByteRows:
    """Where the rows of a column lie, nothing copied; null is empty."""
    data, offsets = bytes_and_offsets(column)
    stops = offsets[1:]
    if column.null_count:
        stops = np.where(np.asarray(column.is_valid()), stops, offsets[:-1])
    return ByteRows(data, offsets[:-1], stops)
