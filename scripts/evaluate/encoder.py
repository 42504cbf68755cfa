#!/usr/bin/env python3
"""Measure what the encoder adds to the embedded detector: recall, false alarms, calibration, claimed shares, cost (docs/neural.md).

python scripts/evaluate encoder CORPUS_DIR DIR [--web DIR]: DIR is where `scripts/train encoder` keeps its held-out logits,
of models that saw neither domain nor maker. They are of whole weights; how far the shipped factors are from those is printed too.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from provenance.annotators.text.charset import decode
from provenance.annotators.text.extraction import extract
from provenance.configuration import Prior
from provenance.decisions.counts import count_scores, merge_counts
from provenance.decisions.crawl import joint_ratios
from provenance.decisions.level import levels
from provenance.decisions.prior import estimate
from provenance.detectors.embedded import score_texts, training
from provenance.detectors.embedded.calibration import LEVELS, auroc, load_calibration
from provenance.detectors.neural.calibration import combine, shipped_encoder
from provenance.detectors.neural.config import ENCODER_BAND, NeuralConfig
from provenance.detectors.neural.load import load_scorer
from scripts.evaluate import _tables
from scripts.evaluate.detector import FAMILIES, PRIORS
from scripts.train import _encoder_calibration as calibration
from scripts.train.detector import PASSAGES, read_files

#: A band that leaves out what the embedded detector is surest of.
NARROW = (-1.0, 3.5)
SHARES, DRAWS, DOCUMENTS, OLD = (0.0, 0.02, 0.05, 0.1, 0.2, 0.35, 0.6), 30, 1200, 300
NEW = (2025 - 1970) * 12 + 2  # March 2025


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("corpus", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--web", type=Path, help="web test material with pages/ (old pages)")
    options = parser.parse_args()
    files = sorted(options.corpus.glob("*.parquet"))
    table = training.prepare(read_files(files, sorted(PASSAGES.glob("*.jsonl")), "train"))
    held = calibration.read_held_out(table, options.folder / "held-out.npz").reset_index(drop=True)
    print_found(held)
    print_reliability(held)
    print_shares(held)
    if options.web:
        print_pages(options.web)


def print_found(held: pd.DataFrame) -> None:
    """Recall and false alarms by family: by the thresholds for 1% as they ship, and at 1% of just this web prose."""
    placed = calibration.web_and_machine(held)
    ratio, synthetic = held.ratio.to_numpy(float), held.synthetic.to_numpy(bool)
    web = held.web.to_numpy(bool) & ~synthetic
    groups = [*((held.kind == family).to_numpy() for family in FAMILIES), web, ~web & ~synthetic]
    flags: dict[str, NDArray[np.bool_]] = {"embedded alone, shipped": held.flagged.to_numpy(bool)}
    flags["embedded alone, 1%"] = ratio > np.quantile(ratio[web], 0.99, method="higher")
    costs = []
    for band in (ENCODER_BAND, NARROW):
        own, joint = calibration.fit(placed, band)
        both = calibration.joint_ratio(held, own, joint, band)
        told = calibration.about_people(placed, calibration.joint_ratio(placed, own, joint, band))
        name = f"both, {band[0]:g} to {band[1]:g} nats"
        flags[f"{name}, shipped"] = both > told["thresholds"]["en"][LEVELS.index(0.01)]
        flags[f"{name}, 1%"] = both > np.quantile(both[web], 0.99, method="higher")
        asked = (ratio >= band[0]) & (ratio <= band[1])
        shares = ", ".join(f"{asked[chosen].mean():.0%}" for chosen in (*groups[3:], synthetic))
        costs.append(f"{name}: asked about {shares} of web prose, other people's text, machine text")
    rows = [
        [name, *(f"{flagged[chosen].mean():.3f}" for chosen in groups)] for name, flagged in flags.items()
    ]
    print("\n".join(_tables.table(["thresholds", *FAMILIES, "web prose", "other people"], rows)))
    print("\n".join(costs), "\n")


def print_reliability(held: pd.DataFrame) -> None:
    """Calibration error of both; of each fold by coefficients fitted on the others."""
    placed = calibration.web_and_machine(held)
    crossed = placed.ratio.to_numpy(float).copy()
    fold = np.where(placed.domain_fold >= 0, placed.domain_fold, placed.maker_fold)
    for number in np.unique(fold):
        here = fold == number
        crossed[here] = calibration.joint_ratio(placed[here], *calibration.fit(placed[~here]))
    rows = []
    for name, ratio in (
        ("embedded alone", placed.ratio.to_numpy(float)),
        ("both, as shipped", calibration.joint_ratio(placed, *calibration.fit(placed))),
        ("both, each fold by the others", crossed),
    ):
        synthetic, weight = placed.synthetic.to_numpy(bool), calibration.weights(placed)
        errors = [_tables.reliability(ratio, synthetic, weight, prior)[1] for prior in PRIORS]
        rows.append([name, *(f"{error:.3f}" for error in errors), f"{auroc(ratio, synthetic):.4f}"])
    print(
        "\n".join(_tables.table(["", *(f"error at prior {prior:g}" for prior in PRIORS), "AUROC"], rows)),
        "\n",
    )


def print_shares(held: pd.DataFrame) -> None:
    """Error of the share that EM finds in mixtures of up to four domains and four makers, with old documents of these domains."""
    own, joint = calibration.fit(calibration.web_and_machine(held))
    both = calibration.joint_ratio(held, own, joint)
    known = load_calibration()
    told = shipped_encoder()[1]
    readings = {
        "embedded alone": (held.ratio.to_numpy(float), known.human_means, known.human_spreads),
        "both": (both, told.human_means, told.human_spreads),
    }
    found: dict[str, list[list[float]]] = {name: [] for name in readings}
    for share in SHARES:
        for seed in range(DRAWS):
            people, machine, old = _draw(held, share, np.random.default_rng([seed, round(100 * share)]))
            for name, (ratio, means, spreads) in readings.items():
                new = _counts(ratio[np.concatenate([people, machine])], NEW, False)
                counts = merge_counts([_counts(ratio[old], NEW - 60, True), new])
                nats = {"en": joint_ratios()}
                human = replace(load_calibration(), human_means=means, human_spreads=spreads)
                level = levels(counts, nats, human)
                claimed = estimate(counts, nats, level, Prior()).strata[0].share
                found[name].append([share, claimed - len(machine) / (len(people) + len(machine))])
    for name, errors in found.items():
        error = np.array(errors)
        by = "; ".join(f"{share:g}: {np.abs(error[error[:, 0] == share, 1]).mean():.3f}" for share in SHARES)
        print(
            f"claimed share, {name}: mean error {np.abs(error[:, 1]).mean():.3f}, bias {error[:, 1].mean():+.3f} ({by})"
        )


def _draw(
    held: pd.DataFrame, share: float, random: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Rows of (new people, machine text, old people) of one to four domains of web prose and one to four makers."""
    human, machine = (
        _rows(held, held.web & ~held.synthetic, "stem", random),
        _rows(held, held.synthetic, "maker", random),
    )
    wanted = round(DOCUMENTS * share)
    machine = machine[:wanted]
    old, human = np.split(human, [min(OLD, len(human) // 2)])
    return human[: max(1, round(len(machine) * (1 - share) / share)) if share else DOCUMENTS], machine, old


def _rows(
    held: pd.DataFrame, chosen: pd.Series, column: str, random: np.random.Generator
) -> NDArray[np.int64]:
    """Shuffled rows of one to four of the commoner values of a column."""
    counts = held[column][chosen].value_counts()
    names = random.choice(
        counts.index[counts >= 50].to_numpy(object), random.choice([1, 2, 4]), replace=False
    )
    return np.asarray(random.permutation(np.flatnonzero(chosen & held[column].isin(names))))


def _counts(ratio: NDArray[np.float64], month: int, human: bool) -> pa.Table:
    texts = len(ratio)
    return count_scores(
        scores=ratio,
        words=np.full(texts, 200),
        languages=pa.array(["en"] * texts, pa.string()),
        sources=pa.array(["pool"] * texts, pa.string()),
        sites=np.arange(texts).astype(np.uint64),
        months=np.full(texts, month, np.int16),
        human=np.full(texts, human),
    )


def print_pages(web: Path) -> None:
    """English pages from before December 2022, read as the pipeline reads them: how many are asked about and flagged, at what cost."""
    pages = pd.concat([pd.read_parquet(file) for file in sorted((web / "pages").glob("pages-*.parquet"))])
    pages = pages[pages.expected_date.fillna("2020") <= "2022-11-30"]
    texts = [extract(decode(html).text.encode()).text for html in pages.html]
    judged = pd.DataFrame(score_texts(texts))
    chosen = np.flatnonzero((judged.language == "en") & ~judged.abstained)
    ratio = judged.llr.to_numpy(float)[chosen]
    asked = (ratio >= ENCODER_BAND[0]) & (ratio <= ENCODER_BAND[1])
    scorer = load_scorer(NeuralConfig.model_validate({"kind": "encoder"}))
    start = time.process_time()
    scores = scorer.score([texts[row] for row in chosen[asked]])
    spent = time.process_time() - start
    own, joint = shipped_encoder()
    both = ratio.copy()
    both[asked] = [
        combine(
            joint,
            {"embedded": value, "encoder": float(np.clip(own.intercept + own.slope * score, *own.bounds))},
        )
        for value, score in zip(ratio[asked], scores.score, strict=True)
    ]
    cut = joint.thresholds["en"][LEVELS.index(0.01)]
    print(
        f"{len(chosen)} old English pages: {asked.sum()} asked about, {(both > cut).sum()} flagged at 1% "
        f"(embedded alone {judged.flagged[chosen].sum()}); mean ratio {np.exp(both).mean():.2f} (embedded {np.exp(ratio).mean():.2f}); "
        f"{spent / max(asked.sum(), 1):.3f} s of processor time a text of {scores.tokens.mean():.0f} tokens"
    )


if __name__ == "__main__":
    main()
