"""Write the ledger of a release: one row for each record that was read, in the order of the inputs (promise 1)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from provenance.files.digests import WrittenFile
from provenance.files.storage import Storage
from provenance.release.blocks import beside
from provenance.release.layout import LEDGER as FOLDER
from provenance.release.layout import part_path
from provenance.release.splits import ShardPaths
from provenance.release.times import count_claims, count_times
from provenance.release.writing import open_writer
from provenance.schema import DECISIONS, LEDGER, LEDGER_COLUMNS

#: Records in one ledger file.
LEDGER_FILE_ROWS = 1_000_000
#: Records in one row group, of however many inputs: 5 to 10 MB of them.
LEDGER_GROUP_ROWS = 65_536


@dataclass(frozen=True)
class LedgerPart:
    """One ledger file, the shards it is made from, and its number of records."""

    path: str  # below the release directory
    shards: tuple[ShardPaths, ...]
    rows: int


def plan_ledger(shards: Sequence[tuple[ShardPaths, int]]) -> list[LedgerPart]:
    """Spread all records (shard, row count) over ledger files, in the order of the input names."""
    groups: list[list[tuple[ShardPaths, int]]] = [[]]
    for shard, count in shards:
        if sum(rows for _, rows in groups[-1]) >= LEDGER_FILE_ROWS:
            groups.append([])
        groups[-1].append((shard, count))
    return [
        LedgerPart(
            part_path(FOLDER, number, len(groups)),
            tuple(shard for shard, _ in group),
            sum(rows for _, rows in group),
        )
        for number, group in enumerate(groups)
    ]


def write_ledger(storage: Storage, part: LedgerPart, file: BinaryIO) -> dict[str, Any]:
    """Write one ledger file; returns its counts for the manifest."""
    rows = 0
    decisions: dict[str, int] = {}
    times: Counter[str] = Counter()
    claims: Counter[str] = Counter()
    digest = WrittenFile(file)
    with open_writer(digest, LEDGER, min(part.rows, LEDGER_GROUP_ROWS)) as writer:
        for table in _row_groups(_rows(storage, part.shards, claims)):
            writer.write_table(table, row_group_size=len(table))
            rows += len(table)
            times += count_times(table)
            both = pc.binary_join_element_wise(table["decision"], table["reason"].fill_null(""), ":")
            for item in pc.value_counts(both).to_pylist():
                key = item["values"].rstrip(":")
                decisions[key] = decisions.get(key, 0) + item["counts"]
    counts = {"decisions": decisions, "times": times, "claims": claims}
    return {
        **digest.entry(part.path),
        "records": rows,
        **{name: dict(sorted(found.items())) for name, found in counts.items()},
    }


def _rows(storage: Storage, shards: Sequence[ShardPaths], claims: Counter[str]) -> Iterator[pa.Table]:
    """Rows of the ledger; what they claim of times, which the ledger does not hold, is added to `claims`."""
    names = [name for name in LEDGER_COLUMNS if name not in DECISIONS.names]
    decided_names = [name for name in LEDGER_COLUMNS if name in DECISIONS.names]
    for shard in shards:
        with storage.open(shard.annotated) as annotated, storage.open(shard.decisions) as decided:
            decision = pq.read_table(decided, columns=decided_names, pre_buffer=False)
            at = 0
            read = [*names, "published_evidence"]
            for batch in pq.ParquetFile(annotated, pre_buffer=False).iter_batches(
                LEDGER_GROUP_ROWS, columns=read
            ):
                claims += count_claims(batch)
                yield beside(batch, decision.slice(at, batch.num_rows), LEDGER)
                at += batch.num_rows


def _row_groups(tables: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """A stream of rows in tables of `LEDGER_GROUP_ROWS`, whatever the sizes of its pieces; the last has what is left."""
    pending: list[pa.Table] = []
    size = 0
    for table in tables:
        while len(table):
            piece = table.slice(0, LEDGER_GROUP_ROWS - size)
            table = table.slice(len(piece))
            pending.append(piece)
            size += len(piece)
            if size == LEDGER_GROUP_ROWS:
                yield pa.concat_tables(pending).combine_chunks()
                pending, size = [], 0
    if pending:
        yield pa.concat_tables(pending).combine_chunks()
