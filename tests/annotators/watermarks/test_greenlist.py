"""Membership of green lists: right, whatever is cached."""

from __future__ import annotations

import numpy as np
import pytest

from provenance.annotators.watermarks.greenlist import GreenLists
from provenance.annotators.watermarks.random import randperm


@pytest.mark.parametrize(("size", "head"), [(2, 1), (7, 7), (100, 25), (5000, 4999), (40_000, 10_000)])
def test_answers_do_not_depend_on_what_is_cached(size: int, head: int) -> None:
    rng = np.random.default_rng(size)
    seed = rng.integers(0, 12, 400).astype(np.uint32)
    token = rng.integers(0, size + 3, 400)
    truth = {int(s): set(randperm(int(s), size)[:head].tolist()) for s in np.unique(seed)}
    expected = [int(t) in truth[int(s)] for s, t in zip(seed, token, strict=True)]
    for lists, memory in ((True, 1 << 28), (True, 1), (False, 1 << 16)):
        engine = GreenLists(size, head, lists, memory)
        for _ in range(2):
            assert engine.contains(seed, token).tolist() == expected
        for s, t, green in zip(seed[:40], token[:40], expected[:40], strict=True):
            assert engine.contains(np.array([s], np.uint32), np.array([t])).tolist() == [green]
        assert engine.cached_lists <= max(1, memory // ((size + 7) // 8))
