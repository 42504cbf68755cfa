"""False-positive control on the user's own crawl: its documents from before 2022-11-30 are human by construction.

Split-conformal: among n such documents and one new human one, every rank of the new score is equally likely,
so (1 + number scoring at least as high) / (n + 1) is a valid p-value whatever the detector is worth.
Counts per (language, length bucket) add up over shards. Vovk, Gammerman and Shafer 2005, chapter 4.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from provenance.detectors.embedded.calibration import (
    BINS,
    BUCKETS,
    LOWEST,
    WIDTH,
    Calibration,
    Languages,
    bin_of,
    bucket,
    limit_documents,
    rows_by,
)

__all__ = [
    "BINS",
    "CRAWL",
    "Histograms",
    "Threshold",
    "bin_of",
    "count",
    "flag",
    "limits",
    "merge",
    "p_values",
    "ranks",
    "thresholds",
]

#: Where a threshold comes from if not from a calibration file.
CRAWL = "low-background documents of this crawl"
_NONE = np.zeros(0, np.int64)
#: language → counts of shape (len(BUCKETS), BINS)
Histograms = dict[str, NDArray[np.int64]]


@dataclass(frozen=True)
class Threshold:
    """A document of this language and length bucket is flagged above `score`; from the crawl also at it.

    `bound` is the proven false-positive rate on exchangeable human documents and `documents` what proves
    it. Where `source` is a calibration, `documents` are too few to prove anything and the bound is the
    calibration's, which holds for its own sample only.
    """

    language: str
    bucket: int  # index into calibration.BUCKETS
    score: float
    bound: float
    documents: int
    source: str


def count(scores: ArrayLike, words: ArrayLike, languages: Languages) -> Histograms:
    """Histograms of the scores of low-background documents; short ones and unknown languages are left out."""
    lengths, bins = bucket(np.asarray(words)), bin_of(scores)
    found: Histograms = {}
    for language, rows in rows_by(languages).items():
        rows = rows[lengths[rows] >= 0]
        if language and len(rows):
            flat = np.bincount(lengths[rows] * BINS + bins[rows], minlength=len(BUCKETS) * BINS)
            found[language] = flat.reshape(len(BUCKETS), BINS).astype(np.int64)
    return found


def merge(parts: Iterable[Mapping[str, NDArray[np.int64]]]) -> Histograms:
    """The sum of histograms; the order of `parts` does not matter."""
    total: Histograms = {}
    for part in parts:
        for language, counts in part.items():
            total[language] = total[language] + counts if language in total else counts.copy()
    return dict(sorted(total.items()))


def thresholds(
    histograms: Mapping[str, NDArray[np.int64]],
    shipped: Calibration,
    max_fpr: float,
    name: str = "shipped calibration",
) -> list[Threshold]:
    """One threshold for each claimed language and bucket, from the crawl where it has documents enough.

    Enough means that a bound at `max_fpr` exists at all: (0 + 1)/(n + 1) ≤ max_fpr, so 99 documents for 1%.
    Elsewhere the calibration `shipped` is used and named `name`.
    """
    result = []
    for language in shipped.languages():
        counts = histograms.get(language, np.zeros((len(BUCKETS), BINS), np.int64))
        for index in range(len(BUCKETS)):
            documents = int(counts[index].sum())
            if 1 / (documents + 1) <= max_fpr:
                at_least = np.append(np.cumsum(counts[index][::-1])[::-1], 0)
                # The lowest edge e with (1 + #{bin ≥ e}) / (n + 1) ≤ max_fpr; flagged means bin ≥ e.
                edge = int(np.argmax((1 + at_least) <= max_fpr * (documents + 1)))
                bound = float((1 + at_least[edge]) / (documents + 1))
                score = LOWEST + edge * WIDTH if edge < BINS else np.inf
                result.append(Threshold(language, index, score, bound, documents=documents, source=CRAWL))
            else:
                cut = float(shipped.cutoffs([BUCKETS[index]], [language], max_fpr)[0])
                source = f"{name} {shipped.version}"
                result.append(Threshold(language, index, cut, max_fpr, documents=documents, source=source))
    return result


def flag(
    scores: ArrayLike, words: ArrayLike, languages: Languages, table: Iterable[Threshold]
) -> NDArray[np.bool_]:
    """Whether each document is above its threshold; False where the table has none for it."""
    scores = np.asarray(scores, float)
    lengths, rows_of = bucket(np.asarray(words)), rows_by(languages)
    flagged = np.zeros(len(scores), bool)
    for row in table:
        rows = rows_of.get(row.language, _NONE)
        rows = rows[lengths[rows] == row.bucket]
        flagged[rows] = (scores[rows] >= row.score) if row.source == CRAWL else (scores[rows] > row.score)
    return flagged


def ranks(
    histograms: Mapping[str, NDArray[np.int64]],
    scores: ArrayLike,
    words: ArrayLike,
    languages: Languages,
    counted: ArrayLike | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(human documents scoring at least as high, human documents) of each document's language and length.

    A document that is `counted` in the histograms itself is left out of both of its numbers.
    """
    lengths, bins, rows_of = bucket(np.asarray(words)), bin_of(scores), rows_by(languages)
    at_least, total = np.zeros(len(bins), np.int64), np.zeros(len(bins), np.int64)
    for language, counts in histograms.items():
        reached = np.cumsum(counts[:, ::-1], axis=1)[:, ::-1]
        rows = rows_of.get(language, _NONE)
        rows = rows[lengths[rows] >= 0]
        at_least[rows] = reached[lengths[rows], bins[rows]]
        total[rows] = counts.sum(axis=1)[lengths[rows]]
    if counted is not None:
        own = np.asarray(counted, bool) & (total > 0)
        at_least[own] -= 1
        total[own] -= 1
    return at_least, total


def p_values(
    histograms: Mapping[str, NDArray[np.int64]],
    scores: ArrayLike,
    words: ArrayLike,
    languages: Languages,
    counted: ArrayLike | None = None,
) -> NDArray[np.float64]:
    """Conformal p-value of "human" for each document; 1 where there is nothing to compare with."""
    at_least, total = ranks(histograms, scores, words, languages, counted)
    return np.asarray((1 + at_least) / (1 + total))


def limits(at_least: NDArray[np.int64], total: NDArray[np.int64], most: float) -> NDArray[np.float64]:
    """The largest ratio in nats that `ranks` allow: -log of the p-value (`calibration.limit_table`).

    Infinite where the documents are fewer than it takes to leave `most` nats to a score above them all.
    """
    nats = np.log(total + 1) - np.log(at_least + 1)
    return np.where(total >= limit_documents(most), nats, np.inf)
