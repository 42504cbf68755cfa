#!/usr/bin/env python
"""Measure what the cap's margin has to be: crawls of kinds of text and makers that the detector has seen nothing of.

Each of the eight groups of domains and makers of the corpus is left out of experts, mixture and calibration in turn, and crawls
are drawn of that group alone, as `scripts/evaluate cap` draws them. Prints how often the true share was near a cap under each
margin, what that costs, and by how much stated shares are off. `MARGIN` of the configuration, `STATED_SD` of priors and the
sign of a level come from here; group 5 was left out of that choice (docs/cap.md). A quarter of an hour.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from provenance.configuration import Cap, Configuration
from provenance.decisions.detectors import load_detectors
from provenance.detectors.embedded import mixture, training
from provenance.detectors.embedded.annotator import NAME
from provenance.detectors.embedded.calibration import Calibration
from provenance.detectors.embedded.folds import folds
from provenance.detectors.share import Kinds
from provenance.schema import DETECTORS
from scripts.evaluate.cap import (
    CAPS,
    NEAR,
    NEVER,
    SCENARIOS,
    Pool,
    annotated,
    kinds_without,
    make_pool,
    run,
)
from scripts.train.detector import PASSAGES, read_files

MARGINS = ("0", "0.2", "0.4", "0.6", "0.8", "1")
#: Texts of a label that are drawn from in one group.
MOST = 6000


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("corpus", type=Path, help="directory of the pools (docs/data-licenses.md)")
    parser.add_argument(
        "--runs", type=int, default=3, help="crawls of each kind in each group (3: 60 a group)"
    )
    parser.add_argument("--documents", type=int, default=1500, help="new documents of a crawl (1500)")
    parser.add_argument("--rows", type=Path, help="write one row for each run and cap as CSV")
    arguments = parser.parse_args()
    configuration = Configuration()
    caps = [Cap(max_synthetic=Decimal(cap), margin=Decimal(m)) for m in MARGINS for cap in CAPS]
    caps += [Cap(max_synthetic=Decimal(cap), guarantee="confident") for cap in CAPS]
    found: list[dict[str, object]] = []
    for group, (pool, calibration, kinds) in enumerate(left_out(arguments.corpus, configuration)):
        detectors = replace(
            load_detectors(configuration), calibration=calibration, name="left out", read_by="", kinds=kinds
        )
        for crawl, about in crawls(pool, arguments.documents, arguments.runs):
            rows = run(*crawl, configuration, detectors, caps)
            found += [{"group": group, **about, **row} for row, _ in rows]
    frame = pd.DataFrame(found)
    if arguments.rows:
        frame.to_csv(arguments.rows, index=False)
    print_margins(frame)
    print_stated(frame)


def left_out(folder: Path, configuration: Configuration) -> Iterator[tuple[Pool, Calibration, Kinds]]:
    """(texts with the scores of experts that were trained without them, a calibration and kinds without them) of each group."""
    settings = training.Settings()
    files, passages = sorted(folder.glob("*.parquet")), sorted(PASSAGES.glob("*.jsonl"))
    corpus = training.read_corpus(training.prepare(read_files(files, passages, "train"), settings), settings)
    scores = training.held_out_scores(corpus)
    claimed = corpus.whole & ~corpus.table.generator.isin(settings.left_out).to_numpy()
    for held, judged in folds(corpus.table):
        mixed = mixture.mix(corpus, scores, mixture.fit_mixture(corpus, scores, ~held))
        calibration = mixture.calibrate(corpus, scores, "left out", {}, ~held)
        frame = corpus.table.assign(score=mixed)[judged & claimed & ~np.isnan(mixed)]
        frame = frame.sample(frac=1, random_state=0).groupby("synthetic").head(MOST)
        table, frame = annotated(frame, configuration)
        yield make_pool(with_scores(table, frame.score.to_numpy()), frame), calibration, kinds_without(frame)


def with_scores(table: pa.Table, scores: np.ndarray) -> pa.Table:
    """The shard with the embedded detector's scores replaced, (rows,); ratios follow when it is read with another calibration."""
    column = table["detectors"].combine_chunks()
    entries, parents = column.flatten(), np.asarray(pc.list_parent_indices(column))
    own = np.asarray(pc.equal(entries.field("name"), NAME))
    fields = [entries.field(name) for name in ("name", "version", "score", "llr")]
    fields[2] = pa.array(np.where(own, scores[parents], np.asarray(fields[2])), fields[2].type)
    values = pa.StructArray.from_arrays(fields, fields=list(DETECTORS.value_type))
    made = pa.ListArray.from_arrays(column.offsets, values, type=DETECTORS)
    return table.set_column(table.schema.get_field_index("detectors"), table.schema.field("detectors"), made)


def crawls(
    pool: Pool, documents: int, runs: int
) -> Iterator[tuple[tuple[pa.Table, np.ndarray], dict[str, object]]]:
    """(a crawl of the pool and which of it are machine text, how it was made), smaller where the pool has too few texts."""
    machines = int(pool.machine.sum())
    for scenario in SCENARIOS:
        people = documents * (1 - scenario.share + (1 / 3 if scenario.old else 0)) + 2
        part = min(
            1.0, (len(pool.machine) - machines) / people, machines / max(documents * scenario.share, 1)
        )
        for seed in range(runs):
            yield pool.draw(scenario, int(documents * part), seed), {**scenario.__dict__, "seed": seed}


def print_margins(frame: pd.DataFrame) -> None:
    """By group and cap: near the cap under each margin, above what must never be, human tokens lost, and `confident` violated."""
    expected = frame[frame.guarantee == "expected"]
    head = [f"{name} {margin}" for name in ("near", "never", "lost") for margin in MARGINS]
    print("| group | asked | " + " | ".join(head) + " | confident violated |")
    print("|---|---:|" + "---:|" * (len(head) + 1))
    for (group, asked), part in expected.groupby(["group", "asked"]):
        bound = part[part.binds]
        ratio = bound.true / bound.asked
        near, never = ((ratio <= NEAR).groupby(bound.margin), (ratio > NEVER).groupby(bound.margin))
        lost = part[part.share <= 0.35].groupby("margin").lost_judged
        sure = frame[(frame.guarantee == "confident") & (frame.group == group) & (frame.asked == asked)]
        values = [*near.mean(), *never.mean(), *lost.mean(), (sure.true > sure.asked)[sure.binds].mean()]
        print(f"| {group} | {asked:g} | " + " | ".join(f"{value:.2f}" for value in values) + " |")


def print_stated(frame: pd.DataFrame) -> None:
    """By group: by how much the log-odds of the stated share are off, mean and root mean square, in crawls with machine text."""
    crawl = frame.drop_duplicates(["group", "share", "old", "clustered", "seed"])
    crawl = crawl[(crawl.share > 0) & (crawl.stated > 0)]
    off = (logit(crawl.stated) - logit(crawl.before)).groupby([crawl.group, crawl.old])
    print("\nstated share, log-odds off:", off.mean().unstack().round(2).to_dict("index"))
    print(f"root mean square over groups: {np.sqrt(off.apply(lambda part: (part**2).mean()).mean()):.2f}")


def logit(share: pd.Series) -> pd.Series:
    return pd.Series(np.log(share / (1 - share)), share.index)


if __name__ == "__main__":
    main()
