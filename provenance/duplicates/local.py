"""All tasks of deduplication in one process: the reference for any runner, and the benchmark's subject.

Each task sees what a worker would see: its own pieces, one block of signatures, nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import count, groupby
from typing import Protocol

from provenance.duplicates.bands import optimal_bands, spill_bands
from provenance.duplicates.buckets import find_candidates
from provenance.duplicates.clusters import Clusters, choose_keepers, read_clusters, send_members
from provenance.duplicates.components import (
    CHANGED,
    ONE_TASK_BYTES,
    connect,
    label_components,
    large_star,
    small_star,
    spread_edges,
)
from provenance.duplicates.edges import send_signatures, verify_edges
from provenance.duplicates.scratch import Piece, Routed, Scratch
from provenance.duplicates.sketches import PARTITION_BYTES, U64, Blocks, Sketches, growth


class Earlier(Protocol):
    """Documents of indexes, by their addresses."""

    def find(self, keys: U64) -> tuple[U64, U64]:
        """(key, address) of all that have one of the ascending keys."""
        ...

    def sketches(self, where: U64) -> Sketches:
        """Of ascending addresses."""
        ...

    def keys(self, where: U64) -> U64:
        """Their policy keys, standing first."""
        ...


def key_partitions(documents: int, bands: int) -> int:
    """How many partitions the band keys need: each holds about `PARTITION_BYTES` of a million documents."""
    return max(1, round(documents * (bands + 1) * 16 / (PARTITION_BYTES * growth(documents))))


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
    group_rows: int | None = None,
    standing: bool = False,
    earlier: Earlier | None = None,
    most_bytes: int = ONE_TASK_BYTES,
) -> Clusters:
    """Clusters of near-duplicates of all blocks.

    `load_sketches(block)` gives the documents of a block, `load_keys(block)` their policy keys (see
    `policy_keys`), row by row the same documents; with `standing` the first of them says what filters say
    (`clusters.PASSED` and its like). `earlier` are documents of indexes, whose addresses are those of `blocks.beyond`.
    The result depends on neither blocks, partitions, groups nor on how components are found (`most_bytes`).
    """
    bands = optimal_bands(threshold, permutations)
    partitions = partitions or key_partitions(sum(blocks.rows), bands[0])
    group_rows = group_rows or blocks.block_rows

    def load(block: int, where: U64) -> Sketches:
        return load_sketches(block) if earlier is None or block < len(blocks) else earlier.sketches(where)

    def members(block: int, where: U64) -> tuple[Sketches, U64]:
        keys = load_keys(block) if earlier is None or block < len(blocks) else earlier.keys(where)
        return load(block, where), keys

    routed: list[Routed] = []
    for block in range(len(blocks)):
        routed += spill_bands(scratch, f"bands/{block:06}", load_sketches(block), bands, partitions)
    candidates: list[Routed] = []
    find = None if earlier is None else earlier.find
    for part, pieces in _grouped(routed):
        candidates += find_candidates(scratch, f"candidates/{part:06}", pieces, blocks, find)
    sent: list[Routed] = []
    for block, pieces in _grouped(candidates):
        sent += send_signatures(scratch, f"signatures/{block:06}", pieces, load_sketches(block), blocks)
    verified: list[Routed] = []
    for block, pieces in _grouped(sent):
        path, loaded = f"verified/{block:06}", partial(load, block)
        verified += verify_edges(scratch, path, pieces, loaded, threshold=threshold, blocks=blocks)
    found: list[Routed] = []
    for block, pieces in _grouped(connect_local(scratch, verified, blocks, group_rows, most_bytes)):
        found += send_members(scratch, f"members/{block:06}", pieces, partial(members, block))
    chosen: list[Routed] = []
    for group, pieces in _grouped(found):
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


def connect_local(
    scratch: Scratch,
    verified: Sequence[Routed],
    blocks: Blocks,
    group_rows: int,
    most_bytes: int = ONE_TASK_BYTES,
) -> list[Routed]:
    """Components of verified edges: task 5 where they have at most `most_bytes`, else tasks 5a to 5d."""
    if sum(piece.length for _, piece in verified) <= most_bytes:
        return connect(scratch, "components", [piece for _, piece in verified], blocks, group_rows)
    pairs: list[Routed] = []
    for block, pieces in _grouped(verified):
        pairs += spread_edges(scratch, f"components/spread/{block:06}", pieces, blocks)
    for number in count():
        stars: list[Routed] = []
        for block, pieces in _grouped(pairs):
            stars += large_star(scratch, f"components/large-{number}/{block:06}", pieces, blocks)
        pairs = []
        for block, pieces in _grouped(item for item in stars if item[0] != CHANGED):
            pairs += small_star(scratch, f"components/small-{number}/{block:06}", pieces, blocks)
        if all(partition != CHANGED for partition, _ in [*stars, *pairs]):
            break
        pairs = [item for item in pairs if item[0] != CHANGED]
    labelled: list[Routed] = []
    for block, pieces in _grouped(pairs):
        labelled += label_components(scratch, f"components/{block:06}", pieces, blocks, group_rows)
    return labelled
