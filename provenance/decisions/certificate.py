"""What is certified about the synthetic fraction of a release: exact sums over what is really published.

The sums are integers (`Measure`), so anyone who adds them up again gets the same numbers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from provenance.configuration import Cap
from provenance.decisions.cap import (
    MILLION,
    CapRequest,
    Probabilities,
    Weights,
    exact_sum,
    synthetic_millionths,
)

UNITS: tuple[Literal["tokens", "documents"], ...] = ("tokens", "documents")
#: Sums by unit, as they stand in a manifest and in the footer of a decisions file.
Sums = dict[str, dict[str, int]]


@dataclass(frozen=True)
class Measure:
    """Exact sums over a set of documents; add measures to merge shards.

    `expected` is in millionths of a weight unit, each document's probability rounded up to a millionth.
    """

    documents: int = 0
    weight: int = 0
    synthetic_documents: int = 0
    synthetic_weight: int = 0
    expected: int = 0

    def __add__(self, other: Measure) -> Measure:
        return Measure(
            self.documents + other.documents,
            self.weight + other.weight,
            self.synthetic_documents + other.synthetic_documents,
            self.synthetic_weight + other.synthetic_weight,
            self.expected + other.expected,
        )

    @property
    def hard_share(self) -> Fraction:
        """Weight of documents at or above the threshold, of all weight (0 where there is none)."""
        return Fraction(self.synthetic_weight, self.weight) if self.weight else Fraction(0)

    @property
    def expected_share(self) -> Fraction:
        """Weight times probability, of all weight (0 where there is none)."""
        return Fraction(self.expected, self.weight * MILLION) if self.weight else Fraction(0)


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


def measure(weight: Weights, probability: Probabilities, request: CapRequest) -> Measure:
    """The sums over some documents, under both guarantees."""
    hard = synthetic_millionths(weight, probability, replace(request, guarantee="hard")) > 0
    millionths = synthetic_millionths(weight, probability, replace(request, guarantee="expected"))
    return Measure(
        len(weight),
        exact_sum(weight),
        int(hard.sum()),
        exact_sum(weight[hard]),
        exact_sum(weight * millionths),
    )


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


def certify(request: CapRequest, before: Measure, published: Measure) -> tuple[bool, str]:
    """(whether the cap is shown to hold, what that says and does not say), by the integers alone."""
    share = published.hard_share if request.guarantee == "hard" else published.expected_share
    if share > request.share:
        excess = float(share - request.share)
        return False, f"not certified: the published share {float(share):.6f} is {excess:.6f} above the cap"
    if before.documents and not published.documents:
        return True, (
            f"nothing is published: all {before.documents:,} documents count as synthetic, so any of them "
            f"alone would be above the cap of {request.max_synthetic}"
        )
    if request.guarantee == "hard":
        return True, (
            f"documents with a probability of {request.threshold} or more are {float(share):.6f} of the "
            f"published {request.unit}; how many others are synthetic is not covered"
        )
    return (
        True,
        f"the expected synthetic share is {float(share):.6f}; this is as good as the probabilities are",
    )


def build_certificate(request: CapRequest, before: Sums, published: Sums) -> dict[str, Any]:
    """The `synthetic` section of a manifest: what was asked, the fractions before and after, what holds."""
    holds, note = certify(request, Measure(**before[request.unit]), Measure(**published[request.unit]))
    fractions = _fractions(published)
    fraction = fractions[request.guarantee][request.unit]
    return {
        "max_synthetic": str(request.max_synthetic),
        "guarantee": request.guarantee,
        "unit": request.unit,
        "threshold": request.threshold,
        "policy": request.policy,
        "seed": request.seed,
        "holds": holds,
        "note": note,
        "published_fraction": fraction,
        "exceeded_by": 0.0 if holds else fraction - float(request.share),
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
