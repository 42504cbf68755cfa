"""How many published documents are proven by what: their own capture, one of the crawl, one of an index."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from provenance.release.json_values import COUNT, NAME, SHA256, described, object_

#: Columns that `count_proof` reads.
PROOF_COLUMNS = ("doc_id", "witness", "witness_place", "low_background")
#: By whose capture, and the same for documents proven before 2022-11-30.
KINDS = ("own", "crawl", "index", "none")


def count_proof(table: pa.Table | pa.RecordBatch) -> dict[str, int]:
    """Documents by whose capture proves them, and `before_2022_11_30` of each, as `own`, `own_old` and so on."""
    by = pc.if_else(
        pc.is_null(table["witness"]),
        "none",
        pc.if_else(
            pc.is_valid(table["witness_place"]),
            "index",
            pc.if_else(pc.equal(table["witness"], table["doc_id"]), "own", "crawl"),
        ),
    )
    found: Counter[str] = Counter(dict.fromkeys([*KINDS, *(f"{kind}_old" for kind in KINDS)], 0))
    for suffix, values in (("", by), ("_old", by.filter(table["low_background"]))):
        for item in pc.value_counts(values).to_pylist():
            found[item["values"] + suffix] += item["counts"]
    return dict(sorted(found.items()))


def add_proof(parts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """The sum of counts."""
    total: Counter[str] = Counter(dict.fromkeys([*KINDS, *(f"{kind}_old" for kind in KINDS)], 0))
    for part in parts:
        for name, count in part.items():
            total[name] += count
    return dict(sorted(total.items()))


def describe_proof(counts: Mapping[str, int]) -> str:
    """The counts as a sentence."""
    old = sum(counts[f"{kind}_old"] for kind in KINDS)
    return (
        f"{old:,} documents are proven older than 2022-11-30: {counts['own_old']:,} by their own capture, "
        f"{counts['crawl_old']:,} by a near-duplicate in the crawl, {counts['index_old']:,} by one in an index"
    )


def proof_schema() -> dict[str, Any]:
    """JSON Schema of the counts."""
    return object_({f"{kind}{old}": COUNT for kind in KINDS for old in ("", "_old")})


def earlier_schema() -> dict[str, Any]:
    """JSON Schema of an index of documents elsewhere that was looked up."""
    time = {"type": ["string", "null"], "description": "capture time, ISO 8601"}
    origin = object_({"name": {"type": "string"}, "kind": NAME, "entries": COUNT})
    return object_(
        {
            "role": {"enum": ["witness", "against"]},
            "sha256": described(SHA256, "of its header"),
            "entries": COUNT,
            "origins": {"type": "array", "items": origin},
            "earliest": time,
            "latest": time,
        }
    )
