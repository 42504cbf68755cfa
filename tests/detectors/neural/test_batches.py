"""Batches of texts of like length, within a budget of tokens."""

from __future__ import annotations

import numpy as np

from provenance.detectors.neural.batches import length_batches


def test_batches_hold_every_row_once_within_the_budget() -> None:
    lengths = np.random.default_rng(0).integers(1, 200, size=100).tolist()
    batches = list(length_batches(lengths, 256))
    assert sorted(row for batch in batches for row in batch) == list(range(100))
    assert all(len(batch) * max(lengths[row] for row in batch) <= 256 for batch in batches)
