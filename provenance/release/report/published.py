"""What the published documents say of themselves: their years, their declarations, the duplicates they stand for."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from provenance.release.report.leaders import Exact
from provenance.schema import without_zone

#: Clusters that are named.
_LARGEST = 10
#: Lower ends of the classes of cluster sizes: how many duplicates a document stands for.
CLUSTERS = (0, 1, 2, 5, 10, 100, 1000)
#: Kinds of declarations that are named, at most: signals have few names, but nothing forces a page to use them.
_KINDS = 200
_TIMES = {"claimed": "published_time", "captured": "capture_time", "proven": "proven_by"}
_SIGNALS = ("disclosures", "rights_signals", "marks", "watermarks")


@dataclass
class Published:
    """Counts over the published documents.

    Attributes:
        years: documents by year claimed, captured and proven; the year 0 is "not known".
        signals: documents with a declaration, by (column, signal).
        clusters: documents by how many duplicates they stand for, the classes of `CLUSTERS`.
        largest: (duplicates, doc_id, url, number of hosts) of the largest clusters.
        low_background: documents and tokens proven before 2022-11-30.
        flagged, abstained, opt_out, watermarked: documents.
    """

    COLUMNS: ClassVar[tuple[str, ...]] = tuple(
        "doc_id url domain license token_count synthetic_probability synthetic_probability_upper sampling_weight "
        "published_time capture_time proven_by low_background disclosures rights_signals marks watermarks "
        "train_opt_out detector_flagged detector_abstained duplicate_count duplicate_hosts".split()
    )
    years: dict[str, Counter[int]] = field(default_factory=lambda: {name: Counter() for name in _TIMES})
    signals: Counter[tuple[str, str]] = field(default_factory=Counter)
    clusters: list[int] = field(default_factory=lambda: [0] * len(CLUSTERS))
    largest: list[tuple[int, str, str, int]] = field(default_factory=list)
    low_background: list[int] = field(default_factory=lambda: [0, 0])
    flags: Counter[str] = field(default_factory=Counter)


def add_published(found: Published, table: pa.Table) -> None:
    """Count one batch of published documents."""
    for name, column in _TIMES.items():
        counted = pc.value_counts(pc.year(without_zone(table[column])).fill_null(0))
        found.years[name].update({item["values"]: item["counts"] for item in counted.to_pylist()})
    for name in _SIGNALS:
        counts = _signals(table[name].combine_chunks(), "scheme" if name == "watermarks" else "signal")
        found.signals.update({(name, signal): number for signal, number in counts.items()})
    if len(found.signals) > _KINDS:
        found.signals = Counter(
            dict(sorted(found.signals.items(), key=lambda row: (-row[1], row[0]))[:_KINDS])
        )
    old = table["low_background"].fill_null(False)
    tokens = table["token_count"].fill_null(0)
    found.low_background[0] += pc.sum(old).as_py() or 0
    found.low_background[1] += pc.sum(tokens.filter(old)).as_py() or 0
    for name in ("train_opt_out", "detector_flagged", "detector_abstained"):
        found.flags[name] += pc.sum(table[name].fill_null(False)).as_py() or 0
    _add_clusters(found, table)


def count_values(table: pa.Table, exact: Mapping[str, Exact]) -> None:
    """Add documents and tokens of a batch to the sums of each column."""
    ones = pa.array(np.ones(len(table), np.int64))
    counted = pa.table({"documents": ones, "tokens": table["token_count"].fill_null(0).cast(pa.int64())})
    for name, sums in exact.items():
        sums.add(table[name], counted)


def _signals(column: pa.ListArray, name: str) -> dict[str, int]:
    """Documents by what they declare, each once for a signal."""
    names = column.flatten().field(name)
    pairs = pa.table({"row": pc.list_parent_indices(column), "signal": names}).group_by(["row", "signal"])
    counted: list[dict[str, Any]] = pc.value_counts(pairs.aggregate([])["signal"].drop_null()).to_pylist()
    return {item["values"]: item["counts"] for item in counted}


def _add_clusters(found: Published, table: pa.Table) -> None:
    count = np.asarray(table["duplicate_count"].fill_null(0), np.int64)
    classes = np.searchsorted(CLUSTERS, count, side="right") - 1
    for at, number in enumerate(np.bincount(classes, minlength=len(CLUSTERS)).tolist()):
        found.clusters[at] += number
    rows = np.flatnonzero(count)
    rows = rows[np.argsort(-count[rows], kind="stable")][:_LARGEST]
    # Of equal ones at the edge the lowest doc_id stays, whatever the batch: take all of that size.
    if len(rows) == _LARGEST:
        rows = np.flatnonzero(count >= count[rows[-1]])
    largest = table.take(pa.array(rows)).select(["duplicate_count", "doc_id", "url", "duplicate_hosts"])
    named = [
        (row["duplicate_count"], row["doc_id"], row["url"] or "", len(row["duplicate_hosts"] or []))
        for row in largest.to_pylist()
    ]
    found.largest = heapq.nsmallest(_LARGEST, [*found.largest, *named], key=lambda row: (-row[0], row[1]))
