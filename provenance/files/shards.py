"""Annotated shards: one Parquet file for each input, written as a stream and read a few columns and row groups at a time.

Its footer says what it was made from and what it holds, so a shard can be judged without reading it (promise 5).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import xxhash
from numpy.typing import NDArray

from provenance.files.inputs import InputFile
from provenance.files.storage import Storage, StoreError

#: Key of the footer under which a shard says what it was made from and what it holds.
SHARD_METADATA = b"provenance.shard"
#: A row group of a shard ends at the first of these: later stages hold one at a time.
ROW_GROUP_BYTES = 8 << 20
ROW_GROUP_ROWS = 4096
#: Schemas whose paths are remembered: a process writes shards of one.
_SCHEMAS = 8


@dataclass(frozen=True)
class ShardCounts:
    """What one shard holds."""

    rows: int
    documents: int
    outcomes: dict[str, int]
    text_bytes: int
    content: str  # hash of all doc_ids in order: what the shard holds, whenever its input was written


def write_shard(
    batches: Iterable[pa.RecordBatch],
    schema: pa.Schema,
    file: BinaryIO,
    *,
    item: InputFile,
    fingerprint: str,
    opened: Callable[[], bool] = lambda: True,
    digest: Callable[[], str | None] = lambda: None,
    part: Callable[[], dict[str, Any] | None] = lambda: None,
) -> ShardCounts:
    """Write annotated batches as one Parquet file whose footer says what it was made from.

    `item` and `fingerprint` (`input_fingerprint`) are what a later run recognises the shard by; Asked at the end: `opened`, False for
    the shard of a file that could not be opened, which every run makes again; `digest`, the SHA-256 of the input; `part`, what
    reading one span of it found.
    """
    rows = documents = text_bytes = 0
    counts: Counter[str] = Counter()
    content = xxhash.xxh3_128()
    plain = [
        name for name in schema.names if name not in ("text", "minhash", "text_digest", "doc_id", "evidence")
    ]
    compression = {
        name: "NONE" if name in ("minhash", "text_digest") else "ZSTD" for name in _leaf_names(schema)
    }
    with pq.ParquetWriter(
        file, schema, compression=compression, use_dictionary=plain, write_statistics=False
    ) as writer:
        for group in _row_groups(batches):
            writer.write_table(group, row_group_size=len(group))
            rows += len(group)
            content.update("".join(group["doc_id"].to_pylist()))
            text_bytes += pc.sum(group["text_bytes"]).as_py() or 0
            documents += len(group) - (kinds := group["outcome"].drop_null()).length()
            counts.update({item["values"]: item["counts"] for item in pc.value_counts(kinds).to_pylist()})
        result = ShardCounts(rows, documents, dict(sorted(counts.items())), text_bytes, content.hexdigest())
        metadata = {
            "name": item.name,
            "fingerprint": fingerprint,
            "opened": opened(),
            "input_sha256": digest(),
            **asdict(result),
        }
        if (found := part()) is not None:
            metadata["part"] = found
        writer.add_key_value_metadata({SHARD_METADATA: json.dumps(metadata, sort_keys=True)})
    return result


def shard_metadata(storage: Storage, path: str, size: int | None = None) -> dict[str, Any] | None:
    """What an annotated shard says of itself in its footer, or None where it is absent or unreadable.

    Where its `size` is known from a listing, a store is asked once.
    """
    if size is None and storage.info(path) is None:
        return None
    with storage.open(path, size) as file:
        try:
            metadata = pq.read_metadata(file).metadata or {}
        except StoreError:
            raise  # what it says of the shard is not known
        except (OSError, ValueError):
            return None
    found = metadata.get(SHARD_METADATA)
    return json.loads(found) if found else None


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
    whole = packed.combine_chunks() if packed.num_chunks != 1 else packed.chunk(0)
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


def _row_groups(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    pending: list[pa.RecordBatch] = []
    size = rows = 0
    for batch in batches:
        pending.append(batch)
        size += pc.sum(batch["text_bytes"]).as_py() or 0
        rows += batch.num_rows
        if size >= ROW_GROUP_BYTES or rows >= ROW_GROUP_ROWS:
            yield pa.Table.from_batches(pending)
            pending, size, rows = [], 0, 0
    if pending:
        yield pa.Table.from_batches(pending)


@lru_cache(_SCHEMAS)
def _leaf_names(schema: pa.Schema) -> list[str]:
    """Parquet column paths of a schema, as the writer names them; asking it takes as long as annotating seven short pages."""
    sink = pa.BufferOutputStream()
    pq.write_table(schema.empty_table(), sink)
    leaves = pq.ParquetFile(pa.BufferReader(sink.getvalue())).schema
    return [leaves.column(i).path for i in range(len(leaves.names))]
