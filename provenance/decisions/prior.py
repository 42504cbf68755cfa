"""The prior of each document: by its year of proof, as configured or estimated from the crawl itself.

The estimate is the EM of Saerens, Latinne and Decaestecker (2002) on the detector's ratios, by strata, drawn
towards the configured table and never far from it. It rests on integer counts, so their order cannot matter.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from provenance.configuration import Prior
from provenance.decisions.counts import UNPROVEN
from provenance.detectors.prevalence import em_share
from provenance.evidence import low_background

#: Judged documents from which on a stratum has an estimate of its own.
FEWEST = 200
#: The configured prior (or the wider stratum's) counts as much as this many documents of the crawl: more where
#: no low-background documents correct the ratios, for EM then misses up to ten points of a third (measured).
PSEUDO_COUNT = 200
PSEUDO_COUNT_UNCORRECTED = 1000
#: An estimate's odds stay within this factor of the configured ones: a detector that does not know the newest
#: models sees too little, one on strange ground too much.
MOST_FACTOR = 4.0
#: Low-background documents of a language from which on they correct the ratios before EM.
ENOUGH_HUMANS = 200
#: How much steeper than stated the detector may be found to be on this crawl.
TILTS = (1.0, 1.5, 2.0)


@dataclass(frozen=True)
class Stratum:
    """Documents of one year of proof, language and (unless None) source; `share` as EM finds it."""

    year: int
    language: str
    source: str | None
    documents: int
    share: float
    prior: float

    def as_json(self) -> dict[str, Any]:
        """The stratum as JSON values; the year is null where nothing proves one."""
        return {**self.__dict__, "year": self.year or None}


@dataclass(frozen=True)
class Priors:
    """The configured table, and the strata of the crawl that have an estimate of their own."""

    table: Prior
    strata: tuple[Stratum, ...] = ()
    #: By language: (low-background documents that corrected the ratios, steepness found).
    corrected: Mapping[str, tuple[int, float]] = field(default_factory=dict)

    def of(
        self, proven: NDArray[np.datetime64], languages: pa.Array, sources: pa.Array
    ) -> tuple[NDArray[np.float32], pa.DictionaryArray]:
        """(prior log-odds in nats, where each comes from) of documents, by their time of proof."""
        years = np.where(low_background(proven), -1, proof_years(proven))
        language, source = (part.fill_null("").dictionary_encode() for part in (languages, sources))
        names = [part.dictionary.to_pylist() for part in (language, source)]
        keys = np.stack([years, np.asarray(language.indices), np.asarray(source.indices)], axis=1)
        unique, index = np.unique(keys, axis=0, return_inverse=True)
        known = {(item.year, item.language, item.source): item for item in self.strata}
        rates, reasons = np.zeros(len(unique)), []
        for i, (year, at, origin) in enumerate(unique.tolist()):
            place = (year, names[0][at])
            found = known.get((*place, names[1][origin])) or known.get((*place, None))
            rates[i] = found.prior if found else self.configured(year)
            reasons.append(_estimated(found) if found else _configured(year))
        odds = (np.log(rates) - np.log1p(-rates)).astype(np.float32)
        index = index.reshape(-1)
        because = pa.DictionaryArray.from_arrays(pa.array(index, pa.int32()), pa.array(reasons, pa.string()))
        return odds[index], because

    def configured(self, year: int) -> float:
        """The rate of the table for a year of proof: -1 is low-background, `UNPROVEN` takes the last year's."""
        if year == -1:
            return self.table.low_background
        listed = sorted(self.table.by_year)
        if year == UNPROVEN:
            return self.table.by_year[listed[-1]]
        return self.table.by_year[max([item for item in listed if item <= year], default=listed[0])]

    def as_json(self) -> dict[str, Any]:
        """What was estimated, for the manifest."""
        return {
            "estimate": self.table.estimate,
            "fewest_documents": FEWEST,
            "pseudo_count": PSEUDO_COUNT,
            "pseudo_count_uncorrected": PSEUDO_COUNT_UNCORRECTED,
            "most_factor": MOST_FACTOR,
            "corrected": [
                {"language": language, "low_background": documents, "steepness": tilt}
                for language, (documents, tilt) in sorted(self.corrected.items())
            ],
            "strata": [item.as_json() for item in self.strata],
        }


def estimate(
    counts: pa.Table, nats: Mapping[str, NDArray[np.float64]], prior: Prior, fewest: int = FEWEST
) -> Priors:
    """Priors of the crawl from its counts (`scorecounts.COUNTS`).

    `nats[language]` is the detector's ratio at each (length bucket, bin). First all documents of a year and
    language, then those of each source among them, are estimated; see docs/probability.md for the steps.
    """
    table = Priors(prior)
    if prior.estimate == "none":
        return table
    language, source = (np.asarray(counts[name].to_pylist(), object) for name in ("language", "source"))
    year, human, documents, length, place = (
        np.asarray(counts[name]) for name in ("year", "human", "documents", "bucket", "bin")
    )
    strata: list[Stratum] = []
    corrected: dict[str, tuple[int, float]] = {}
    for name in sorted(set(language.tolist()) & set(nats)):
        own = language == name
        ratios = np.zeros(len(counts))
        ratios[own] = nats[name][length[own], place[own]]
        rows = [np.flatnonzero(own & ~human & (year == value)) for value in np.unique(year[own & ~human])]
        rows = [part for part in rows if documents[part].sum() >= fewest]
        old = np.flatnonzero(own & human)
        steepness, shift = 1.0, 0.0
        if rows and documents[old].sum() >= ENOUGH_HUMANS:
            weights = [documents[part] for part in rows]
            steepness, shift = _tilt([ratios[part] for part in rows], weights, ratios[old], documents[old])
            corrected[name] = (int(documents[old].sum()), steepness)
        adjusted = np.exp(steepness * ratios - shift)
        for part in rows:
            value = int(year[part[0]])
            configured = table.configured(value)
            pull = PSEUDO_COUNT if name in corrected else PSEUDO_COUNT_UNCORRECTED
            whole = _stratum(value, name, None, adjusted[part], documents[part], configured, configured, pull)
            strata.append(whole)
            for origin, few in _by_source(source, documents, part, fewest):
                counted = adjusted[few], documents[few]
                strata.append(_stratum(value, name, origin, *counted, whole.prior, configured, pull))
    return Priors(prior, tuple(strata), corrected)


def proof_years(proven: NDArray[np.datetime64]) -> NDArray[np.int64]:
    """Year of each time of proof; `UNPROVEN` where there is none."""
    years = proven.astype("datetime64[Y]").astype(np.int64) + 1970
    return np.where(np.isnat(proven), UNPROVEN, years)


def _by_source(
    source: NDArray[np.object_], documents: NDArray[np.int64], rows: NDArray[np.int64], fewest: int
) -> Iterator[tuple[str, NDArray[np.int64]]]:
    """(source, its rows) among `rows`, of those with enough documents and unless one source has them all."""
    names, code = np.unique(source[rows], return_inverse=True)
    totals = np.bincount(code, weights=documents[rows])
    order = np.argsort(code, kind="stable")
    edges = np.searchsorted(code[order], np.arange(len(names) + 1))
    for k in np.flatnonzero(totals >= fewest) if len(names) > 1 else ():
        yield str(names[k]), rows[order[edges[k] : edges[k + 1]]]


def _stratum(
    year: int,
    language: str,
    source: str | None,
    ratios: NDArray[np.float64],
    weights: NDArray[np.int64],
    parent: float,
    configured: float,
    pull: int,
) -> Stratum:
    documents = int(weights.sum())
    share = em_share(ratios, weights)
    drawn = (documents * share + pull * parent) / (documents + pull)
    middle = np.log(configured / (1 - configured))
    bound = np.log(MOST_FACTOR)
    drawn = min(max(drawn, 1e-9), 1 - 1e-9)
    odds = np.clip(np.log(drawn / (1 - drawn)), middle - bound, middle + bound)
    return Stratum(year, language, source, documents, share, float(1 / (1 + np.exp(-odds))))


def _tilt(
    nats: Sequence[NDArray[np.float64]],
    weights: Sequence[NDArray[np.int64]],
    human: NDArray[np.float64],
    human_weights: NDArray[np.int64],
) -> tuple[float, float]:
    """(steepness b, shift) at which ratios exp(b·nats - shift) explain the strata best.

    The shift makes the mean ratio of the crawl's own humans 1, as that of a likelihood ratio is: the two-component
    mixture with exponential tilt of Qin (1999). At a tie the smallest steepness stands.
    """
    best = (-np.inf, 1.0, 0.0)
    for steepness in TILTS:
        mean = np.average(np.exp(steepness * human), weights=human_weights)
        shift, likelihood = float(np.log(mean)), 0.0
        for values, weight in zip(nats, weights, strict=True):
            ratios = np.exp(steepness * values - shift)
            likelihood += float((weight * np.log1p(em_share(ratios, weight) * (ratios - 1))).sum())
        if likelihood > best[0] + 1e-6:
            best = (likelihood, steepness, shift)
    return best[1], best[2]


def _estimated(item: Stratum) -> str:
    when = f"proven in {item.year}" if item.year != UNPROVEN else "without a capture"
    where = (
        "" if item.source is None else f" from source {item.source}" if item.source else " without a source"
    )
    return f"estimated from {item.documents:,} documents of this crawl in {item.language} {when}{where}"


def _configured(year: int) -> str:
    if year == -1:
        return "low-background"
    return f"table for {year}" if year != UNPROVEN else "no capture, table for the last year"
