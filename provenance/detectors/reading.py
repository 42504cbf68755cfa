"""A second reading of a crawl's scores: by the kinds of text that its people and its machines may be of.

A calibration's ratio is an average over all kinds that it knows. A crawl is of a few, and which ones shows in how its scores
are spread: hardly any between high and low, and its machines are of those that are found well, so that a low score tells
more than the average says; many, and it tells less.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from provenance.detectors.share import (
    BINS,
    LOWEST,
    PRIOR,
    SHARES,
    WIDTH,
    Kinds,
    design_effect,
    draw_sides,
    most_told,
    told,
)

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

#: Worlds that are less likely than the likeliest by this factor do not count.
_LEAST = 1e-5
#: Nats are rounded to this many decimals, so that the arithmetic of another processor gives the same ones.
_DECIMALS = 3
#: Log-odds are kept within this of even ones.
_MOST = 7.0
_MIDDLES = LOWEST + WIDTH * (np.arange(BINS) + 0.5)


@dataclass(frozen=True)
class Reading:
    """Log-odds that a machine wrote a document, by bin of its calibrated ratio, shape (BINS,), for one language of a crawl.

    `upper` are those that they are below at one-sided 95%, the kinds and the share being uncertain.
    """

    log_odds: F64
    upper: F64
    share: float
    documents: int
    humans: int  # documents of the crawl itself that are known to be people's, among what stands for people

    def at(self, ratios: F64) -> tuple[F64, F64]:
        """(log-odds, their upper end) at each calibrated ratio before its bounds."""
        return np.interp(ratios, _MIDDLES, self.log_odds), np.interp(ratios, _MIDDLES, self.upper)


def read_scores(kinds: Kinds, language: str, counts: I64, own: I64) -> Reading:
    """The reading of a language with `counts` of new documents and `own` ones known to be people's, shape (GROUPS, BINS) each.

    Each draw of what people and machines may score (`share.draw_sides`) counts, with each share, by how well it explains the
    counts. The probability of a bin is the mean over them, its upper end what 95% of them are below; both rise with the ratio.
    """
    from scipy.optimize import isotonic_regression  # a quarter of a second, which only selecting needs

    human, synthetic = draw_sides(kinds, language, own)
    likelihood = _likelihood(human, synthetic, told(counts, most_told(kinds, language)))
    weight = np.exp(likelihood - likelihood.max()) * PRIOR
    draws, shares = np.nonzero(weight > weight.max() * _LEAST)
    weight = weight[draws, shares] / weight[draws, shares].sum()
    share = SHARES[shares]
    machine = share[:, None] * synthetic[draws]
    probability = machine / (machine + (1 - share)[:, None] * human[draws])
    seen = counts.sum(axis=0) + own.sum(axis=0) / design_effect(own) + 1.0
    log_odds, upper = (
        isotonic_regression(_logit(values), weights=seen).x
        for values in (weight @ probability, _quantiles(probability, weight))
    )
    return Reading(
        log_odds=np.round(log_odds, _DECIMALS),
        upper=np.round(np.maximum(upper, log_odds), _DECIMALS),
        share=round(float(weight @ share), 6),
        documents=int(counts.sum()),
        humans=int(own.sum()),
    )


def _likelihood(human: F64, synthetic: F64, seen: F64) -> F64:
    """Log-likelihood of `seen` documents by bin for each draw and share, shape (draws, shares)."""
    found = np.zeros((len(human), len(SHARES)))
    for place in np.flatnonzero(seen):
        mixed = SHARES * synthetic[:, place, None] + (1 - SHARES) * human[:, place, None]
        found += seen[place] * np.log(mixed)
    return found


def _quantiles(values: F64, weight: F64) -> F64:
    """What 95% of the weight of each column of `values` is at or below."""
    order = np.argsort(values, axis=0)  # not stable, and five times as fast: equal values are one value here
    below = np.cumsum(weight[order], axis=0)
    at = np.minimum((below < 0.95).sum(axis=0), len(values) - 1)
    return np.asarray(np.take_along_axis(np.take_along_axis(values, order, axis=0), at[None], axis=0)[0])


def _logit(share: F64) -> F64:
    with np.errstate(divide="ignore"):
        return np.asarray(np.clip(np.log(share) - np.log1p(-share), -_MOST, _MOST))
