"""Early warning: do the documents that a baseline lacks bring as much that is new as the baseline's own do?

What two versions share says nothing about the difference and only adds noise, so it is left out. Of the rest the new types
are counted, and set beside how many as many words more of the baseline's kind would have brought (Good and Toulmin 1956).
A model that learned from the baseline brings next to none, long before what is rare is lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from provenance.audit.sketches.sketch import BINS, SUMMED, Sketch, bin_value
from provenance.audit.sketches.types import DOCUMENTS, GROUPS

Floats = NDArray[np.floating[Any]]

#: Fewest documents and words that a baseline lacks of which anything is said.
FEWEST_DOCUMENTS, FEWEST_WORDS = 10, 1_000
#: Largest extrapolation, in parts of the baseline: the series settles within its first terms there.
_FARTHEST, _TERMS = 0.5, 12
_FEWEST_TYPES = 50


@dataclass(frozen=True)
class Added:
    """What of a dataset is not in the baseline."""

    documents: Floats  # by group, shape (GROUPS,)
    words: float
    error: float  # standard deviation of `words`, as a part of them
    share: float  # of the dataset's words


@dataclass(frozen=True)
class Novelty:
    """New types by what was to be expected: 1 where what is added is like the baseline, 0 where it brings nothing new."""

    ratio: float
    spread: float  # standard deviation of the ratio as it was found
    band: float  # the same where what is added is like the baseline
    most: float  # the ratio that is to be expected where all that is added comes from sites that the baseline lacks, at least 1


def added(dataset: Sketch, baseline: Sketch) -> Added | None:
    """What of `dataset` is not in `baseline`, by the hashes of documents; None where it is too little."""
    level = max(dataset.types["documents"].level, baseline.types["documents"].level)
    keys, tally = dataset.types["documents"].rows(level)
    others, other_tally = baseline.types["documents"].rows(level)
    scale = float(1 << level)
    new = tally[~np.isin(keys, others), DOCUMENTS].sum(axis=0) * scale
    gone = float(other_tally[~np.isin(others, keys), DOCUMENTS].sum() * scale)
    more = dataset.documents - baseline.documents - float(new.sum()) + gone  # copies of what both have
    mean, deviation = _length(baseline)
    words = dataset.words - baseline.words + (gone - more) * mean
    if new.sum() < FEWEST_DOCUMENTS or words < FEWEST_WORDS:
        return None
    # Which of the baseline's documents are gone is drawn without replacement: of all of them the words are known.
    unsure = abs(gone - more) * max(1 - abs(gone - more) / baseline.documents, 0.0)
    return Added(new.astype(float), words, deviation * unsure**0.5 / words, words / dataset.words)


def novelty(dataset: Sketch, baseline: Sketch, kind: str, extra: Added) -> Novelty | None:
    """New types of `kind` in what was added, by those to be expected; None where the baseline is too small for that."""
    level = max(dataset.types[kind].level, baseline.types[kind].level)
    keys, tally = dataset.types[kind].rows(level)
    others, other_tally = baseline.types[kind].rows(level)
    owners = other_tally[:, DOCUMENTS]
    known = owners.sum(axis=1)
    once = owners[known == 1].sum(axis=0).astype(float)
    if once.sum() < _FEWEST_TYPES:
        return None
    kept = min(1.0, _FARTHEST * baseline.words / extra.words)
    reach = kept * extra.words / baseline.words
    new = tally[~np.isin(keys, others), DOCUMENTS]
    found = _left(new.sum(axis=1), kept)
    ratio = found / _expected(known, reach)
    # Documents of one site share words that no other has, so another site brings more than another document of a known one.
    by_site = _left((new > 0).sum(axis=1), kept) / _expected((owners > 0).sum(axis=1), reach)
    by_group = new.sum(axis=0).astype(float)
    spread = _scatter(by_group, extra.documents) if found else 0.0
    return Novelty(
        ratio,
        ratio * float(np.hypot(spread, extra.error)),
        float(np.hypot(_band(once, baseline, extra), extra.error)),
        max(ratio / by_site, 1.0) if found else 1.0,
    )


def _expected(units: NDArray[np.integer[Any]], reach: float) -> float:
    """New types in `reach` times as many units more, by how many units each known type occurs in (Good and Toulmin 1956)."""
    counts = np.bincount(np.minimum(units, _TERMS + 1), minlength=_TERMS + 2)[1 : _TERMS + 1]
    return -float((counts * (-reach) ** np.arange(1, _TERMS + 1)).sum())


def _left(units: NDArray[np.integer[Any]], kept: float) -> float:
    """Types that are left when each unit stays with probability `kept`, by how many units each occurs in."""
    return float((1 - (1 - kept) ** units).sum())


def _band(once: Floats, baseline: Sketch, extra: Added) -> float:
    """Relative standard deviation of new types in so many documents of the baseline's kind, by how its groups differ."""
    words, documents = baseline.totals[1].astype(float), baseline.totals[0].sum() / GROUPS
    off = once - once.sum() / words.sum() * words
    scatter = float(np.sqrt((off**2).sum() / (GROUPS - 1)) / once.mean())
    count = extra.documents.sum()
    alone = documents / count  # as if each document were drawn by itself
    together = float((extra.documents**2).sum()) / count**2  # as if those of a group were one site's
    return scatter * float(np.sqrt(max(alone, together) + 1 / GROUPS))


def _scatter(found: Floats, documents: Floats) -> float:
    """Relative standard deviation of a sum over groups, whose expectation follows the number of documents."""
    off = found - found.sum() / documents.sum() * documents
    return float(np.sqrt((off**2).sum()) / found.sum())


def _length(sketch: Sketch) -> tuple[float, float]:
    """Mean and standard deviation of the words of a document."""
    counts = sketch.histograms[SUMMED.index("words")]
    values = bin_value("words", np.arange(BINS))
    middle = float((counts * values).sum() / counts.sum())
    variance = float((counts * (values - middle) ** 2).sum() / counts.sum())
    return sketch.words / sketch.documents, variance**0.5
