"""The sketch of a dataset and, where asked for, of its languages, sources, years and bands of probability."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from provenance.audit.columns import proof_of, sites_of, strings_of, texts_of
from provenance.audit.sketches.sketch import STRATUM_CAPACITY, Sketch
from provenance.audit.sketches.stored import SketchError, check_size, unreadable

#: Strata of one dimension that are sketched apart, first come, first served; the rest are in the whole only.
MOST_STRATA = 24
_SEPARATOR = "\t"


@dataclass
class Sketches:
    """Sketches of a whole and its strata."""

    dimensions: tuple[str, ...] = ()
    whole: Sketch = field(default_factory=Sketch)
    strata: dict[tuple[str, str], Sketch] = field(default_factory=dict)

    def add(self, batch: pa.RecordBatch) -> None:
        """Count a batch as `audit.inputs` reads it."""
        texts, sites = texts_of(batch), sites_of(batch)
        prompts = batch["prompt"].to_pylist() if "prompt" in batch.schema.names else None
        self.whole.add(texts, sites, prompts)
        for dimension in self.dimensions:
            labels = np.array(labels_of(batch, dimension), dtype=object)
            for name in sorted(set(labels.tolist())):
                sketch = self._stratum(dimension, name)
                if sketch is not None:
                    rows = np.flatnonzero(labels == name)
                    some = [prompts[row] for row in rows] if prompts is not None else None
                    sketch.add(texts.take(pa.array(rows)), sites[rows], some)

    def merge(self, other: Sketches) -> None:
        """Add the sketches of another part."""
        if other.dimensions != self.dimensions:
            raise SketchError("sketches by other dimensions do not add up; make all with the same --by")
        self.whole.merge(other.whole)
        for (dimension, name), sketch in sorted(other.strata.items()):
            own = self._stratum(dimension, name)
            if own is not None:
                own.merge(sketch)

    def to_bytes(self) -> bytes:
        """All sketches as one compressed npz; equal sketches give equal bytes."""
        arrays = {"dimensions": np.array(" ".join(self.dimensions))} | self.whole.arrays("")
        for number, (key, sketch) in enumerate(sorted(self.strata.items())):
            arrays |= {f"{number}.name": np.array(_SEPARATOR.join(key))} | sketch.arrays(f"{number}.")
        out = io.BytesIO()
        np.savez_compressed(out, allow_pickle=False, **arrays)
        return out.getvalue()

    def _stratum(self, dimension: str, name: str) -> Sketch | None:
        found = self.strata.get((dimension, name))
        if found is None and sum(key[0] == dimension for key in self.strata) < MOST_STRATA:
            found = self.strata[dimension, name] = Sketch(STRATUM_CAPACITY)
        return found


def read_sketches(data: bytes, name: str) -> Sketches:
    """Sketches from their bytes.

    Raises:
        SketchError: where they are none, or of another format.
    """
    with unreadable(name):
        check_size(data)
    with unreadable(name), np.load(io.BytesIO(data), allow_pickle=False) as stored:
        whole = Sketch.from_arrays(stored, "", name)
        dimensions = tuple(str(stored["dimensions"]).split())
        strata = {}
        number = 0
        while f"{number}.name" in stored:
            dimension, _, stratum = str(stored[f"{number}.name"]).partition(_SEPARATOR)
            strata[dimension, stratum] = Sketch.from_arrays(stored, f"{number}.", name)
            number += 1
        return Sketches(dimensions, whole, strata)


def labels_of(batch: pa.RecordBatch, dimension: str) -> Sequence[str]:
    """The stratum of each document in one dimension."""
    if dimension == "year":
        return proof_of(batch)[1]
    if dimension == "band":
        return _bands(batch)
    return strings_of(batch, dimension)


def _bands(batch: pa.RecordBatch) -> list[str]:
    """Fifths of the probability of being machine-written."""
    if "synthetic_probability" not in batch.schema.names:
        return ["unknown"] * batch.num_rows
    values: NDArray[np.float64] = np.asarray(
        batch["synthetic_probability"].cast(pa.float64()).fill_null(np.nan), float
    )
    fifths = np.clip(np.nan_to_num(values, nan=0.0) * 5, 0, 4).astype(int)
    return [
        "unknown" if np.isnan(value) else f"{fifth / 5:.1f}-{(fifth + 1) / 5:.1f}"
        for value, fifth in zip(values, fifths, strict=True)
    ]
