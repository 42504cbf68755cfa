"""Collapse in worlds so small that it can be written down: each simulation beside its closed form.

Models that fit their own samples lose variance (a Gaussian), the rarer colour (two colours) and the tail (Zipf);
a fixed share of the original in each sample stops that. Shumailov et al. 2024 (Nature 631:755) describe the first two.
"""

from __future__ import annotations

import argparse

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

Floats = NDArray[np.float64]


def gaussian_chain(sample: int, generations: int, human: float, runs: int) -> Floats:
    """Mean variance of a Gaussian fitted to `sample` points again and again, of shape (generations + 1,).

    A share `human` of each sample is of the original, N(0, 1); the rest is of the model before.
    """
    random = np.random.default_rng([sample, generations, runs])
    mean, deviation = np.zeros(runs), np.ones(runs)
    kept = round(sample * human)
    found = [1.0]
    for _ in range(generations):
        points = random.standard_normal((runs, sample))
        points[:, kept:] = mean[:, None] + deviation[:, None] * points[:, kept:]
        mean, deviation = points.mean(axis=1), points.std(axis=1)
        found.append(float((deviation**2).mean()))
    return np.array(found)


def gaussian_formula(sample: int, generations: int, human: float) -> Floats:
    """What `gaussian_chain` expects; without human points it is (1 - 1/n)^t.

    With U = E[mean²] and S = E[variance]: U' = (1 - a)² U + (a + (1 - a) S) / n and S' = a + (1 - a)(U + S) - U'.
    """
    share = round(sample * human) / sample
    drift, variance = 0.0, 1.0
    found = [variance]
    for _ in range(generations):
        moved = (1 - share) ** 2 * drift + (share + (1 - share) * variance) / sample
        variance = share + (1 - share) * (drift + variance) - moved
        drift = moved
        found.append(variance)
    return np.array(found)


def transitions(sample: int) -> Floats:
    """Chance to go from i to j of `sample` draws of one colour (Wright and Fisher), of shape (sample + 1, sample + 1)."""
    counts = np.arange(sample + 1)
    return np.asarray(binom.pmf(counts[None, :], sample, counts[:, None] / sample), np.float64)


def colours_chain(sample: int, generations: int, yellow: float, runs: int) -> Floats:
    """Share of runs in which all of `sample` draws are yellow, of shape (generations + 1,)."""
    random = np.random.default_rng([sample, generations, runs, 1])
    share = np.full(runs, yellow)
    found = [0.0]
    for _ in range(generations):
        share = random.binomial(sample, share) / sample
        found.append(float((share == 1).mean()))
    return np.array(found)


def colours_formula(sample: int, generations: int, yellow: float) -> Floats:
    """What `colours_chain` expects: powers of the transition matrix. Its limit is the first share of yellow."""
    state = np.asarray(binom.pmf(np.arange(sample + 1), sample, yellow), np.float64)
    step = transitions(sample)
    found = [0.0]
    for _ in range(generations):
        found.append(float(state[-1]))
        state = state @ step
    return np.array(found)


def zipf(types: int) -> Floats:
    """Probabilities in proportion to 1 / rank, of shape (types,)."""
    weight = 1 / np.arange(1, types + 1)
    return np.asarray(weight / weight.sum())


def tails_chain(sample: int, generations: int, types: int, runs: int) -> Floats:
    """Mean number of types that are left of Zipf's, of shape (generations + 1,)."""
    random = np.random.default_rng([sample, generations, types, runs])
    share = np.tile(zipf(types), (runs, 1))
    found = [float(types)]
    for _ in range(generations):
        share = random.multinomial(sample, share) / sample
        found.append(float((share > 0).sum(axis=1).mean()))
    return np.array(found)


def tails_formula(sample: int, generations: int, types: int) -> Floats:
    """What `tails_chain` expects: each type by itself is a chain of two colours, so survivors are a sum over types."""
    state = np.asarray(binom.pmf(np.arange(sample + 1)[None, :], sample, zipf(types)[:, None]), np.float64)
    step = transitions(sample)
    found = [float(types)]
    for _ in range(generations):
        found.append(float((1 - state[:, 0]).sum()))
        state = state @ step
    return np.array(found)


def table() -> str:
    """The worlds after 0, 1, 5 and 20 generations, simulated and by formula, in Markdown."""
    at = [0, 1, 5, 20]
    worlds = {
        "variance, 20 points, none human": (gaussian_chain(20, 20, 0, 40_000), gaussian_formula(20, 20, 0)),
        "variance, 20 points, a tenth human": (
            gaussian_chain(20, 20, 0.1, 40_000),
            gaussian_formula(20, 20, 0.1),
        ),
        "all yellow, 20 draws, 90% at first": (
            colours_chain(20, 20, 0.9, 20000),
            colours_formula(20, 20, 0.9),
        ),
        "types left of 1,000, 200 draws": (tails_chain(200, 20, 1000, 200), tails_formula(200, 20, 1000)),
    }
    lines = [
        "| world | " + " | ".join(f"generation {t}" for t in at) + " |",
        "|---|" + "---:|" * len(at),
    ]
    for name, (simulated, formula) in worlds.items():
        cells = (f"{simulated[t]:.4g} ({formula[t]:.4g})" for t in at)
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """Print the table."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    print(table())


if __name__ == "__main__":
    main()
