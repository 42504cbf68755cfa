"""The synthetic share at every step from what was read to what is published, each with its interval.

The sums are those of the manifest, made again from the ledger, so that each share equals the one that is certified.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from provenance.decisions.documents import noise_of
from provenance.decisions.measure import SAMPLED, Measure, Sums, add_sums, measure_documents
from provenance.decisions.request import MILLION, CapRequest

#: Reasons of documents that no filter dropped.
PASSED = ("", "duplicate", "synthetic_cap")


@dataclass(frozen=True)
class Share:
    """A synthetic share and its interval: each end holds with 95% confidence by itself, as far as the probabilities do."""

    expected: float
    low: float
    high: float


@dataclass(frozen=True)
class Step:
    """One step of the way to the release.

    Attributes:
        key: `read`, the reason of a filter, `duplicate` or `synthetic_cap`.
        documents: that are left after it.
        weight: of those, in the unit of the cap.
        dropped: documents that it took away.
        share: of the weight that is left; None where nothing is.
    """

    key: str
    documents: int
    weight: int
    dropped: int
    share: Share | None


def plain_request(synthetic: Mapping[str, Any], sampled: bool = False) -> CapRequest:
    """A request that measures as the certificate does, the whole only."""
    return CapRequest(
        synthetic["max_synthetic"],
        unit=synthetic["unit"],
        threshold=synthetic["threshold"],
        policy="weights" if sampled else "lowest",
    )


def measure_both(table: pa.Table, request: CapRequest) -> dict[str, Sums]:
    """Sums over rows that have a probability: as published (`expected`), and with what it is at least (`low`)."""
    lower = pa.array(lower_probability(table))
    at = table.schema.get_field_index("synthetic_probability")
    low = table.set_column(at, "synthetic_probability", lower)
    return {
        "expected": measure_documents(table, request, sampled=True),
        "low": measure_documents(low, request, sampled=True),
    }


def lower_probability(table: pa.Table) -> NDArray[np.float32]:
    """What each probability is at least, one-sided 95%: as far below in log-odds as its upper bound is above.

    By arithmetic on odds alone, which every machine rounds alike.
    """
    p, u = (
        np.asarray(table[name], dtype=np.float64)
        for name in ("synthetic_probability", "synthetic_probability_upper")
    )
    yes, no = p * p * (1 - u), (1 - p) * (1 - p) * u
    both = yes + no
    return np.where(both > 0, yes / np.where(both > 0, both, 1.0), p).astype(np.float32)


def add_both(parts: Sequence[Mapping[str, Sums]]) -> dict[str, Sums]:
    """Several of `measure_both` as one."""
    return {name: add_sums(part[name] for part in parts) for name in ("expected", "low")}


def share_of(both: Mapping[str, Sums], unit: str) -> Share | None:
    """The share of a unit and its interval; None where there is no weight."""
    found = Measure(**both["expected"][unit])
    if not found.weight:
        return None
    low = Measure(**both["low"][unit]).expected - noise_of(found.variance)
    return Share(
        expected=min(float(found.share("expected")), 1.0),
        low=max(low, 0) / (found.weight * MILLION),
        high=min(float(found.share("confident")), 1.0),
    )


def list_steps(
    by_reason: Mapping[str, Mapping[str, Sums]],
    filters: Sequence[str],
    unit: str,
    published: Mapping[str, Sums],
) -> list[Step]:
    """The steps in the order in which documents went through them.

    `by_reason` are sums over the documents of the ledger by their reason, "" for those kept; `published` over the data,
    which are as sampled where it has weights.
    """
    earlier = ["earlier_release"] * ("earlier_release" in by_reason)
    order = [*filters, *earlier, "duplicate", "synthetic_cap"]
    left = [name for name in (*order, "") if name in by_reason]
    steps = [_step("read", [by_reason[name] for name in left], unit)]
    for key in order:
        gone = [by_reason[key]] if key in by_reason else []
        left = [name for name in left if name != key]
        steps.append(_step(key, [by_reason[name] for name in left], unit, gone))
    if SAMPLED in published["expected"]:
        last = steps[-1]
        share = share_of(published, SAMPLED)
        steps[-1] = Step(last.key, last.documents, last.weight, last.dropped, share)
    return steps


def _step(
    key: str,
    left: Sequence[Mapping[str, Sums]],
    unit: str,
    gone: Sequence[Mapping[str, Sums]] = (),
) -> Step:
    both = add_both(left)
    dropped = sum(item["expected"][unit]["documents"] for item in gone)
    found = Measure(**both["expected"][unit])
    return Step(key, found.documents, found.weight, dropped, share_of(both, unit))
