"""Whom a record stands beside: its near-duplicates, and the other records of its host. The ledger is read once, by columns."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from provenance.files.storage import Storage, join
from provenance.release.layout import ledger_files
from provenance.release.listing import hosts

#: Neighbours of each kind that are named.
NAMED = 8
_COLUMNS = "doc_id url decision reason duplicate_of similarity synthetic_probability token_count".split()
_BATCH = 65_536


def find_neighbours(
    storage: Storage, release: str, manifest: dict[str, Any], row: Mapping[str, Any]
) -> dict[str, Any]:
    """The `duplicates` and the `host` of a row of the ledger: how many there are, and the first of them by doc_id.

    Duplicates are those that share its keeper, the keeper left out; `host` is None where the address names none.
    """
    keeper = row["duplicate_of"] or row["doc_id"]
    host = hosts(pa.chunked_array([pa.array([row["url"]], pa.string())]))[0].as_py()
    duplicates: list[dict[str, Any]] = []
    beside: list[dict[str, Any]] = []
    number, decisions = 0, Counter[str]()
    for table in _tables(storage, release, manifest):
        other = pc.not_equal(table["doc_id"], row["doc_id"])
        alike = table.filter(pc.and_(other, pc.equal(table["duplicate_of"], keeper).fill_null(False)))
        number += len(alike)
        duplicates = _first(duplicates, alike)
        if host:
            same = table.filter(pc.and_(other, pc.equal(hosts(table["url"]), host).fill_null(False)))
            reasons = pc.if_else(pc.is_null(same["reason"]), same["decision"], same["reason"])
            counted = pc.value_counts(reasons).to_pylist()
            decisions.update({item["values"]: item["counts"] for item in counted})
            beside = _first(beside, same)
    return {
        "duplicates": {"records": number, "rows": duplicates},
        "host": {
            "name": host,
            "records": decisions.total(),
            "decisions": dict(sorted(decisions.items(), key=lambda item: (-item[1], item[0]))),
            "rows": beside,
        }
        if host
        else None,
    }


def _first(found: list[dict[str, Any]], more: pa.Table) -> list[dict[str, Any]]:
    """The rows with the lowest doc_ids of those found and some more."""
    lowest = more.take(pc.select_k_unstable(more, NAMED, [("doc_id", "ascending")])) if len(more) else more
    return heapq.nsmallest(NAMED, [*found, *lowest.to_pylist()], key=lambda item: str(item["doc_id"]))


def _tables(storage: Storage, release: str, manifest: dict[str, Any]) -> Iterator[pa.Table]:
    for item in ledger_files(manifest):
        with storage.open(join(release, item["path"])) as file:
            for batch in pq.ParquetFile(file, pre_buffer=False).iter_batches(_BATCH, columns=_COLUMNS):
                yield pa.Table.from_batches([batch])
