#!/usr/bin/env python
"""What sites add to single documents, on simulated crawls of texts that the detector has not seen: the table of docs/probability.md.

Sites have 1 to 60 documents (Pareto); machine text is a quarter of all, spread evenly or clustered by site (Beta), and a third of the
documents is hidden from the detector, as short ones are. Human texts of a site are of one source.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from provenance.configuration import Configuration
from provenance.decisions import sites
from provenance.detectors.embedded.calibration import auroc
from provenance.detectors.prevalence import em_share
from scripts.evaluate.cap import read_pool

SITES, SHARE, HIDDEN, RUNS = 300, 0.25, 0.3, 10
#: How evenly machine text is spread: None is evenly, the less the more clustered by site.
CONCENTRATIONS = (None, 3.0, 0.5)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path, help="directory of the development pools")
    parser.add_argument("--scores", type=Path, help="file that keeps the annotated pool")
    options = parser.parse_args()
    pool = read_pool(options.corpus, Configuration(), options.scores)
    english = np.asarray([name == "en" for name in pool.table["language"].to_pylist()])
    ratio = np.asarray([_ratio(items) for items in pool.table["evidence"].to_pylist()])
    print(
        "| machine text | old documents | spread | AUROC | with sites | of hidden ones | TPR at 1% | with sites | ECE | with sites |"
    )
    print("|---|---|---:|---:|---:|---:|---:|---:|---:|---:|")
    for concentration in CONCENTRATIONS:
        for old in (False, True):
            rows = [
                simulate(
                    pool.machine[english],
                    pool.kind[english],
                    ratio[english],
                    concentration,
                    old=old,
                    seed=seed,
                )
                for seed in range(RUNS)
            ]
            name = "even" if concentration is None else f"by site, Beta {concentration:g}"
            figures = " | ".join(f"{value:.3f}" for value in np.mean(rows, axis=0))
            print(f"| {name} | {'yes' if old else 'no'} | {figures} |")


def _ratio(items: list[dict[str, object]] | None) -> float:
    return sum(float(str(item["llr"])) for item in items or [] if str(item["source"]).startswith("detector:"))


def simulate(
    machine: NDArray[np.bool_],
    kind: NDArray[np.str_],
    ratio: NDArray[np.float64],
    concentration: float | None,
    old: bool,
    seed: int,
) -> list[float]:
    """Figures of one crawl, in the order of the table."""
    random = np.random.default_rng(seed)
    human = [np.flatnonzero(~machine & (kind == name)) for name in np.unique(kind[~machine])]
    human = [rows for rows in human if len(rows) >= 20]
    written = [np.flatnonzero(machine & (kind == name)) for name in np.unique(kind[machine])]
    drawn: list[tuple[int, int, bool]] = []
    for site, size in enumerate(np.clip(random.pareto(1.2, SITES) * 3 + 1, 1, 60).astype(int)):
        share = (
            SHARE
            if concentration is None
            else random.beta(SHARE * concentration, (1 - SHARE) * concentration)
        )
        count = random.binomial(size, share)
        source = human[random.integers(len(human))]
        own = random.choice(source, size - count)
        made = random.choice(written[random.integers(len(written))], count)
        drawn += [(int(row), site, False) for row in np.concatenate([own, made])]
        if old and random.random() < 0.5:
            drawn += [(int(row), site, True) for row in random.choice(source, random.integers(1, 10))]
    frame = pd.DataFrame(drawn, columns=["row", "site", "old"])
    return _figures(frame, machine, ratio, random)


def _figures(
    frame: pd.DataFrame, machine: NDArray[np.bool_], ratio: NDArray[np.float64], random: np.random.Generator
) -> list[float]:
    row, aged = frame.row.to_numpy(), frame.old.to_numpy(bool)
    judged = random.random(len(row)) >= HIDDEN
    nats = np.where(judged, ratio[row], 0.0)
    share = em_share(np.exp(nats[judged & ~aged]))
    prior = np.where(aged, -6.9, np.log(share / (1 - share)))
    site = frame.site.to_numpy().astype(np.uint64) * np.uint64(2**40 + 7)
    counts = sites.count_sites(site, prior, nats, judged, aged)
    clustering = sites.find_clustering([sites.site_statistics(counts)])
    effects = sites.site_effects(counts, clustering)
    at = sites.look_up(effects, site, sites.kinds(prior, nats, judged, aged))
    shift = sites.mean_shift(sites.log_odds_counts(effects)) if clustering.spread else 0.0
    plain = (prior + nats)[~aged]
    helped = plain + effects.effect[at][~aged] + shift
    truth, seen = machine[row][~aged], judged[~aged]
    return [
        clustering.spread,
        auroc(plain[seen], truth[seen]),
        auroc(helped[seen], truth[seen]),
        auroc(helped[~seen], truth[~seen]),
        _found(plain[seen], truth[seen]),
        _found(helped[seen], truth[seen]),
        _error(plain, truth),
        _error(helped, truth),
    ]


def _found(odds: NDArray[np.float64], truth: NDArray[np.bool_]) -> float:
    """Share of machine texts above 99% of the human ones."""
    return float((odds[truth] > np.quantile(odds[~truth], 0.99)).mean())


def _error(odds: NDArray[np.float64], truth: NDArray[np.bool_]) -> float:
    """Expected calibration error over tenths of the scale."""
    stated = 1 / (1 + np.exp(-odds))
    place = np.minimum((stated * 10).astype(int), 9)
    return float(
        sum(
            (place == k).mean() * abs(stated[place == k].mean() - truth[place == k].mean())
            for k in np.unique(place)
        )
    )


if __name__ == "__main__":
    main()
