"""Write the published files of a release from shards and their decisions.

Which documents go into which file follows from the decisions alone, so workers, retries and
crashes cannot change a byte (promise 5).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import xxhash
from numpy.typing import NDArray

from provenance.annotators.personal.annotator import mask_personal
from provenance.decisions.measure import Sums, add_sums, measure_documents
from provenance.decisions.request import CapRequest
from provenance.files.storage import Storage
from provenance.schema import ANNOTATED, DECISIONS, LEDGER, LEDGER_COLUMNS, RELEASE_COLUMNS

#: Records in one ledger file.
LEDGER_FILE_ROWS = 1_000_000
_LEDGER_ROW_GROUP = 65_536


@dataclass(frozen=True)
class ShardPaths:
    """An annotated shard and its decisions."""

    name: str
    annotated: str
    decisions: str


@dataclass(frozen=True)
class Slice:
    """Rows [start, end) of one shard."""

    shard: ShardPaths
    start: int
    end: int


@dataclass(frozen=True)
class Part:
    """One file of the release and the rows it is made from."""

    path: str  # below the release directory
    slices: tuple[Slice, ...]


def release_schema(annotated: pa.Schema) -> pa.Schema:
    """Schema of the data files: the published columns, then those of further annotators."""
    known = {field.name: field for field in [*annotated, *DECISIONS]}
    further = [field for field in annotated if field.name not in ANNOTATED.names]
    return pa.schema([*(known[name] for name in RELEASE_COLUMNS), *further])


def plan_data(storage: Storage, shards: Sequence[ShardPaths], shard_bytes: int, seed: int) -> list[Part]:
    """Spread the kept documents over files of about `shard_bytes` of text, shards in a seeded order.

    At least one file is planned, so that a release of nothing still has its schema.
    """
    ordered = sorted(shards, key=lambda shard: _order_key(shard.name, seed))
    total = sum(int(_kept_bytes(storage, shard).sum()) for shard in ordered)
    count = max(1, -(-total // shard_bytes))
    slices: list[list[Slice]] = [[] for _ in range(count)]
    before = 0
    for shard in ordered:
        size = _kept_bytes(storage, shard)
        start_byte = before + np.concatenate([[0], np.cumsum(size)[:-1]]) if len(size) else np.zeros(0)
        part_of = np.minimum(start_byte.astype(np.int64) * count // max(total, 1), count - 1)
        borders = np.concatenate([[0], np.flatnonzero(np.diff(part_of)) + 1, [len(size)]])
        for start, end in zip(borders[:-1].tolist(), borders[1:].tolist(), strict=True):
            if size[start:end].any():
                slices[part_of[start]].append(Slice(shard, start, end))
        before += int(size.sum())
    return [Part(f"data/part-{i:05d}-of-{count:05d}.parquet", tuple(rows)) for i, rows in enumerate(slices)]


def plan_ledger(shards: Sequence[tuple[ShardPaths, int]]) -> list[Part]:
    """Spread all records (shard, row count) over ledger files, in the order of the input names."""
    groups: list[list[Slice]] = [[]]
    rows = 0
    for shard, count in shards:
        if rows >= LEDGER_FILE_ROWS:
            groups.append([])
            rows = 0
        groups[-1].append(Slice(shard, 0, count))
        rows += count
    names = [f"ledger/part-{i:05d}-of-{len(groups):05d}.parquet" for i in range(len(groups))]
    return [Part(name, tuple(group)) for name, group in zip(names, groups, strict=True)]


def write_data(
    storage: Storage,
    part: Part,
    *,
    file: BinaryIO,
    schema: pa.Schema,
    row_group_bytes: int,
    seed: int,
    request: CapRequest,
    masked: tuple[str, ...] = (),
) -> dict[str, Any]:
    """Write one data file; returns its counts for the manifest. Personal data of the kinds `masked` is replaced.

    Inside a row group documents stand in the order of a seeded hash of doc_id.
    """
    documents = tokens = text_bytes = 0
    sums: list[Sums] = []
    digest = _Digest(file)
    options = {"compression": "zstd", "compression_level": 6, "write_statistics": True}
    with pq.ParquetWriter(
        cast(BinaryIO, digest), schema, use_dictionary=_dictionary_columns(schema), **options
    ) as writer:
        for table in _row_groups(_kept(storage, part.slices, schema), row_group_bytes):
            table = table.take(pa.array(np.argsort(_order_hashes(table["doc_id"], seed), kind="stable")))
            table = _without_personal(table, masked)
            writer.write_table(table, row_group_size=len(table))
            documents += len(table)
            tokens += pc.sum(table["token_count"]).as_py()
            text_bytes += pc.sum(pc.binary_length(table["text"])).as_py()
            sums.append(measure_documents(table, request, sampled=True))
    return {
        "path": part.path,
        "bytes": digest.size,
        "sha256": digest.hash.hexdigest(),
        "documents": documents,
        "tokens": tokens,
        "text_bytes": text_bytes,
        "sums": add_sums(sums),
    }


def write_ledger(storage: Storage, part: Part, file: BinaryIO) -> dict[str, Any]:
    """Write one ledger file; returns its counts for the manifest."""
    rows = 0
    decisions: dict[str, int] = {}
    digest = _Digest(file)
    with pq.ParquetWriter(cast(BinaryIO, digest), LEDGER, compression="zstd") as writer:
        for piece in part.slices:
            with (
                storage.open(piece.shard.annotated) as annotated,
                storage.open(piece.shard.decisions) as decided,
            ):
                names = [name for name in LEDGER_COLUMNS if name not in DECISIONS.names]
                decision = pq.read_table(decided, pre_buffer=False)
                at = 0
                for batch in pq.ParquetFile(annotated).iter_batches(_LEDGER_ROW_GROUP, columns=names):
                    both = _beside(batch, decision.slice(at, batch.num_rows), LEDGER)
                    at += batch.num_rows
                    writer.write_table(both)
                    rows += batch.num_rows
                    for item in pc.value_counts(
                        pc.binary_join_element_wise(both["decision"], both["reason"].fill_null(""), ":")
                    ).to_pylist():
                        key = item["values"].rstrip(":")
                        decisions[key] = decisions.get(key, 0) + item["counts"]
    return {
        "path": part.path,
        "bytes": digest.size,
        "sha256": digest.hash.hexdigest(),
        "records": rows,
        "decisions": dict(sorted(decisions.items())),
    }


class _Digest:
    """A file that is hashed while it is written."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.hash = hashlib.sha256()
        self.size = 0
        self.closed = False

    def write(self, data: Any) -> int:
        self.hash.update(data)
        self.size += len(data)
        return self.file.write(data)

    def tell(self) -> int:
        return self.size

    def flush(self) -> None:
        self.file.flush()

    def close(self) -> None:
        self.closed = True

    def readable(self) -> bool:
        return False

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False


def _kept(storage: Storage, slices: Sequence[Slice], schema: pa.Schema) -> Iterator[pa.Table]:
    """The kept documents of the slices in order, one table for each row group that is touched."""
    for piece in slices:
        with storage.open(piece.shard.decisions) as file:
            decisions = pq.read_table(file, pre_buffer=False)
        with storage.open(piece.shard.annotated) as file:
            shard = pq.ParquetFile(file)
            names = [name for name in schema.names if name not in DECISIONS.names]
            at = 0
            for group in range(shard.num_row_groups):
                first, at = at, at + shard.metadata.row_group(group).num_rows
                start, end = max(first, piece.start), min(at, piece.end)
                if start >= end or not _is_kept(decisions.slice(start, end - start)).any():
                    continue
                rows = shard.read_row_group(group, columns=names).slice(start - first, end - start)
                beside = _beside(rows, decisions.slice(start, end - start), schema)
                yield beside.filter(pa.array(_is_kept(decisions.slice(start, end - start))))


def _without_personal(table: pa.Table, kinds: tuple[str, ...]) -> pa.Table:
    """The documents with placeholders for personal data of some kinds; identifiers and counts stay the text's as read."""
    if not kinds:
        return table
    texts = mask_personal(table["text"].combine_chunks(), table["language"].to_pylist(), kinds)
    return table.set_column(table.schema.get_field_index("text"), table.schema.field("text"), texts)


def _beside(rows: pa.Table | pa.RecordBatch, decisions: pa.Table, schema: pa.Schema) -> pa.Table:
    """Columns of `schema`, each from whichever of the two tables has it."""
    arrays = [
        decisions[field.name] if field.name in DECISIONS.names else rows[field.name] for field in schema
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


def _is_kept(decisions: pa.Table) -> NDArray[np.bool_]:
    return np.asarray(pc.equal(decisions["decision"], "kept"))


def _kept_bytes(storage: Storage, shard: ShardPaths) -> NDArray[np.int64]:
    """For each row the bytes of its text where it is kept, at least 1, else 0."""
    with storage.open(shard.decisions) as file:
        kept = _is_kept(pq.read_table(file, columns=["decision"], pre_buffer=False))
    with storage.open(shard.annotated) as file:
        size = pq.read_table(file, columns=["text_bytes"], pre_buffer=False)["text_bytes"]
    return np.where(kept, np.maximum(np.asarray(size.fill_null(0)), 1), 0)


def _row_groups(tables: Iterator[pa.Table], limit: int) -> Iterator[pa.Table]:
    """Cut a stream of documents into tables of about `limit` bytes of text, whatever the pieces' sizes."""
    pending: list[pa.Table] = []
    size = 0
    for table in tables:
        ends = np.cumsum(np.asarray(pc.binary_length(table["text"]), dtype=np.int64))
        start = 0
        while start < len(table):
            consumed = int(ends[start - 1]) if start else 0
            stop = int(np.searchsorted(ends, consumed + limit - size, side="left")) + 1
            pending.append(table.slice(start, stop - start))
            size += int(ends[min(stop, len(table)) - 1]) - consumed
            start = stop
            if size >= limit:
                yield pa.concat_tables(pending).combine_chunks()
                pending, size = [], 0
    if pending:
        yield pa.concat_tables(pending).combine_chunks()


def _dictionary_columns(schema: pa.Schema) -> list[str]:
    distinct = {"doc_id", "text", "url", "content_digest", "record_id"}
    return [name for name in schema.names if name not in distinct]


def _order_key(name: str, seed: int) -> tuple[int, str]:
    return xxhash.xxh3_64_intdigest(name.encode("utf-8", "surrogateescape"), seed), name


def _order_hashes(doc_ids: pa.ChunkedArray, seed: int) -> NDArray[np.uint64]:
    return np.array([xxhash.xxh3_64_intdigest(value, seed) for value in doc_ids.to_pylist()], dtype=np.uint64)
