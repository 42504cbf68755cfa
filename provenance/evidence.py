"""What adds up to a posterior: which documents are low-background, and the sum of a document's evidence.

posterior log-odds = prior log-odds (`provenance.decisions.prior`) + sum of log-likelihood ratios (nats).
"""

from __future__ import annotations

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
    total = np.zeros(len(evidence))
    parents = np.asarray(pc.list_parent_indices(evidence))
    ratios = np.asarray(pc.list_flatten(evidence).field("llr").fill_null(0.0), dtype=np.float64)
    np.add.at(total, parents, ratios)
    return total
