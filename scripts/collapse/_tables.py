"""What the collapse experiment shows: its table in Markdown and its picture, the same bytes for the same rows."""

from __future__ import annotations

from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd

from provenance.audit.sketches.compare import CHANGED, FAIL, WARN

#: Part by which perplexity has to rise above generation 0's to have moved.
MOVED = 0.02


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
            _by_seed(part, part.monitor == FAIL),
        ]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def warnings(rows: pd.DataFrame) -> str:
    """By arm and seed the generation at which perplexity has moved, and those at which the monitor spoke, in Markdown."""
    lines = [
        f"| arm | perplexity {MOVED:.0%} higher | what was read: changed | WARN | FAIL | what was written: changed | WARN | FAIL |",
        "|---|---|---|---|---|---|---|---|",
    ]
    start = rows[rows.generation == 0].set_index("seed").perplexity
    for name, part in rows[rows.generation > 0].groupby("arm", sort=False):
        moved = part.perplexity > (1 + MOVED) * part.seed.map(start)
        said = [
            _by_seed(part, part[column].isin(statuses))
            for column in ("read_monitor", "monitor")
            for statuses in ((CHANGED, WARN, FAIL), (WARN, FAIL), (FAIL,))
        ]
        lines.append(f"| {name} | " + " | ".join([_by_seed(part, moved), *said]) + " |")
    return "\n".join(lines)


def _by_seed(rows: pd.DataFrame, happened: pd.Series) -> str:
    """The first generation of each seed at which something happened."""
    first = rows[happened].groupby("seed").generation.min()
    return ", ".join(str(first.get(seed, "never")) for seed in sorted(rows.seed.unique()))


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
