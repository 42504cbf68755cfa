"""The columns of a batch as an annotator reads them: there or not, and only for rows that may become documents.

Lets an annotator say what it needs without caring which reader made the batch; a row that
already has an outcome reads as null in every column, so it gets nulls in every added one.
"""

from __future__ import annotations

from collections.abc import Sequence

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


def join_lists(columns: Sequence[pa.ListArray]) -> pa.ListArray:
    """The lists of one or more columns of one type and length, joined row by row in their order; null is empty."""
    rows, kind = len(columns[0]), columns[0].type
    parents = np.concatenate(
        [np.asarray(pc.list_parent_indices(column)).astype(np.int64) for column in columns]
    )
    order = np.argsort(parents, kind="stable")
    offsets = np.zeros(rows + 1, dtype=np.int32)
    np.cumsum(np.bincount(parents, minlength=rows), out=offsets[1:])
    values = pa.concat_arrays([column.flatten() for column in columns])
    return pa.ListArray.from_arrays(pa.array(offsets), values.take(pa.array(order)), type=kind)


def filter_lists(column: pa.ListArray, keep: pa.BooleanArray) -> pa.ListArray:
    """A list column with only those of its flattened values that `keep` says; null becomes empty."""
    parents = np.asarray(pc.list_parent_indices(column))[np.asarray(keep)]
    counts = np.bincount(parents.astype(np.int64), minlength=len(column))
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), column.flatten().filter(keep), type=column.type)


def at_most_one(
    values: pa.Array, rows: NDArray[np.bool_], kind: pa.ListType, null: NDArray[np.bool_] | None = None
) -> pa.ListArray:
    """Lists of one value in each of the chosen rows, in order; empty elsewhere, or null where `null` says."""
    offsets = np.concatenate([[0], np.cumsum(rows)]).astype(np.int32)
    mask = None if null is None else pa.array(null)
    return pa.ListArray.from_arrays(pa.array(offsets), values, type=kind, mask=mask)
