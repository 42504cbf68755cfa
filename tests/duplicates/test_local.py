"""Deduplication: equal to a brute-force reference, whatever the blocks, partitions and groups."""

from __future__ import annotations

import itertools
import tempfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provenance import duplicates
from provenance.duplicates import Blocks, Clusters, LocalScratch, Sketches, buckets, edges
from provenance.duplicates.clusters import DROPPED, PASSED, REMOVED
from provenance.duplicates.sketches import DIGESTED, SHINGLED

WIDTH = 32


def family(rng: np.random.Generator, documents: int, roots: int, noise: float) -> Sketches:
    """Signatures derived from a few roots with a share of positions redrawn; some null, some texts alike."""
    base = rng.integers(0, 1 << 32, (roots, WIDTH), dtype=np.uint32)
    signatures = base[rng.integers(0, roots, documents)]
    redrawn = rng.random((documents, WIDTH)) < noise * rng.random((documents, 1))
    signatures = np.where(redrawn, rng.integers(0, 1 << 32, signatures.shape, dtype=np.uint32), signatures)
    digests = rng.integers(0, 1 << 62, (documents, 2)).astype(np.uint64)
    alike = rng.random(documents) < 0.2
    digests[alike] = digests[rng.integers(0, documents, int(alike.sum()))]
    flags = rng.choice([0, DIGESTED, SHINGLED, SHINGLED | DIGESTED], documents, p=[0.05, 0.1, 0.05, 0.8])
    return Sketches(np.arange(documents, dtype=np.uint64), flags.astype(np.uint8), digests, signatures)


def solve(
    sketches: Sketches,
    keys: np.ndarray,
    shards: tuple[int, ...],
    threshold: float,
    block_rows: int,
    partitions: int,
    group_rows: int,
    standing: bool = False,
    most_bytes: int = 1 << 30,
) -> Clusters:
    """deduplicate_local on documents dealt to shards in order."""
    where = np.concatenate([duplicates.addresses(s, 0, n) for s, n in enumerate(shards)])
    blocks = Blocks(shards, block_rows)
    block = blocks.of(where)

    def rows(number: int) -> np.ndarray:
        return np.flatnonzero((block == number) & (sketches.flags > 0))

    def load(number: int) -> Sketches:
        at = rows(number)
        return Sketches(where[at], sketches.flags[at], sketches.digests[at], sketches.signatures[at])

    with tempfile.TemporaryDirectory() as folder:
        return duplicates.deduplicate_local(
            LocalScratch(folder), blocks, load, lambda number: keys[rows(number)],
            threshold=threshold, permutations=WIDTH, partitions=partitions, group_rows=group_rows, standing=standing, most_bytes=most_bytes,
        )  # fmt: skip


def share(sketches: Sketches, i: int, j: int) -> float:
    both = sketches.flags[i] & sketches.flags[j]
    if both & DIGESTED and (sketches.digests[i] == sketches.digests[j]).all():
        return 1.0
    if not both & SHINGLED:
        return 0.0
    equal, width = int((sketches.signatures[i] == sketches.signatures[j]).sum()), sketches.signatures.shape[1]
    return float(np.float32(min(equal, width - 0.5) / width))


def reference(
    sketches: Sketches, keys: np.ndarray, threshold: float, standing: bool = False
) -> dict[int, tuple[int, float]]:
    """Document → (keeper, similarity), by dictionaries and loops."""
    bands, rows = duplicates.optimal_bands(threshold, WIDTH)
    buckets: dict[object, list[int]] = {}
    for i in range(len(sketches)):
        if sketches.flags[i] & SHINGLED:
            for band in range(bands):
                part = sketches.signatures[i, band * rows : (band + 1) * rows].tobytes()
                buckets.setdefault((band, part), []).append(i)
        if sketches.flags[i] & DIGESTED:
            buckets.setdefault(sketches.digests[i].tobytes(), []).append(i)
    parent = list(range(len(sketches)))

    def root(i: int) -> int:
        while parent[i] != i:
            i = parent[i]
        return i

    for bucket in buckets.values():
        for a, b in [*((bucket[0], x) for x in bucket[1:]), *itertools.pairwise(bucket)]:
            if share(sketches, a, b) >= threshold:
                parent[root(a)] = root(b)
    components: dict[int, list[int]] = {}
    for i in range(len(sketches)):
        components.setdefault(root(i), []).append(i)
    result: dict[int, tuple[int, float]] = {}
    for component in components.values():
        rest = sorted(component, key=lambda i: (*keys[i].tolist(), i))
        while rest:
            keeper = rest[0]
            firm = [i for i in rest[1:] if standing and keys[i, 0] == REMOVED]
            similar = [i for i in rest[1:] if i not in firm and share(sketches, keeper, i) >= threshold]
            if similar:
                result[keeper] = (keeper, 1.0)
                result.update({i: (keeper, share(sketches, keeper, i)) for i in similar})
            rest = [i for i in rest[1:] if i not in similar]
    return result


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_clusters_equal_the_brute_force_reference_for_any_blocks_partitions_and_groups(
    data: st.DataObject,
) -> None:
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    shards = tuple(data.draw(st.lists(st.integers(0, 40), min_size=1, max_size=5)))
    threshold = data.draw(st.sampled_from([0.5, 0.7, 0.8, 1.0]))
    sketches = family(rng, sum(shards), data.draw(st.integers(1, 8)), data.draw(st.floats(0, 0.8)))
    keys = rng.integers(0, 4, (len(sketches), 2)).astype(np.uint64)
    where = [s << 40 | row for s, n in enumerate(shards) for row in range(n)]
    expected = {where[i]: (where[k], s) for i, (k, s) in reference(sketches, keys, threshold).items()}
    for _ in range(2):
        with pytest.MonkeyPatch.context() as patch:
            if data.draw(st.booleans(), label="what is too large to be held is anything"):
                patch.setattr(buckets, "_WHOLE", 0)
                patch.setattr(buckets, "_HEAVY_ROWS", data.draw(st.integers(2, 4)))
                patch.setattr(edges, "_PART_EDGES", data.draw(st.integers(1, 20)))
                patch.setattr(edges, "_PART_ROWS", 0)
            found = solve(
                sketches,
                keys,
                shards,
                threshold,
                data.draw(st.integers(1, 60)),
                data.draw(st.integers(1, 7)),
                data.draw(st.integers(1, 60)),
                most_bytes=data.draw(st.sampled_from([0, 1 << 30])),
            )
        assert {
            a: (k, pytest.approx(s))
            for a, k, s in zip(
                found.addresses.tolist(), found.keepers.tolist(), found.similarities.tolist(), strict=True
            )
        } == expected


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_what_is_removed_is_no_members_and_takes_all_that_resembles_it(data: st.DataObject) -> None:
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    documents = data.draw(st.integers(1, 60))
    sketches = family(rng, documents, data.draw(st.integers(1, 4)), data.draw(st.floats(0, 0.6)))
    standing = rng.choice([REMOVED, PASSED, DROPPED], documents, p=[0.2, 0.6, 0.2])
    keys = np.column_stack([standing, rng.integers(0, 3, documents)]).astype(np.uint64)
    expected = reference(sketches, keys, 0.5, standing=True)
    for group_rows in (2, 1000):
        found = solve(sketches, keys, (documents,), 0.5, 20, 2, group_rows, standing=True)
        keeper = dict(zip(found.addresses.tolist(), found.keepers.tolist(), strict=True))
        assert keeper == {i: k for i, (k, _) in expected.items()}
        for i in np.flatnonzero(standing == REMOVED).tolist():
            assert keeper.get(i, i) == i
