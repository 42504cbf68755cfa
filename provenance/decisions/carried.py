"""Documents of an earlier release that a job carries forward: what was published of them stands.

Their evidence, prior and probability are those of their release; only what new near-duplicates prove or add is new.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from provenance.schema import TIME

#: Of a document that is carried, these stand as they were published.
_STANDING = (
    "prior_log_odds prior_because detectors detector_abstained detector_flagged evidence "
    "synthetic_probability synthetic_probability_upper"
).split()


def lay_over(
    columns: dict[str, Any], decided: pa.Table, proven: NDArray[np.datetime64]
) -> NDArray[np.datetime64]:
    """Put what was published of carried documents in the place of what a job decided of them; `columns` is changed.

    `proven` is when the clusters of this job prove each row; returns the earlier of that and what was proven then.
    """
    for name in _STANDING:
        columns[name] = decided[name]
    then = np.asarray(decided["proven_by"].cast(pa.timestamp("us")), dtype="datetime64[us]")
    sooner = ~np.isnat(then) & (np.isnat(proven) | (then <= proven))
    mask = pa.array(sooner)
    for name in ("proven_by", "witness", "witness_place", "witness_similarity"):
        columns[name] = pc.if_else(mask, decided[name], columns[name])
    first = pc.min_element_wise(*(side["earliest_capture"].cast(pa.int64()) for side in (columns, decided)))
    columns["earliest_capture"] = first.cast(TIME)
    columns["duplicate_count"] = pc.add(
        columns["duplicate_count"].fill_null(0), decided["duplicate_count"].fill_null(0)
    )
    pairs = zip(decided["duplicate_hosts"].to_pylist(), columns["duplicate_hosts"].to_pylist(), strict=True)
    columns["duplicate_hosts"] = pa.array(
        [sorted({*(a or ()), *(b or ())}) for a, b in pairs], pa.list_(pa.string())
    )
    return np.where(sooner, then, proven)
