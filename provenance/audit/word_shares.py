"""Sentences as sets of common words, and how much likelier each is from a machine than from a person.

The material of the corpus-level estimate of Liang et al. (2024): occurrence rates of words per sentence in
human and in synthetic reference text. Tables ship in `provenance/audit/data`, made by a script.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import as_file, files
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numba import njit
from numpy.typing import NDArray

from provenance.annotators.columns import text_buffers
from provenance.detectors.embedded.calibration import bucket
from provenance.detectors.embedded.conformal import bin_of
from provenance.detectors.embedded.model import Scores, load_model
from provenance.detectors.embedded.tokens import (
    MAX_TOKENS,
    SENTENCE_END,
    WORD,
    character_tables,
    empty_tokens,
    tokenise,
)

#: A longer sentence (a list without full stops) is cut; a shorter one tells nothing.
MOST_WORDS, FEWEST_WORDS = 60, 5
#: Log-likelihood ratios of sentences are counted in bins of this width between the limits.
LIMIT, WIDTH = 8.0, 0.125
BINS = int(2 * LIMIT / WIDTH)
#: Documents fall into this many groups by turns, the units of the bootstrap.
GROUPS = 64
FORMAT = 2


class Sentences(NamedTuple):
    """Distinct vocabulary words of sentences: `words[starts[i]:starts[i + 1]]` of sentence i."""

    starts: NDArray[np.int64]  # (sentences + 1,)
    words: NDArray[np.int32]  # index into the vocabulary
    document: NDArray[np.int64]  # (sentences,)


@dataclass(frozen=True)
class Reference:
    """What labelled text looks like to the detector and in its words; held-out text for all but the words.

    `human` and `synthetic` are binned scores of `language`, shape (kinds, length buckets, bins), by the detector
    `detector`; a kind is a domain of human text or a generator. A sentence's log-likelihood ratio is `base` + the sum of `ratios` of its words.
    """

    detector: str
    language: str
    human: NDArray[np.int64]
    synthetic: NDArray[np.int64]
    vocabulary: NDArray[np.uint32]  # sorted
    ratios: NDArray[np.float32]
    base: float
    curve: tuple[NDArray[np.float64], NDArray[np.float64]]  # (raw share, true share)

    def save(self, path: Path) -> None:
        """Write as npz; equal references give equal bytes."""
        np.savez_compressed(
            path,
            format=np.array(FORMAT),
            detector=np.array(self.detector),
            language=np.array(self.language),
            human=self.human.astype(np.int32),
            synthetic=self.synthetic.astype(np.int32),
            vocabulary=self.vocabulary,
            ratios=self.ratios,
            base=np.array(self.base),
            curve=np.stack(self.curve),
        )


def read_reference(path: Path) -> Reference:
    """Read a reference file; raises ValueError if it is of another format."""
    with np.load(path, allow_pickle=False) as stored:
        if "format" not in stored or int(stored["format"]) != FORMAT:
            raise ValueError(f"{path}: not a prevalence reference of format {FORMAT}")
        return Reference(
            detector=str(stored["detector"]),
            language=str(stored["language"]),
            human=stored["human"].astype(np.int64),
            synthetic=stored["synthetic"].astype(np.int64),
            vocabulary=stored["vocabulary"],
            ratios=stored["ratios"],
            base=float(stored["base"]),
            curve=(stored["curve"][0], stored["curve"][1]),
        )


@lru_cache(maxsize=1)
def load_reference() -> Reference:
    """The reference that ships in the package."""
    with as_file(files("provenance.audit") / "data" / "prevalence.npz") as path:
        return read_reference(path)


def read_sentences(texts: pa.Array | pa.ChunkedArray, vocabulary: NDArray[np.uint32]) -> Sentences:
    """The sentences of a string array, at most detector.tokens.MAX_TOKENS tokens of each document."""
    texts_read = text_buffers(texts)
    room = int(np.minimum(np.diff(texts_read[1]), MAX_TOKENS).sum()) + 1
    found = Sentences(np.zeros(room + 1, np.int64), np.zeros(room, np.int32), np.zeros(room, np.int64))
    seen = np.full(len(vocabulary), -1, np.int64)
    buffers = (character_tables(), empty_tokens(MAX_TOKENS))
    count = _sentences(texts_read, buffers, vocabulary, seen, found)
    starts = found.starts[: count + 1]
    return Sentences(starts, found.words[: starts[count]].copy(), found.document[:count].copy())


def sentence_ratios(sentences: Sentences, reference: Reference) -> NDArray[np.float64]:
    """Log-likelihood ratio of each sentence in nats, shape (sentences,)."""
    running = np.concatenate([[0.0], np.cumsum(reference.ratios[sentences.words], dtype=np.float64)])
    return np.asarray(reference.base + np.diff(running[sentences.starts]))


def bin_ratios() -> NDArray[np.float64]:
    """Likelihood ratio (not its logarithm) at the middle of each bin of `count_sentences`."""
    return np.asarray(np.exp(-LIMIT + WIDTH * (np.arange(BINS) + 0.5)))


def count_sentences(
    texts: pa.Array | pa.ChunkedArray, first: int, reference: Reference, use: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Sentences by group of documents and by binned ratio, shape (GROUPS, BINS).

    `first` is the number of documents that came before, `use` says which of these count.
    """
    sentences = read_sentences(texts, reference.vocabulary)
    bins = ((np.clip(sentence_ratios(sentences, reference), -LIMIT, LIMIT) + LIMIT) / WIDTH).astype(np.int64)
    group = (sentences.document + first) % GROUPS
    keep = use[sentences.document]
    flat = group[keep] * BINS + np.minimum(bins[keep], BINS - 1)
    return np.bincount(flat, minlength=GROUPS * BINS).reshape(GROUPS, BINS)


def count_scores(scores: Scores, use: NDArray[np.bool_], buckets: int, bins: int) -> NDArray[np.int64]:
    """Documents by length bucket and binned score, shape (buckets, bins); short ones are left out."""
    lengths = bucket(scores.words)
    keep = use & (lengths >= 0)
    flat = lengths[keep] * bins + bin_of(scores.score[keep])
    return np.bincount(flat, minlength=buckets * bins).reshape(buckets, bins)


def detector_version() -> str:
    """Version of the shipped model, which a reference has to match."""
    return load_model().version


@njit(cache=True, nogil=True)
def _sentences(texts, buffers, vocabulary, seen, found):  # type: ignore[no-untyped-def]
    """Fill `found` and return the number of sentences.

    `texts` are bytes and offsets, `buffers` the tables and the token buffers of `tokenise`, `seen` the last sentence
    in which each word of the vocabulary occurred.
    """
    data, offsets = texts
    tables, tokens = buffers
    hashes, types, flags = tokens.hashes, tokens.types, tokens.flags
    starts, words, document = found.starts, found.words, found.document
    sentence = 0
    used = 0
    for d in range(len(offsets) - 1):
        count = tokenise(data, offsets[d], offsets[d + 1], tables, tokens)
        length = 0
        first = used
        for i in range(count + 1):
            if i == count or flags[i] & SENTENCE_END or length == MOST_WORDS:
                if length >= FEWEST_WORDS:
                    document[sentence] = d
                    sentence += 1
                    starts[sentence] = used
                else:
                    # its words may come again in the next sentence, which takes its number
                    for k in range(first, used):
                        seen[words[k]] = -1
                    used = first
                length = 0
                first = used
                if i == count:
                    break
            if types[i] == WORD:
                length += 1
                at = np.searchsorted(vocabulary, hashes[i])
                if at < len(vocabulary) and vocabulary[at] == hashes[i] and seen[at] != sentence:
                    seen[at] = sentence
                    words[used] = at
                    used += 1
    return sentence
