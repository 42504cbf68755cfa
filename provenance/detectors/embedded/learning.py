"""Learns the experts of the embedded detector: which n-grams are general enough to count, and their weights.

An n-gram counts only if it occurs in several sources: one that is common in one corpus alone tells corpora
apart, not authors. Everything runs in a seeded order, so the same passages give the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from numba import njit
from numpy.typing import NDArray

from provenance.annotators.columns import text_buffers
from provenance.detectors.embedded import features
from provenance.detectors.embedded.features import (
    MAX_GRAMS,
    MAX_PASSAGES,
    PASSAGE,
    grams,
    index_vocabulary,
    mask,
)
from provenance.detectors.embedded.lookup import is_new, place_keys
from provenance.detectors.embedded.model import STYLE_LIMIT, measure, passages
from provenance.detectors.embedded.style import STYLE, style
from provenance.detectors.embedded.tokens import MAX_TOKENS, WORD, character_tables, empty_tokens, tokenise


@dataclass(frozen=True)
class Passages:
    """The distinct n-grams and the style of each passage of a corpus, row after row."""

    starts: NDArray[np.int64]  # (rows + 1,)
    grams: NDArray[np.uint32]  # keys of n-grams; after `known_grams` places in a list of them
    style: NDArray[np.float32]  # (rows, len(STYLE)); after `standardised` in standard deviations
    document: NDArray[np.int64]  # (rows,) ascending
    words: NDArray[np.int32]  # (documents,)
    known: NDArray[np.float32]  # (documents,) share of common words


@dataclass(frozen=True)
class Expert:
    """A linear model over n listed n-grams, quantised: weight = scale · step."""

    listed: NDArray[np.bool_]  # (n,) whether it knows the n-gram
    steps: NDArray[np.int8]  # (n,)
    scale: float
    bias: float
    style: NDArray[np.float32]  # (len(STYLE),)

    def scores(self, rows: Passages) -> NDArray[np.float64]:
        """Score of each document of `rows`, as the compiled pass of the model gives it up to rounding."""
        value = _sums(rows.starts, rows.grams, self.steps, self.listed) * self.scale + self.bias
        return document_means(rows, value + rows.style @ self.style)


def document_means(rows: Passages, value: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean of a value of passages, (rows,), over each document, (documents,); 0 for one without passages."""
    parts = np.bincount(rows.document, minlength=len(rows.words))
    return np.bincount(rows.document, weights=value, minlength=len(rows.words)) / np.maximum(parts, 1)


def passage_weights(rows: Passages, weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """The weight of each document, (documents,), shared among its passages, (rows,)."""
    parts = np.bincount(rows.document, minlength=len(weight))
    return np.asarray(weight[rows.document] / parts[rows.document])


def common_words(texts: pa.Array, weight: NDArray[np.float64], size: int) -> NDArray[np.uint32]:
    """Sorted hashes of the `size` words in most documents, documents counted by `weight`."""
    data, offsets = text_buffers(texts)
    found = np.zeros(len(data) + 1, np.uint64)
    count = _document_words((data, offsets), character_tables(), empty_tokens(MAX_TOKENS), found)
    pairs = np.unique(found[:count])
    words, index = np.unique((pairs >> np.uint64(32)).astype(np.uint32), return_inverse=True)
    frequency = np.bincount(index, weights=weight[(pairs & np.uint64(0xFFFFFFFF)).astype(np.int64)])
    return np.sort(words[np.lexsort((words, -frequency))[:size]])


def encode(texts: pa.Array, vocabulary: NDArray[np.uint32]) -> Passages:
    """The keys of the n-grams of every passage of `texts`, by the same functions that score."""
    data, offsets = text_buffers(texts)
    sizes = np.diff(offsets)
    rows = int(np.minimum(sizes // PASSAGE + 1, MAX_PASSAGES).sum())  # a token has one byte at least
    starts = np.zeros(rows + 1, np.int64)
    keys = np.zeros(int(np.minimum(sizes * 7, rows * MAX_GRAMS).sum()) + MAX_GRAMS, np.uint32)
    vectors = np.zeros((rows, len(STYLE)), np.float32)
    document = np.zeros(rows, np.int64)
    words = np.zeros(len(texts), np.int32)
    known = np.zeros(len(texts), np.float32)
    reading = (character_tables(), empty_tokens(MAX_TOKENS), features.empty_buffers())
    found = (starts, keys, vectors, document, words, known)
    used = _encode((data, offsets), reading, index_vocabulary(vocabulary), found)
    end = int(starts[used])
    return Passages(
        starts=starts[: used + 1],
        grams=keys[:end].copy(),
        style=vectors[:used],
        document=document[:used],
        words=words,
        known=known,
    )


def shared_grams(rows: Passages, source: NDArray[np.int64], least: int) -> NDArray[np.uint32]:
    """Ascending keys of the n-grams that occur in at least `least` sources.

    `source` (documents,) from 0; documents of source -1 are not read.
    """
    order = np.argsort(source[rows.document], kind="stable")
    order = order[source[rows.document[order]] >= 0]
    read = int((rows.starts[order + 1] - rows.starts[order]).sum())
    size = 1 << max(10, read.bit_length())
    table, count = np.zeros(size, np.uint32), np.zeros(size, np.uint16)
    last = np.full(size, -1, np.int32)
    _count_sources((rows.starts, rows.grams, source[rows.document]), order, table, count, last)
    return np.sort(table[count >= least])


def known_grams(rows: Passages, keys: NDArray[np.uint32]) -> Passages:
    """`rows` with places in `keys` (ascending) instead of keys; n-grams that are not listed are left out."""
    starts = np.zeros_like(rows.starts)
    table = np.zeros(1 << max(4, int(3 * len(keys)).bit_length()), np.uint32)
    place = np.zeros(len(table), np.uint32)
    found = rows.grams.copy()
    place_keys(keys, np.arange(len(keys), dtype=np.uint32), table, place)
    _look_up(rows.starts, found, table, place, starts)
    return replace(rows, starts=starts, grams=found[: starts[-1]].copy())


def standardised(
    rows: Passages, mean: NDArray[np.float32], scale: NDArray[np.float32], place: NDArray[np.int64]
) -> Passages:
    """`rows` with style in limited standard deviations; `mean` and `scale` (languages, measures), `place` (documents,)."""
    at = place[rows.document]
    style_ = np.clip((rows.style - mean[at]) / scale[at], -STYLE_LIMIT, STYLE_LIMIT)
    return replace(rows, style=style_.astype(np.float32))


def sources_of(rows: Passages, size: int, source: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many sources each of `size` listed n-grams occurs in; documents of source -1 are not counted."""
    order = np.argsort(source[rows.document], kind="stable")
    order = order[source[rows.document[order]] >= 0]
    count, last = np.zeros(size, np.int64), np.full(size, -1, np.int64)
    _count_listed((rows.starts, rows.grams, source[rows.document]), order, count, last)
    return count


def fit(
    rows: Passages,
    listed: NDArray[np.bool_],
    synthetic: NDArray[np.bool_],
    weight: NDArray[np.float64],
    seed: int,
    epochs: int,
    rate: float,
    style_rate: float,
    ridge: float,
) -> Expert:
    """A logistic model by AdaGrad over the n-grams that are `listed`; documents count by `weight`, 0 is left out.

    Quantised to int8; the one weight in 2000 beyond 127 steps is clipped. Without documents it says nothing: all 0.
    """
    row_weight = passage_weights(rows, weight)
    used = np.flatnonzero(row_weight > 0)
    if not len(used):
        return Expert(listed, np.zeros(len(listed), np.int8), 1.0, 0.0, np.zeros(len(STYLE), np.float32))
    row_weight = row_weight / row_weight[used].mean()
    random = np.random.RandomState(seed)
    order = np.stack([random.permutation(used) for _ in range(epochs)])
    table = np.zeros(len(listed), np.float32)
    target = synthetic[rows.document].astype(np.float32)
    style_weights = np.zeros(len(STYLE), np.float32)
    passages = (rows.starts, rows.grams, rows.style, target, row_weight)
    bias = _fit(passages, listed, order, learned=(table, style_weights), rates=(rate, style_rate, ridge))
    step = float(np.quantile(np.abs(table[listed]), 0.9995) / 127) if listed.any() else 1.0
    steps = np.clip(np.rint(table / step), -127, 127).astype(np.int8)
    return Expert(listed, steps, step, float(bias), style_weights)


@njit(cache=True)
def _document_words(texts, characters, tokens, found):  # type: ignore[no-untyped-def]
    data, offsets = texts
    size = 0
    for document in range(len(offsets) - 1):
        count = tokenise(data, offsets[document], offsets[document + 1], characters, tokens)
        for i in range(count):
            if tokens.types[i] == WORD:
                found[size] = np.uint64(tokens.hashes[i]) << np.uint64(32) | np.uint64(document)
                size += 1
    return size


@njit(cache=True)
def _encode(texts, reading, index, rows):  # type: ignore[no-untyped-def]
    """Fill `rows` (the arrays of `Passages` in their order) and return how many passages there are."""
    data, offsets = texts
    characters, tokens, (masked, keys, _, seen, recent) = reading
    starts, found, vectors, document_of, words, known = rows
    row = 0
    end = 0
    for document in range(len(offsets) - 1):
        count = tokenise(data, offsets[document], offsets[document + 1], characters, tokens)
        if count == 0:
            continue
        common = mask(count, tokens, index, masked)
        words[document], known[document] = measure(count, tokens.types, common)
        parts, size = passages(count)
        for part in range(parts):
            first, last = part * size, min(count, (part + 1) * size)
            for k in range(grams(first, last, tokens, masked, keys)):
                if is_new(keys[k], row + 1, seen):
                    found[end] = keys[k]
                    end += 1
            style(first, last, tokens, recent=recent, base=(row + 1) * 4096, out=vectors[row])
            document_of[row] = document
            row += 1
            starts[row] = end
    return row


@njit(cache=True)
def _count_sources(rows, order, table, count, last):  # type: ignore[no-untyped-def]
    starts, keys, source = rows
    for row in order:
        for k in range(starts[row], starts[row + 1]):
            key = keys[k]
            at = key & np.uint32(len(table) - 1)
            while table[at] != 0 and table[at] != key:
                at = (at + np.uint32(1)) & np.uint32(len(table) - 1)
            table[at] = key
            if last[at] != source[row]:
                last[at] = source[row]
                count[at] += 1


@njit(cache=True)
def _look_up(starts, found, table, place, new_starts):  # type: ignore[no-untyped-def]
    end = 0
    for row in range(len(starts) - 1):
        for k in range(starts[row], starts[row + 1]):
            at = found[k] & np.uint32(len(table) - 1)
            while table[at] != 0:
                if table[at] == found[k]:
                    found[end] = place[at]
                    end += 1
                    break
                at = (at + np.uint32(1)) & np.uint32(len(table) - 1)
        new_starts[row + 1] = end


@njit(cache=True)
def _count_listed(rows, order, count, last):  # type: ignore[no-untyped-def]
    starts, places, source = rows
    for row in order:
        for k in range(starts[row], starts[row + 1]):
            if last[places[k]] != source[row]:
                last[places[k]] = source[row]
                count[places[k]] += 1


@njit(cache=True)
def _fit(passages, listed, order, learned, rates):  # type: ignore[no-untyped-def]
    """AdaGrad over `passages` in `order`; fills the weights in `learned` and returns the bias."""
    starts, places, vectors, target, row_weight = passages
    table, style_weights = learned
    rate, style_rate, ridge = rates
    squares = np.full(len(table), 1e-2, np.float32)
    style_squares = np.full(len(style_weights), 1e-2)
    bias = 0.0
    bias_squares = 1e-2
    for epoch in range(len(order)):
        for row in order[epoch]:
            value = 0.0
            size = 0
            for k in range(starts[row], starts[row + 1]):
                if listed[places[k]]:
                    value += table[places[k]]
                    size += 1
            norm = 1 / np.sqrt(max(1, size))
            value = value * norm + bias
            for k in range(len(style_weights)):
                value += style_weights[k] * vectors[row, k]
            gap = (1 / (1 + np.exp(-value)) - target[row]) * row_weight[row]
            for k in range(starts[row], starts[row + 1]):
                place = places[k]
                if listed[place]:
                    gradient = gap * norm + ridge * table[place]
                    squares[place] += gradient * gradient
                    table[place] -= rate * gradient / np.sqrt(squares[place])
            for k in range(len(style_weights)):
                gradient = gap * vectors[row, k] + ridge * style_weights[k]
                style_squares[k] += gradient * gradient
                style_weights[k] -= style_rate * gradient / np.sqrt(style_squares[k])
            bias_squares += gap * gap
            bias -= rate * gap / np.sqrt(bias_squares)
    return bias


@njit(cache=True)
def _sums(starts, places, weights, listed):  # type: ignore[no-untyped-def]
    out = np.zeros(len(starts) - 1)
    for row in range(len(out)):
        total = 0
        size = 0
        for k in range(starts[row], starts[row + 1]):
            total += weights[places[k]]
            size += listed[places[k]]
        out[row] = total / np.sqrt(max(1, size))
    return out
