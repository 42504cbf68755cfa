#!/usr/bin/env python3
"""Judge pairs of datasets whose difference is known as `provenance audit --baseline` does: the table of docs/audit.md.

Nothing of the monitor is imitated: each side is written to a file, read into a sketch and compared with the other.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from provenance.audit.sketches.compare import CHANGED, FAIL, WARN
from provenance.audit.sketches.strata import Sketches
from provenance.audit.versions import Baseline, Settings, sketch_dataset
from provenance.files.storage import LocalStorage
from scripts.evaluate._changes import Case, make_cases, read_pools

ROOT = Path(__file__).resolve().parents[2]
#: Columns of a side; the source document stands for the site.
COLUMNS = {"text": "text", "group": "domain", "language": "language"}
_LAST: list[tuple[pd.DataFrame, Baseline]] = []


def main() -> None:
    shared = Path(os.environ.get("PROVENANCE_SHARED", ROOT.parent / "shared"))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path, nargs="?", default=shared / "data" / "detector")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--only", default="", metavar="PATTERN", help="cases whose name has this (all)")
    parser.add_argument(
        "--without-sites",
        dest="sites",
        action="store_false",
        help="no column that says what belongs together",
    )
    parser.add_argument("--rows", type=Path, help="write a row for each comparison and measure as CSV")
    options = parser.parse_args()
    pools = read_pools(options.corpus)
    found = []
    for seed in options.seeds:
        for case in make_cases(pools, seed):
            if re.search(options.only, case.name):
                print(f"seed {seed}: {case.name}", file=sys.stderr, flush=True)
                found += list(judge(case, seed, options.sites))
                if options.rows:
                    pd.DataFrame(found).to_csv(options.rows, index=False)
    show(pd.DataFrame(found))


def judge(case: Case, seed: int, sites: bool) -> Iterator[dict[str, object]]:
    """A row for each measure of a comparison, and one for the whole of it (`measure` is empty)."""
    baseline, version = baseline_of(case, sites), sketch(case.version, sites)
    found = baseline.compare(version)
    about = {"case": case.name, "kind": case.kind, "seed": seed}
    words = {"words": version.whole.words, "baseline_words": baseline.sketches.whole.words}
    yield about | {"measure": "", "status": found["status"]} | words
    for name, item in found["measures"].items():
        yield about | {"measure": name, "status": item["status"], "change": item.get("change")}


def baseline_of(case: Case, sites: bool) -> Baseline:
    """The baseline of a case; that of the case before where it has the same."""
    if not _LAST or _LAST[0][0] is not case.baseline:
        _LAST[:] = [(case.baseline, Baseline("baseline", sketch(case.baseline, sites), Settings()))]
    return _LAST[0][1]


def sketch(rows: pd.DataFrame, sites: bool) -> Sketches:
    """What the monitor keeps of documents, read as its command reads a file of them."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "side.parquet"
        columns = {name: to for name, to in COLUMNS.items() if sites or to != "domain"}
        rows[list(columns)].rename(columns=columns).to_parquet(path, index=False)
        return sketch_dataset(LocalStorage(), str(path), Settings())


def show(rows: pd.DataFrame) -> None:
    """A line for each case: statuses by seed, and the measures that failed, warned or changed in any."""
    print("| kind | what was done | status | FAIL | WARN | changed |\n|---|---|---|---|---|---|")
    for (kind, name), part in rows.groupby(["kind", "case"], sort=False):
        whole = part[part.measure == ""]
        cells = [", ".join(whole.status)]
        for status in (FAIL, WARN, CHANGED):
            said = Counter(part[(part.measure != "") & (part.status == status)].measure)
            cells.append(", ".join(f"{measure} {count}" for measure, count in said.most_common()))
        print(f"| {kind} | {name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
