"""The documents of annotated shards as deduplication reads them: sketches and keeper keys block by block.

Which document of a cluster is kept follows from the configured order of preference and the documents alone,
so neither blocks nor workers can change it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from provenance.duplicates.clusters import DROPPED, EARLIER, PASSED, REMOVED, policy_keys
from provenance.duplicates.sketches import (
    U64,
    Blocks,
    Sketches,
    addresses,
    block_rows_for,
    concatenate,
    payload_digests,
    sketches,
)
from provenance.evidence import evidence_sum
from provenance.files.shards import read_range, read_rows, unpack_signatures
from provenance.files.storage import Storage
from provenance.files.workspace import Shard
from provenance.schema import MINHASH_PERMUTATIONS

#: Columns of `policy_keys`, by the name of the preference in the configuration.
_PREFERENCES = {"earliest": 0, "human": 1, "longest": 2}
#: Its last two columns are the doc_id, which decides where nothing else does.
_DOC_ID = (3, 4)
_SKETCH = ("minhash", "text_digest")
_PAYLOAD = ("payload_digest", "outcome")
_KEYS = ("doc_id", "capture_time", "evidence", "word_count")
_FACTS = ("doc_id", "host", "capture_time")
#: Capture time of a document that has none: after all others.
_NEVER = np.iinfo(np.int64).min


@dataclass(frozen=True)
class ShardDocuments:
    """The documents of all shards of a job; `keep` is the order of preference (`Duplicates.keep`).

    `verdicts` are files of `decisions.filters.VERDICTS`, one for each shard; none: there are no filters. `payloads`: sketches
    hold digests of payloads. `beyond` are the entries of the indexes that the job looks up.
    """

    storage: Storage
    shards: tuple[Shard, ...]
    keep: tuple[str, ...]
    verdicts: tuple[str, ...] = ()
    payloads: bool = False
    beyond: tuple[int, ...] = ()

    @property
    def blocks(self) -> Blocks:
        """The blocks that the rows of all shards are read in."""
        rows = tuple(shard.rows for shard in self.shards)
        return Blocks(rows, block_rows_for(sum(rows)), self.beyond)

    def sketches(self, block: int) -> Sketches:
        """Digests and signatures of the documents of a block."""
        return self._sketches(block, self._read(block, ()))

    def keys(self, block: int) -> U64:
        """Keeper keys of the same documents, row by row (uint64[n, any]): the lowest keeps."""
        return self.members(block)[1]

    def members(self, block: int) -> tuple[Sketches, U64]:
        """Both, of one reading of the shards.

        The first key is the standing (`clusters.PASSED` and its like): what a filter drops keeps for no other.
        """
        tables = self._read(block, _KEYS)
        found = self._sketches(block, tables)
        standing, keys = [], []
        for span, table in zip(self.blocks.spans(block), tables, strict=True):
            # Rows with neither signature nor digest are no documents: `sketches` leaves them out.
            known = np.isin(addresses(*span), found.addresses, assume_unique=True)
            standing.append(self._standing(*span)[known])
            keys.append(keeper_keys(table.filter(pa.array(known)), self.keep))
        return found, np.column_stack([np.concatenate(standing), np.concatenate(keys)])

    def _read(self, block: int, more: tuple[str, ...]) -> list[pa.Table]:
        """What sketches are made of, and `more`, span by span."""
        columns = (*_SKETCH, *_PAYLOAD * self.payloads, *more)
        return [
            read_range(self.storage, self.shards[shard].path, columns, first, rows)
            for shard, first, rows in self.blocks.spans(block)
        ]

    def _sketches(self, block: int, tables: Sequence[pa.Table]) -> Sketches:
        parts = []
        for span, table in zip(self.blocks.spans(block), tables, strict=True):
            payloads = _document_payloads(table) if self.payloads else None
            signatures = unpack_signatures(table["minhash"])
            parts.append(sketches(addresses(*span), signatures, table["text_digest"], payloads))
        return concatenate(parts, MINHASH_PERMUTATIONS)

    def facts(self, shard: int, rows: NDArray[Any]) -> pa.Table:
        """What the table of clusters says of documents: doc_id, host, capture_time, standing and place, which is null."""
        table = read_rows(self.storage, self.shards[shard].path, _FACTS, rows)
        standing = self._standing(shard, 0, self.shards[shard].rows)[rows]
        table = table.append_column("standing", pa.array(standing))
        return table.append_column("place", pa.nulls(len(table), pa.string()))

    def _standing(self, shard: int, first: int, rows: int) -> U64:
        """Standing of a range of rows of a shard."""
        passed = EARLIER if self.shards[shard].carried else PASSED
        if not self.verdicts:
            return np.full(rows, passed, np.uint64)
        table = read_range(self.storage, self.verdicts[shard], ("reason", "with_duplicates"), first, rows)
        dropped = np.asarray(table["reason"].is_valid())
        return np.where(table["with_duplicates"], REMOVED, np.where(dropped, DROPPED, passed)).astype(
            np.uint64
        )


def _document_payloads(table: pa.Table) -> tuple[U64, NDArray[np.bool_]]:
    """Digests of payloads, and which rows are documents with one."""
    digests, known = payload_digests(table["payload_digest"])
    return digests, known & np.asarray(table["outcome"].is_null())


def keeper_keys(table: pa.Table, keep: Sequence[str]) -> U64:
    """The preferences `keep` as sortable keys of documents, doc_id last (uint64[n, len(keep) + 2])."""
    keys = policy_keys(
        np.asarray(table["capture_time"].cast(pa.int64()).fill_null(_NEVER)),
        evidence_sum(table["evidence"]),
        np.asarray(table["word_count"].fill_null(0)),
        id_bytes(table["doc_id"]),
    )
    preferred = [_PREFERENCES[name] for name in keep]
    return np.ascontiguousarray(keys[:, [*preferred, *_DOC_ID]])


def id_bytes(doc_ids: pa.Array | pa.ChunkedArray) -> NDArray[np.uint8]:
    """doc_ids, which are 32 hexadecimal digits, as the bytes that they write (uint8[n, 16])."""
    return np.frombuffer(bytes.fromhex("".join(doc_ids.to_pylist())), np.uint8).reshape(-1, 16)
