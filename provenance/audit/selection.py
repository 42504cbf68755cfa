"""Whether something was taken from a dataset before it came here, which is what a share of it would rest on.

What scored high is gone then, so what is left looks cleaner than it is: a release with a cap was read as 14% synthetic where it was 29%.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from provenance.files.storage import Storage, join, read_bytes
from provenance.outcomes import DROPPED

_CAP = "synthetic_cap"
#: Documents with a probability, and the highest of them: where so many end below this, something took the others. Of the same
#: number of web pages of any year since 2023 some would be above (docs/probability.md has the prior, 1.4% and more).
_ENOUGH, _HIGH = 1_000, 0.9


@dataclass
class Probabilities:
    """What is kept of a column `synthetic_probability`: how many there are, and the highest."""

    documents: int = 0
    highest: float = 0.0

    def add(self, batch: pa.RecordBatch) -> None:
        """Look at the column of a batch that has it as numbers."""
        if "synthetic_probability" not in batch.schema.names:
            return
        column = batch["synthetic_probability"]
        if pa.types.is_floating(column.type) and len(column) > column.null_count:
            self.documents += len(column) - column.null_count
            self.highest = max(self.highest, float(np.nanmax(np.asarray(column.drop_null(), float))))


def selection_of(storage: Storage, dataset: str, probabilities: Probabilities) -> str | None:
    """What was taken from a dataset, in words; None where nothing says that anything was."""
    path = join(dataset, "manifest.json")
    if storage.info(path) is not None:
        try:
            manifest = json.loads(read_bytes(storage, path))
            dropped = manifest["counts"]["reasons"].get(f"dropped:{_CAP}", 0)
            cap = manifest["synthetic"]["max_synthetic"]
        except (ValueError, KeyError, TypeError, AttributeError):
            dropped, cap = 0, ""
        if dropped:
            return f"its manifest says that {dropped:,} documents were {DROPPED[_CAP]} of {cap}"
    if probabilities.documents >= _ENOUGH and probabilities.highest < _HIGH:
        return (
            f"none of {probabilities.documents:,} documents has a `synthetic_probability` above "
            f"{probabilities.highest:.2f}"
        )
    return None
