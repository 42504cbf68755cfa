"""Models that train on crawls of their own pages, with and without this program between crawl and training.

Each generation's model writes twice as much as people have on the web; the next one trains on as many words as the first
had, taken from that crawl by each arm. Measured against generation 0: perplexity on text that nobody saw, the monitor's
coverage of rare words and its verdict on what the model writes and reads, true and claimed synthetic share of the training text.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

import pandas as pd

from provenance.audit.sketches.compare import FAIL, WARN
from scripts.collapse._arms import SIZES
from scripts.collapse._generations import run
from scripts.collapse._tables import figure, table, warnings
from scripts.collapse._world import ROOT


def read_passages(corpus: Path) -> pd.DataFrame:
    """English text of people from the pool of web prose."""
    pool = pd.read_parquet(corpus / "pool_human_web.parquet")
    return (
        pool[(pool.language == "en") & (pool.label == "human")].drop_duplicates("text").reset_index(drop=True)
    )


def show(rows: pd.DataFrame, statuses: list[str], picture: Path | None) -> None:
    """Print the tables and draw the picture."""
    if picture:
        figure(rows, picture)
    alarms = f"{statuses.count(FAIL)} alarms, {statuses.count(WARN)} warnings"
    print(table(rows), warnings(rows), sep="\n\n")
    print(
        f"\nMonitor on {len(statuses)} comparisons without change: {alarms} ({', '.join(sorted(set(statuses)))})."
    )


def main() -> None:
    """Run a size and print its tables."""
    shared = Path(os.environ.get("PROVENANCE_SHARED", ROOT.parent / "shared"))
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("corpus", type=Path, nargs="?", default=shared / "data" / "detector")
    parser.add_argument("--model", choices=list(SIZES), default="ngrams")
    parser.add_argument("--size", default="standard", help="standard, or one of the kind of model's others")
    parser.add_argument("--rows", type=Path, help="write one row for each generation as CSV")
    parser.add_argument("--parts", type=Path, help="write rows as they come into this folder")
    parser.add_argument("--from-parts", action="store_true", help="run nothing, show what --parts holds")
    parser.add_argument("--figure", type=Path, help="write the picture of coverage and perplexity as SVG")
    parser.add_argument("--seeds", type=int, nargs="+", help="some seeds of the size (all)")
    parser.add_argument("--processes", type=int, default=1, help="seeds and arms that run at once (1)")
    options = parser.parse_args()
    if options.from_parts:
        rows = pd.concat(
            [pd.read_csv(file) for file in sorted(options.parts.glob("*.csv"))], ignore_index=True
        )
        said = [file.read_text().split("\n") for file in sorted(options.parts.glob("*.statuses"))]
        show(rows, [status for statuses in said for status in statuses], options.figure)
        return
    if options.size not in SIZES[options.model]:
        parser.error(f"--size of {options.model} is one of {', '.join(SIZES[options.model])}")
    if options.parts:
        options.parts.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        rows, statuses = run(
            read_passages(options.corpus),
            SIZES[options.model][options.size],
            Path(folder),
            seeds=options.seeds,
            processes=options.processes,
            parts=options.parts,
        )
    if options.rows:
        rows.to_csv(options.rows, index=False)
    show(rows, statuses, options.figure)


if __name__ == "__main__":
    main()
