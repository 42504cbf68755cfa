#!/usr/bin/env python3
"""Measure what a crawl's own old documents change: priors and posteriors of known mixtures, and thresholds.

Prints the tables of docs/probability.md and docs/calibration.md. The texts are the English passages of the
pool's splits `val` and `test`, on which the detector was not trained.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from provenance.configuration import Prior
from provenance.decisions.counts import count_scores, merge_counts
from provenance.decisions.level import levels
from provenance.decisions.prior import Priors, estimate
from provenance.detectors.embedded import conformal
from provenance.detectors.embedded.annotator import Scored, score_columns
from provenance.detectors.embedded.calibration import load_calibration

SHARES = (0.0, 0.02, 0.05, 0.10, 0.20, 0.30, 0.50, 0.70)
DOCUMENTS, OLD, DRAWS = 1500, 800, 8
MAX_FPR, HALVES, FEWEST = 0.01, 20, 300
NEW = (2025 - 1970) * 12 + 2  # March 2025


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path, help="directory with pool_val.parquet and pool_test.parquet")
    folder = parser.parse_args().corpus
    pool = pd.concat([pd.read_parquet(folder / f"pool_{name}.parquet") for name in ("val", "test")])
    pool = pool[pool.language == "en"].reset_index(drop=True)
    found = score_columns(pool.text.tolist(), ["en"] * len(pool))
    synthetic = (pool.label == "synthetic").to_numpy()
    human, machine = (np.flatnonzero(~found.abstained & (synthetic == kind)) for kind in (False, True))
    print_mixtures(found, human, machine)
    print_thresholds(found, human, machine, pool.domain.to_numpy())


def print_mixtures(found: Scored, human: np.ndarray, machine: np.ndarray) -> None:
    """Shares found and calibration errors of mixtures of known composition, means over DRAWS."""
    print(
        "| true share | found, 800 old documents | found, none | ECE | ECE, none | ECE with the table (.30) |"
    )
    print("|---:|---:|---:|---:|---:|---:|")
    for share in SHARES:
        rows = np.array([_mixture(found, human, machine, share, seed) for seed in range(DRAWS)])
        print(f"| {share:g} | " + " | ".join(f"{value:.3f}" for value in rows.mean(axis=0)) + " |")


def print_thresholds(found: Scored, human: np.ndarray, machine: np.ndarray, domains: np.ndarray) -> None:
    """Flagged shares by the shipped thresholds and by those of one half of the humans, on the other half."""
    calibration = load_calibration()
    cut = calibration.cutoffs(found.words, ["en"] * len(found.words), MAX_FPR)
    fresh_rates, machine_rates, by_domain = [], [], []
    for seed in range(HALVES):
        order = np.random.RandomState(seed).permutation(human)
        old, fresh = order[: len(order) // 2], order[len(order) // 2 :]
        counts = conformal.count(found.score[old], found.words[old], ["en"] * len(old))
        table = conformal.thresholds(counts, calibration, MAX_FPR)
        flags = [
            conformal.flag(found.score[rows], found.words[rows], ["en"] * len(rows), table)
            for rows in (fresh, machine)
        ]
        fresh_rates.append(flags[0].mean())
        machine_rates.append(flags[1].mean())
        by_domain.append(pd.Series(flags[0]).groupby(domains[fresh]).mean())
    limited = conformal.count(found.score[human], found.words[human], ["en"] * len(human))
    ranks = conformal.ranks(limited, found.score[machine], found.words[machine], ["en"] * len(machine))
    most = conformal.limits(*ranks, most=calibration.bounds[1])
    print(f"{len(human):,} human and {len(machine):,} synthetic passages, thresholds for {MAX_FPR:.0%}:")
    for name, rates in (
        ("shipped", [(found.score[rows] >= cut[rows]).mean() for rows in (human, machine)]),
        ("of the crawl", [np.mean(fresh_rates), np.mean(machine_rates)]),
    ):
        print(f"  {name}: {rates[0]:.2%} of human, {rates[1]:.1%} of synthetic passages flagged")
    counted = pd.Series(domains[human]).value_counts()
    for name in counted[counted >= FEWEST].index:
        print(f"  {name}: {np.mean([row[name] for row in by_domain]):.2%} of human passages flagged")
    print(f"  ratios limited by these humans: {(found.ratio[machine] > most + 1e-9).mean():.1%} of synthetic")


def _mixture(
    found: Scored, human: np.ndarray, machine: np.ndarray, share: float, seed: int
) -> tuple[float, ...]:
    random = np.random.RandomState(seed)
    count = round(DOCUMENTS * share)
    people = random.permutation(human)[: OLD + DOCUMENTS - count]
    rows = np.concatenate([people[OLD:], random.permutation(machine)[:count]])
    truth = np.arange(DOCUMENTS) >= DOCUMENTS - count
    nats = {"en": load_calibration().bin_ratios("en")}
    new = _counts(found, rows, NEW, False)
    both = merge_counts([_counts(found, people[:OLD], NEW - 60, True), new])
    level = levels(both, nats, load_calibration())
    helped, alone = estimate(both, nats, level, Prior()), estimate(new, nats, {}, Prior())
    shift = level["en"].shift if "en" in level else 0.0
    tried = ((helped, shift), (alone, 0.0), (Priors(Prior()), 0.0))
    errors = [_error(priors, found.ratio[rows] + moved, truth) for priors, moved in tried]
    return helped.strata[0].share, alone.strata[0].share, *errors


def _counts(found: Scored, rows: np.ndarray, month: int, human: bool) -> pa.Table:
    texts = len(rows)
    return count_scores(
        scores=found.score[rows],
        words=found.words[rows],
        languages=pa.array(["en"] * texts, pa.string()),
        sources=pa.array(["pool"] * texts, pa.string()),
        sites=rows.astype(np.uint64),
        months=np.full(texts, month, np.int16),
        human=np.full(texts, human),
    )


def _error(priors: Priors, ratios: np.ndarray, truth: np.ndarray) -> float:
    """Expected calibration error over tenths of the scale."""
    captured = np.full(len(truth), np.datetime64("2025-03-01", "us"))
    odds, *_ = priors.of(captured, pa.array(["en"] * len(truth)), pa.array(["pool"] * len(truth)))
    stated = 1 / (1 + np.exp(-(odds + ratios)))
    place = np.minimum((stated * 10).astype(int), 9)
    return float(
        sum(
            (place == k).mean() * abs(stated[place == k].mean() - truth[place == k].mean())
            for k in np.unique(place)
        )
    )


if __name__ == "__main__":
    main()
