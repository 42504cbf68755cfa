"""Keys that very many documents share: the same candidates, without ever holding all of their documents."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

from provenance.duplicates import Blocks, LocalScratch, buckets
from provenance.duplicates.buckets import find_candidates
from provenance.duplicates.scratch import Piece, read_piece, split, write_pieces

Pairs = list[tuple[int, int]]


def pieces_of(scratch: LocalScratch, blocks: Blocks, pairs: Pairs) -> list[Piece]:
    """(key, address) pairs as the blocks of the addresses leave them."""
    keys, where = (np.array(column, np.uint64) for column in zip(*pairs, strict=True))
    return [
        piece
        for number, arrays in split(blocks.of(where), keys, where)
        for _, piece in write_pieces(scratch, f"bands/{number:06}", [(0, arrays)])
    ]


def edges_of(scratch: LocalScratch, pieces: list[Piece], blocks: Blocks, earlier: Pairs = []) -> Pairs:  # noqa: B006
    """Edges of the pieces; a key of `earlier` is found where it is asked for."""

    def find(keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        hits = [pair for pair in earlier if pair[0] in keys.tolist()]
        return np.array([k for k, _ in hits], np.uint64), np.array([a for _, a in hits], np.uint64)

    found: Pairs = []
    for _, piece in find_candidates(scratch, "candidates", pieces, blocks, find if earlier else None):
        low, high = read_piece(scratch, piece, "<u8", "<u8")
        found += zip(low.tolist(), high.tolist(), strict=True)
    return found


def expected(pairs: Pairs, end: int) -> set[tuple[int, int]]:
    """The first document of each key with all others, and each with the next, where one of the two is of the crawl."""
    found = set()
    for key in {key for key, _ in pairs}:
        own = sorted(address for of, address in pairs if of == key)
        found |= {(own[0], other) for other in own[1:]} | set(itertools.pairwise(own))
    return {edge for edge in found if edge[0] < end}


@pytest.mark.parametrize("heavy", [2, 3, 5, 1_000])
def test_heavy_keys_have_the_edges_of_any_other_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, heavy: int
) -> None:
    monkeypatch.setattr(buckets, "_WHOLE", 0)
    monkeypatch.setattr(buckets, "_HEAVY_ROWS", heavy)
    rng = np.random.default_rng(heavy)
    scratch, blocks = LocalScratch(tmp_path), Blocks((50,), 9)
    pairs = sorted({(int(k), a) for a in range(50) for k in rng.integers(0, 12, 3) ** 2 // 9})
    pairs = [pairs[i] for i in rng.permutation(len(pairs))]
    end = int(blocks.end)
    earlier = [(key, end + number) for number, key in enumerate([0, 0, 1, 4, 9, 9, 77])]
    found = edges_of(scratch, pieces_of(scratch, blocks, pairs), blocks, earlier)
    asked = {key for key, _ in pairs}
    assert set(found) == expected(pairs + [pair for pair in earlier if pair[0] in asked], end)


def test_a_key_that_all_share_is_written_in_pieces_no_larger_than_a_block_makes_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(buckets, "_WHOLE", 0)
    monkeypatch.setattr(buckets, "_HEAVY_ROWS", 10)
    scratch, blocks = LocalScratch(tmp_path), Blocks((20_000,), 500)
    pieces = pieces_of(scratch, blocks, [(7, address) for address in range(20_000)])
    written = find_candidates(scratch, "candidates", pieces, blocks)
    assert sum(piece.length for _, piece in written) < 20_000 * 2 * 16 + 10_000
    assert max(piece.length for _, piece in written) < 500 * 2 * 16 + 100
