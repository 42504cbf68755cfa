"""Candidates become edges only where the signatures say so, and each signature travels once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from provenance.duplicates import Blocks, LocalScratch, Sketches
from provenance.duplicates.edges import read_edges, send_signatures, verify_edges
from provenance.duplicates.scratch import Piece, read_piece, split, write_pieces
from provenance.duplicates.sketches import SHINGLED

#: Two blocks of two documents: 0 and 1, 2 and 3.
BLOCKS = Blocks((4,), 2)
SIGNATURES = np.array([[1, 2, 3, 4], [1, 2, 3, 9], [1, 2, 8, 9], [1, 2, 3, 4]], np.uint32)


def block(number: int) -> Sketches:
    rows = slice(2 * number, 2 * number + 2)
    where = np.arange(4, dtype=np.uint64)[rows]
    nothing = np.zeros((2, 2), np.uint64)
    return Sketches(where, np.full(2, SHINGLED, np.uint8), nothing, SIGNATURES[rows])


def candidates(scratch: LocalScratch, edges: list[tuple[int, int]]) -> dict[int, list[Piece]]:
    low, high = (np.array(ends, np.uint64) for ends in zip(*edges, strict=True))
    return {
        key: [piece] for key, piece in write_pieces(scratch, "candidates", split(BLOCKS.of(low), low, high))
    }


@pytest.mark.parametrize(
    ("threshold", "expected"),
    [
        (0.5, {(0, 1), (0, 2), (0, 3), (1, 2), (2, 3)}),
        (0.75, {(0, 1), (0, 3), (1, 2)}),
        (0.8, {(0, 3)}),
        (1.0, set()),
    ],
)
def test_edges_of_the_threshold_and_above_are_verified(
    tmp_path: Path, threshold: float, expected: set[tuple[int, int]]
) -> None:
    scratch = LocalScratch(tmp_path)
    sent: dict[int, list[Piece]] = {}
    for number, pieces in candidates(scratch, [(0, 1), (0, 2), (0, 3), (1, 2), (2, 3)]).items():
        for target, piece in send_signatures(scratch, f"sent-{number}", pieces, block(number), BLOCKS):
            sent.setdefault(target, []).append(piece)
    verified = [
        piece
        for number, pieces in sent.items()
        for _, piece in verify_edges(
            scratch,
            f"verified-{number}",
            pieces,
            lambda _, n=number: block(n),
            threshold=threshold,
            blocks=BLOCKS,
        )
    ]
    low, high = read_edges(scratch, verified)
    assert set(zip(low.tolist(), high.tolist(), strict=True)) == expected


def test_a_signature_is_sent_once_however_many_edges_it_has(tmp_path: Path) -> None:
    scratch = LocalScratch(tmp_path)
    pieces = candidates(scratch, [(0, 2), (0, 3)])[0]
    ((_, piece),) = send_signatures(scratch, "sent", pieces, block(0), BLOCKS)
    where, _, high, signatures, index, _ = read_piece(scratch, piece, "<u8", "<u8", "<u8", "<u4", "<u4", "u1")
    assert (where.tolist(), high.tolist(), index.tolist()) == ([0], [2, 3], [0, 0])
    assert signatures.tolist() == [1, 2, 3, 4]


def test_edges_found_in_many_bands_are_read_once_and_in_order(tmp_path: Path) -> None:
    scratch = LocalScratch(tmp_path)
    pieces = [
        write_pieces(scratch, str(k), [(0, [np.array(low, "<u8"), np.array(high, "<u8")])])[0][1]
        for k, (low, high) in enumerate([([5, 1], [6, 2]), ([1, 0], [2, 9]), ([1], [2])])
    ]
    low, high = read_edges(scratch, pieces)
    assert list(zip(low.tolist(), high.tolist(), strict=True)) == [(0, 9), (1, 2), (5, 6)]
