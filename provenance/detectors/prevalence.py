"""How much of a corpus is synthetic: three estimates of a share, each with a 95% interval, from counts that add up.

None of them adds up single verdicts: a share is estimated for the corpus as a whole, so errors of the
detector that are known from labelled text are taken out of it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

_Z = 1.959963984540054
#: Half the 95% quantile of chi-squared with one degree of freedom: how far a log-likelihood may fall.
_FALL = 1.9207294103470498
#: Bins into which scores are pooled for a likelihood: fine enough for their shape, coarse enough to be met.
POOLED = 24
#: Kinds of human text, and generators, of which a dataset is taken to hold this many: an interval has to allow for a
#: mix unlike the reference's. The number at which intervals held on text of other kinds (docs/audit.md).
KINDS = 4
#: Shares of the reference humans whose scores `lower_bound` lets pass as human.
_PASSED = (0.05, 0.01)
_REPLICATES = 400
_SEED = 20221130


@dataclass(frozen=True)
class Estimate:
    """A share between 0 and 1 with its 95% interval, from `documents` that could be judged."""

    method: str
    share: float
    low: float
    high: float
    documents: int

    def as_json(self) -> dict[str, Any]:
        """The estimate as JSON values."""
        return {
            "method": self.method,
            "share": self.share,
            "interval": [self.low, self.high],
            "documents": self.documents,
        }


def adjusted_count(
    flagged: int, documents: int, hits: float, synthetic: float, false_hits: float, human: float
) -> Estimate:
    """Share from a count of flagged documents, corrected by error rates measured on labelled documents.

    Point: Rogan and Gladen (1978); limits: Lang and Reiczigel (2014), which carry the uncertainty of both
    rates. `hits` of `synthetic` and `false_hits` of `human` labelled documents were flagged.

    Raises:
        ValueError: where there is nothing to count, or the test flags human text as often as synthetic.
    """
    if documents <= 0 or synthetic <= 0 or human <= 0:
        raise ValueError("an adjusted count needs documents, and labelled ones of both kinds")
    sensitivity, specificity = hits / synthetic, 1 - false_hits / human
    if sensitivity + specificity <= 1:
        raise ValueError("the test flags human documents as often as synthetic ones: no share follows")
    share = (flagged / documents + specificity - 1) / (sensitivity + specificity - 1)
    apparent = (flagged + _Z**2 / 2) / (documents + _Z**2)
    n, n_se, n_sp = documents + _Z**2, synthetic + 2, human + 2
    se, sp = (hits + 1) / n_se, (human - false_hits + 1) / n_sp
    slope = se + sp - 1
    if slope <= 0:
        return Estimate("adjusted count", min(max(share, 0.0), 1.0), 0.0, 1.0, documents)
    middle = (apparent + sp - 1) / slope
    spread_se, spread_sp = se * (1 - se) / n_se, sp * (1 - sp) / n_sp
    shift = 2 * _Z**2 * (middle * spread_se - (1 - middle) * spread_sp)
    variance = apparent * (1 - apparent) / n + (1 - middle) ** 2 * spread_sp + middle**2 * spread_se
    half = _Z * math.sqrt(variance) / slope
    low, share, high = (min(max(v, 0.0), 1.0) for v in (middle + shift - half, share, middle + shift + half))
    return Estimate("adjusted count", share, min(low, share), max(high, share), documents)


def em_share(ratios: ArrayLike, weights: ArrayLike | None = None) -> float:
    """The share at which observations with these likelihood ratios (synthetic : human) are likeliest.

    The fixed point of the EM of Saerens, Latinne and Decaestecker (2002), found by bisection of the
    derivative, which falls everywhere. `ratios` and `weights` (counts) have the shape (n,).
    """
    r = np.asarray(ratios, float)
    w = np.ones_like(r) if weights is None else np.asarray(weights, float)
    return float(_shares(r[None, :], w[None, :])[0])


def profile_interval(ratios: ArrayLike, weights: ArrayLike | None = None) -> tuple[float, float]:
    """95% limits of `em_share` by the likelihood ratio (Wilks 1938), taking the ratios as known."""
    r = np.asarray(ratios, float)
    w = np.ones_like(r) if weights is None else np.asarray(weights, float)

    def likelihood(share: float) -> float:
        with np.errstate(divide="ignore"):
            return float((w * np.log1p(share * (r - 1)))[w > 0].sum())

    best = em_share(r, w)
    floor = likelihood(best) - _FALL
    return _crossing(likelihood, best, 0.0, floor), _crossing(likelihood, best, 1.0, floor)


def em_estimate(ratios: ArrayLike, weights: ArrayLike | None = None, method: str = "EM") -> Estimate:
    """`em_share` with its `profile_interval`; what the ratios themselves are worth is not in the interval."""
    r = np.asarray(ratios, float)
    w = np.ones_like(r) if weights is None else np.asarray(weights, float)
    if w.sum() <= 0:
        raise ValueError("EM needs at least one document")
    low, high = profile_interval(r, w)
    return Estimate(method, em_share(r, w), low, high, round(float(w.sum())))


def balanced(kinds: I64) -> F64:
    """Histograms of kinds of text, shape (kinds, ...), weighted by the roots of their sizes; the total stays.

    So the kind of which there happens to be most does not stand for all of them.
    """
    sizes = kinds.reshape(len(kinds), -1).sum(axis=1).astype(float)
    weights = np.divide(1, np.sqrt(sizes), out=np.zeros_like(sizes), where=sizes > 0)
    weights *= sizes.sum() / max(float((sizes * weights).sum()), 1e-9)
    return np.asarray(kinds * weights.reshape(-1, *[1] * (kinds.ndim - 1)))


def histogram_estimate(counts: I64, human: I64 | F64, synthetic: I64 | F64, method: str = "EM") -> Estimate:
    """EM on binned scores against the binned scores of labelled documents.

    Args:
        counts: of the documents, shape (strata, bins).
        human, synthetic: of labelled documents, shape (kinds, strata, bins), or (strata, bins) of one kind.
        method: what the estimate is called.

    The ratio of a bin is that of its smoothed frequencies among labelled documents of the stratum. The
    interval is a seeded bootstrap of the documents, of `KINDS` kinds of labelled text and of their documents;
    at the borders it is never shorter than the profile interval.

    Raises:
        ValueError: where no stratum has documents and labelled documents of both kinds.
    """
    human, synthetic = _by_kind(human), _by_kind(synthetic)
    usable = (human.sum((0, 2)) > 0) & (synthetic.sum((0, 2)) > 0) & (counts.sum(axis=1) > 0)
    if not usable.any():
        raise ValueError("no stratum has documents and labelled documents of both kinds")
    random = np.random.RandomState(_SEED)
    draws = [_draw_kinds(random, len(part)) for part in (human, synthetic)]
    ratios, weights = [], []
    for i in np.flatnonzero(usable):
        observed, *labelled = pool(counts[i], human[:, i], synthetic[:, i])
        tables = [
            np.concatenate([part.sum(axis=0)[None, :], random.poisson(drawn @ part)])
            for drawn, part in zip(draws, labelled, strict=True)
        ]
        ratios.append(_ratio(*tables))
        weights.append(_resample(random, observed))
    shares = _shares(np.concatenate(ratios, axis=1), np.concatenate(weights, axis=1))
    point = em_estimate(np.concatenate([r[0] for r in ratios]), np.concatenate([w[0] for w in weights]))
    low, high = np.quantile(shares[1:], [0.025, 0.975])
    return Estimate(
        method, point.share, min(float(low), point.low), max(float(high), point.high), point.documents
    )


def lower_bound(counts: I64, human: I64 | F64) -> float:
    """The least share, at 97.5% confidence, that documents scoring above human ones prove, whatever wrote them.

    Needs no synthetic reference: were every synthetic document among the flagged ones, at least (flagged -
    false) / (1 - false) of all would be synthetic. Of two cuts the better bound stands, each at half the
    error. Shapes as of `histogram_estimate`; 0 where no stratum has both.
    """
    human = _by_kind(human)
    totals = counts.sum(axis=1) * (human.sum((0, 2)) > 0)
    if not totals.sum():
        return 0.0
    random = np.random.RandomState(_SEED)
    drawn = _draw_kinds(random, len(human))
    above: I64 = np.flip(np.cumsum(np.flip(counts, -1), axis=-1), -1)
    reached: F64 = np.flip(np.cumsum(np.flip(human, -1), axis=-1), -1)
    best = 0.0
    for passed in _PASSED:
        edge = (reached.sum(axis=0) <= passed * reached.sum(axis=0)[:, :1]).argmax(axis=1)
        false = np.zeros(_REPLICATES)
        flagged = 0
        for i in np.flatnonzero(totals):
            hits = random.poisson(drawn @ reached[:, i, edge[i]]) + 0.5
            false += totals[i] / totals.sum() * np.minimum(hits / (drawn @ reached[:, i, 0] + 1), 1)
            flagged += above[i, edge[i]]
        share = random.binomial(totals.sum(), flagged / totals.sum(), _REPLICATES) / totals.sum()
        excess = (share - false) / np.maximum(1 - false, 1e-9)
        best = max(best, float(np.quantile(excess, 0.025 / len(_PASSED))))
    return best


def pool(counts: I64, human: F64, synthetic: F64) -> tuple[F64, F64, F64]:
    """The histograms, shapes (bins,) and twice (kinds, bins), over POOLED bins with borders at quantiles of the
    two references together.
    """
    of_human, of_synthetic = human.sum(axis=0), synthetic.sum(axis=0)
    reference = of_human / max(of_human.sum(), 1e-9) + of_synthetic / max(of_synthetic.sum(), 1e-9)
    position = np.cumsum(reference) - reference / 2
    index = np.minimum((position / max(reference.sum(), 1e-9) * POOLED).astype(np.int64), POOLED - 1)
    place = np.zeros((len(index), POOLED))
    place[np.arange(len(index)), index] = 1
    return counts @ place, human @ place, synthetic @ place


def mixture_estimate(groups: I64, ratios: F64, curve: tuple[F64, F64]) -> Estimate:
    """Share of a corpus from how often its sentences use which words (Liang et al. 2024).

    Args:
        groups: sentences counted by log-likelihood ratio, shape (groups, bins); a document's sentences
            are all in one group, so that a bootstrap of groups respects that they belong together.
        ratios: likelihood ratio of each bin.
        curve: (raw shares, true shares), both rising: what the raw estimate gave on held-out mixtures of
            known composition, because words of a sentence are not independent as the method takes them.

    Raises:
        ValueError: where there is no sentence.
    """
    total = groups.sum(axis=0)
    if total.sum() == 0:
        raise ValueError("a mixture estimate needs sentences")
    random = np.random.RandomState(_SEED)
    filled = groups[groups.sum(axis=1) > 0]
    draws = random.multinomial(len(filled), np.full(len(filled), 1 / len(filled)), size=_REPLICATES)
    weights = np.concatenate([total[None, :], draws @ filled]).astype(float)
    raw = _shares(np.broadcast_to(ratios, weights.shape), weights)
    shares = np.interp(raw, *curve)
    low, high = np.quantile(shares[1:], [0.025, 0.975])
    share = float(shares[0])
    return Estimate("word mixture", share, min(float(low), share), max(float(high), share), 0)


def raw_mixture_share(total: ArrayLike, ratios: ArrayLike) -> float:
    """The uncorrected share of `mixture_estimate` for one histogram of sentences."""
    return em_share(ratios, total)


def _shares(ratios: F64, weights: F64) -> F64:
    """Maximum-likelihood share of each row: root in [0, 1] of sum w (r - 1) / (1 + a (r - 1)), by bisection."""
    gain = ratios - 1
    low, high = np.zeros(len(weights)), np.ones(len(weights))
    for _ in range(40):
        middle = (low + high) / 2
        slope = (weights * gain / (1 + middle[:, None] * gain)).sum(axis=1)
        low, high = np.where(slope > 0, middle, low), np.where(slope > 0, high, middle)
    found = (low + high) / 2
    return np.where(found < 1e-9, 0.0, np.where(found > 1 - 1e-9, 1.0, found))


def _ratio(human: F64, synthetic: F64) -> F64:
    """Ratio of smoothed frequencies, half a document in each bin; shape (replicates, bins)."""
    h, s = human + 0.5, synthetic + 0.5
    return np.asarray((s / s.sum(axis=1, keepdims=True)) / (h / h.sum(axis=1, keepdims=True)))


def _resample(random: np.random.RandomState, counts: F64) -> F64:
    """The counts, then _REPLICATES multinomial draws of the same total; shape (1 + _REPLICATES, bins)."""
    total = int(counts.sum())
    if total == 0:
        return np.zeros((1 + _REPLICATES, len(counts)))
    draws = random.multinomial(total, counts / counts.sum(), size=_REPLICATES)
    return np.concatenate([counts[None, :], draws])


def _by_kind(labelled: I64 | F64) -> F64:
    """Histograms with an axis of kinds, one kind where there is none."""
    return np.asarray(labelled if labelled.ndim == 3 else labelled[None], float)


def _draw_kinds(random: np.random.RandomState, kinds: int) -> F64:
    """How often each kind is taken in each replicate, on average once; shape (_REPLICATES, kinds)."""
    drawn = random.multinomial(min(KINDS, kinds), np.full(kinds, 1 / kinds), size=_REPLICATES)
    return np.asarray(drawn * (kinds / min(KINDS, kinds)))


def _crossing(likelihood: Any, best: float, end: float, floor: float) -> float:
    """Where the likelihood falls to `floor` between `best` and `end`; `end` where it does not."""
    if likelihood(end) >= floor:
        return end
    inside, outside = best, end
    for _ in range(50):
        middle = (inside + outside) / 2
        if likelihood(middle) >= floor:
            inside = middle
        else:
            outside = middle
    return (inside + outside) / 2
