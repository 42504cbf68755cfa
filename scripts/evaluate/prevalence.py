#!/usr/bin/env python3
"""Measure `provenance audit` on mixtures of known composition: the table of docs/audit.md.

Mixtures of 1,000 English passages (400 where the humans are few), drawn DRAWS times. The detector and the
reference have seen neither the pool's split `test` nor the other texts; the detector was trained on the 2026
generator, so that part only shows what a generator does that scores unlike the reference's.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from provenance.audit import word_shares
from provenance.audit.estimate import Counts, Stratum, prevalence_report
from provenance.detectors.embedded.calibration import BUCKETS, load_calibration
from provenance.detectors.embedded.conformal import BINS
from provenance.detectors.embedded.model import Scores, load_model

SHARES = (0.0, 0.01, 0.05, 0.2, 0.5)
DRAWS = 20
METHODS = ("EM on reference scores", "adjusted count", "EM on calibrated ratios", "word mixture")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path, help="directory with pool_test.parquet and pool_2026.parquet")
    parser.add_argument(
        "others", type=Path, help="Parquet with text, label and domain of other kinds and generators"
    )
    options = parser.parse_args()
    test, latest = (
        read_texts(pd.read_parquet(options.corpus / f"pool_{name}.parquet").query("language == 'en'"))
        for name in ("test", "2026")
    )
    elsewhere = pd.read_parquet(options.others)
    others = read_texts(elsewhere)
    shuffled = np.random.RandomState(0).permutation(others.humans())
    own, fresh = shuffled[:330], shuffled[330:]
    print("| humans; synthetic | method | " + " | ".join(f"{share:.0%}" for share in SHARES) + " |")
    print("|---|---|" + "---:|" * len(SHARES))
    print_mixtures("held-out; held-out", test, test.humans(), test, 1000)
    print_mixtures("held-out; other generators", test, test.humans(), others, 800)
    print_mixtures("held-out; the 2026 generator", test, test.humans(), latest, 1000)
    print_mixtures("other kinds; other generators", others, others.humans(), others, 400)
    print_mixtures("the same, own old documents", others, fresh, others, 200, old=own)
    print_strata(test)
    abstracts = read_texts(elsewhere.query("label == 'human' and domain == 'arxiv'"))
    print_humans("human abstracts alone", abstracts)


@dataclass(frozen=True)
class Passages:
    """Judged passages with what the audit reads of them."""

    texts: pa.Array
    scores: Scores
    judged: np.ndarray
    synthetic: np.ndarray

    def humans(self) -> np.ndarray:
        return np.flatnonzero(self.judged & ~self.synthetic)

    def machines(self) -> np.ndarray:
        return np.flatnonzero(self.judged & self.synthetic)

    def histogram(self, rows: np.ndarray) -> np.ndarray:
        return word_shares.count_scores(self.scores, self._use(rows), len(BUCKETS), BINS)

    def sentences(self, rows: np.ndarray) -> np.ndarray:
        reference = word_shares.load_reference()
        texts = self.texts.take(pa.array(rows))
        return word_shares.count_sentences(texts, 0, reference, np.ones(len(rows), bool))

    def _use(self, rows: np.ndarray) -> np.ndarray:
        use = np.zeros(len(self.judged), bool)
        use[rows] = True
        return use


def read_texts(frame: pd.DataFrame) -> Passages:
    """Score English passages with the columns `text` and `label`."""
    texts = pa.array(frame.text, pa.large_string())
    scores = load_model().score(texts)
    _, abstained = load_calibration().ratios(scores.score, scores.words, ["en"] * len(texts), scores.known)
    return Passages(texts, scores, ~abstained, (frame.label == "synthetic").to_numpy())


def counts_of(parts: list[tuple[Passages, np.ndarray]], old: np.ndarray | None = None) -> Counts:
    """What an audit counts of these rows; `old` ones of the first part are proven human."""
    found = Counts()
    for passages, rows in parts:
        found.sentences += passages.sentences(rows)
        nobody = np.zeros(len(rows), bool)
        found.whole.add(nobody, ~nobody, passages.histogram(rows))
    if old is not None:
        found.humans += parts[0][0].histogram(old)
    return found


def print_mixtures(
    name: str,
    people: Passages,
    humans: np.ndarray,
    makers: Passages,
    size: int,
    old: np.ndarray | None = None,
) -> None:
    """A row for each method: mean estimate, largest error and how many intervals hold the truth."""
    reports: dict[float, list[dict[str, Any]]] = {share: [] for share in SHARES}
    for share, seed in ((share, seed) for share in SHARES for seed in range(DRAWS)):
        random = np.random.RandomState(seed)
        machine = round(size * share)
        drawn = random.choice(humans, size - machine, replace=False)
        made = random.choice(makers.machines(), machine, replace=False)
        report = prevalence_report(counts_of([(people, drawn), (makers, made)], old))
        reports[share].append(report["documents"])
    for method in METHODS:
        cells = []
        for share, drawn_reports in reports.items():
            found = [_estimate(report, method) for report in drawn_reports]
            point = np.array([item["share"] for item in found])
            held = np.mean([item["interval"][0] <= share <= item["interval"][1] for item in found])
            cells.append(f"{point.mean():.1%} ±{abs(point - share).max():.1%} ({held:.0%})")
        print(f"| {name} | {method} | " + " | ".join(cells) + " |", flush=True)
    widths = [
        np.mean([_estimate(report, METHODS[0])["interval"] for report in reports[s]], axis=0) for s in SHARES
    ]
    print(f"| {name} | mean interval, EM | " + " | ".join(f"{w[0]:.1%} to {w[1]:.1%}" for w in widths) + " |")
    least = [np.array([report["at_least"] for report in reports[share]]) for share in SHARES]
    cells = [
        f"{found.mean():.1%} ({(found <= share).mean():.0%})"
        for share, found in zip(SHARES, least, strict=True)
    ]
    print(f"| {name} | at least | " + " | ".join(cells) + " |", flush=True)


def print_strata(test: Passages) -> None:
    """Two sources of 300 documents each in one dataset, one in twenty and one in two synthetic."""
    found: dict[str, list[tuple[float, bool]]] = {"0.05": [], "0.5": []}
    for seed in range(DRAWS):
        random = np.random.RandomState(seed)
        humans, machines = random.permutation(test.humans()), random.permutation(test.machines())
        parts = {
            "0.05": np.concatenate([humans[:285], machines[:15]]),
            "0.5": np.concatenate([humans[285:435], machines[15:165]]),
        }
        counts = counts_of([(test, np.concatenate(list(parts.values())))])
        for name, rows in parts.items():
            stratum = Stratum()
            stratum.add(np.zeros(300, bool), np.ones(300, bool), test.histogram(rows))
            counts.strata["source"][name] = stratum
        for name, report in prevalence_report(counts)["by_source"].items():
            item = report["estimates"][0]
            held = item["interval"][0] <= float(name) <= item["interval"][1]
            found[name].append((item["share"], held))
    for name, values in found.items():
        shares = np.array([value for value, _ in values])
        print(
            f"source with {float(name):.0%}: mean {shares.mean():.1%}, "
            f"largest error {abs(shares - float(name)).max():.1%}, held {np.mean([h for _, h in values]):.0%}"
        )


def print_humans(name: str, passages: Passages) -> None:
    """What is found in human text of a kind that the reference does not have."""
    report = prevalence_report(counts_of([(passages, passages.humans())]))["documents"]
    found = ", ".join(f"{method} {_estimate(report, method)['share']:.1%}" for method in METHODS)
    print(f"{name} ({report['judged']}): {found}, at least {report['at_least']:.1%}")


def _estimate(report: dict[str, Any], method: str) -> dict[str, Any]:
    every = [*report["estimates"], *report["further"]]
    return next(item for item in every if item["method"] == method)


if __name__ == "__main__":
    main()
