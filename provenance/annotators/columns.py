"""The columns of a batch as an annotator reads them: there or not, and only for rows that may become documents.

Lets an annotator say what it needs without caring which reader made the batch; a row that
already has an outcome reads as null in every column, so it gets nulls in every added one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


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
    merged = {name: batch[name] for name in batch.schema.names} | columns
    return pa.RecordBatch.from_arrays(list(merged.values()), names=list(merged))
