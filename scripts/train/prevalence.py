#!/usr/bin/env python3
"""Make the reference of `provenance audit` from the labelled corpus: same corpus and detector, same bytes.

Word rates come from the rows with split `train`, score histograms and the correction curve from `val`, which
the detector has not seen either; `test` is left for measuring.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from provenance.audit import word_shares
from provenance.detectors.embedded.calibration import BUCKETS, load_calibration
from provenance.detectors.embedded.conformal import BINS
from provenance.detectors.embedded.model import Scores, load_model
from provenance.detectors.embedded.training import prepare
from provenance.detectors.embedded.weights import document_weights
from provenance.detectors.prevalence import raw_mixture_share

LANGUAGE = "en"
#: A word has to occur in at least this many kinds of human text and come from this many generators.
SPREAD = 8
#: Domains and generators with fewer held-out passages are taken as one.
FEWEST_OF_KIND = 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path, help="directory with labelled Parquet files")
    parser.add_argument("--output", type=Path, default=Path("provenance/audit/data/prevalence.npz"))
    options = parser.parse_args()
    reference = build(read_corpus(options.corpus))
    options.output.parent.mkdir(parents=True, exist_ok=True)
    reference.save(options.output)
    print(f"{options.output}: {options.output.stat().st_size:,} bytes, {len(reference.ratios):,} words")


def read_corpus(folder: Path) -> pd.DataFrame:
    """All rows of the folder's Parquet files in the reference's language."""
    corpus = pd.concat([pd.read_parquet(path) for path in sorted(folder.glob("*.parquet"))])
    return corpus[corpus.language == LANGUAGE].reset_index(drop=True)


def build(corpus: pd.DataFrame) -> word_shares.Reference:
    """The reference of a corpus with the columns of `prepare` and `split`."""
    model, calibration = load_model(), load_calibration()
    train = prepare(corpus[corpus.split == "train"])
    weight = document_weights(train, np.ones(len(train), bool))
    vocabulary, ratios, base = word_rates(train, weight, model.vocabulary)
    held_out = corpus[corpus.split == "val"].reset_index(drop=True)
    texts = pa.array(held_out.text, pa.large_string())
    synthetic = (held_out.label == "synthetic").to_numpy()
    scores = model.score(texts)
    _, abstained = calibration.ratios(scores.score, scores.words, [LANGUAGE] * len(texts), scores.known)
    human, machine = (
        count_kinds(scores, (synthetic == kind) & ~abstained, held_out[name].to_numpy())
        for kind, name in ((False, "domain"), (True, "generator"))
    )
    draft = word_shares.Reference(
        detector=model.version,
        language=LANGUAGE,
        human=human,
        synthetic=machine,
        vocabulary=vocabulary,
        ratios=ratios,
        base=base,
        curve=(np.zeros(1), np.zeros(1)),
    )
    people, machines = (
        word_shares.count_sentences(texts, 0, draft, (synthetic == kind) & ~abstained).sum(0)
        for kind in (False, True)
    )
    true = np.linspace(0, 1, 41)
    mixtures = [_mixed(people, machines, share) for share in true]
    raw = np.array([raw_mixture_share(mixture, word_shares.bin_ratios()) for mixture in mixtures])
    return replace(draft, curve=(np.maximum.accumulate(raw), true))


def count_kinds(scores: Scores, use: np.ndarray, kinds: np.ndarray) -> np.ndarray:
    """Binned scores by kind of text, shape (kinds, buckets, bins); those of few documents are one kind together."""
    names, of_row, sizes = np.unique(kinds[use], return_inverse=True, return_counts=True)
    code = np.full(len(use), -1)
    code[use] = np.where(sizes >= FEWEST_OF_KIND, np.arange(len(names)), len(names))[of_row]
    return np.array(
        [word_shares.count_scores(scores, code == k, len(BUCKETS), BINS) for k in np.unique(code[use])]
    )


def word_rates(
    train: pd.DataFrame, weight: np.ndarray, candidates: np.ndarray
) -> tuple[np.ndarray, np.ndarray, float]:
    """(vocabulary, ratio of each of its words when present, ratio of a sentence without any), in nats."""
    sentences = word_shares.read_sentences(pa.array(train.text, pa.large_string()), candidates)
    of_word = np.repeat(sentences.document, np.diff(sentences.starts))
    synthetic = train.synthetic.to_numpy()
    spread = np.minimum(
        _kinds(sentences.words, of_word, train.repository + train.stem, ~synthetic, len(candidates)),
        _kinds(sentences.words, of_word, train.generator, synthetic, len(candidates)),
    )
    keep = spread >= SPREAD
    rates = []
    for kind in (False, True):
        w = np.where(synthetic == kind, weight, 0.0)
        total = w[sentences.document].sum()
        counts = np.bincount(sentences.words, weights=w[of_word], minlength=len(candidates))[keep]
        rates.append((counts + 0.5) / (total + 1))
    human, machine = rates
    absent = np.log1p(-machine) - np.log1p(-human)
    ratios = np.log(machine) - np.log(human) - absent
    return candidates[keep], ratios.astype(np.float32), float(absent.sum())


def _kinds(words: np.ndarray, of_word: np.ndarray, kind: pd.Series, use: np.ndarray, size: int) -> np.ndarray:
    """In how many values of `kind` each word occurs, among the documents of `use`."""
    codes = pd.factorize(kind)[0]
    rows = use[of_word]
    pairs = np.unique(words[rows].astype(np.int64) * (codes.max() + 1) + codes[of_word[rows]])
    return np.asarray(np.bincount(pairs // (codes.max() + 1), minlength=size))


def _mixed(human: np.ndarray, synthetic: np.ndarray, share: float) -> np.ndarray:
    """Two histograms of one weight, mixed."""
    return np.asarray((1 - share) * human / human.sum() + share * synthetic / synthetic.sum())


if __name__ == "__main__":
    main()
