#!/usr/bin/env python
"""Train the embedded detector and its calibration from a directory of labelled Parquet files.

scripts/train/detector.py CORPUS_DIR [--out DIR]: the shipped files come from the development corpus with the
defaults, bit for bit; any corpus with the same columns makes a detector of your own.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from provenance.detectors.embedded import folds, mixture, training  # noqa: E402

SHIPPED = ROOT / "provenance" / "detectors" / "embedded" / "data"

#: The `source` of passages that were written for training.
WRITTEN = "written for this corpus"
#: Passages by a 2026 assistant, written for this detector (Apache-2.0).
PASSAGES = ROOT / "scripts" / "train" / "passages"


def main(arguments: list[str] | None = None) -> int:
    """Train, calibrate on held-out domains, and write embedded.npz and calibration.json."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.leave_out is not None and options.out == SHIPPED:
        parser.error("--leave-out needs --out: what ships is trained on everything")
    files = sorted(options.corpus.glob("*.parquet"))
    if not files:
        parser.error(f"{options.corpus}: no Parquet files there")
    passages = sorted(options.passages.glob("*.jsonl")) if options.passages else []
    settings = training.Settings()
    if options.recent is not None:
        settings = replace(settings, recent=tuple(options.recent))
    table = training.prepare(read_files(files, passages, options.split), settings)
    corpus = training.read_corpus(table, settings)
    made = {
        "passages": len(table),
        "labels": {str(k): int(v) for k, v in table.label.value_counts().sort_index().items()},
        "files": {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in [*files, *passages]},
        "settings": asdict(settings),
    }
    say(f"{len(table):,} passages, {len(corpus.keys):,} n-grams in {settings.sources} sources or more")
    use = np.ones(len(corpus.table), bool)
    options.out.mkdir(parents=True, exist_ok=True)
    if options.leave_out is not None:
        held, judged = list(folds.folds(corpus.table))[options.leave_out]
        use = ~held
        corpus.table[judged & corpus.whole].to_parquet(options.out / "unseen.parquet", index=False)
    experts = training.train_experts(corpus, use)
    say(f"experts: {', '.join(experts)}; held-out scores of {folds.FOLDS} groups of domains and makers …")
    scores = training.held_out_scores(corpus)
    lines = mixture.fit_mixture(corpus, scores, use)
    model = training.build_model(corpus, experts, lines, made)
    calibration = mixture.calibrate(corpus, scores, model.version, made, use)
    model.save(options.out / "embedded.npz")
    calibration.save(options.out / "calibration.json")
    say(
        f"{options.out}: model {model.version}, {len(model.keys):,} n-grams, languages {', '.join(calibration.languages())}"
    )
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "corpus",
        type=Path,
        help="directory of *.parquet: text, label, generator, domain, language, source, group",
    )
    parser.add_argument(
        "--out", type=Path, default=SHIPPED, help="directory for the two files (default: the package)"
    )
    parser.add_argument(
        "--passages",
        type=Path,
        default=PASSAGES,
        help="directory of *.jsonl of passages written for training (default: those of this repository)",
    )
    parser.add_argument(
        "--split", default="train", help="rows whose `split` column has this value (default: train)"
    )
    parser.add_argument(
        "--recent",
        action="append",
        metavar="GENERATOR",
        help=f"generators of the newest family, which gets an expert of its own (default: {', '.join(training.Settings().recent)})",
    )
    parser.add_argument(
        "--leave-out",
        type=int,
        choices=range(folds.FOLDS),
        metavar="FOLD",
        help=f"leave one of {folds.FOLDS} groups of domains and makers out of everything, and write its passages to unseen.parquet in --out",
    )
    return parser


def read_files(files: list[Path], passages: list[Path], split: str) -> pd.DataFrame:
    """The rows of `split` of the Parquet files (all where they have no splits) and all passages."""
    tables = [pd.read_parquet(file) for file in files]
    tables = [table[table.split == split] if "split" in table else table for table in tables]
    for file in passages:
        written = pd.read_json(file, lines=True, dtype=False)
        written = written[written.text.str.strip() != ""]
        own = pd.Series([f"{file.stem}:{row}" for row in written.index], written.index)
        group = written.group.fillna(own) if "group" in written else own
        tables.append(
            written.assign(label="synthetic", source=WRITTEN, group=group)[
                ["text", "label", "generator", "domain", "language", "source", "group"]
            ]
        )
    return pd.concat(tables, ignore_index=True)


def say(message: str) -> None:
    """Progress on standard error."""
    print(message, file=sys.stderr, flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except ValueError as error:  # of a corpus that nothing can be learned from
        sys.exit(f"error: {error}")
