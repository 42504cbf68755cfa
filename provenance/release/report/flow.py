"""The figure of the way from records to release: a stream that grows narrower as branches leave it.

Horizontal places are percent of the figure's width, vertical ones pixels, so that text keeps its size on a phone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

#: Width of the stream at its source, and where branches end and their labels begin, in percent.
_WIDTH, _END = 45.0, 50.0
#: Pixels: a node's label and bar, a branch's least height, thickness of a branch that takes all.
_LABEL, _BAR, _LEAST, _THICK = 26.0, 8.0, 46.0, 72.0


@dataclass(frozen=True)
class Branch:
    """What leaves the stream at one place: its kind (a class of the style sheet), name, number, and the synthetic share after it."""

    kind: str
    name: str
    count: int
    after: float | None = None


@dataclass(frozen=True)
class Station:
    """A node of the stream: its name, how many pass it, the synthetic share of them, and what leaves after it."""

    name: str
    count: int
    synthetic: float | None
    branches: tuple[Branch, ...] = ()


@dataclass(frozen=True)
class Label:
    """Text of the figure: a station's at the left, or a branch's at its end."""

    y: float
    name: str
    count: int
    share: float  # of all records
    kind: str = ""


@dataclass
class Flow:
    """The drawing: shapes in a box of 100 by `height` that is stretched to the width, and labels over it.

    Attributes:
        streams, synthetic: (x, y, width, height) of what is left, and of the synthetic part of it.
        bars: (y, width, width of the synthetic part) of the stations.
        bands: (kind, path) of the branches.
    """

    height: float = 0.0
    streams: list[tuple[float, float, float, float]] = field(default_factory=list)
    synthetic: list[tuple[float, float, float, float]] = field(default_factory=list)
    bars: list[tuple[float, float, float]] = field(default_factory=list)
    bands: list[tuple[str, str]] = field(default_factory=list)
    stations: list[Label] = field(default_factory=list)
    branches: list[Label] = field(default_factory=list)


def draw_flow(stations: Sequence[Station]) -> Flow:
    """The drawing of some stations, the first of which counts everything."""
    flow, total, y = Flow(), max(stations[0].count, 1), 0.0
    for station in stations:
        flow.stations.append(Label(y + 17, station.name, station.count, station.count / total))
        y += _LABEL
        width = _units(station.count, total)
        flow.bars.append((y, width, round(width * (station.synthetic or 0.0), 3)))
        y += _BAR
        left = station.count
        for branch in station.branches:
            thick = max(2.0, _THICK * branch.count / total) if branch.count else 0.0
            height = max(_LEAST, thick + 22)
            left -= branch.count
            right = _units(left, total)
            made = round(right * (branch.after or 0.0), 3)
            flow.streams.append((0.0, y, round(right - made, 3), height))
            flow.synthetic.append((round(right - made, 3), y, made, height))
            if branch.count:
                flow.bands.append((branch.kind, _band(y, thick, left / total, branch.count / total)))
            flow.branches.append(Label(y + 18, branch.name, branch.count, branch.count / total, branch.kind))
            y += height
    flow.height = y + 4
    return flow


def _units(count: int, total: int) -> float:
    return round(_WIDTH * count / total, 3)


def _band(y: float, thick: float, start: float, width: float) -> str:
    """A band that leaves the stream downwards and ends at the right: its outer and its inner edge turn by a quarter."""
    inner, outer = _WIDTH * start, _WIDTH * (start + width)
    top = y + 8
    return (
        f"M{outer:.3f} {y:g} C{outer:.3f} {top:g} {outer:.3f} {top:g} {_END:g} {top:g} "
        f"L{_END:g} {top + thick:g} C{inner:.3f} {top + thick:g} {inner:.3f} {top + thick:g} {inner:.3f} {y:g}Z"
    )
