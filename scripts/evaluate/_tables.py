"""What the measurements of detectors share: rates with intervals, reliability and its picture, the open table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: Colours of the picture: chosen to read on light and dark pages.
_LINE, _DOT, _FAINT = "#3b6fb6", "#d9622b", "#9aa3ad"
#: Draws behind what exactly true probabilities would show.
_DRAWS = 1000


def rate(flags: ArrayLike) -> str:
    """Share and 95% Wilson interval in per cent, `-` of none."""
    values = np.asarray(flags, float)
    n = len(values)
    if not n:
        return "-"
    p, z = float(values.mean()), 1.96
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return f"{100 * p:.1f}% ({100 * max(0.0, middle - half):.1f}-{100 * min(1.0, middle + half):.1f})"


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    """Lines of a Markdown table."""
    lines = [" | ".join(header), " | ".join("---" for _ in header)]
    lines += [" | ".join(str(cell) for cell in row) for row in rows]
    return [f"| {line} |" for line in lines]


def to_prior(weight: NDArray[np.float64], synthetic: NDArray[np.bool_], prior: float) -> NDArray[np.float64]:
    """Weights under which the share of synthetic documents is `prior` and all sum to 1."""
    total = {label: max(float(weight[synthetic == label].sum()), 1e-12) for label in (False, True)}
    return np.where(synthetic, weight * prior / total[True], weight * (1 - prior) / total[False])


def probability(ratio: NDArray[np.float64], prior: float) -> NDArray[np.float64]:
    """Probability of synthetic at a prior, from log-likelihood ratios in nats."""
    return np.asarray(1 / (1 + np.exp(-(ratio + np.log(prior / (1 - prior))))))


def reliability(
    ratio: NDArray[np.float64], synthetic: NDArray[np.bool_], weight: NDArray[np.float64], prior: float
) -> tuple[list[tuple[float, float, float]], float]:
    """((stated, observed, weight) of each tenth of the scale, expected calibration error) at a prior."""
    share = to_prior(weight, synthetic, prior)
    stated = probability(ratio, prior)
    tenth = np.minimum((stated * 10).astype(int), 9)
    points, error = [], 0.0
    for place in np.unique(tenth):
        here = tenth == place
        total = float(share[here].sum())
        mean, seen = float((share * stated)[here].sum()) / total, float(share[here & synthetic].sum()) / total
        points.append((mean, seen, total))
        error += total * abs(mean - seen)
    return points, error


def error_of_truth(
    points: Sequence[tuple[float, float, float]],
    synthetic: NDArray[np.bool_],
    weight: NDArray[np.float64],
    prior: float,
) -> float:
    """Expected calibration error that probabilities which are exactly true show on as few passages, mean of `_DRAWS` draws.

    Each tenth of the scale (`points`, as `reliability` has them) gets of either label what it states, give or take chance: as many
    passages as the weights are worth (Kish's effective number).
    """
    chance = np.random.default_rng(0)
    stated, _, total = (np.array(column) for column in zip(*points, strict=True))
    drawn = {}
    for label, share, whole in ((True, stated, prior), (False, 1 - stated, 1 - prior)):
        own = weight[synthetic == label]
        number = own.sum() ** 2 / (own**2).sum()
        counts = chance.poisson(total * share / whole * number, (_DRAWS, len(points)))
        drawn[label] = whole * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    both = drawn[True] + drawn[False]
    return float(np.abs(both * stated - drawn[True]).sum(axis=1).mean())


def draw_reliability(
    path: Path, title: str, points: Sequence[tuple[float, float, float]], error: float
) -> None:
    """Write a reliability diagram as SVG: observed over stated share, dots as large as the documents they stand for."""
    size, edge = 240, 36

    def at(x: float, y: float) -> tuple[float, float]:
        return edge + x * size, edge + (1 - y) * size

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size + 2 * edge} {size + 2 * edge}" '
        'font-family="sans-serif" font-size="11">',
        f'<text x="{edge}" y="20" fill="{_FAINT}">{title}: error {error:.3f}</text>',
        f'<rect x="{edge}" y="{edge}" width="{size}" height="{size}" fill="none" stroke="{_FAINT}"/>',
    ]
    (x0, y0), (x1, y1) = at(0, 0), at(1, 1)
    parts.append(f'<line x1="{x0}" y1="{y0}" x2="{x1}" y2="{y1}" stroke="{_FAINT}" stroke-dasharray="4 4"/>')
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in (at(stated, seen) for stated, seen, _ in points))
    parts.append(f'<polyline points="{line}" fill="none" stroke="{_LINE}"/>')
    for stated, seen, total in points:
        x, y = at(stated, seen)
        parts.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{2 + 10 * total**0.5:.1f}" fill="{_DOT}" fill-opacity="0.6"/>'
        )
    parts += [
        f'<text x="{edge}" y="{size + edge + 16}" fill="{_FAINT}">0</text>',
        f'<text x="{edge + size / 2}" y="{size + edge + 28}" text-anchor="middle" fill="{_FAINT}">stated</text>',
        f'<text x="{edge + size}" y="{size + edge + 16}" text-anchor="end" fill="{_FAINT}">1</text>',
        f'<text x="12" y="{edge + size / 2}" transform="rotate(-90 12 {edge + size / 2})" text-anchor="middle" fill="{_FAINT}">observed</text>',
        "</svg>",
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(parts) + "\n")
