"""Pieces of evidence: joined, filtered and added up, row by row; and which documents are low-background.

posterior log-odds = prior log-odds (`provenance.decisions.prior`) + sum of log-likelihood ratios (nats).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

#: From this moment on text may come from a chat model that anyone could use (ChatGPT's release).
LOW_BACKGROUND_BEFORE = np.datetime64("2022-11-30T00:00:00", "us")


def low_background(proven_by: NDArray[np.datetime64]) -> NDArray[np.bool_]:
    """Whether each document is proven to exist before 2022-11-30; NaT is False."""
    return np.asarray(proven_by < LOW_BACKGROUND_BEFORE)


def evidence_sum(evidence: pa.Array | pa.ChunkedArray) -> NDArray[np.float64]:
    """Sum of the log-likelihood ratios of each row of a `schema.EVIDENCE` column; 0 where there is none."""
    if isinstance(evidence, pa.ChunkedArray):
        evidence = evidence.combine_chunks()
    parents = np.asarray(pc.list_parent_indices(evidence))
    ratios = np.asarray(pc.list_flatten(evidence).field("llr").fill_null(0.0), dtype=np.float64)
    return np.asarray(np.bincount(parents, weights=ratios, minlength=len(evidence)), np.float64)


def join_lists(columns: Sequence[pa.ListArray]) -> pa.ListArray:
    """The lists of one or more columns of one type and length, joined row by row in their order; null is empty."""
    rows, kind = len(columns[0]), columns[0].type
    parents = np.concatenate(
        [np.asarray(pc.list_parent_indices(column)).astype(np.int64) for column in columns]
    )
    order = np.argsort(parents, kind="stable")
    offsets = np.zeros(rows + 1, dtype=np.int32)
    np.cumsum(np.bincount(parents, minlength=rows), out=offsets[1:])
    values = pa.concat_arrays([column.flatten() for column in columns])
    return pa.ListArray.from_arrays(pa.array(offsets), values.take(pa.array(order)), type=kind)


def filter_lists(column: pa.ListArray, keep: pa.BooleanArray) -> pa.ListArray:
    """A list column with only those of its flattened values that `keep` says; null becomes empty."""
    parents = np.asarray(pc.list_parent_indices(column))[np.asarray(keep)]
    counts = np.bincount(parents.astype(np.int64), minlength=len(column))
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), column.flatten().filter(keep), type=column.type)


def at_most_one(
    values: pa.Array, rows: NDArray[np.bool_], kind: pa.ListType, null: NDArray[np.bool_] | None = None
) -> pa.ListArray:
    """Lists of one value in each of the chosen rows, in order; empty elsewhere, or null where `null` says."""
    offsets = np.concatenate([[0], np.cumsum(rows)]).astype(np.int32)
    mask = None if null is None else pa.array(null)
    return pa.ListArray.from_arrays(pa.array(offsets), values, type=kind, mask=mask)
