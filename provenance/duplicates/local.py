"""All tasks of deduplication in one process: the reference for any runner, and the benchmark's subject.

Each task sees what a worker would see: its own pieces, one block of signatures, nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import groupby

from provenance.duplicates.bands import find_candidates, optimal_bands, spill_bands
from provenance.duplicates.clusters import Clusters, choose_keepers, connect, read_clusters, send_members
from provenance.duplicates.edges import send_signatures, verify_edges
from provenance.duplicates.scratch import Piece, Routed, Scratch
from provenance.duplicates.sketches import U64, Blocks, Sketches


def key_partitions(documents: int, bands: int, partition_bytes: int = 4 << 20) -> int:
    """How many partitions the band keys need so that each holds about `partition_bytes`."""
    return max(1, -(-documents * (bands + 1) * 16 // partition_bytes))


def _grouped(routed: Iterable[Routed]) -> list[tuple[int, list[Piece]]]:
    """(partition, its pieces) by ascending partition: what a runner's group-by-key does."""
    return [(key, [piece for _, piece in group]) for key, group in groupby(sorted(routed), lambda r: r[0])]


def deduplicate_local(
    scratch: Scratch,
    blocks: Blocks,
    load_sketches: Callable[[int], Sketches],
    load_keys: Callable[[int], U64],
    *,
    threshold: float,
    permutations: int = 128,
    partitions: int | None = None,
    group_rows: int = 8_192,
    standing: bool = False,
) -> Clusters:
    """Clusters of near-duplicates of all blocks.

    `load_sketches(block)` gives the documents of a block, `load_keys(block)` their policy keys (see
    `policy_keys`), row by row the same documents; with `standing` the first of them says what filters say
    (`clusters.PASSED` and its like). The result depends on neither blocks, partitions nor
    groups.
    """
    bands = optimal_bands(threshold, permutations)
    parts = partitions or key_partitions(sum(blocks.rows), bands[0])
    routed: list[Routed] = []
    for block in range(len(blocks)):
        routed += spill_bands(scratch, f"bands/{block:06}", load_sketches(block), bands, parts)
    candidates: list[Routed] = []
    for part, pieces in _grouped(routed):
        candidates += find_candidates(scratch, f"candidates/{part:06}", pieces, blocks)
    sent: list[Routed] = []
    for block, pieces in _grouped(candidates):
        sent += send_signatures(scratch, f"signatures/{block:06}", pieces, load_sketches(block), blocks)
    verified: list[Routed] = []
    for block, pieces in _grouped(sent):
        verified += verify_edges(scratch, f"verified/{block:06}", pieces, load_sketches(block), threshold)
    members: list[Routed] = []
    for block, pieces in _grouped(
        connect(scratch, "components", [p for _, p in verified], blocks, group_rows)
    ):
        members += send_members(
            scratch, f"members/{block:06}", pieces, load_sketches(block), load_keys(block)
        )
    chosen: list[Routed] = []
    for group, pieces in _grouped(members):
        chosen += choose_keepers(
            scratch,
            f"chosen/{group:06}",
            pieces,
            threshold,
            blocks,
            group_rows=group_rows,
            standing=standing,
        )
    return read_clusters(scratch, [piece for _, piece in chosen])
