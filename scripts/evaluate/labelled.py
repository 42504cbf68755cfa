#!/usr/bin/env python
"""Measure the detector on your own labelled texts, beside two baselines trained on the same corpus.

python scripts/evaluate labelled DIR [--corpus CORPUS_DIR] [--model DIR]: DIR holds *.parquet with `text` and `label`
(human or synthetic), and where known `language`, `generator`, `maker`, `released`, `domain`. Every threshold is
fixed before a text of DIR is read.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from provenance.detectors.embedded import mixture, training
from provenance.detectors.embedded.annotator import score_columns
from provenance.detectors.embedded.calibration import auroc
from provenance.detectors.embedded.thresholds import threshold
from scripts.evaluate import _baselines, _tables

RATES = (0.01, 0.001)
PRIORS = (0.05, 0.2, 0.5)
#: Documents that a row of a table needs.
FEWEST = 20


def main(arguments: list[str] | None = None) -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("texts", type=Path, help="directory of labelled *.parquet")
    parser.add_argument("--corpus", type=Path, help="development corpus: adds the baselines, trained on it")
    parser.add_argument("--model", help="directory of another detector than the shipped one")
    options = parser.parse_args(arguments)
    texts = read_texts(options.texts)
    judged = judge(texts, options.model)
    lines = [*overall(judged, options.corpus), ""]
    for column in ("language", "domain"):
        lines += [*by_group(judged, column), ""]
    for column in ("maker", "generator", "released"):
        if judged[column].notna().any():
            lines += [*found_by(judged[judged.synthetic], column), ""]
    print("\n".join(lines))
    return 0


def read_texts(folder: Path) -> pd.DataFrame:
    """The texts of a folder with `synthetic` (bool) and every optional column, null where unknown.

    Raises ValueError where there is no file, no text or another label.
    """
    files = sorted(folder.glob("*.parquet"))
    if not files:
        raise ValueError(f"{folder}: no Parquet files there")
    texts = pd.concat([pd.read_parquet(file) for file in files], ignore_index=True)
    if not {"text", "label"} <= set(texts.columns) or not texts.label.isin(["human", "synthetic"]).all():
        raise ValueError(f"{folder}: needs the columns text and label (human or synthetic)")
    for column in ("generator", "maker", "released", "domain", "language"):
        if column not in texts:
            texts[column] = None
    return texts.assign(
        synthetic=(texts.label == "synthetic").to_numpy(), released=texts.released.astype("string").str[:7]
    )


def judge(texts: pd.DataFrame, folder: str | None) -> pd.DataFrame:
    """`texts` with what the detector says: ratio, abstained, language, and flagged at each of RATES."""
    given = texts.language.where(texts.language.notna(), None).tolist()
    first = score_columns(texts.text.tolist(), given, max_fpr=RATES[0], folder=folder)
    second = score_columns(texts.text.tolist(), first.languages, max_fpr=RATES[1], folder=folder)
    return texts.assign(
        ratio=first.ratio.astype(float),
        abstained=first.abstained,
        language=first.languages,
        words=first.words,
        flagged=first.flagged,
        flagged_strictly=second.flagged,
    )


def overall(judged: pd.DataFrame, corpus: Path | None) -> list[str]:
    """Table of the models: an abstention has ratio 0 and is never flagged."""
    synthetic = judged.synthetic.to_numpy()
    rows = [_row("embedded", judged.ratio.to_numpy(), synthetic, [judged.flagged, judged.flagged_strictly])]
    rows[0] += [_error(judged, prior) for prior in PRIORS] + [f"{judged.abstained.mean():.2f}"]
    if corpus is not None:
        files = sorted(corpus.glob("*.parquet"))
        pool = training.prepare(pd.concat([pd.read_parquet(file) for file in files], ignore_index=True))
        train, human = pool[pool.split == "train"], pool[(pool.split == "val") & mixture.web_prose(pool)]
        human = human[human.language == human.language.value_counts().index[0]]
        for name, score in _baselines.baselines(train).items():
            known, found = score(human.text), score(judged.text)
            cuts = [threshold(known, mixture.domain_weights(human), level) for level in RATES]
            rows.append(_row(name, found, synthetic, [found > cut for cut in cuts]) + ["-"] * 4)
    head = ["model", "human", "synthetic", "AUROC", "TPR at 1%", "its FPR", "TPR at 0.1%", "its FPR"]
    return _tables.table([*head, *(f"ECE at {prior:g}" for prior in PRIORS), "abstained"], rows)


def _row(
    name: str, score: NDArray[np.float64], synthetic: NDArray[np.bool_], flags: list[NDArray[np.bool_]]
) -> list[str]:
    area = f"{auroc(score, synthetic):.3f}" if synthetic.any() and not synthetic.all() else "-"
    cells = [name, str(int((~synthetic).sum())), str(int(synthetic.sum())), area]
    for flag in flags:
        cells += [_tables.rate(np.asarray(flag)[synthetic]), _tables.rate(np.asarray(flag)[~synthetic])]
    return cells


def _error(judged: pd.DataFrame, prior: float) -> str:
    kept = judged[~judged.abstained]
    if kept.synthetic.nunique() < 2:
        return "-"
    weight = np.ones(len(kept))
    return f"{_tables.reliability(kept.ratio.to_numpy(), kept.synthetic.to_numpy(), weight, prior)[1]:.3f}"


def by_group(judged: pd.DataFrame, column: str) -> list[str]:
    """Table of one row a language or domain: who is falsely accused, who is found, where it abstains."""
    rows = []
    for name, part in judged.groupby(judged[column].fillna("?")):
        if len(part) >= FEWEST:
            human, machine = part[~part.synthetic], part[part.synthetic]
            both = len(human) >= FEWEST and len(machine) >= FEWEST
            area = f"{auroc(part.ratio.to_numpy(), part.synthetic.to_numpy()):.3f}" if both else "-"
            rows.append(
                [
                    name,
                    len(human),
                    _tables.rate(human.flagged),
                    len(machine),
                    _tables.rate(machine.flagged),
                    area,
                ]
                + [f"{part.abstained.mean():.2f}"]
            )
    return _tables.table([column, "human", "flagged", "synthetic", "flagged", "AUROC", "abstained"], rows)


def found_by(machine: pd.DataFrame, column: str) -> list[str]:
    """Table of the share found at 1% and 0.1% by maker, generator or month of release."""
    rows = [
        [name, len(part), _tables.rate(part.flagged), _tables.rate(part.flagged_strictly)]
        for name, part in machine.groupby(column)
        if len(part) >= FEWEST
    ]
    return _tables.table([column, "synthetic", "flagged at 1%", "flagged at 0.1%"], rows)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except ValueError as error:
        sys.exit(f"error: {error}")
