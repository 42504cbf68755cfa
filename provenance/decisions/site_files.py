"""Counts of sites on their way from shards to partitions and their effects back, as packed arrays in scratch files.

A partition holds all counts of its sites, so memory follows the largest partition, not the number of sites.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from provenance.decisions.sites import (
    Clustering,
    SiteCounts,
    SiteEffects,
    SiteStatistics,
    log_odds_counts,
    look_up,
    merge_sites,
    site_effects,
    site_statistics,
)
from provenance.duplicates.scratch import Piece, Routed, Scratch, read_piece, split, write_pieces

#: What sites say back to a shard: the effect in nats on each kind of document, and its other documents there.
ANSWERS = pa.schema(
    [
        ("site", pa.uint64()),
        ("kind", pa.uint16()),
        ("effect", pa.float32()),
        ("judged", pa.int64()),
        ("machine", pa.int64()),
    ]
)
#: What a shard sends to a partition: its number, then sites, kinds and documents.
_SENT = (np.int64, np.uint64, np.uint16, np.int64)
#: Documents to a partition, about 30 bytes each while its sites are settled.
PARTITION_DOCUMENTS = 2_000_000


def partitions_for(documents: int) -> int:
    """Number of partitions for so many documents; it depends on nothing else."""
    return max(1, -(-documents // PARTITION_DOCUMENTS))


def send_counts(scratch: Scratch, shard: int, counts: SiteCounts, partitions: int) -> list[Routed]:
    """Write the counts of one shard, a piece for each partition."""
    parts = split(counts.site % np.uint64(partitions), *counts)
    origin = np.array([shard], np.int64)
    return write_pieces(scratch, f"sites/{shard:06}", ((part, [origin, *arrays]) for part, arrays in parts))


def partition_statistics(scratch: Scratch, pieces: Sequence[Piece]) -> SiteStatistics:
    """Statistics of the sites of one partition."""
    return site_statistics(merge_sites([counts for _, counts in _read_counts(scratch, pieces)]))


def send_effects(
    scratch: Scratch, partition: int, pieces: Sequence[Piece], clustering: Clustering
) -> tuple[list[Routed], NDArray[np.int64]]:
    """Write what the sites of a partition say, a piece for each shard; returns also `log_odds_counts`."""
    received = _read_counts(scratch, pieces)
    effects = site_effects(merge_sites([counts for _, counts in received]), clustering)

    def answer(counts: SiteCounts) -> list[NDArray[np.generic]]:
        at = look_up(effects, counts.site, counts.kind)
        return [counts.site, counts.kind, effects.effect[at], effects.judged[at], effects.machine[at]]

    parts = ((shard, answer(counts)) for shard, counts in received)
    return write_pieces(scratch, f"effects/{partition:06}", parts), log_odds_counts(effects)


def gather_effects(scratch: Scratch, pieces: Sequence[Piece]) -> pa.Table:
    """What all partitions say about one shard's documents, sorted by site and kind: the columns of `ANSWERS`."""
    kinds = [np.asarray(column).dtype for column in ANSWERS.empty_table().columns]
    parts = [read_piece(scratch, piece, *kinds) for piece in pieces]
    if not parts:
        parts = [[np.empty(0, kind) for kind in kinds]]
    columns = [np.concatenate(arrays) for arrays in zip(*parts, strict=True)]
    order = np.lexsort((columns[1], columns[0]))
    return pa.table([column[order] for column in columns], schema=ANSWERS)


def effects_of(answers: pa.Table) -> SiteEffects:
    """The effects on one shard's documents from a table of `ANSWERS`; how many documents a kind has is not told."""
    site, kind, effect, judged, machine = (np.asarray(column) for column in answers.columns)
    return SiteEffects(SiteCounts(site, kind, np.zeros(len(site), np.int64)), effect, judged, machine)


def _read_counts(scratch: Scratch, pieces: Sequence[Piece]) -> list[tuple[int, SiteCounts]]:
    found = []
    for piece in pieces:
        shard, site, kind, documents = read_piece(scratch, piece, *_SENT)
        found.append((int(shard[0]), SiteCounts(site, kind, documents)))
    return sorted(found, key=lambda item: item[0])
