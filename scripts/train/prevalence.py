#!/usr/bin/env python3
"""Make the reference of kinds of text, for `provenance audit` and the second reading of a crawl: same corpus and detector, same bytes.

Every kind of human text and every generator is scored by detectors that were trained without it, as the calibration's were,
and read with the lines of the one that ships. Five minutes; needed whenever the detector or its calibration is made again.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from provenance.detectors.embedded import training
from provenance.detectors.embedded.calibration import BUCKETS, Calibration, load_calibration
from provenance.detectors.embedded.folds import folds
from provenance.detectors.embedded.model import Model, load_model, mix_experts
from provenance.detectors.share import BINS, GROUPS, Kinds, Side, make_worlds, ratio_bins
from scripts.train.detector import PASSAGES, read_files

#: Kinds with fewer passages are left out: human ones need a shape, of generators there are many and none has much.
FEWEST_HUMAN, FEWEST_SYNTHETIC = 20, 10
#: Part of a language's kinds of people that may be taken for machines when unseen, for shares to be stated in it.
MOST_ACCUSED = 0.1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path, help="directory with labelled Parquet files")
    parser.add_argument(
        "--model", help="folder of a detector trained on the same corpus (default: what ships)"
    )
    parser.add_argument(
        "--passages",
        type=Path,
        default=PASSAGES,
        help="directory of *.jsonl of passages that it was trained on too (default: those of this repository)",
    )
    options = parser.parse_args()
    kinds = make_kinds(read_corpus(options.corpus, options.passages), options.model)
    output = Path(options.model or "provenance/detectors/embedded/data") / "kinds.npz"
    kinds.save(output)
    print(
        f"{output}: {output.stat().st_size:,} bytes, {len(kinds.human.counts)} kinds of human text, "
        f"{len(kinds.synthetic.counts)} generators; shares are stated in {', '.join(kinds.languages)}"
    )


def read_corpus(folder: Path, passages: Path = PASSAGES) -> pd.DataFrame:
    """All rows of the folder's Parquet files, and the passages, with their `split`: to train on, where none is named."""
    tables = [pd.read_parquet(path) for path in sorted(folder.glob("*.parquet"))]
    written = sorted(passages.glob("*.jsonl"))
    table = pd.concat([*tables, *([read_files([], written, "train")] if written else [])], ignore_index=True)
    return table.assign(split=table.split.fillna("train") if "split" in table else "train")


def settings_of(model: Model) -> training.Settings:
    """What a detector was trained with, as its file says."""
    said = model.describe["settings"].items()
    chosen: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in said
    }
    return training.Settings(**chosen)


def make_kinds(table: pd.DataFrame, folder: str | None = None) -> Kinds:
    """The kinds of a corpus with the columns of `prepare` and `split`, read as the detector in `folder` is; learned from `train` alone."""
    model, calibration = load_model(folder), load_calibration(folder)
    settings = settings_of(model)
    corpus = training.read_corpus(training.prepare(table, settings), settings)
    learned = (corpus.table.split == "train").to_numpy()
    makers = corpus.table.maker_fold.to_numpy()
    scores = np.full((len(corpus.table), len(corpus.families()) + 1), np.nan)  # registers last
    for fold, (held, judged) in enumerate(folds(corpus.table)):
        # A generator is unseen where its maker is; that its subject is unseen too would leave an eighth of them.
        judged = judged | (makers == fold)
        experts = training.train_experts(corpus, learned & ~held)
        scores[judged] = training.expert_scores(corpus, experts)[judged]
    spoken = corpus.table.language.map({name: place for place, name in enumerate(model.languages)}).fillna(0)
    mixed = mix_experts(scores, model.mixture[spoken.to_numpy(int)])
    found = corpus.table.assign(score=mixed, words=corpus.rows.words, known=corpus.rows.known)
    floors = found.language.map(calibration.floors).fillna(0)
    found = found[
        corpus.whole
        & found.score.notna()
        & (found.words >= BUCKETS[0])
        & (found.known >= floors)
        & found.language.isin(calibration.languages())
        & ~found.generator.isin(settings.left_out)
    ]
    human = found[~found.synthetic]
    human = human.assign(kind=human.repository + ":" + human.stem, owner=human.repository)
    machine = found[found.synthetic]
    machine = machine.assign(kind=machine.generator, owner=machine.maker)
    kinds = Kinds(
        model.version,
        calibration.version,
        tuple(calibration.languages()),
        count_kinds(human, FEWEST_HUMAN, calibration),
        count_kinds(machine, FEWEST_SYNTHETIC, calibration),
    )
    return replace(kinds, languages=tuple(name for name in kinds.languages if is_proven(kinds, name)))


def is_proven(kinds: Kinds, language: str) -> bool:
    """Whether next to no kind of a language's people, left out of the reference, is taken for partly a machine."""
    places = np.flatnonzero(kinds.human.languages == language)
    accused = 0
    for place in places:
        counts = np.zeros((GROUPS, BINS), np.int64)
        counts[0] = kinds.human.counts[place]
        worlds = make_worlds(kinds.without({str(kinds.human.owners[place])}, set()), language)
        accused += worlds.estimate(counts, "").low > 0
    return len(places) > 0 and accused <= MOST_ACCUSED * len(places)


def count_kinds(found: pd.DataFrame, fewest: int, calibration: Calibration) -> Side:
    """The kinds (`kind` of `owner`) of each language that have enough passages, in a fixed order."""
    rows = []
    for (language, kind), part in found.groupby(["language", "kind"]):
        if len(part) >= fewest:
            bins = ratio_bins(calibration, language, part.score.to_numpy(), part.words.to_numpy())
            rows.append((np.bincount(bins, minlength=BINS), language, kind, part.owner.iloc[0]))
    counts, *names = zip(*rows, strict=True)
    return Side(np.array(counts), *(np.array(column, np.str_) for column in names))


if __name__ == "__main__":
    main()
