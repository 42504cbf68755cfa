#!/usr/bin/env python3
"""Measure the intervals of `provenance audit` on people and generators that its reference does not hold: docs/audit.md.

Each stratum is made of one to four kinds of human text and one to four generators, in ratios by detectors that never saw them;
every kind of the same repositories and makers is taken out of the reference before it is asked. Needs no corpus, and a minute.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from provenance.detectors.prevalence import Estimate, em_share
from provenance.detectors.share import (
    BINS,
    GROUPS,
    LOWEST,
    WIDTH,
    Kinds,
    Side,
    Worlds,
    load_kinds,
    make_worlds,
    read_kinds,
)

SHARES = (0.0, 0.02, 0.05, 0.1, 0.2, 0.35, 0.6)
SIZES, KINDS = (150, 300, 600, 1000), (1, 2, 4)
#: Passages that a kind needs to be a stratum's.
FEWEST_HUMAN, FEWEST_SYNTHETIC = 40, 20
#: Strata by language, the rest having the last number; old documents that a stratum has of its own.
STRATA, OLD = {"en": 140, "": 28}, 300
#: What a cap would have left: documents from the lowest ratio on, up to this synthetic share.
CAPPED = 0.05
#: Hosts of each kind: of eight kinds at most, so that none shares a group of sites with another.
HOSTS = 6


@dataclass(frozen=True)
class Case:
    """One stratum: counts by kind and bin of its two labels, and what it is made of."""

    language: str
    human: np.ndarray  # (kinds, BINS)
    synthetic: np.ndarray
    old: np.ndarray  # (BINS,), other documents of its own people
    kinds: Kinds  # without any of its sources

    @property
    def share(self) -> float:
        return float(self.synthetic.sum() / (self.human.sum() + self.synthetic.sum()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kinds", type=Path, help="a file of kinds (default: those that ship)")
    parser.add_argument("--rows", type=Path, help="write a row for each stratum as CSV")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--shares", type=float, nargs="+", default=SHARES, help="synthetic shares of strata")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="documents of strata")
    parser.add_argument("--languages", nargs="+", help="instead of those in which shares are stated")
    parser.add_argument("--strata", type=int, help="strata of each language (English 140, others 28)")
    options = parser.parse_args()
    kinds = read_kinds(options.kinds) if options.kinds else load_kinds()
    cases = make_cases(kinds, options)
    rows = pd.DataFrame([row for case in cases for row in measure(case, options.shares)])
    if options.rows:
        rows.to_csv(options.rows, index=False)
    plain = rows[rows.data == "as it is"]
    for name, table in (("data", rows), ("language", plain), ("asked", plain), ("makeup", plain)):
        print_table(name, table)
    em = (plain.em - plain.share).abs()
    print(f"\nEM on calibrated ratios: mean error {em.mean():.1%}")


def make_cases(kinds: Kinds, options: argparse.Namespace) -> Iterator[Case]:
    """Strata of every language in which shares are stated, shares by turns."""
    for place, language in enumerate(options.languages or kinds.languages):
        random = np.random.default_rng([options.seed, place])
        for number in range(options.strata or STRATA.get(language, STRATA[""])):
            share = options.shares[number % len(options.shares)]
            case = make_case(kinds, language, share, int(random.choice(options.sizes)), random)
            if case is not None:
                yield case


def make_case(
    kinds: Kinds, language: str, share: float, size: int, random: np.random.Generator
) -> Case | None:
    """One stratum; None where its kinds have too few passages for one."""
    sides = (kinds.human, FEWEST_HUMAN), (kinds.synthetic, FEWEST_SYNTHETIC)
    people, machines = (_choose(side, language, fewest, random) for side, fewest in sides)
    human = _take(kinds.human.counts[people], int(np.ceil(size * (1 - share))) + OLD, random)
    synthetic = _take(kinds.synthetic.counts[machines], int(np.ceil(size * share)), random)
    old = _take(human, min(OLD, int(human.sum()) // 2), random)
    human = human - old
    # What there is too little of sets the size.
    for side, part in ((human, 1 - share), (synthetic, share)):
        size = min(size, int(side.sum() / part)) if part else size
    if size < 50:
        return None
    machine = round(size * share)
    rest = kinds.without(
        set(kinds.human.owners[people].tolist()), set(kinds.synthetic.owners[machines].tolist())
    )
    return Case(
        language,
        _take(human, size - machine, random),
        _take(synthetic, machine, random),
        old.sum(axis=0),
        rest,
    )


def measure(case: Case, shares: Sequence[float]) -> Iterator[dict[str, object]]:
    """The stratum as it is, on hosts of one kind each, with old documents of its own people, with those of one other kind, and after a cap."""
    human, synthetic = case.human.sum(axis=0), case.synthetic.sum(axis=0)
    mixed = human + synthetic
    plain = make_worlds(case.kinds, case.language)

    def row(data: str, counts: np.ndarray, share: float, worlds: Worlds) -> dict[str, object]:
        return describe(case, data, counts, share=share, worlds=worlds, shares=shares)

    yield row("as it is", _ungrouped(mixed), case.share, plain)
    yield row("on hosts of one kind each", _on_hosts(case), case.share, plain)
    own = make_worlds(case.kinds, case.language, _ungrouped(case.old))
    yield row("own old documents", _ungrouped(mixed), case.share, own)
    other = case.kinds.human.counts[int(case.old.sum()) % len(case.kinds.human.counts)]
    foreign = make_worlds(case.kinds, case.language, _ungrouped(other))
    yield row("old documents of one other kind", _ungrouped(mixed), case.share, foreign)
    kept = np.cumsum(synthetic) <= CAPPED * np.cumsum(mixed)
    last = int(np.flatnonzero(kept)[-1]) + 1 if kept.any() else 0
    left, machine = mixed[:last], synthetic[:last].sum()
    if case.share > CAPPED and left.sum() >= 50:
        capped, share = _ungrouped(np.pad(left, (0, BINS - last))), float(machine / left.sum())
        yield row("after a cap, known", capped, share, make_worlds(case.kinds, case.language, selected=True))
        yield row("after a cap, not known", capped, share, plain)


def describe(
    case: Case, data: str, counts: np.ndarray, share: float, worlds: Worlds, shares: Sequence[float]
) -> dict[str, object]:
    """What is said of documents by group of sites and bin, beside their true share."""
    found: Estimate = worlds.estimate(counts, "")
    ratios = np.exp(np.clip(LOWEST + WIDTH * (np.arange(BINS) + 0.5), -2.9, 4.0))
    return {
        "data": data,
        "language": case.language,
        "asked": min(shares, key=lambda item: abs(item - case.share)),
        "makeup": "English" if case.language == "en" else "other",
        "documents": int(counts.sum()),
        "share": share,
        "found": found.share,
        "low": found.low,
        "high": found.high,
        "em": em_share(ratios, counts.sum(axis=0)),
    }


def print_table(name: str, rows: pd.DataFrame) -> None:
    """By the values of a column: strata, intervals that hold, their width, error and bias of the point."""
    print(f"\n| {name} | strata | hold | below | above | mean width | mean error | bias |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    for value, part in rows.groupby(name, sort=name == "asked"):
        label = f"{value:.0%}" if isinstance(value, float) else str(value)
        # A share lies between the cells of the grid: half a document more or less is none.
        slack = 0.5 / part.documents
        below, above = (part.share < part.low - slack).mean(), (part.share > part.high + slack).mean()
        off = part.found - part.share
        print(
            f"| {label} | {len(part)} | {1 - below - above:.1%} | {below:.1%} | {above:.1%} | "
            f"{(part.high - part.low).mean():.3f} | {off.abs().mean():.3f} | {off.mean():+.3f} |"
        )


def _choose(side: Side, language: str, fewest: int, random: np.random.Generator) -> np.ndarray:
    """Places of one to four kinds of a language, of which at least one owner is left out of them."""
    places = np.flatnonzero((side.languages == language) & (side.counts.sum(axis=1) >= fewest))
    return random.choice(places, min(int(random.choice(KINDS)), max(len(places) - 1, 1)), replace=False)


def _take(kinds: np.ndarray, wanted: int, random: np.random.Generator) -> np.ndarray:
    """Counts by kind and bin of passages without replacement, as many of each kind as there are and are wanted."""
    each = -(-wanted // len(kinds))
    taken = np.array(
        [random.multivariate_hypergeometric(counts, min(each, int(counts.sum()))) for counts in kinds]
    )
    flat = random.multivariate_hypergeometric(taken.ravel(), min(wanted, int(taken.sum())))
    return np.asarray(flat.reshape(taken.shape))


def _on_hosts(case: Case) -> np.ndarray:
    """Counts by group of sites where each kind has HOSTS of its own, each in another group."""
    table = np.zeros((GROUPS, BINS), np.int64)
    kinds = np.concatenate([case.human, case.synthetic])
    random = np.random.default_rng(int(kinds.sum()))
    for place, counts in enumerate(kinds):
        table[place * HOSTS : (place + 1) * HOSTS] = random.multinomial(counts, [1 / HOSTS] * HOSTS).T
    return table


def _ungrouped(counts: np.ndarray) -> np.ndarray:
    """Counts by bin as those of one group of sites: nothing is known of sites."""
    table = np.zeros((GROUPS, BINS), np.int64)
    table[0] = counts
    return table


if __name__ == "__main__":
    main()
