"""Coins that many documents share: what one fixed key does to the texts of a language.

A null over keys is exact, but a user has one key: it gives "of" and "the" the colour that they have, and shifts
every document that holds them. In a batch, the other documents tell which coins are shared and how often; a
document is then compared with the greens among coins as common as its own, and p is right over texts too.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from provenance.annotators.watermarks.null import SMALLEST_P
from provenance.annotators.watermarks.ragged import F64, I64, Bools
from provenance.annotators.watermarks.scheme import Marks

#: Documents that must be left to compare with, else the null over keys stands.
ENOUGH = 100
#: Coins in this share of the other documents are left out (few, and each weighs on all alike) if they are also
#: twice as common as the median one: of a small vocabulary every token is in many documents.
COMMON = 0.1
#: A document with a smaller p over keys is taken for marked and is no part of the comparison.
SUSPECT = 1e-3

_STRATA = 32


class _Coins(NamedTuple):
    """The coins of a batch: coin c is in documents `doc[starts[c] : starts[c + 1]]`, `holders[c]` of them compared."""

    starts: I64
    holders: I64
    doc: I64
    green: Bools  # as doc


def among_others(
    exact: F64, marks: Marks, offsets: I64, ties: F64, *, least: int, rate: float, population: int = 0
) -> tuple[I64, F64]:
    """Coins compared and p-value of each document of a batch, by strata of how many other documents share a coin.

    `exact` (documents) is the p-value over keys, 1 where a document is too short; the values of `marks` are green (1)
    or not (0). Coins that no other document has are green with probability `rate`; of a finite `population` of coins,
    with what the shared ones leave of it. In each stratum, an octave of shares, the draw is without replacement; the
    sum is taken for the binomial of its mean and variance. Returns (coins, p), p 1 with fewer than `least` coins; where
    fewer than ENOUGH documents remain to compare with, all coins and `exact`.
    """
    if marks.keys is None:
        raise ValueError("coins without keys cannot be compared between documents")
    keys, counted, green = marks.keys, marks.counted, marks.value > 0
    documents = len(offsets) - 1
    doc = np.repeat(np.arange(documents), np.diff(offsets))[counted]
    coins = np.bincount(doc, minlength=documents).astype(np.int64)
    compared = (exact < 1.0) & (exact >= SUSPECT if marks.unmarked is None else marks.unmarked)
    if compared.sum() < ENOUGH:
        return coins, exact
    order = np.argsort(keys[counted], kind="stable")
    names, doc = keys[counted][order], doc[order]
    first = np.flatnonzero(np.concatenate([[True], names[1:] != names[:-1]]))
    holders = np.add.reduceat(compared[doc].astype(np.int64), first)
    sizes = np.diff(np.append(first, len(doc)))
    limit = max(COMMON * float(compared.sum()), 2.0 * float(np.median(np.repeat(holders, sizes))))
    held = _Coins(first, holders, doc, green[counted][order])
    kept, hits, mean, variance = _strata(held, compared, limit, rate, population)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = 1.0 - variance / mean
        p = _upper(hits, mean / share, share) * (1.0 - ties) + ties * _upper(hits - 1.0, mean / share, share)
    p = np.where(variance > 1e-6, np.clip(p, SMALLEST_P, 1.0), 1.0)
    return kept, np.where((exact < 1.0) & (kept >= least), p, 1.0)


def _upper(hits: F64, trials: F64, share: F64) -> F64:
    """P(X > hits) for X ~ Binomial(trials, share), `trials` any positive number."""
    from scipy.special import betainc  # a quarter of a second that only a watermark needs

    above = np.maximum(hits + 1.0, 1e-9)
    tail = betainc(above, np.maximum(trials - hits, 1e-9), np.clip(share, 0.0, 1.0))
    return np.asarray(np.where(hits < 0, 1.0, np.where(hits >= trials, 0.0, tail)), dtype=np.float64)


@njit(cache=True, nogil=True)
def _octave(others: int) -> int:
    stratum = 0
    while others > 0:
        others >>= 1
        stratum += 1
    return stratum


@njit(cache=True, nogil=True)
def _strata(
    coins: _Coins, compared: Bools, limit: float, rate: float, population: int
) -> tuple[I64, F64, F64, F64]:
    """Coins kept, green ones, and their mean and variance under the null, for each document."""
    starts, holders, doc, green = coins
    documents = len(compared)
    size = np.zeros(_STRATA, np.float64)
    greens = np.zeros(_STRATA, np.float64)
    drawn = np.zeros((documents, _STRATA), np.int32)
    hits = np.zeros(documents, np.float64)
    kept = np.zeros(documents, np.int64)
    beyond, green_beyond = 0, 0
    for c in range(len(starts)):
        first = starts[c]
        last = starts[c + 1] if c + 1 < len(starts) else len(doc)
        if holders[c] > 1:
            beyond += 1
            green_beyond += green[first]
        if holders[c] < limit:
            stratum = _octave(holders[c])
            size[stratum] += 1
            greens[stratum] += green[first]
        for k in range(first, last):
            others = holders[c] - compared[doc[k]]
            if others < limit:
                drawn[doc[k], _octave(others)] += 1
                hits[doc[k]] += green[k]
                kept[doc[k]] += 1
    share = np.zeros(_STRATA, np.float64)
    for s in range(_STRATA):
        share[s] = greens[s] / size[s] if size[s] > 0 else rate
    share[0] = rate
    unseen = 0.0
    if population > beyond:
        unseen = float(population - beyond)
        share[0] = min(1.0, max(0.0, (rate * population - green_beyond) / unseen))
    mean = np.zeros(documents, np.float64)
    variance = np.zeros(documents, np.float64)
    for d in range(documents):
        for s in range(_STRATA):
            n = drawn[d, s]
            if n == 0:
                continue
            whole = unseen if s == 0 else size[s]
            left = 1.0 if whole == 0.0 else max(0.0, whole - n) / max(1.0, whole - 1.0)
            mean[d] += n * share[s]
            variance[d] += n * share[s] * (1.0 - share[s]) * left
    return kept, hits, mean, variance
