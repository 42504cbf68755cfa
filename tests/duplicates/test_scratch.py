"""Pieces of scratch files come back as they were written, or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from provenance.duplicates import LocalScratch
from provenance.duplicates.scratch import StorageScratch, read_piece, split, write_pieces
from provenance.files.storage import AnyStorage
from tests.counted import counted_store


def test_a_damaged_piece_is_refused(tmp_path: object) -> None:
    scratch = LocalScratch(str(tmp_path))
    ((_, piece),) = write_pieces(scratch, "x", [(0, [np.arange(4, dtype="<u8")])])
    with pytest.raises(ValueError, match="no piece of 2 arrays"):
        read_piece(scratch, piece, "<u8", "<u8")
    with pytest.raises(EOFError):
        scratch.read("x", 8, 1000)


def test_pieces_come_back_by_partition_with_their_rows_in_order(tmp_path: Path) -> None:
    scratch = LocalScratch(tmp_path)
    partitions = np.array([3, 1, 3, 0, 1])
    numbers, letters = np.arange(5, dtype="<u8"), np.array([9, 8, 7, 6, 5], "u1")
    routed = write_pieces(scratch, "folder/file", split(partitions, numbers, letters))
    found = {
        key: [part.tolist() for part in read_piece(scratch, piece, "<u8", "u1")] for key, piece in routed
    }
    assert found == {0: [[3], [6]], 1: [[1, 4], [8, 5]], 3: [[0, 2], [9, 7]]}


def test_a_piece_is_one_question_to_a_store_and_nothing_behind_it_is_fetched() -> None:
    with counted_store() as store:
        scratch = StorageScratch(AnyStorage(), "counted://bucket/scratch")
        parts = [(number, [np.arange(1_000, dtype="<u8")]) for number in range(9)]
        pieces = [piece for _, piece in write_pieces(scratch, "a", parts)]
        store.calls.clear()
        for piece in pieces:
            assert len(read_piece(scratch, piece, "<u8")[0]) == 1_000
        assert store.calls == {"read": 9} and store.bytes_read == sum(piece.length for piece in pieces)


def test_nothing_to_write_leaves_no_file(tmp_path: Path) -> None:
    assert write_pieces(LocalScratch(tmp_path), "x", iter([])) == []
    assert list(tmp_path.iterdir()) == []


def test_a_task_that_dies_leaves_the_file_of_its_last_run(tmp_path: Path) -> None:
    scratch = LocalScratch(tmp_path)
    scratch.write("x", [b"first"])

    def dying() -> Iterator[bytes]:
        yield b"half"
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        scratch.write("x", dying())
    assert scratch.read("x", 0, 5) == b"first"
