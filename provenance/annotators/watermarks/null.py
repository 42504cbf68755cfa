"""What an unmarked text would score: the null distribution of each kind of statistic.

Discrete statistics have randomised p-values, P(X > x) + u·P(X = x), with u from a hash of the text
(`ragged.tie_breakers`): uniform under the null instead of conservative, and the same for the same text.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from numba import njit

from provenance.annotators.watermarks.ragged import F64, I64

#: Smallest p-value reported: beyond it the tail is of the arithmetic, not of the text.
SMALLEST_P = 1e-300
#: A coin that chance brings this often to a document is left out of the p-value (`ragged.commonplace_pairs`):
#: on 100,000 Zipf texts it takes the share of p < 0.001 under an unlucky key from 0.004 to what it should be.
COMMONPLACE = 0.1
#: A watermark adds at most this to the log-odds (a factor of about 400) ...
MAX_LLR = 6.0
#: The share of synthetic texts that is assumed to carry a mark that is looked for: nearly all generators leave none.
MARKED_SHARE = 0.02
#: What the absence of a mark takes away.
MIN_LLR = math.log1p(-MARKED_SHARE)


def binomial_p(hits: I64, trials: I64, rate: float, ties: F64) -> F64:
    """P(X > hits) + ties·P(X = hits) for X ~ Binomial(trials, rate); arrays of one length."""
    return _binomial(hits.astype(np.int64), trials.astype(np.int64), rate, ties)


def hypergeometric_p(hits: I64, draws: I64, population: int, marked: int, ties: F64) -> F64:
    """P(X > hits) + ties·P(X = hits) for X = marked items in `draws` of a population without replacement."""
    return _hypergeometric(hits.astype(np.int64), draws.astype(np.int64), population, marked, ties)


def gamma_p(total: F64, count: I64) -> F64:
    """P(X >= total) for the sum X of `count` standard exponentials."""
    from scipy.special import gammaincc  # a quarter of a second that no other watermark needs

    p = gammaincc(np.maximum(count, 1).astype(np.float64), np.maximum(total, 0.0))
    return np.clip(np.where(count > 0, p, 1.0), SMALLEST_P, 1.0)


def sum_p(total: F64, count: I64, values: F64, weights: F64) -> F64:
    """P(X >= total) for the sum X of `count` independent draws of `values` with probabilities `weights`.

    Saddlepoint approximation (Lugannani and Rice 1980); below one standard deviation normal, corrected for skewness.
    """
    return _sum_tail(total.astype(np.float64), count.astype(np.int64), values, weights)


def sidak(p_value: npt.ArrayLike, tried: int) -> F64:
    """The p-value corrected for `tried` tests of the same document (Šidák 1967)."""
    p = np.asarray(p_value, dtype=np.float64)
    return np.asarray(np.clip(-np.expm1(tried * np.log1p(-np.minimum(p, 1 - 1e-16))), 0.0, 1.0))


def benjamini_hochberg(p_values: npt.ArrayLike) -> F64:
    """q-values: the smallest false-discovery rate at which each test is rejected (1995); shape kept."""
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, axis=None, kind="stable")
    scaled = p.ravel()[order] * (p.size / np.arange(1, p.size + 1))
    q = np.empty(p.size, np.float64)
    q[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return q.reshape(p.shape)


def watermark_llr(p_value: float, maximum: float = MAX_LLR) -> float:
    """The log-likelihood ratio, in nats, that a corrected p-value is worth as evidence for "synthetic".

    ln(1 - s + s·B): of synthetic texts the share s = MARKED_SHARE is marked, the others look as human ones do. B is the
    bound of Sellke, Bayarri and Berger (2001), 1 / (-e·p·ln p) for p < 1/e and 1 above, the most that a p-value can say
    for "marked". So a p-value that one human text in a hundred has says next to nothing. Cut at `maximum`, because
    keys are public and a text can be forged or quoted.
    """
    if not 0.0 <= p_value <= 1.0:
        raise ValueError(f"a p-value lies in 0..1, not {p_value}")
    if p_value >= math.exp(-1.0):
        return MIN_LLR
    p = max(p_value, SMALLEST_P)
    bound = -1.0 - math.log(p) - math.log(-math.log(p))
    if bound > 100.0:
        return maximum
    return min(maximum, math.log1p(MARKED_SHARE * (math.exp(bound) - 1.0)))


@njit(cache=True, nogil=True)
def _binomial(hits: I64, trials: I64, rate: float, ties: F64) -> F64:
    out = np.ones(len(hits), np.float64)
    odds = rate / (1.0 - rate)
    for d in range(len(hits)):
        n, k = trials[d], hits[d]
        if n <= 0:
            continue
        term = math.exp(
            math.lgamma(n + 1.0)
            - math.lgamma(k + 1.0)
            - math.lgamma(n - k + 1.0)
            + k * math.log(rate)
            + (n - k) * math.log1p(-rate)
        )
        # sum away from the mean, so that terms only fall and none that matters has underflowed
        if k < n * rate:
            total = (1.0 - ties[d]) * term
            while k > 0 and term > 0.0:
                term *= k / ((n - k + 1.0) * odds)
                k -= 1
                total += term
            total = 1.0 - total
        else:
            total = ties[d] * term
            while k < n and term > total * 1e-17:
                term *= odds * (n - k) / (k + 1.0)
                k += 1
                total += term
        out[d] = min(1.0, max(SMALLEST_P, total))
    return out


@njit(cache=True, nogil=True)
def _hypergeometric(hits: I64, draws: I64, population: int, marked: int, ties: F64) -> F64:
    out = np.ones(len(hits), np.float64)
    rest = population - marked
    for d in range(len(hits)):
        n, k = draws[d], hits[d]
        if n <= 0:
            continue
        term = math.exp(
            math.lgamma(marked + 1.0)
            - math.lgamma(k + 1.0)
            - math.lgamma(marked - k + 1.0)
            + math.lgamma(rest + 1.0)
            - math.lgamma(n - k + 1.0)
            - math.lgamma(rest - n + k + 1.0)
            - math.lgamma(population + 1.0)
            + math.lgamma(n + 1.0)
            + math.lgamma(population - n + 1.0)
        )
        if k < n * (marked / population):
            total = (1.0 - ties[d]) * term
            while k > 0 and rest - n + k > 0 and term > 0.0:
                term *= k / (marked - k + 1.0) * ((rest - n + k) / (n - k + 1.0))
                k -= 1
                total += term
            total = 1.0 - total
        else:
            total = ties[d] * term
            while k < n and k < marked and term > total * 1e-17:
                term *= (marked - k) / (k + 1.0) * ((n - k) / (rest - n + k + 1.0))
                k += 1
                total += term
        out[d] = min(1.0, max(SMALLEST_P, total))
    return out


@njit(cache=True, nogil=True)
def _sum_tail(total: F64, count: I64, values: F64, weights: F64) -> F64:
    mean = 0.0
    for j in range(len(values)):
        mean += weights[j] * values[j]
    variance, third = 0.0, 0.0
    highest = values[0]
    at_highest = 0.0
    for j in range(len(values)):
        variance += weights[j] * (values[j] - mean) ** 2
        third += weights[j] * (values[j] - mean) ** 3
        if values[j] > highest and weights[j] > 0.0:
            highest = values[j]
    for j in range(len(values)):
        if values[j] >= highest:
            at_highest += weights[j]
    out = np.ones(len(total), np.float64)
    if variance <= 0.0:
        return out
    for d in range(len(total)):
        n = count[d]
        if n <= 0:
            continue
        x = total[d] / n
        z = (x - mean) * math.sqrt(n / variance)
        if z < 1.0:
            density = math.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi)
            skewed = third / (6.0 * math.sqrt(n * variance**3)) * (z * z - 1.0) * density
            out[d] = min(1.0, max(SMALLEST_P, 0.5 * math.erfc(z / math.sqrt(2.0)) + skewed))
            continue
        if x >= highest - 1e-9 * math.sqrt(variance):
            out[d] = max(SMALLEST_P, math.exp(n * math.log(at_highest)))
            continue
        # Newton on K'(t) = x, kept inside a bracket: K' rises with t
        low, high, t = 0.0, 1e9, (x - mean) / variance
        k0, k2 = 0.0, variance
        for _ in range(60):
            m0, m1, m2 = 0.0, 0.0, 0.0
            for j in range(len(values)):
                e = weights[j] * math.exp(t * (values[j] - highest))
                m0 += e
                m1 += e * values[j]
                m2 += e * values[j] * values[j]
            k0 = math.log(m0) + t * highest
            k1 = m1 / m0
            k2 = max(m2 / m0 - k1 * k1, 1e-300)
            if abs(k1 - x) < 1e-10 * math.sqrt(variance):
                break
            if k1 < x:
                low = t
            else:
                high = t
            t += (x - k1) / k2
            if t <= low or t >= high:
                t = 2.0 * low + 1e-12 if high >= 1e9 else 0.5 * (low + high)
        w = math.sqrt(max(2.0 * n * (t * x - k0), 1e-300))
        v = t * math.sqrt(n * k2)
        p = 0.5 * math.erfc(w / math.sqrt(2.0)) + math.exp(-0.5 * w * w) / math.sqrt(2.0 * math.pi) * (
            1.0 / v - 1.0 / w
        )
        out[d] = min(1.0, max(SMALLEST_P, p))
    return out


def histogram(samples: F64, probabilities: F64 | None = None, bins: int = 512) -> tuple[F64, F64]:
    """The distribution of `samples` on at most `bins` + 1 values, each sample split between its neighbours.

    Splitting keeps the mean exact; the variance grows by less than (range / bins)² / 4. Exact where the samples
    take few distinct values. Returns (values, weights), weights adding to one.
    """
    p = np.full(len(samples), 1.0 / len(samples)) if probabilities is None else probabilities
    distinct, inverse = np.unique(samples, return_inverse=True)
    if len(distinct) <= bins:
        return distinct, np.bincount(inverse, weights=p, minlength=len(distinct)).astype(np.float64)
    grid = np.linspace(distinct[0], distinct[-1], bins + 1)
    place = (samples - grid[0]) / (grid[1] - grid[0])
    left = np.clip(place.astype(np.int64), 0, bins - 1)
    share = place - left
    weights = np.bincount(left, weights=p * (1 - share), minlength=bins + 1)
    weights = weights + np.bincount(left + 1, weights=p * share, minlength=bins + 1)
    return grid, weights.astype(np.float64)
