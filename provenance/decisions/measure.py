"""Exact sums over sets of documents, from which every stated share is made.

The sums are integers, so anyone who adds them up again from the published columns gets the same numbers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields, replace
from fractions import Fraction
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from provenance.decisions.documents import (
    Documents,
    Weights,
    deviations,
    exact_sum,
    hard_millionths,
    labels,
    millionths,
    noise_of,
    sum_of_squares,
)
from provenance.decisions.request import MILLION, CapRequest, exact
from provenance.schema import without_zone

UNITS: tuple[Literal["tokens", "documents"], ...] = ("tokens", "documents")
#: The unit of the cap, each document times its sampling weight, in thousandths.
SAMPLED = "sampled"
_THOUSAND = 1000
#: Sums by unit and, under "parts", by family and part; as they stand in a manifest and in footers.
Sums = dict[str, Any]


@dataclass(frozen=True)
class Measure:
    """Exact sums over a set of documents; add measures to merge shards.

    `expected` and `upper` are in millionths of a weight unit, each document's probability or upper probability rounded up
    to a millionth; `variance` is that of the synthetic weight, in `documents.GRAIN`s squared.
    """

    documents: int = 0
    weight: int = 0
    synthetic_documents: int = 0
    synthetic_weight: int = 0
    expected: int = 0
    upper: int = 0
    variance: int = 0

    def __add__(self, other: Measure) -> Measure:
        return Measure(*(getattr(self, item.name) + getattr(other, item.name) for item in fields(self)))

    def share(self, guarantee: str) -> Fraction:
        """What a guarantee is about, of all weight (0 where there is none)."""
        if not self.weight:
            return Fraction(0)
        if guarantee == "hard":
            return Fraction(self.synthetic_weight, self.weight)
        total = self.upper + noise_of(self.variance) if guarantee == "confident" else self.expected
        return Fraction(total, self.weight * MILLION)

    def counted(self, request: CapRequest) -> Fraction:
        """What a request's cap is about, of all weight: the share in the sense of its guarantee, with its margin."""
        share = self.share(request.guarantee)
        if request.guarantee != "expected" or not self.weight:
            return share
        return share + exact(request.margin) * (Fraction(self.upper, self.weight * MILLION) - share)


def measure(documents: Documents, threshold: float) -> Measure:
    """The sums over some documents, under all guarantees."""
    weight = documents.weight
    hard = hard_millionths(documents, threshold) > 0
    upper = documents.probability if documents.upper is None else documents.upper
    return Measure(
        documents=len(documents),
        weight=exact_sum(weight),
        synthetic_documents=int(hard.sum()),
        synthetic_weight=exact_sum(weight[hard]),
        expected=exact_sum(weight * millionths(weight, documents.probability)),
        upper=exact_sum(weight * millionths(weight, upper)),
        variance=sum_of_squares(deviations(documents)),
    )


def weights(token_count: pa.Array | pa.ChunkedArray, unit: str) -> Weights:
    """What each document weighs in a unit."""
    if unit == "documents":
        return np.ones(len(token_count), dtype=np.int64)
    return np.asarray(token_count.fill_null(0), dtype=np.int64)


def measure_documents(table: pa.Table | pa.RecordBatch, request: CapRequest, sampled: bool = False) -> Sums:
    """Sums in both units over rows with `token_count`, `synthetic_probability` and `synthetic_probability_upper`.

    With caps by stratum also by part, from the columns that name strata; `sampled`: also by `sampling_weight`.
    """
    found = Documents(
        doc_hash=np.zeros(len(table["token_count"]), np.uint64),
        weight=np.empty(0, np.int64),
        probability=np.asarray(table["synthetic_probability"], dtype=np.float32),
        upper=np.asarray(table["synthetic_probability_upper"], dtype=np.float32),
        strata=read_strata(table, request),
    )
    by_unit = {unit: replace(found, weight=weights(table["token_count"], unit)) for unit in UNITS}
    sums: Sums = {unit: asdict(measure(part, request.threshold)) for unit, part in by_unit.items()}
    chosen = by_unit[request.unit]
    if sampled and request.sampled:
        factor = np.asarray(table["sampling_weight"], dtype=np.float64)
        thousandths = np.round(chosen.weight * factor * _THOUSAND).astype(np.int64)
        sums[SAMPLED] = asdict(measure(replace(chosen, weight=thousandths), request.threshold))
    if request.families:
        sums["parts"] = {
            family.name: {
                part: asdict(measure(chosen.take(rows), request.threshold))
                for part, rows in _parts(chosen, request, family.name)
            }
            for family in request.families
        }
    return sums


def read_strata(table: pa.Table | pa.RecordBatch, request: CapRequest) -> dict[str, pa.DictionaryArray]:
    """The dimensions that a request needs, from published columns; the year is that of proof."""
    found = {}
    for by in dict.fromkeys(family.by for family in request.families):
        column = pc.year(without_zone(table["proven_by"])).cast(pa.string()) if by == "year" else table[by]
        found[by] = labels(column)
    return found


def add_sums(parts: Iterable[Sums]) -> Sums:
    """Sums of several sets of documents as one."""
    total: Sums = {unit: asdict(Measure()) for unit in UNITS}
    for part in parts:
        _add(total, part)
    return total


def whole(sums: Sums) -> Sums:
    """Sums without those by part."""
    return {name: value for name, value in sums.items() if name != "parts"}


def _add(total: dict[str, Any], more: dict[str, Any]) -> None:
    for name, value in more.items():
        if isinstance(value, dict):
            _add(total.setdefault(name, {}), value)
        else:
            total[name] = total.get(name, 0) + value


def _parts(documents: Documents, request: CapRequest, name: str) -> Iterable[tuple[str, NDArray[np.int64]]]:
    """(part, its rows) of a family, of those that have a cap."""
    family = next(item for item in request.families if item.name == name)
    column = documents.strata[family.by]
    parts = [family.part(value) for value in column.dictionary.to_pylist()]
    known = sorted({part for part in parts if part})
    number = {part: k for k, part in enumerate(known)} | {"": -1}
    code = np.array([number[part] for part in parts], dtype=np.int64)[np.asarray(column.indices, np.int64)]
    order = np.argsort(code, kind="stable")
    edges = np.searchsorted(code[order], np.arange(len(known) + 1))
    for k, part in enumerate(known):
        yield part, order[edges[k] : edges[k + 1]]
