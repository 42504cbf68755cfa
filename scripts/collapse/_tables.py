"""What the collapse experiment shows: its table in Markdown and its picture, the same bytes for the same rows."""

from __future__ import annotations

from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd

from provenance.audit.sketches.compare import FAIL


def table(rows: pd.DataFrame) -> str:
    """Means over seeds at the first and the last generation, and when the monitor spoke for the first time."""
    start = rows[rows.generation == 0]
    last = int(rows.generation.max())
    lines = [
        f"Generation 0: perplexity {start.perplexity.mean():.0f}, {start.words.mean():,.0f} words.\n",
        f"| arm | coverage after 1 | after {last} | perplexity after 1 | after {last} | human pages kept | words | machine words | of the release: true | claimed | alarm at |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---|",
    ]
    for name, part in rows[rows.generation > 0].groupby("arm", sort=False):
        ends = [part[part.generation == generation].mean(numeric_only=True) for generation in (1, last)]
        shares = ["-" if np.isnan(share) else f"{share:.4f}" for share in (ends[1].released, ends[1].claimed)]
        cells = [
            *(f"{end.coverage:.1%}" for end in ends),
            *(f"{end.perplexity:.0f}" for end in ends),
            f"{ends[1].human_kept:.1%}",
            f"{ends[1].words:,.0f}",
            f"{ends[1].true:.4f}",
            *shares,
            ", ".join(str(_first_alarm(seed)) for _, seed in part.groupby("seed")),
        ]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _first_alarm(rows: pd.DataFrame) -> int | str:
    generations = rows.generation[rows.monitor == FAIL]
    return int(generations.min()) if len(generations) else "never"


def figure(rows: pd.DataFrame, path: Path) -> None:
    """Coverage of rare words and perplexity by generation, a line for each arm (mean over seeds), as SVG."""
    matplotlib.use("svg")
    from matplotlib import pyplot as plt

    plt.rcParams.update({"svg.hashsalt": "collapse", "svg.fonttype": "none"})
    drawing, (left, right) = plt.subplots(1, 2, figsize=(10, 4))
    perplexity = rows.perplexity[rows.generation == 0].mean()
    for name, part in rows[rows.generation > 0].groupby("arm", sort=False):
        means = part.groupby("generation")[["coverage", "perplexity"]].mean()
        left.plot([0, *means.index], [1, *means.coverage], marker="o", markersize=3, label=name)
        right.plot([0, *means.index], [perplexity, *means.perplexity], marker="o", markersize=3)
    left.set(xlabel="generation", ylabel="coverage of generation 0's rare words", ylim=(0, 1.05))
    right.set(xlabel="generation", ylabel="perplexity on unseen human text")
    left.legend(fontsize=8, frameon=False)
    drawing.tight_layout()
    drawing.savefig(path, metadata={"Date": None})
    plt.close(drawing)
