"""Kept documents of shards, a row group at a time: counted for the order, then dealt to its sections in scratch files.

Text is read once from its shard and once from a scratch file; what crosses a runner's shuffle is only where it lies.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import asdict, astuple, dataclass, fields

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from provenance.decisions.hashes import selection_hash
from provenance.duplicates.scratch import Piece, Scratch
from provenance.files.shards import read_range
from provenance.files.storage import Storage, read_bytes
from provenance.release.order import Cells, Ints, Order, cell_codes, merge_cells, window_of
from provenance.release.splits import ShardPaths, SplitTable
from provenance.schema import ANNOTATED, DECISIONS, RELEASE_COLUMNS

#: Text of the blocks that one task deals at a time, before anything is dropped from them.
CHUNK_BYTES = 128 << 20
_COUNTED = ("doc_id", "token_count", "text_bytes", "domain")
_DECIDED = ("decision", "synthetic_probability")
_CODEC = "lz4"
#: Documents of a section that are put in order at a time: some 10 MB of text.
_ROWS_AT_ONCE = 2_048

#: Documents of a block, and the section of each, ascending.
Dealt = tuple[pa.RecordBatch, Ints]


@dataclass(frozen=True, order=True)
class Block:
    """One row group of a shard that has kept documents: its rows, its window and the bytes of what is kept."""

    shard: int
    group: int
    start: int
    rows: int
    window: int
    text_bytes: int


@dataclass(frozen=True)
class Dealing:
    """How blocks are dealt: what the code of a document depends on besides itself.

    Attributes:
        seed: of the published order.
        windows: how many windows blocks are dealt to.
        splits: which split each document belongs to.
    """

    seed: int
    windows: int
    splits: SplitTable

    def codes(self, rows: pa.Table, window: int) -> tuple[Ints, NDArray[np.uint64]]:
        """The cell and the hash of each document of a block."""
        hashes = selection_hash(rows["doc_id"], self.seed)
        lane = self.splits.find(rows) * self.windows + window
        return cell_codes(lane, hashes, np.asarray(rows["synthetic_probability"], np.float32)), hashes

    def count(self, rows: pa.Table, window: int) -> Cells:
        """The documents of a block, counted."""
        code, _ = self.codes(rows, window)
        tokens = np.maximum(np.asarray(rows["token_count"].fill_null(0), np.int64), 1)
        size = np.maximum(np.asarray(rows["text_bytes"].fill_null(0), np.int64), 1)
        return Cells.count(code, tokens, np.ones(len(code), np.int64), size)


@dataclass(frozen=True)
class Survey:
    """The kept documents of shards, counted.

    Attributes:
        windows: how many windows blocks are dealt to.
        blocks: those with kept documents, in the order of the shards.
        cells: their documents.
    """

    windows: int
    blocks: tuple[Block, ...]
    cells: Cells


_NONE = np.zeros(0, np.int64)
NO_DOCUMENTS = Survey(1, (), Cells(_NONE, _NONE, _NONE, _NONE))


def survey_shard(storage: Storage, number: int, shard: ShardPaths, dealing: Dealing) -> Survey:
    """Count the kept documents of a shard, a row group at a time."""
    blocks: list[Block] = []
    counted: list[Cells] = [NO_DOCUMENTS.cells]
    with storage.open(shard.decisions) as decided, storage.open(shard.annotated) as annotated:
        decisions = pq.read_table(decided, columns=list(_DECIDED), pre_buffer=False)
        file = pq.ParquetFile(annotated)
        start = 0
        for group in range(file.num_row_groups):
            rows = file.metadata.row_group(group).num_rows
            here = decisions.slice(start, rows)
            mask = pc.equal(here["decision"], "kept")
            if pc.any(mask).as_py():
                table = file.read_row_group(group, columns=list(_COUNTED))
                table = table.append_column("synthetic_probability", here["synthetic_probability"])
                window = window_of(shard.name, group, dealing.seed, dealing.windows)
                counted.append(dealing.count(table.filter(mask), window))
                size = int(counted[-1].text_bytes.sum())
                blocks.append(Block(number, group, start, rows, window=window, text_bytes=size))
            start += rows
    return Survey(dealing.windows, tuple(blocks), merge_cells(counted))


def merge_surveys(parts: Sequence[Survey]) -> Survey:
    """Surveys of several shards, in any order, as one."""
    blocks = sorted(block for part in parts for block in part.blocks)
    return Survey(parts[0].windows, tuple(blocks), merge_cells([part.cells for part in parts]))


def save_survey(storage: Storage, path: str, survey: Survey, fingerprint: str) -> None:
    """Keep a survey in a file; `fingerprint` is that of all it depends on."""
    blocks = np.array([astuple(block) for block in survey.blocks], np.int64).reshape(-1, len(fields(Block)))
    with storage.create(path) as file:
        np.savez(file, fingerprint=fingerprint, windows=survey.windows, blocks=blocks, **asdict(survey.cells))


def read_survey(storage: Storage, path: str, fingerprint: str) -> Survey | None:
    """A kept survey, or None where there is none of this fingerprint."""
    if storage.info(path) is None:
        return None
    found = np.load(io.BytesIO(read_bytes(storage, path)), allow_pickle=False)
    if str(found["fingerprint"]) != fingerprint:
        return None
    blocks = tuple(Block(*row) for row in found["blocks"].tolist())
    cells = Cells(**{item.name: found[item.name] for item in fields(Cells)})
    return Survey(int(found["windows"]), blocks, cells)


def plan_chunks(blocks: Sequence[Block], order: Order) -> list[tuple[Block, ...]]:
    """Blocks that are dealt by one task: of one window, in the order of the shards, about `CHUNK_BYTES` of kept text."""
    chunks: list[tuple[Block, ...]] = []
    merged = [block.window * order.merged // order.windows for block in blocks]
    for window in range(order.merged):
        pending: list[Block] = []
        size = 0
        for block, of in zip(blocks, merged, strict=True):
            if of == window:
                pending.append(block)
                size += block.text_bytes
                if size >= CHUNK_BYTES:
                    chunks.append(tuple(pending))
                    pending, size = [], 0
        if pending:
            chunks.append(tuple(pending))
    return chunks


@dataclass(frozen=True)
class Scatter:
    """Deals chunks of blocks to the sections of an order.

    Attributes:
        storage: where shards are.
        scratch: where sections are gathered from.
        shards: paths by shard number.
        schema: columns of the published documents.
        dealing: how documents are told apart.
        order: which section each goes to.
        parts: the parts that are wanted; documents of others are left.
    """

    storage: Storage
    scratch: Scratch
    shards: tuple[ShardPaths, ...]
    schema: pa.Schema
    dealing: Dealing
    order: Order
    parts: frozenset[int]

    def deal(self, number: int, chunk: Sequence[Block]) -> list[tuple[int, tuple[int, Piece]]]:
        """Write the kept documents of a chunk by section; returns (part, (section, where they lie)).

        Each piece is in the published order, and of one section each begins behind the one before.
        """
        part_of = np.array([section.part for section in self.order.sections], np.int64)
        dealt = [self._sorted(block, part_of) for block in chunk]
        pieces: list[tuple[int, tuple[int, Piece]]] = []
        path = f"sections/{number:06}"

        def packed() -> Iterator[bytes]:
            offset = 0
            for at in np.unique(np.concatenate([section for _, section in dealt])).tolist():
                for table in _merged(_of_section(dealt, at), self.schema, self.dealing.seed):
                    data = _pack(table)
                    pieces.append((int(part_of[at]), (at, Piece(path, offset, len(data)))))
                    offset += len(data)
                    yield data

        if any(len(section) for _, section in dealt):
            self.scratch.write(path, packed())
        return pieces

    def _sorted(self, block: Block, part_of: Ints) -> Dealt:
        """The documents of a block that are wanted, by section and in each in the published order."""
        table = read_kept(self.storage, self.shards[block.shard], block, self.schema)
        code, hashes = self.dealing.codes(table, block.window)
        section = self.order.place(code)
        order = np.lexsort((hashes, section))
        order = order[np.isin(part_of[section[order]], list(self.parts))]
        (batch,) = table.take(pa.array(order)).combine_chunks().to_batches() or [_no_rows(self.schema)]
        return batch, section[order]


def _no_rows(schema: pa.Schema) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist([], schema)


def _of_section(dealt: Sequence[Dealt], number: int) -> list[pa.RecordBatch]:
    """The documents of several blocks that go to one section; nothing is copied."""
    bounds = [np.searchsorted(section, [number, number + 1]).tolist() for _, section in dealt]
    return [batch.slice(start, stop - start) for (batch, _), (start, stop) in zip(dealt, bounds, strict=True)]


def gather(
    scratch: Scratch, pieces: Sequence[tuple[int, Piece]], schema: pa.Schema, seed: int
) -> Iterator[pa.Table]:
    """The documents of each section of a part, in the published order, some thousand at a time.

    One section is in memory, once: as each of its pieces is in that order, the next documents are the next ones of the pieces.
    """
    ordered = sorted(pieces)
    for section in dict.fromkeys(number for number, _ in ordered):
        own = [piece for number, piece in ordered if number == section]
        # Nothing here holds a section while the next one is read.
        yield from _merged([_read(scratch, piece, schema) for piece in own], schema, seed)


def _merged(batches: Sequence[pa.RecordBatch], schema: pa.Schema, seed: int) -> Iterator[pa.Table]:
    """The rows of batches that are each in the published order, in that order."""
    hashes = np.concatenate([selection_hash(batch["doc_id"], seed) for batch in batches])
    order = np.argsort(hashes, kind="stable")
    starts = np.cumsum([0, *(len(batch) for batch in batches)])
    batch_of = np.searchsorted(starts, order, "right") - 1
    done = np.zeros(len(batches), np.int64)
    for first in range(0, len(order), _ROWS_AT_ONCE):
        of = batch_of[first : first + _ROWS_AT_ONCE]
        counts = np.bincount(of, minlength=len(batches))
        touched = np.flatnonzero(counts)
        rows = [batches[i].slice(done[i], counts[i]) for i in touched.tolist()]
        before = np.cumsum(counts) - counts
        at = order[first : first + _ROWS_AT_ONCE] - (starts[:-1] + done - before)[of]
        yield pa.Table.from_batches(rows, schema).combine_chunks().take(pa.array(at))
        done += counts


def read_kept(storage: Storage, shard: ShardPaths, block: Block, schema: pa.Schema) -> pa.Table:
    """The kept documents of a block with the columns of `schema`, each from the shard or from its decisions."""
    decided = [name for name in schema.names if name in DECISIONS.names]
    decisions = read_range(
        storage, shard.decisions, ["decision", *decided], block.start, block.rows
    ).combine_chunks()
    names = [name for name in schema.names if name not in DECISIONS.names]
    with storage.open(shard.annotated) as file:
        rows = pq.ParquetFile(file).read_row_group(block.group, columns=names)
    mask = pc.equal(decisions["decision"], "kept")
    return beside(rows, decisions, schema).filter(mask)


def beside(rows: pa.Table | pa.RecordBatch, decisions: pa.Table, schema: pa.Schema) -> pa.Table:
    """Columns of `schema`, each from whichever of the two tables has it; decisions first."""
    arrays = [
        decisions[field.name] if field.name in DECISIONS.names else rows[field.name] for field in schema
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


def _pack(table: pa.Table) -> bytes:
    """One record batch, compressed behind its size, without its schema, which every reader of a scratch file knows."""
    data = table.combine_chunks().to_batches()[0].serialize()
    return len(data).to_bytes(8, "little") + bytes(pa.compress(data, codec=_CODEC, asbytes=True))


def _read(scratch: Scratch, piece: Piece, schema: pa.Schema) -> pa.RecordBatch:
    data = scratch.read(piece.path, piece.offset, piece.length)
    size = int.from_bytes(data[:8], "little")
    return pa.ipc.read_record_batch(pa.decompress(data[8:], size, codec=_CODEC), schema)


def release_schema(annotated: pa.Schema) -> pa.Schema:
    """Schema of the data files: the published columns, then those of further annotators."""
    known = {field.name: field for field in [*annotated, *DECISIONS]}
    further = [field for field in annotated if field.name not in ANNOTATED.names]
    return pa.schema([*(known[name] for name in RELEASE_COLUMNS), *further])
