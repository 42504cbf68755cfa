"""False-positive control on the user's own crawl: its documents from before 2022-11-30 are human by construction.

Split-conformal: among n such documents and one new human one, every rank of the new score is equally likely,
so (1 + number scoring at least as high) / (n + 1) is a valid p-value whatever the detector is worth.
Counts per (language, length bucket) add up over shards. Vovk, Gammerman and Shafer 2005, chapter 4.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from provenance.detector.calibration import BUCKETS, Calibration, bucket

#: Scores are counted in bins of this width between the limits; both ends are open.
LOWEST, HIGHEST, WIDTH = -16.0, 16.0, 1 / 32
BINS = int((HIGHEST - LOWEST) / WIDTH)

#: language → counts of shape (len(BUCKETS), BINS)
Histograms = dict[str, NDArray[np.int64]]


@dataclass(frozen=True)
class Threshold:
    """Above `score` a document of this language and length bucket is flagged.

    `bound` is the proven false-positive rate on exchangeable human documents and `documents` what proves
    it; for the shipped calibration `source` names it and the bound holds for its own sample only.
    """

    language: str
    bucket: int  # index into calibration.BUCKETS
    score: float
    bound: float
    documents: int
    source: str


def count(scores: ArrayLike, words: ArrayLike, languages: Sequence[str | None]) -> Histograms:
    """Histograms of the scores of low-background documents; short ones and unknown languages are left out."""
    lengths = bucket(np.asarray(words))
    bins = bin_of(scores)
    names = np.array([language or "" for language in languages], dtype=str)
    found: Histograms = {}
    for language in np.unique(names):
        rows = (names == language) & (lengths >= 0)
        if language and rows.any():
            flat = np.bincount(lengths[rows] * BINS + bins[rows], minlength=len(BUCKETS) * BINS)
            found[str(language)] = flat.reshape(len(BUCKETS), BINS).astype(np.int64)
    return found


def merge(parts: Iterable[Mapping[str, NDArray[np.int64]]]) -> Histograms:
    """The sum of histograms; the order of `parts` does not matter."""
    total: Histograms = {}
    for part in parts:
        for language, counts in part.items():
            total[language] = total[language] + counts if language in total else counts.copy()
    return dict(sorted(total.items()))


def thresholds(
    histograms: Mapping[str, NDArray[np.int64]], shipped: Calibration, max_fpr: float
) -> list[Threshold]:
    """One threshold for each claimed language and bucket, from the crawl where it has documents enough.

    Enough means that a bound at `max_fpr` exists at all: (0 + 1)/(n + 1) ≤ max_fpr, so 99 documents for 1%.
    Elsewhere the shipped calibration is used and named.
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
                score = LOWEST + edge * WIDTH
                result.append(
                    Threshold(
                        language, index, score, bound, documents, "low-background documents of this crawl"
                    )
                )
            else:
                cut = float(shipped.cutoffs([BUCKETS[index]], [language], max_fpr)[0])
                source = f"shipped calibration {shipped.version}"
                result.append(Threshold(language, index, cut, max_fpr, documents, source))
    return result


def flag(
    scores: ArrayLike, words: ArrayLike, languages: Sequence[str | None], table: Iterable[Threshold]
) -> NDArray[np.bool_]:
    """Whether each document is above its threshold; False where the table has none for it."""
    scores = np.asarray(scores, float)
    lengths = bucket(np.asarray(words))
    cut = {(row.language, row.bucket): row for row in table}
    flagged = np.zeros(len(scores), bool)
    for i, language in enumerate(languages):
        row = cut.get((language or "", int(lengths[i])))
        if row is not None:
            # Crawl thresholds sit on bin edges and their bin is flagged; shipped ones are exceeded strictly.
            on_edge = row.source.startswith("low-background")
            flagged[i] = (
                bin_of([scores[i]])[0] >= bin_of([row.score])[0] if on_edge else scores[i] > row.score
            )
    return flagged


def p_values(
    histograms: Mapping[str, NDArray[np.int64]],
    scores: ArrayLike,
    words: ArrayLike,
    languages: Sequence[str | None],
) -> NDArray[np.float64]:
    """Conformal p-value of "human" for each document; 1 where there is nothing to compare with."""
    lengths = bucket(np.asarray(words))
    bins = bin_of(scores)
    result = np.ones(len(bins))
    names = np.array([language or "" for language in languages], dtype=str)
    for language, counts in histograms.items():
        at_least = np.cumsum(counts[:, ::-1], axis=1)[:, ::-1]
        rows = np.flatnonzero((names == language) & (lengths >= 0))
        total = counts.sum(axis=1)
        result[rows] = (1 + at_least[lengths[rows], bins[rows]]) / (1 + total[lengths[rows]])
    return result


def cap_ratios(ratios: ArrayLike, p: ArrayLike) -> NDArray[np.float64]:
    """Log-likelihood ratios no larger than the crawl's own humans allow: min(llr, -log p).

    A true likelihood ratio exceeds 1/a on at most a share a of human documents (Markov); a p-value of a
    allows no more than that. Evidence for "human" is left alone, and p = 1 means nothing is known.
    """
    ratios, p = np.asarray(ratios, float), np.asarray(p, float)
    return np.where(p < 1, np.minimum(ratios, -np.log(p)), ratios)


def bin_of(scores: ArrayLike) -> NDArray[np.int64]:
    """Index of each score's bin, 0 to BINS - 1; scores beyond the limits fall in the end bins."""
    position = np.floor((np.asarray(scores, float) - LOWEST) / WIDTH)
    return np.clip(position, 0, BINS - 1).astype(np.int64)
