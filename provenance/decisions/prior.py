"""The prior of each document: by the month of its proof, as configured or estimated from the crawl itself.

The estimate is the EM of Saerens, Latinne and Decaestecker (2002) on the detector's ratios, by strata from the whole
crawl down, each drawn towards the wider one. It rests on integer counts, so their order cannot matter, and has an interval.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from provenance.configuration import Prior
from provenance.decisions.counts import UNPROVEN, proof_months
from provenance.decisions.level import Level
from provenance.detectors.prevalence import em_share
from provenance.evidence import low_background

#: Judged documents from which on a crawl, a year or a source has an estimate of its own. A language has one from the first on:
#: left at the table, small languages are what a cap keeps of a crawl that is synthetic for the most part.
FEWEST = 50
#: The table's prior (or the wider stratum's) counts as much as this many documents of the crawl.
PSEUDO_COUNT = 20
#: An estimate's odds stay within this factor of the table's: far enough that a month that the table holds for people's can be
#: nearly all by machines (with 40, .60 of mid-2023 was stated as .51 on unseen kinds; with 1000 as .56).
MOST_FACTOR = 1000.0
#: What the stated ratios may be off by on texts that no fold had seen, in nats: root mean square of the error of the stated
#: share's log-odds over simulated crawls of held-out domains and makers (`scripts/evaluate margin`); it widens every interval.
STATED_SD = 0.4
#: What the table may be off by for a given crawl, or a crawl for one of its languages, in nats: the table's sources differ by
#: about a factor of three.
TABLE_SD = 0.7
#: Year of a stratum that holds all years of its language.
_ALL = None
_Z95 = 1.959963984540054


@dataclass(frozen=True)
class Stratum:
    """Documents of one language (None: of all) and, unless None, year of proof and source.

    `share` is what EM finds, `prior` that drawn to the wider stratum, `low` and `high` its 95% interval; `shift`
    is by how much its log-odds lie above the table's, in nats. The year is 0 where nothing proves one.
    """

    language: str | None
    year: int | None
    source: str | None
    documents: int
    share: float
    prior: float
    low: float
    high: float
    shift: float

    def as_json(self) -> dict[str, Any]:
        """The stratum as JSON values; the year is null where nothing proves one, "all" for all years or languages."""
        year = "all" if self.year is None else self.year or None
        language = "all" if self.language is None else self.language
        return {**asdict(self), "language": language, "year": year}

    @property
    def deviation(self) -> float:
        """Standard deviation of the prior's log-odds that its interval implies, in nats."""
        return float((logit(self.high) - logit(self.low)) / (2 * _Z95))


@dataclass(frozen=True)
class Priors:
    """The configured table, and the strata of the crawl that have an estimate of their own."""

    table: Prior
    strata: tuple[Stratum, ...] = ()
    levels: Mapping[str, Level] = field(default_factory=dict)

    def of(
        self, proven: NDArray[np.datetime64], languages: pa.Array, sources: pa.Array
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], pa.DictionaryArray]:
        """(prior log-odds, their standard deviation in nats, where each comes from) by the time of proof."""
        months = np.where(low_background(proven), -2, proof_months(proven)).astype(np.int64)
        language, source = (part.fill_null("").dictionary_encode() for part in (languages, sources))
        names = [part.dictionary.to_pylist() for part in (language, source)]
        many = [len(part) + 1 for part in names]
        keys = (months * many[0] + np.asarray(language.indices)) * many[1] + np.asarray(source.indices)
        joint, index = np.unique(keys, return_inverse=True)
        unique = np.stack([joint // many[1] // many[0], joint // many[1] % many[0], joint % many[1]], axis=1)
        known = {(item.language, item.year, item.source): item for item in self.strata}
        odds, deviations, reasons = np.zeros(len(unique)), np.zeros(len(unique)), []
        for i, (month, at, origin) in enumerate(unique.tolist()):
            if month == -2:
                odds[i], deviations[i] = logit(self.table.low_background), 0.0
                reasons.append("low-background")
                continue
            place, year = names[0][at], year_of(month)
            found = (
                known.get((place, year, names[1][origin]))
                or known.get((place, year, None))
                or known.get((place, _ALL, None))
                or self.crawl
            )
            odds[i] = logit(self.table.in_month(month)) + (found.shift if found else 0.0)
            own = found is not None and found.language == place
            deviations[i] = np.hypot(found.deviation if found else 0.0, 0.0 if own else TABLE_SD)
            reasons.append(_estimated(found) if found else _configured(month))
        index = index.reshape(-1)
        because = pa.DictionaryArray.from_arrays(pa.array(index, pa.int32()), pa.array(reasons, pa.string()))
        return odds.astype(np.float32)[index], deviations.astype(np.float32)[index], because

    @property
    def crawl(self) -> Stratum | None:
        """The widest stratum, which a language without a judged document has: of all languages, or of the only one."""
        return self.strata[0] if self.strata else None

    def as_json(self) -> dict[str, Any]:
        """What was estimated, for the manifest."""
        return {
            "estimate": self.table.estimate,
            "fewest_documents": FEWEST,
            "pseudo_count": PSEUDO_COUNT,
            "most_factor": MOST_FACTOR,
            "levels": [{"language": name, **asdict(level)} for name, level in sorted(self.levels.items())],
            "strata": [item.as_json() for item in self.strata],
        }


@dataclass(frozen=True)
class _Documents:
    """Rows of the counts of new documents in one language: shape (rows,) each."""

    months: NDArray[np.int64]
    sources: NDArray[np.object_]
    groups: NDArray[np.int64]
    bins: NDArray[np.int64]  # of length and score
    documents: NDArray[np.int64]
    nats: NDArray[np.float64]  # the ratio of each bin, level included

    def share(self, off: float = 0.0, rows: NDArray[np.bool_] | None = None) -> float:
        """The likeliest share of all or of some rows, every ratio `off` by so many nats."""
        bins, documents = (
            (self.bins, self.documents) if rows is None else (self.bins[rows], self.documents[rows])
        )
        counts = np.bincount(bins, weights=documents, minlength=len(self.nats))
        known = np.flatnonzero(counts)
        return em_share(np.exp(self.nats[known] + off), counts[known])

    def take(self, rows: NDArray[Any]) -> _Documents:
        return _Documents(
            months=self.months[rows],
            sources=self.sources[rows],
            groups=self.groups[rows],
            bins=self.bins[rows],
            documents=self.documents[rows],
            nats=self.nats,
        )


def estimate(
    counts: pa.Table, nats: Mapping[str, NDArray[np.float64]], levels: Mapping[str, Level], prior: Prior
) -> Priors:
    """Priors of the crawl from its counts (`counts.COUNTS`).

    `nats[language]` is the detector's ratio at each (length bucket, bin), to which the language's level is added.
    First all new documents of the crawl are estimated, then each language, each year of it, and each source of a year, every
    one drawn to the one before; see docs/probability.md for the steps.
    """
    if prior.estimate == "none":
        return Priors(prior, levels=levels)
    language = np.asarray(counts["language"].to_pylist(), object)
    human = np.asarray(counts["human"])
    known: dict[str, _Documents] = {}
    for name in sorted(set(language[~human].tolist()) & set(nats)):
        rows = np.flatnonzero((language == name) & ~human)
        known[name] = _read(counts, rows, nats[name], levels.get(name, Level()))
    spread = {name: levels.get(name, Level()).deviation for name in known}
    if sum(int(new.documents.sum()) for new in known.values()) < FEWEST:
        return Priors(prior, levels=levels)
    strata: list[Stratum] = []
    above = 0.0
    if len(known) > 1:
        off = max(spread.values())
        strata.append(_stratum((None, _ALL, None), _together(known.values()), 0.0, off, prior))
        above = strata[0].shift
    for name, new in known.items():
        strata.extend(_strata(name, new, above, spread[name], prior))
    return Priors(prior, tuple(strata), levels)


def year_of(month: int) -> int:
    """Calendar year of a month number; 0 for `UNPROVEN`."""
    return 0 if month == UNPROVEN else 1970 + month // 12


def logit(share: float) -> float:
    """Log-odds of a share between 0 and 1, both excluded."""
    return float(np.log(share) - np.log1p(-share))


def _read(counts: pa.Table, rows: NDArray[np.int64], nats: NDArray[np.float64], level: Level) -> _Documents:
    part = counts.take(pa.array(rows))
    return _Documents(
        months=np.asarray(part["month"]).astype(np.int64),
        sources=np.asarray(part["source"].to_pylist(), object),
        groups=np.asarray(part["group"]).astype(np.int64),
        bins=np.asarray(part["bucket"]).astype(np.int64) * nats.shape[1] + np.asarray(part["bin"]),
        documents=np.asarray(part["documents"]),
        nats=nats.reshape(-1) + level.shift,
    )


def _together(parts: Iterable[_Documents]) -> _Documents:
    """Documents of several languages, each with its own ratios."""
    parts = list(parts)
    before = np.cumsum([0, *(len(part.nats) for part in parts)])
    joined = {
        item.name: np.concatenate([getattr(part, item.name) for part in parts]) for item in fields(_Documents)
    }
    joined["bins"] = np.concatenate([part.bins + at for part, at in zip(parts, before[:-1], strict=True)])
    return _Documents(**joined)


def _strata(language: str, new: _Documents, above: float, level_sd: float, prior: Prior) -> Iterator[Stratum]:
    """The strata of a language from the widest to the narrowest; `above` is the shift of the crawl."""
    whole = _stratum((language, _ALL, None), new, above, level_sd, prior)
    yield whole
    years = np.where(new.months == UNPROVEN, 0, 1970 + new.months // 12)
    several = len(np.unique(years)) > 1
    for year in np.unique(years):
        part, found = new.take(years == year), whole
        if part.documents.sum() < FEWEST:
            continue
        if several:
            found = _stratum((language, int(year), None), part, whole.shift, level_sd, prior)
            yield found
        for source, few in _by_source(part):
            yield _stratum((language, int(year), source), few, found.shift, level_sd, prior)


def _by_source(new: _Documents) -> Iterator[tuple[str, _Documents]]:
    """The documents of each source that has enough of them, unless one source has them all."""
    names, code = np.unique(new.sources, return_inverse=True)
    totals = np.bincount(code, weights=new.documents)
    order = np.argsort(code, kind="stable")
    edges = np.searchsorted(code[order], np.arange(len(names) + 1))
    for k in np.flatnonzero(totals >= FEWEST) if len(names) > 1 else ():
        yield str(names[k]), new.take(order[edges[k] : edges[k + 1]])


def _stratum(
    key: tuple[str | None, int | None, str | None],
    new: _Documents,
    above: float,
    level_sd: float,
    prior: Prior,
) -> Stratum:
    """One stratum; `above` is the shift of the wider one, in nats above the table."""
    listed = _table(new, prior)
    documents = int(new.documents.sum())
    share = new.share()
    parent = 1 / (1 + np.exp(-(logit(listed) + above)))
    drawn = _drawn(share, documents, parent)
    bound = np.log(MOST_FACTOR)
    shift = float(np.clip(logit(drawn) - logit(listed), -bound, bound))
    value = 1 / (1 + np.exp(-(logit(listed) + shift)))
    spread = _Z95 * _deviation(new, documents, parent, level_sd)
    low, high = (1 / (1 + np.exp(-(logit(value) + side * spread))) for side in (-1, 1))
    language, year, source = key
    return Stratum(
        language=language,
        year=year,
        source=source,
        documents=documents,
        share=share,
        prior=float(value),
        low=float(low),
        high=float(high),
        shift=shift,
    )


def _table(new: _Documents, prior: Prior) -> float:
    """The share that the table lists for these documents together."""
    months, index = np.unique(new.months, return_inverse=True)
    weights = np.bincount(index, weights=new.documents)
    return float(np.average([prior.in_month(month) for month in months.tolist()], weights=weights))


def _drawn(share: float, documents: float, parent: float) -> float:
    drawn = (documents * share + PSEUDO_COUNT * parent) / (documents + PSEUDO_COUNT)
    return min(max(drawn, 1e-6), 1 - 1e-6)


def _deviation(new: _Documents, documents: int, parent: float, level_sd: float) -> float:
    """Standard deviation of a drawn share's log-odds, in nats.

    Four parts: the documents, sites being the unit (delete-a-group jackknife over the groups that occur); the
    level of the ratios; what the ratios themselves may be off by (`STATED_SD`); and, by as much as the wider stratum
    counts, what that may be off by (`TABLE_SD`).
    """
    present = np.unique(new.groups)
    without = []
    for group in present.tolist():
        rest = new.groups != group
        left = float(new.documents[rest].sum())
        if left:
            without.append(logit(_drawn(new.share(rows=rest), left, parent)))
    sampling = 0.0
    if len(without) > 1:
        spread = np.asarray(without) - np.mean(without)
        sampling = float((len(without) - 1) / len(without) * (spread**2).sum())
    else:
        sampling = 1.0  # one site: nothing says how another would have been
    floor = 1 / (documents * max(parent, 1e-3) + PSEUDO_COUNT * parent + 1)
    off = float(np.hypot(level_sd, STATED_SD))
    moved = [logit(_drawn(new.share(side * off), documents, parent)) for side in (-1, 1)]
    wider = TABLE_SD * PSEUDO_COUNT / (documents + PSEUDO_COUNT)
    return float(np.sqrt(sampling + floor + wider**2 + ((moved[1] - moved[0]) / 2) ** 2))


def _estimated(item: Stratum) -> str:
    when = "" if item.year is None else f" proven in {item.year}" if item.year else " without a capture"
    where = (
        "" if item.source is None else f" from source {item.source}" if item.source else " without a source"
    )
    return (
        f"{item.prior:.3f} ({item.low:.3f} to {item.high:.3f}) estimated from {item.documents:,} documents of this "
        f"crawl in {item.language or 'all languages'}{when}{where}"
    )


def _configured(month: int) -> str:
    if month == UNPROVEN:
        return "no capture, table for the last month"
    return f"table for {1970 + month // 12}-{month % 12 + 1:02d}"
