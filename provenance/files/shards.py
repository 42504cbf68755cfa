"""Read parts of an annotated shard: some columns of a range or of a choice of rows, a row group at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from provenance.files.storage import Storage


def read_range(storage: Storage, path: str, columns: Sequence[str], start: int, rows: int) -> pa.Table:
    """Rows [start, start + rows) of the named columns."""
    with storage.open(path) as file:
        shard = pq.ParquetFile(file)
        parts = [
            shard.read_row_group(group, columns=list(columns)).slice(
                max(start - first, 0), min(end, start + rows) - max(first, start)
            )
            for group, first, end in _groups(shard)
            if first < start + rows and end > start
        ]
        return pa.concat_tables(parts) if parts else shard.schema_arrow.empty_table().select(list(columns))


def read_rows(storage: Storage, path: str, columns: Sequence[str], rows: NDArray[Any]) -> pa.Table:
    """The rows at ascending positions `rows`, of the named columns."""
    with storage.open(path) as file:
        shard = pq.ParquetFile(file)
        parts = []
        for group, first, end in _groups(shard):
            wanted = rows[np.searchsorted(rows, first) : np.searchsorted(rows, end)] - first
            if len(wanted):
                parts.append(shard.read_row_group(group, columns=list(columns)).take(pa.array(wanted)))
        return pa.concat_tables(parts) if parts else shard.schema_arrow.empty_table().select(list(columns))


def pack_signatures(signatures: pa.FixedSizeListArray) -> pa.FixedSizeBinaryArray:
    """Signatures as they are stored: Parquet cannot hold null fixed-size lists, and binary is read faster."""
    width = 4 * signatures.type.list_size
    whole = pa.concat_arrays([signatures])  # drops an offset
    buffers = [whole.buffers()[0], whole.values.buffers()[1]]
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(width), len(whole), buffers)


def unpack_signatures(packed: pa.ChunkedArray) -> pa.FixedSizeListArray:
    """The inverse of `pack_signatures`."""
    chunk = packed.combine_chunks() if packed.num_chunks != 1 else packed.chunk(0)
    whole = pa.concat_arrays([chunk])
    size = packed.type.byte_width // 4
    values = pa.Array.from_buffers(
        pa.uint32(), len(whole) * size, [None, whole.buffers()[1]], offset=whole.offset * size
    )
    valid = whole.is_valid()
    return pa.FixedSizeListArray.from_arrays(values, size, mask=pa.compute.invert(valid))


def _groups(shard: pq.ParquetFile) -> Iterator[tuple[int, int, int]]:
    """(row group, first row, end row) of each row group."""
    end = 0
    for group in range(shard.num_row_groups):
        first, end = end, end + shard.metadata.row_group(group).num_rows
        yield group, first, end
