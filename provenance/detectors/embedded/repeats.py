"""How much of a text is said once: sentences that come again are no further evidence of who wrote them.

A refrain or a line of a template keeps the score that it has, and would be believed as if a longer text had it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

#: What ends a sentence or a line.
_END = r"[.!?…。！？।؟\n]\s*"
#: Below this share a text repeats itself, and its words are counted once. Of 48,349 texts of the development release in
#: pieces none is below; of 1,053 real pages five are, tables and lists.
_LEAST = 0.5


def count_once(texts: pa.Array, words: NDArray[np.int32]) -> NDArray[np.int32]:
    """The words (n,) of n texts, of those that repeat themselves the part that is no repetition."""
    share = said_once(texts)
    return np.where(share < _LEAST, (words * share).astype(np.int32), words)


def said_once(texts: pa.Array) -> NDArray[np.float64]:
    """The share (n,) of the bytes of each of n texts in sentences that stand there for the first time; 1 without any."""
    parts = pc.split_pattern_regex(texts.fill_null(""), _END)
    parent = np.asarray(pc.list_parent_indices(parts)).astype(np.int64)
    sentences = pc.list_flatten(parts)
    size = np.asarray(pc.binary_length(sentences)).astype(np.int64)
    code = np.asarray(sentences.dictionary_encode().indices).astype(np.int64)
    _, first = np.unique(parent << 32 | code, return_index=True)
    once, whole = (_sums(parent[rows], size[rows], len(texts)) for rows in (first, slice(None)))
    return np.where(whole > 0, once / np.maximum(whole, 1), 1.0)


def _sums(parent: NDArray[np.int64], size: NDArray[np.int64], count: int) -> NDArray[Any]:
    return np.bincount(parent, size, count)
