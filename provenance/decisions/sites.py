"""What a document's site says about it: machine text on the web comes by the site.

Between stratum and document stands the site (registrable domain, blog hosts of the public suffix list included) with a
random effect on the log-odds of its documents. Its size comes from the crawl; errors that the documents of a site have
in common are damped by what the sites of old humans show; a document never votes for itself. Promise 2: the
contribution is a piece of evidence of its own. All sums are over integer counts by site, in the order of their hashes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash
from numba import njit
from numpy.typing import NDArray

F64 = NDArray[np.float64]

#: Source of the piece of evidence.
SITE_SOURCE = "site"
#: Log-odds and ratios are counted in 64 bins of a quarter nat from these on.
_WIDTH, _BINS = 0.25, 64
_PRIOR_FROM, _RATIO_FROM = -9.0, -6.0
#: Spread of a site's effect on log-odds, in nats: 0 says that sites do not differ.
SPREADS = (0.0, 1.0, 2.0, 3.0, 4.0)
#: Correlation of errors within a site, among which the likelihood is kept.
CORRELATIONS = (0.05, 0.1, 0.2, 0.3, 0.45, 0.6, 0.8)
#: What the correlation is taken to be where no old site shows it, worth this many sites (0 to .2 between passages of one human
#: source of the development corpus in en, de, fr, es and ja, .6 in zh; passages of one document .2 to .6).
DEFAULT_CORRELATION, _DEFAULT_SITES = 0.2, 30
#: Sites differ only if the crawl is likelier by this much, in nats, than if they did not.
_LEAST_GAIN = 2.0
#: The most that a site may add or take, in nats.
MOST = 3.0
#: Points of the effect's distribution, in standard deviations.
_POINTS = np.linspace(-3.0, 3.0, 25)
_WEIGHTS = np.exp(-0.5 * _POINTS**2) / np.exp(-0.5 * _POINTS**2).sum()
#: Bins of a sixteenth nat for the sums that keep the mean.
_FINE, _FINE_FROM, _FINE_BINS = 1 / 16, -24.0, 768


class SiteCounts(NamedTuple):
    """Documents by site and kind, equally long arrays sorted by both; `kind` packs age, judged, prior and ratio bin."""

    site: NDArray[np.uint64]
    kind: NDArray[np.uint16]
    documents: NDArray[np.int64]


@dataclass(frozen=True)
class SiteStatistics:
    """What one partition says of all sites: add up partitions in their order.

    `likelihood` has the shape (CORRELATIONS, SPREADS). The moments are of the ratios of old documents, in bins.
    """

    likelihood: F64
    old_documents: int
    old_sum: int
    old_squares: int
    paired_sites: int
    paired_documents: int
    paired_products: float


@dataclass(frozen=True)
class Clustering:
    """How much sites differ (`spread`, nats), how much the errors within one have in common, and the level of old ones."""

    spread: float = 0.0
    correlation: float = DEFAULT_CORRELATION
    old_mean: float = 0.0  # nats
    gain: float = 0.0  # nats by which the crawl is likelier than if sites did not differ
    paired_sites: int = 0  # old sites of several documents, from which the correlation comes
    shift: float = 0.0  # added to the log-odds of all new documents so that the mean posterior stays

    def as_json(self) -> dict[str, Any]:
        """Values for the manifest."""
        return asdict(self)


@dataclass(frozen=True)
class SiteEffects:
    """Effect in nats of its site on each kind of document, row for row with counts; `judged` and `machine` are its other documents."""

    counts: SiteCounts
    effect: NDArray[np.float32]
    judged: NDArray[np.int64]
    machine: NDArray[np.int64]


def site_hashes(table: pa.Table) -> NDArray[np.uint64]:
    """Hash of the site of each row: its registrable domain, else its host, else (without either) the document itself."""
    domain, host = (table[name].combine_chunks() for name in ("domain", "host"))
    names = pc.coalesce(domain, host).dictionary_encode()
    digests = [xxhash.xxh3_64_intdigest(name) for name in names.dictionary.to_pylist()]
    places = np.asarray(names.indices.fill_null(len(digests)))
    known: NDArray[np.uint64] = np.array([*digests, 0], np.uint64)[places]
    alone = np.flatnonzero(np.asarray(names.is_null()))
    ids = table["doc_id"].take(pa.array(alone)).to_pylist()
    known[alone] = [xxhash.xxh3_64_intdigest(item or "") for item in ids]
    return known


def count_sites(
    site: NDArray[np.uint64], prior: F64, ratio: F64, judged: NDArray[np.bool_], old: NDArray[np.bool_]
) -> SiteCounts:
    """Count documents by site and kind. `prior` and `ratio` (all evidence) are in nats; all of shape (documents,)."""
    kind = kinds(prior, ratio, judged, old)
    return merge_sites([SiteCounts(site, kind, np.ones(len(site), np.int64))])


def kinds(prior: F64, ratio: F64, judged: NDArray[np.bool_], old: NDArray[np.bool_]) -> NDArray[np.uint16]:
    """The kind of each document, as `SiteCounts` has it."""
    bins = [
        np.clip(np.floor((values - first) / _WIDTH), 0, _BINS - 1).astype(np.uint16)
        for values, first in ((prior, _PRIOR_FROM), (ratio, _RATIO_FROM))
    ]
    return np.asarray(old.astype(np.uint16) << 13 | judged.astype(np.uint16) << 12 | bins[0] << 6 | bins[1])


def merge_sites(parts: Sequence[SiteCounts]) -> SiteCounts:
    """The sum of counts, sorted by site and kind, whatever the order of `parts`."""
    site, kind, documents = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    order = np.lexsort((kind, site))
    site, kind, documents = site[order], kind[order], documents[order]
    first = np.ones(len(site), bool)
    first[1:] = (site[1:] != site[:-1]) | (kind[1:] != kind[:-1])
    starts = np.flatnonzero(first)
    total = np.add.reduceat(documents, starts) if len(starts) else documents
    return SiteCounts(site[starts], kind[starts], total)


def site_statistics(counts: SiteCounts) -> SiteStatistics:
    """Likelihoods and moments of one partition's sites."""
    starts = _starts(counts)
    likelihood = np.zeros((len(CORRELATIONS), len(SPREADS)))
    old_mean, *_ = _moments(counts, starts)
    for column, spread in enumerate(SPREADS):
        table = _shares(spread)
        for row, correlation in enumerate(CORRELATIONS):
            likelihood[row, column] = _likelihood(counts, starts, table, correlation, old_mean)
    _, documents, total, squares, sites, paired, products = _moments(counts, starts)
    return SiteStatistics(
        likelihood=likelihood,
        old_documents=documents,
        old_sum=total,
        old_squares=squares,
        paired_sites=sites,
        paired_documents=paired,
        paired_products=products,
    )


def find_clustering(parts: Sequence[SiteStatistics]) -> Clustering:
    """How much sites differ, from the statistics of all partitions in their order.

    The correlation is that of two old documents of one site, drawn to the default where few sites show it.
    """
    documents = sum(part.old_documents for part in parts)
    paired_sites, paired = (
        sum(getattr(part, name) for part in parts) for name in ("paired_sites", "paired_documents")
    )
    correlation, mean = DEFAULT_CORRELATION, 0.0
    if documents:
        middle = sum(part.old_sum for part in parts) / documents
        variance = sum(part.old_squares for part in parts) / documents - middle**2
        mean = _RATIO_FROM + _WIDTH * (middle + 0.5)
        if paired and variance > 0:
            own = (sum(part.paired_products for part in parts) / paired - middle**2) / variance
            weight = paired_sites / (paired_sites + _DEFAULT_SITES)
            correlation = weight * float(np.clip(own, 0, 0.9)) + (1 - weight) * DEFAULT_CORRELATION
    # The next one above: damp rather more than less.
    row = min(int(np.searchsorted(CORRELATIONS, correlation)), len(CORRELATIONS) - 1)
    if not parts:
        return Clustering()
    likelihood = np.sum([part.likelihood[row] for part in parts], axis=0)
    best = int(np.argmax(likelihood))
    gain = float(likelihood[best] - likelihood[0])
    spread = SPREADS[best] if gain >= _LEAST_GAIN else 0.0
    return Clustering(spread, CORRELATIONS[row], mean, gain, paired_sites)


def site_effects(counts: SiteCounts, clustering: Clustering) -> SiteEffects:
    """What its site adds to the log-odds of each kind of document, in nats; 0 for old ones and where sites do not differ."""
    effect = np.zeros(len(counts.site))
    judged, machine = (np.zeros(len(counts.site), np.int64) for _ in range(2))
    if clustering.spread:
        table = _shares(clustering.spread)
        _settle(
            counts,
            _starts(counts),
            table,
            correlation=clustering.correlation,
            old_mean=clustering.old_mean,
            effect=effect,
            judged=judged,
            machine=machine,
        )
    return SiteEffects(counts, np.clip(effect, -MOST, MOST).astype(np.float32), judged, machine)


def log_odds_counts(effects: SiteEffects) -> NDArray[np.int64]:
    """New documents by log-odds without and with their site, shape (2, bins): what `mean_shift` needs."""
    counts = effects.counts
    new = counts.kind >> 13 == 0
    plain = (_prior(counts.kind) + _ratio(counts.kind))[new]
    found = np.zeros((2, _FINE_BINS), np.int64)
    for row, odds in enumerate((plain, plain + effects.effect[new])):
        place = np.clip(((odds - _FINE_FROM) / _FINE).astype(np.int64), 0, _FINE_BINS - 1)
        np.add.at(found[row], place, counts.documents[new])
    return found


def mean_shift(counts: NDArray[np.int64]) -> float:
    """Nats that, added to all log-odds with sites, keep the mean posterior that there is without them."""
    odds = _FINE_FROM + _FINE * (np.arange(_FINE_BINS) + 0.5)
    wanted = float((counts[0] / (1 + np.exp(-odds))).sum())
    low, high = -3.0, 3.0
    for _ in range(40):
        middle = (low + high) / 2
        reached = float((counts[1] / (1 + np.exp(-odds - middle))).sum())
        low, high = (middle, high) if reached < wanted else (low, middle)
    return (low + high) / 2


def look_up(effects: SiteEffects, site: NDArray[np.uint64], kind: NDArray[np.uint16]) -> NDArray[np.int64]:
    """Row of `effects` for each (site, kind), all of which it must hold."""
    counts = effects.counts
    first = np.searchsorted(counts.site, site, side="left")
    end = np.searchsorted(counts.site, site, side="right")
    return np.asarray(_within(counts.kind, kind, first, end))


def _starts(counts: SiteCounts) -> NDArray[np.int64]:
    """Where each site begins, and the end."""
    changes = np.flatnonzero(counts.site[1:] != counts.site[:-1]) + 1
    return np.concatenate([[0], changes, [len(counts.site)]]) if len(counts.site) else np.zeros(1, np.int64)


def _prior(kind: NDArray[np.uint16]) -> F64:
    return np.asarray(_PRIOR_FROM + _WIDTH * ((kind >> 6 & 63) + 0.5))


def _ratio(kind: NDArray[np.uint16]) -> F64:
    return np.asarray(_RATIO_FROM + _WIDTH * ((kind & 63) + 0.5))


def _shares(spread: float) -> F64:
    """Probability of a document by its prior's bin and the site's effect, shape (64, points).

    A site's effect is normal around an offset at which the mean over sites is the prior's own probability.
    """
    odds = _PRIOR_FROM + _WIDTH * (np.arange(_BINS) + 0.5)
    low, high = odds - 40.0, odds + 40.0
    for _ in range(60):
        middle = (low + high) / 2
        mean = (_WEIGHTS / (1 + np.exp(-(middle[:, None] + spread * _POINTS)))).sum(axis=1)
        short = mean < 1 / (1 + np.exp(-odds))
        low, high = np.where(short, middle, low), np.where(short, high, middle)
    return np.asarray(1 / (1 + np.exp(-((low + high) / 2)[:, None] - spread * _POINTS)))


def _moments(counts: SiteCounts, starts: NDArray[np.int64]) -> tuple[float, int, int, int, int, int, float]:
    """(mean of old ratios in nats, documents, sum and squares of their bins, and of sites with several old documents
    their number, documents and products of pairs).
    """
    old = counts.kind >> 12 == 3
    bins = (counts.kind & 63).astype(np.int64)
    weights = np.where(old, counts.documents, 0)
    if not len(weights):
        return 0.0, 0, 0, 0, 0, 0, 0.0
    documents, total, squares = (np.add.reduceat(weights * bins**power, starts[:-1]) for power in (0, 1, 2))
    several = documents > 1
    products = ((total**2 - squares)[several] / (documents[several] - 1)).sum()
    mean = _RATIO_FROM + _WIDTH * (total.sum() / documents.sum() + 0.5) if documents.sum() else 0.0
    sums = (int(value.sum()) for value in (documents, total, squares))
    return (float(mean), *sums, int(several.sum()), int(documents[several].sum()), float(products))  # type: ignore[return-value]


@njit(cache=True)  # type: ignore[untyped-decorator]
def _evidence(counts, first, last, correlation, old_mean):  # type: ignore[no-untyped-def]
    """(weight of each document's evidence, nats that its old documents take from each ratio) of one site."""
    judged = 0.0
    old = 0.0
    total = 0.0
    for i in range(first, last):
        if counts.kind[i] >> 12 == 1:
            judged += counts.documents[i]
        elif counts.kind[i] >> 12 == 3:
            old += counts.documents[i]
            total += counts.documents[i] * (_RATIO_FROM + _WIDTH * ((counts.kind[i] & 63) + 0.5))
    damp = 1.0 / (1.0 + max(judged - 1.0, 0.0) * correlation)
    taken = 0.0
    if old > 0:
        taken = correlation * old / (1.0 + (old - 1.0) * correlation) * (total / old - old_mean)
    return damp, min(max(taken, -2.0), 2.0)


@njit(cache=True)  # type: ignore[untyped-decorator]
def _terms(kind, shares, damp, taken, out):  # type: ignore[no-untyped-def]
    """Damped log-likelihood of one document at each point."""
    ratio = np.exp(_RATIO_FROM + _WIDTH * ((kind & 63) + 0.5) - taken)
    for k in range(shares.shape[1]):
        p = shares[kind >> 6 & 63, k]
        out[k] = damp * np.log(1.0 - p + p * ratio)


@njit(cache=True)  # type: ignore[untyped-decorator]
def _likelihood(counts, starts, shares, correlation, old_mean):  # type: ignore[no-untyped-def]
    points = shares.shape[1]
    term = np.zeros(points)
    total = np.zeros(points)
    value = 0.0
    for s in range(len(starts) - 1):
        damp, taken = _evidence(counts, starts[s], starts[s + 1], correlation, old_mean)
        total[:] = 0.0
        for i in range(starts[s], starts[s + 1]):
            if counts.kind[i] >> 12 == 1:
                _terms(counts.kind[i], shares, damp, taken, term)
                total += counts.documents[i] * term
        most = total.max()
        value += most + np.log((_WEIGHTS * np.exp(total - most)).sum())
    return value


@njit(cache=True)  # type: ignore[untyped-decorator]
def _settle(counts, starts, shares, correlation, old_mean, effect, judged, machine):  # type: ignore[no-untyped-def]
    points = shares.shape[1]
    term = np.zeros(points)
    total = np.zeros(points)
    rest = np.zeros(points)
    for s in range(len(starts) - 1):
        damp, taken = _evidence(counts, starts[s], starts[s + 1], correlation, old_mean)
        total[:] = 0.0
        seen = 0
        hits = 0
        for i in range(starts[s], starts[s + 1]):
            kind = counts.kind[i]
            if kind >> 12 == 1:
                _terms(kind, shares, damp, taken, term)
                total += counts.documents[i] * term
                seen += counts.documents[i]
                hits += counts.documents[i] * (
                    _WIDTH * ((kind >> 6 & 63) + (kind & 63) + 1.0) + _PRIOR_FROM + _RATIO_FROM >= 0
                )
        for i in range(starts[s], starts[s + 1]):
            kind = counts.kind[i]
            if kind >> 13 == 1:
                continue
            own = kind >> 12 == 1
            rest[:] = total
            if own:
                _terms(kind, shares, damp, taken, term)
                rest -= term
            odds = _PRIOR_FROM + _WIDTH * ((kind >> 6 & 63) + 0.5)
            weight = _WEIGHTS * np.exp(rest - rest.max())
            share = (weight * shares[kind >> 6 & 63]).sum() / weight.sum()
            share = min(max(share, 1e-9), 1.0 - 1e-9)
            effect[i] = np.log(share / (1.0 - share)) - odds - (taken if own else 0.0)
            judged[i] = seen - own
            machine[i] = hits - (
                own and _WIDTH * ((kind >> 6 & 63) + (kind & 63) + 1.0) + _PRIOR_FROM + _RATIO_FROM >= 0
            )


@njit(cache=True)  # type: ignore[untyped-decorator]
def _within(listed, kind, first, end):  # type: ignore[no-untyped-def]
    found = np.empty(len(kind), np.int64)
    for i in range(len(kind)):
        low, high = first[i], end[i]
        while low < high:
            middle = (low + high) // 2
            if listed[middle] < kind[i]:
                low = middle + 1
            else:
                high = middle
        found[i] = low
    return found
