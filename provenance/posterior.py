"""From a prior and pieces of evidence to one synthetic probability for each document.

posterior log-odds = prior log-odds (by proven time) + sum of log-likelihood ratios (nats).
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from provenance.configuration import Prior

#: From this moment on text may come from a chat model that anyone could use (ChatGPT's release).
LOW_BACKGROUND_BEFORE = np.datetime64("2022-11-30T00:00:00", "us")


def low_background(proven_by: NDArray[np.datetime64]) -> NDArray[np.bool_]:
    """Whether each document is proven to exist before 2022-11-30; NaT is False."""
    return np.asarray(proven_by < LOW_BACKGROUND_BEFORE)


def prior_log_odds(proven_by: NDArray[np.datetime64], prior: Prior) -> NDArray[np.float64]:
    """Prior log-odds in nats by time of proof; a document without proof takes the last year's prior."""
    years = np.array(sorted(prior.by_year))
    rates = np.array([prior.by_year[int(year)] for year in years])
    proven_year = proven_by.astype("datetime64[Y]").astype(np.int64) + 1970
    position = np.searchsorted(years, proven_year, side="right") - 1
    position = np.where(np.isnat(proven_by), len(years) - 1, np.clip(position, 0, len(years) - 1))
    rate = np.where(low_background(proven_by), prior.low_background, rates[position])
    return np.asarray(np.log(rate) - np.log1p(-rate))


def evidence_sum(evidence: pa.Array | pa.ChunkedArray) -> NDArray[np.float64]:
    """Sum of the log-likelihood ratios of each row of a `schema.EVIDENCE` column; 0 where there is none."""
    if isinstance(evidence, pa.ChunkedArray):
        evidence = evidence.combine_chunks()
    total = np.zeros(len(evidence))
    parents = np.asarray(pc.list_parent_indices(evidence))
    ratios = np.asarray(pc.list_flatten(evidence).field("llr").fill_null(0.0), dtype=np.float64)
    np.add.at(total, parents, ratios)
    return total


def synthetic_probability(
    evidence: pa.Array | pa.ChunkedArray, proven_by: NDArray[np.datetime64], prior: Prior
) -> NDArray[np.float32]:
    """Posterior probability of each document, from its evidence and its time of proof."""
    log_odds = prior_log_odds(proven_by, prior) + evidence_sum(evidence)
    return (1.0 / (1.0 + np.exp(-log_odds))).astype(np.float32)
