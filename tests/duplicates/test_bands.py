"""Candidates: documents that agree in a band or in their digest, each pair once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from datasketch import MinHashLSH

from provenance import duplicates
from provenance.configuration import Configuration
from provenance.duplicates import Blocks, LocalScratch, Sketches
from provenance.duplicates.bands import DEFAULT_BANDS, band_keys, partition_of, spill_bands
from provenance.duplicates.buckets import find_candidates
from provenance.duplicates.local import _grouped
from provenance.duplicates.scratch import read_piece
from provenance.duplicates.sketches import DIGESTED, SHINGLED
from provenance.schema import MINHASH_PERMUTATIONS


@pytest.mark.parametrize("threshold", [0.5, 0.7, 0.8, 0.95])
def test_bands_are_those_of_datasketch(threshold: float) -> None:
    for weights in [(0.5, 0.5), (0.1, 0.9)]:
        index = MinHashLSH(threshold=threshold, num_perm=128, weights=weights)
        assert duplicates.optimal_bands(threshold, 128, weights) == (index.b, index.r)
    assert duplicates.optimal_bands(threshold, 128) == (index.b, index.r)


def test_the_bands_of_the_default_threshold_are_what_the_optimiser_says() -> None:
    configured = (Configuration().duplicates.threshold, MINHASH_PERMUTATIONS)
    assert configured in [known[:2] for known in DEFAULT_BANDS], "the default costs what this is to spare"
    for (threshold, permutations, weights), bands in DEFAULT_BANDS.items():
        index = MinHashLSH(threshold, permutations, weights=weights)
        assert bands == (index.b, index.r)


def block(*documents: tuple[int, list[int]]) -> Sketches:
    """Documents from (digest, signature of four positions)."""
    where = np.arange(len(documents), dtype=np.uint64)
    flags = np.full(len(documents), SHINGLED | DIGESTED, np.uint8)
    digests = np.array([[digest, digest] for digest, _ in documents], np.uint64)
    return Sketches(where, flags, digests, np.array([values for _, values in documents], np.uint32))


def edges(tmp_path: Path, sketches: Sketches, partitions: int) -> set[tuple[int, int]]:
    """All candidate edges of one block, for two bands of two rows."""
    scratch, blocks = LocalScratch(tmp_path), Blocks((len(sketches),))
    found: list[tuple[int, int]] = []
    for key, group in _grouped(spill_bands(scratch, "bands", sketches, (2, 2), partitions)):
        for _, piece in find_candidates(scratch, f"candidates-{key}", group, blocks):
            low, high = read_piece(scratch, piece, "<u8", "<u8")
            found += zip(low.tolist(), high.tolist(), strict=True)
    assert len(found) >= len(set(found))
    return set(found)


@pytest.mark.parametrize("partitions", [1, 7])
def test_one_band_or_one_digest_in_common_makes_a_candidate(tmp_path: Path, partitions: int) -> None:
    sketches = block(
        (1, [1, 2, 3, 4]),
        (2, [1, 2, 9, 9]),  # the first band of 0
        (3, [8, 8, 3, 4]),  # its second
        (1, [5, 6, 7, 0]),  # its digest
        (4, [3, 4, 1, 2]),  # its bands, each in the other's place
    )
    assert edges(tmp_path, sketches, partitions) == {(0, 1), (0, 2), (0, 3)}


def test_a_bucket_joins_its_first_with_all_and_each_with_the_next(tmp_path: Path) -> None:
    sketches = block(*((k + 1, [1, 2, 10 * k, 10 * k + 1]) for k in range(4)))
    assert edges(tmp_path, sketches, 1) == {(0, 1), (0, 2), (0, 3), (1, 2), (2, 3)}


def test_partitions_follow_the_order_of_the_keys() -> None:
    keys = np.sort(np.random.default_rng(0).integers(0, 1 << 64, 10_000, dtype=np.uint64))
    found = partition_of(keys, 7)
    assert (np.diff(found.astype(np.int64)) >= 0).all()
    assert set(found.tolist()) == set(range(7))


def test_bands_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="do not fit 4 permutations"):
        band_keys(np.zeros((1, 4), np.uint32), 3, 2)
    with pytest.raises(ValueError, match="no bands for threshold 0"):
        duplicates.optimal_bands(0, 128)
