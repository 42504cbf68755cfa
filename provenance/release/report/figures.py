"""Places of what the page draws: intervals on a common axis, years, the curve of costs. Percent across, pixels down."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from provenance.release.report.cost import MEASURED

#: Years that are drawn, the last ones; what is older is one column.
_YEARS = 25
#: Pixels of the plots.
YEARS_HEIGHT, COST_HEIGHT = 160.0, 190.0
#: Percent of the width that the labels of an axis need.
_MARGIN = 10.0
#: The axis of costs ends here: the last measured share and compute.
_SHARE_END, _COST_END = 0.35, 1.7


@dataclass(frozen=True)
class Axis:
    """A scale from 0 to `end`, and where its marks stand: (percent, value)."""

    end: float
    ticks: tuple[tuple[float, float], ...]

    def at(self, value: float) -> float:
        """Percent of the width of a value; what lies beyond the end stands at it."""
        return round(100 * min(value / self.end, 1.0), 3)


def share_axis(highest: float) -> Axis:
    """An axis for shares up to `highest`, with round marks."""
    steps = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
    step = next((item for item in steps if highest <= 5 * item), 0.25)
    count = max(1, math.ceil(round(highest / step, 6)))
    ticks = tuple((round(100 * k / count, 3), round(k * step, 4)) for k in range(count + 1))
    return Axis(count * step, ticks)


@dataclass(frozen=True)
class Years:
    """Columns by year; `before` says that the first stands for all years up to its own."""

    columns: tuple[dict[str, Any], ...]
    unknown: dict[str, int]
    before: bool
    height: float = YEARS_HEIGHT


def draw_years(years: Mapping[str, Mapping[int, int]]) -> Years:
    """Columns of the documents claimed, captured and proven in each year, in percent of the tallest."""
    known = sorted({year for counts in years.values() for year in counts if year})
    if not known:
        return Years((), {name: counts.get(0, 0) for name, counts in years.items()}, False)
    first = max(known[0], known[-1] - _YEARS + 1)
    rows: list[dict[str, Any]] = [
        {"year": year, **{name: _in_year(counts, year, first) for name, counts in years.items()}}
        for year in range(first, known[-1] + 1)
    ]
    most = max(row[name] for row in rows for name in years)
    width = 100 / len(rows)
    for at, row in enumerate(rows):
        row["x"], row["width"] = round(at * width, 3), round(width, 3)
        row["bars"] = [
            (
                name,
                round(at * width + width * (0.1 + 0.27 * k), 3),
                round(width * 0.25, 3),
                _tall(row[name], most),
            )
            for k, name in enumerate(years)
        ]
        row["labelled"] = len(rows) <= 8 or row["year"] % 5 == 0
    unknown = {name: counts.get(0, 0) for name, counts in years.items()}
    return Years(tuple(rows), unknown, known[0] < first)


def _in_year(counts: Mapping[int, int], year: int, first: int) -> int:
    if year == first:
        return sum(number for other, number in counts.items() if 0 < other <= first)
    return counts.get(year, 0)


def _tall(count: int, most: int) -> float:
    return round(max(YEARS_HEIGHT * count / most, 1.5), 2) if count else 0.0


@dataclass(frozen=True)
class CostCurve:
    """The measured points, the line through them, and the shares that are marked on it: (percent, pixels)."""

    points: tuple[tuple[float, float, float, float], ...]  # percent, pixels, share, compute
    line: str
    marks: tuple[tuple[str, float], ...]
    shares: tuple[tuple[float, float], ...]
    computes: tuple[tuple[float, float], ...]
    height: float = COST_HEIGHT


def draw_costs(marks: Sequence[tuple[str, float]]) -> CostCurve:
    """The curve, with named shares; those beyond its end stand at the end."""
    points = tuple((_across(share), _down(cost), share, cost) for share, cost in MEASURED)
    return CostCurve(
        points=points,
        line=" ".join(f"{x:g},{y:g}" for x, y, _, _ in points),
        marks=tuple((name, _across(min(share, _SHARE_END))) for name, share in marks),
        shares=tuple((_across(share), share) for share in (0.0, 0.1, 0.2, 0.3)),
        computes=tuple((_down(cost), cost) for cost in (1.0, 1.2, 1.4, 1.6)),
    )


def _across(share: float) -> float:
    return round(_MARGIN + (100 - _MARGIN) * share / _SHARE_END, 3)


def _down(cost: float) -> float:
    return round(COST_HEIGHT - 22 - (COST_HEIGHT - 34) * (cost - 1) / (_COST_END - 1), 2)
