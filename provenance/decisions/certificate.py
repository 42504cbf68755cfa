"""What is certified about the synthetic fraction of a release: exact sums over what is really published.

The sums are integers (`provenance.decisions.cap.Measure`), so anyone who adds them up again gets the same numbers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, replace
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from provenance.configuration import Cap
from provenance.decisions.cap import CapRequest, Measure, certify, measure

UNITS: tuple[Literal["tokens", "documents"], ...] = ("tokens", "documents")
#: Sums by unit, as they stand in a manifest and in the footer of a decisions file.
Sums = dict[str, dict[str, int]]


def cap_request(cap: Cap) -> CapRequest:
    """The cap as configured, in the form that the selection takes."""
    return CapRequest(
        max_synthetic=cap.max_synthetic,
        guarantee=cap.guarantee,
        unit=cap.unit,
        threshold=cap.threshold,
        policy=cap.policy,
        seed=cap.seed,
    )


def weights(token_count: pa.Array | pa.ChunkedArray, unit: str) -> NDArray[np.int64]:
    """What each document weighs in a unit."""
    if unit == "documents":
        return np.ones(len(token_count), dtype=np.int64)
    return np.asarray(token_count.fill_null(0), dtype=np.int64)


def measure_documents(table: pa.Table | pa.RecordBatch, request: CapRequest) -> Sums:
    """Sums in both units over rows with `token_count` and `synthetic_probability`."""
    probability = np.asarray(table["synthetic_probability"], dtype=np.float32)
    return {
        unit: asdict(measure(weights(table["token_count"], unit), probability, replace(request, unit=unit)))
        for unit in UNITS
    }


def add_sums(parts: Iterable[Sums]) -> Sums:
    """Sums of several sets of documents as one."""
    total = {unit: Measure() for unit in UNITS}
    for part in parts:
        for unit in UNITS:
            total[unit] += Measure(**part[unit])
    return {unit: asdict(value) for unit, value in total.items()}


def build_certificate(request: CapRequest, before: Sums, published: Sums) -> dict[str, Any]:
    """The `synthetic` section of a manifest: what was asked, the fractions before and after, what holds."""
    certificate = certify(request, Measure(**before[request.unit]), Measure(**published[request.unit]))
    fractions = _fractions(published)
    fraction = fractions[request.guarantee][request.unit]
    return {
        "max_synthetic": str(request.max_synthetic),
        "guarantee": request.guarantee,
        "unit": request.unit,
        "threshold": request.threshold,
        "policy": request.policy,
        "seed": request.seed,
        "holds": certificate.certified,
        "note": certificate.note,
        "published_fraction": fraction,
        "exceeded_by": 0.0 if certificate.certified else fraction - float(request.share),
        "fractions": fractions,
        "sums": published,
        "before": {"fractions": _fractions(before), "sums": before},
    }


def _fractions(sums: Sums) -> dict[str, dict[str, float]]:
    measures = {unit: Measure(**sums[unit]) for unit in UNITS}
    return {
        "hard": {unit: float(value.hard_share) for unit, value in measures.items()},
        "expected": {unit: float(value.expected_share) for unit, value in measures.items()},
    }
