"""The result of `provenance audit` as one offline page: what changed, in which measure, and by how much.

No script, nothing fetched; names of datasets and strata are escaped by the template.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

from jinja2 import Environment
from markupsafe import Markup, escape

from provenance.audit.report import LOOKS_THE_SAME, warn

#: Measures of the drift table; the first is drawn.
_DRIFT = (
    "rare_coverage_words",
    "rare_coverage_pairs",
    "rare_coverage_triples",
    "types_words",
    "unseen_mass_words",
    "novelty_words",
)
_WIDTH, _HEIGHT, _LEFT, _BOTTOM = 640, 240, 56, 36


def write_page(result: dict[str, Any]) -> str:
    """The page of the result of `provenance.audit.versions.audit`; equal results give equal pages."""
    template = Environment(autoescape=True).from_string(
        (files("provenance.audit") / "page.html").read_text(encoding="utf-8")
    )
    versions = result.get("versions", [result])
    several = len(versions) > 1
    baseline = (
        result.get("baseline") if several else versions[0]["diversity"].get("baseline", {}).get("dataset")
    )
    return template.render(
        title=" and ".join(version["dataset"] for version in versions[:3])
        + (" …" if len(versions) > 3 else ""),
        baseline=baseline,
        status=result["status"],
        names=_DRIFT,
        looks_the_same=LOOKS_THE_SAME,
        drift=_drift_chart(versions) if several else None,
        rows=[_drift_row(version) for version in versions],
        versions=[_view(version) for version in versions],
    )


def _view(version: dict[str, Any]) -> dict[str, Any]:
    diversity = version["diversity"]
    found = diversity.get("baseline", {})
    return version | {
        "coverage": _coverage_chart(found["coverage"]["words"]) if found.get("coverage") else None,
        "measures": [_measure(item) for item in found.get("measures", {}).values() if item["status"] != "unknown"],
        "warning": warn(found.get("measures", {})),
        "note": found.get("note"),
        "at_most": sorted(version.get("prevalence", {}).get("documents", {}).get("at_most", {}).items()),
        "strata": [(name, item["status"]) for name, item in found.get("strata", {}).items()],
        "spectrum": _bars(
            [(f"{least:,.0f}+" if least > 2 else f"{least:.0f}", count) for least, count in diversity["spectrum"]["words"]],
            "Distinct words by the number of documents they occur in, on a logarithmic scale",
        ),
    }  # fmt: skip


def _measure(item: dict[str, Any]) -> dict[str, str]:
    form = "+.1%" if item["relative"] else "+.4f"
    low, high = item["interval"]
    return {
        "meaning": item["meaning"],
        "value": _number(item["value"]),
        "base": _number(item["baseline"]),
        "change": f"{item['change']:{form}}",
        "interval": f"{low:{form}} to {high:{form}}",
        "band": f"{item['null_band'][0]:{form}} to {item['null_band'][1]:{form}}",
        "status": item["status"],
    }


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _drift_row(version: dict[str, Any]) -> dict[str, Any]:
    measures = version["diversity"].get("baseline", {}).get("measures", {})
    cells = [
        f"{measures[name]['change']:+.1%}" if "change" in measures.get(name, {}) else "–" for name in _DRIFT
    ]
    return {"name": version["dataset"], "cells": cells, "status": version["status"] or "baseline"}


def _drift_chart(versions: Sequence[dict[str, Any]]) -> Markup:
    """Change of the first measure by version; one that could not be compared has a number and no point."""
    points = []
    for place, version in enumerate(versions):
        item = version["diversity"].get("baseline", {}).get("measures", {}).get(_DRIFT[0], {})
        if "change" in item or version["status"] is None:
            interval = item.get("interval", [0.0, 0.0])
            points.append((place, version["dataset"], 1 + item.get("change", 0.0), interval))
    low = min([0.9, *(1 + interval[0] for *_, interval in points)])
    high = max([1.05, *(1 + interval[1] for *_, interval in points)])
    step = (_WIDTH - _LEFT - 20) / max(len(versions) - 1, 1)

    def at(value: float) -> float:
        return float(10 + (_HEIGHT - _BOTTOM - 10) * (high - value) / (high - low))

    def across(place: int) -> float:
        return _LEFT + 10 + step * place

    parts = [_grid(at, [tick for tick in _ticks(low, high)], "{:.0%}")]
    line = " ".join(f"{across(place):.1f},{at(value):.1f}" for place, _, value, _ in points)
    parts.append(Markup('<polyline class="path" points="{}"/>').format(line))
    for place, name, value, interval in points:
        parts.append(
            Markup(
                '<line x1="{0:.1f}" x2="{0:.1f}" y1="{1:.1f}" y2="{2:.1f}" class="path"/><circle class="own" cx="{0:.1f}" cy="{3:.1f}" r="4"><title>{name}: {value:.1%}</title></circle>'
            ).format(
                across(place), at(1 + interval[0]), at(1 + interval[1]), at(value), name=name, value=value
            )
        )
    for place in range(len(versions)):
        parts.append(
            Markup('<text x="{:.1f}" y="{}" text-anchor="middle">{}</text>').format(
                across(place), _HEIGHT - 12, place + 1
            )
        )
    return _svg(
        parts, "Coverage of the baseline's rare words by version, relative to another part of the baseline"
    )


def _coverage_chart(classes: Sequence[dict[str, Any]]) -> Markup:
    def at(value: float) -> float:
        return 10 + (_HEIGHT - _BOTTOM - 10) * (1 - value)

    parts = [_grid(at, [0, 0.25, 0.5, 0.75, 1], "{:.0%}")]
    step = (_WIDTH - _LEFT - 10) / max(len(classes), 1)
    for i, item in enumerate(classes):
        x = _LEFT + step * i + step * 0.15
        for offset, (key, style) in enumerate((("coverage", "own"), ("baseline", "base"))):
            top = at(min(max(item[key], 0.0), 1.0))
            parts.append(
                _bar(
                    style,
                    x + offset * step * 0.33,
                    step * 0.3,
                    top,
                    title=f"{key}: {item[key]:.1%}",
                    base=at(0),
                )
            )
        parts.append(
            Markup('<text x="{:.1f}" y="{}" text-anchor="middle">{}</text>').format(
                x + step * 0.33, _HEIGHT - 16, item["documents"]
            )
        )
    text = "Coverage of the baseline's words by the number of documents they occur in: this dataset (left bars) and another part of the baseline (right bars)"
    return _svg(parts, text)


def _bars(values: Sequence[tuple[str, float]], text: str) -> Markup | None:
    if not values:
        return None
    top = math.ceil(math.log10(max(count for _, count in values) + 1))

    def at(value: float) -> float:
        return 10 + (_HEIGHT - _BOTTOM - 10) * (1 - value / max(top, 1))

    parts = [_grid(at, list(range(top + 1)), "10^{:.0f}")]
    step = (_WIDTH - _LEFT - 10) / len(values)
    for i, (label, count) in enumerate(values):
        y = at(math.log10(count + 1))
        parts.append(
            _bar("own", _LEFT + step * i + 2, step * 0.8, y, title=f"{label}: {count:,.0f}", base=at(0))
        )
        if i % max(1, -(-len(values) // 8)) == 0:
            parts.append(
                Markup('<text x="{:.1f}" y="{}">{}</text>').format(_LEFT + step * i + 2, _HEIGHT - 16, label)
            )
    return _svg(parts, text)


def _bar(style: str, x: float, width: float, top: float, *, title: str, base: float) -> Markup:
    form = '<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{height:.1f}"><title>{title}</title></rect>'
    return Markup(form).format(style, x, top, width, height=base - top, title=title)


def _grid(at: Any, ticks: Sequence[float], form: str) -> Markup:
    return Markup("").join(
        Markup('<line class="grid" x1="{0}" x2="{1}" y1="{2:.1f}" y2="{2:.1f}"/><text x="{3}" y="{4:.1f}" text-anchor="end">{label}</text>').format(
            _LEFT, _WIDTH, at(tick), _LEFT - 6, at(tick) + 4, label=form.format(tick)
        )
        for tick in ticks
    )  # fmt: skip


def _ticks(low: float, high: float) -> list[float]:
    step = next((size for size in (0.02, 0.05, 0.1, 0.2) if (high - low) / size <= 6), 0.5)
    return [round(step * i, 4) for i in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _svg(parts: Sequence[Markup], text: str) -> Markup:
    return Markup('<figure><svg viewBox="0 0 {0} {1}" role="img" aria-label="{2}">{3}</svg><figcaption class="soft">{2}</figcaption></figure>').format(
        _WIDTH, _HEIGHT, escape(text), Markup("").join(parts)
    )  # fmt: skip
