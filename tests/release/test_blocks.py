"""Documents on their way to a release: merged in the published order, with no second copy of what is merged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from provenance.decisions.hashes import selection_hash
from provenance.duplicates import LocalScratch, Piece
from provenance.release import blocks
from provenance.release.blocks import gather

SCHEMA = pa.schema({"doc_id": pa.string(), "text": pa.large_string()})


def documents(rows: int, length: int = 10) -> pa.Table:
    """Documents in the published order of seed 3."""
    ids = [
        number.to_bytes(16, "big").hex()
        for number in np.random.default_rng(rows).permutation(10 * rows)[:rows].tolist()
    ]
    table = pa.table({"doc_id": ids, "text": pa.array([one * length for one in ids], pa.large_string())})
    return table.take(
        pa.array(np.argsort(selection_hash(table["doc_id"], 3), kind="stable"))
    ).combine_chunks()


@pytest.mark.parametrize("at_once", [1, 7, 2_048])
def test_pieces_of_a_section_come_out_in_one_order_however_they_were_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(blocks, "_ROWS_AT_ONCE", at_once)
    whole = documents(300)
    scratch = LocalScratch(tmp_path)
    piece_of = np.random.default_rng(1).integers(0, 5, len(whole))
    pieces = []
    for section in (0, 1):
        rows = np.flatnonzero(np.arange(len(whole)) // 150 == section)
        for number in range(5):
            data = blocks._pack(whole.take(pa.array(rows[piece_of[rows] == number])))
            scratch.write(f"{section}-{number}", [data])
            pieces.append((section, Piece(f"{section}-{number}", 0, len(data))))
    tables = list(gather(scratch, pieces[::-1], SCHEMA, 3))
    assert pa.concat_tables(tables).to_pylist() == whole.to_pylist()
    assert max(len(table) for table in tables) <= at_once


def test_merging_needs_memory_for_what_it_gives_and_not_for_all_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(blocks, "_ROWS_AT_ONCE", 50)
    batches = documents(2_000, 250).to_batches(max_chunksize=100)  # 16 MB
    before, most = pa.total_allocated_bytes(), 0
    for _ in blocks._merged(batches, SCHEMA, 3):
        most = max(most, pa.total_allocated_bytes() - before)
    assert 0 < most < 2_000_000


def test_one_section_is_in_memory_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "_ROWS_AT_ONCE", 50)
    scratch, pieces = LocalScratch(tmp_path), []
    for section in range(3):
        data = blocks._pack(documents(1_000 + section, 250))  # 8 MB
        scratch.write(f"{section}", [data])
        pieces.append((section, Piece(f"{section}", 0, len(data))))
    before, most = pa.total_allocated_bytes(), 0
    for _ in gather(scratch, pieces, SCHEMA, 3):
        most = max(most, pa.total_allocated_bytes() - before)
    assert 8_000_000 < most < 12_000_000
