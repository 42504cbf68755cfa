"""Cut documents of different lengths into batches that waste little padding and stay within a budget."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray


def length_batches(lengths: Sequence[int], batch_tokens: int) -> Iterator[list[int]]:
    """Yield row numbers, longest rows first; rows times the longest is at most `batch_tokens`.

    A row longer than the budget stands alone. Ties keep their order, so the batches depend on the lengths only.
    """
    order = np.argsort(-np.asarray(lengths, np.int64), kind="stable").tolist()
    start = 0
    while start < len(order):
        rows = max(1, batch_tokens // max(1, lengths[order[start]]))
        yield order[start : start + rows]
        start += rows


def padded(
    ids: Sequence[Sequence[int]], rows: Sequence[int], pad: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(ids, mask) of the given rows, each of shape (rows, longest), padded at the end."""
    width = max(len(ids[row]) for row in rows)
    tokens = np.full((len(rows), width), pad, np.int64)
    mask = np.zeros((len(rows), width), np.int64)
    for k, row in enumerate(rows):
        tokens[k, : len(ids[row])] = ids[row]
        mask[k, : len(ids[row])] = 1
    return tokens, mask
