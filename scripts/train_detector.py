#!/usr/bin/env python
"""Train the embedded detector and its calibration from a directory of labelled Parquet files.

scripts/train_detector.py CORPUS_DIR [--out DIR]: the shipped files come from the development corpus with the
defaults, bit for bit; any corpus with the same columns makes a detector of your own.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from provenance.detector import training  # noqa: E402

SHIPPED = ROOT / "provenance" / "detector" / "data"


def main(arguments: list[str] | None = None) -> int:
    """Train, calibrate on held-out domains, and write embedded.npz and calibration.json."""
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
        "--split", default="train", help="rows whose `split` column has this value (default: train)"
    )
    parser.add_argument(
        "--emphasis",
        action="append",
        metavar="GENERATOR=WEIGHT",
        help="weight of a generator (default: assistant-2026=10)",
    )
    options = parser.parse_args(arguments)
    files = sorted(options.corpus.glob("*.parquet"))
    if not files:
        parser.error(f"{options.corpus}: no Parquet files there")
    corpus = pd.concat([pd.read_parquet(file) for file in files], ignore_index=True)
    if "split" in corpus.columns:
        corpus = corpus[corpus.split == options.split]
    settings = training.Settings()
    if options.emphasis:
        pairs = (item.rsplit("=", 1) for item in options.emphasis)
        settings = training.Settings(emphasis={name: float(value) for name, value in pairs})
    emphasis = dict(settings.emphasis)
    corpus = training.prepare(corpus)
    texts = pa.array(corpus.text, pa.large_string())
    everything = np.ones(len(corpus), bool)
    weight = training.document_weights(corpus, emphasis, everything)
    vocabulary = training.common_words(texts, weight)
    print(f"{len(corpus):,} passages, {int((weight > 0).sum()):,} used", file=sys.stderr)
    rows = training.encode(texts, vocabulary)
    made = {
        "passages": len(corpus),
        "labels": {str(k): int(v) for k, v in corpus.label.value_counts().sort_index().items()},
        "files": {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files},
        "seed": settings.seed,
        "epochs": settings.epochs,
        "rate": settings.rate,
        "emphasis": emphasis,
    }
    model = training.quantise(
        *training.train(rows, corpus.synthetic.to_numpy(), weight, settings), vocabulary, made
    )
    print(f"model {model.version}; held-out scores of {training.FOLDS} groups of domains …", file=sys.stderr)
    scores = training.held_out_scores(corpus, rows, vocabulary, settings, corpus.fold.to_numpy())
    calibration = training.calibrate(
        corpus, scores, rows, model.version, {**made, "scores": "held-out domains"}
    )
    options.out.mkdir(parents=True, exist_ok=True)
    model.save(options.out / "embedded.npz")
    calibration.save(options.out / "calibration.json")
    print(f"{options.out}: languages {', '.join(calibration.languages())}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
