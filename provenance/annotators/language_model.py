"""fastText's lid.176, read and asked by compiled code: the labels and scores of the library, bit for bit, for a batch at once.

The library takes a string at a time and looks each n-gram up in a map of nodes; here rows are restored when the model is
read, and found in one table.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from provenance.annotators.hashing import BASIS_32, PRIME_32, hash_numbers_32
from provenance.annotators.kernel import kernel

_MAGIC, _VERSION = 793_712_314, 12
#: What the file must be: n-grams of two to four characters, 16 numbers a row, a tree of labels (hierarchical softmax).
_DIM, _LEAST, _MOST, _TREE = 16, 2, 4, 1
_CENTROIDS = 256
_PREFIX = "__label__"
#: Free slots: the tables are at most a quarter full.
_SPARSE = 4
_SPREAD = np.uint32(2_654_435_769)
#: The library adds this before it takes a logarithm, and passes over branches below that of nothing.
_LITTLE = 1e-5
_NOTHING = np.float32(math.log(_LITTLE))
#: Branches that wait: a tree of 176 labels is at most as deep.
_DEEPEST = 176


class LanguageModel(NamedTuple):
    """The model, as arrays.

    Attributes:
        labels: names of the languages, as the model calls them.
        rows: float32[rows, 16], of words first, then of n-grams; the one of an end of line is 0.
        words: uint32[slots, 2], open addressing: hash of a word, and its row + 1 (0: a free slot).
        grams: the same of n-grams, by their buckets.
        sieve: uint64[buckets / 64], a bit for each bucket, set where it is in `grams`: of ten n-grams nine are not.
        spelled: bytes of the words, and `bounds` of each in them.
        output: float32[labels - 1, 16], one for each branch of the tree.
        branches: int64[labels - 1, 2], nodes on either side: below the number of labels a label, else a branch.
        bucket: n-grams are told apart by their hash modulo this.
    """

    labels: tuple[str, ...]
    rows: NDArray[np.float32]
    words: NDArray[np.uint32]
    grams: NDArray[np.uint32]
    sieve: NDArray[np.uint64]
    spelled: NDArray[np.uint8]
    bounds: NDArray[np.int64]
    output: NDArray[np.float32]
    branches: NDArray[np.int64]
    bucket: int

    def predict(self, texts: list[str]) -> tuple[list[str | None], NDArray[np.float32]]:
        """The likeliest language of each text and its score; texts are lines of words without signs, with single spaces. None: nothing is likely."""
        encoded = [text.encode() for text in texts]
        offsets = np.zeros(len(texts) + 1, np.int64)
        np.cumsum([len(item) for item in encoded], out=offsets[1:])
        best, scores = np.full(len(texts), -1, np.int64), np.zeros(len(texts), np.float32)
        marked = np.zeros(int(np.diff(offsets).max(initial=0)) + 2, np.uint8)
        _predict(
            (np.frombuffer(b"".join(encoded), np.uint8), offsets), marked, self[1:], best=best, scores=scores
        )
        return [self.labels[label] if label >= 0 else None for label in best.tolist()], scores


def read_model(data: bytes) -> LanguageModel:
    """The model in the bytes of a `.ftz` file. Raises `ValueError` where it is of another kind."""
    ints = np.frombuffer(data, "<i4", 14)
    kind = [int(ints[place]) for place in (0, 1, 2, 7, 8, 11, 12)]
    if kind != [_MAGIC, _VERSION, _DIM, 1, _TREE, _LEAST, _MOST]:
        raise ValueError(f"not the language model that is meant: {kind}")
    at = 14 * 4 + 8
    size, words, labels = np.frombuffer(data, "<i4", 3, at).tolist()
    _, grams = np.frombuffer(data, "<i8", 2, at + 12).tolist()
    at += 28
    names: list[bytes] = []
    counts = []
    for _ in range(size):
        end = data.index(b"\0", at)
        names.append(data[at:end])
        counts.append(int.from_bytes(data[end + 1 : end + 9], "little"))
        at = end + 10
    pairs = np.frombuffer(data, "<i4", 2 * grams, at).reshape(-1, 2)
    rows, at = _rows(data, at + 8 * grams)
    output = np.frombuffer(data, "<f4", labels * _DIM, at + 17).reshape(labels, _DIM)
    bounds = np.cumsum([0, *map(len, names[:words])]).astype(np.int64)
    return LanguageModel(
        labels=tuple(name.decode().removeprefix(_PREFIX) for name in names[words:]),
        rows=rows,
        words=_table([_hash_of(name) for name in names[:words]], range(words)),
        grams=_table(pairs[:, 0].tolist(), (pairs[:, 1] + words).tolist()),
        sieve=_sieve(pairs[:, 0], int(ints[10])),
        spelled=np.frombuffer(b"".join(names[:words]), np.uint8),
        bounds=bounds,
        output=output,
        branches=_branches(counts[words:]),
        bucket=int(ints[10]),
    )


def _rows(data: bytes, at: int) -> tuple[NDArray[np.float32], int]:
    """The rows of the quantised matrix at byte `at`, as the library restores them, and the byte after it."""
    count, _ = np.frombuffer(data, "<i8", 2, at + 2).tolist()
    codes_size = int.from_bytes(data[at + 18 : at + 22], "little")
    at += 22
    parts = codes_size // count
    codes = np.frombuffer(data, np.uint8, codes_size, at).reshape(count, parts)
    at += codes_size + 16
    centroids = np.frombuffer(data, "<f4", _DIM * _CENTROIDS, at).reshape(parts, _CENTROIDS, _DIM // parts)
    at += 4 * _DIM * _CENTROIDS
    norm_codes = np.frombuffer(data, np.uint8, count, at)
    norms = np.frombuffer(data, "<f4", _CENTROIDS, at + count + 16)
    rows = np.concatenate([centroids[part][codes[:, part]] for part in range(parts)], axis=1)
    return rows * norms[norm_codes][:, None], at + count + 16 + 4 * _CENTROIDS


def _hash_of(word: bytes) -> int:
    """FNV-1a of a word as `_hashed` computes it, byte by byte."""
    return hash_numbers_32(byte if byte < 128 else byte | 0xFFFFFF00 for byte in word)


def _table(keys: list[int], values: range | list[int]) -> NDArray[np.uint32]:
    slots = 1 << (_SPARSE * len(keys) - 1).bit_length()
    table = np.zeros((slots, 2), np.uint32)
    _fill(table, np.array(keys, np.uint32), np.array(values, np.uint32))
    return table


def _sieve(buckets: NDArray[np.int32], count: int) -> NDArray[np.uint64]:
    bits = np.zeros(-(-count // 64) * 64, np.uint8)
    bits[buckets] = 1
    return np.packbits(bits, bitorder="little").view("<u8")


def _branches(counts: list[int]) -> NDArray[np.int64]:
    """The tree of labels by how frequent they are (descending), as the library builds it."""
    labels = len(counts)
    weights = [*counts, *[10**15] * (labels - 1)]
    leaf, node = labels - 1, labels
    pairs = []
    for number in range(labels, 2 * labels - 1):
        pair = []
        for _ in range(2):
            if leaf >= 0 and weights[leaf] < weights[node]:
                pair.append(leaf)
                leaf -= 1
            else:
                pair.append(node)
                node += 1
        weights[number] = weights[pair[0]] + weights[pair[1]]
        pairs.append(pair)
    return np.array(pairs, np.int64)


@kernel
def _slot(table, key):  # type: ignore[no-untyped-def]
    return np.int64((key * _SPREAD) >> np.uint32(7)) & (len(table) - 1)


@kernel
def _fill(table, keys, values):  # type: ignore[no-untyped-def]
    for number in range(len(keys)):
        at = _slot(table, keys[number])
        while table[at, 1]:
            at = (at + 1) & (len(table) - 1)
        table[at, 0], table[at, 1] = keys[number], values[number] + np.uint32(1)


@kernel
def _row_of_gram(grams, bucket):  # type: ignore[no-untyped-def]
    """The row of an n-gram by its bucket; -1 where it has none."""
    at = _slot(grams, bucket)
    while grams[at, 1]:
        if grams[at, 0] == bucket:
            return np.int64(grams[at, 1]) - 1
        at = (at + 1) & (len(grams) - 1)
    return np.int64(-1)


@kernel
def _row_of_word(words, spelled, bounds, data, start, stop):  # type: ignore[no-untyped-def]
    """The row of the word data[start:stop]; -1 where it has none."""
    key = BASIS_32
    for place in range(start, stop):
        key = _hashed(key, data[place])
    at = _slot(words, key)
    while words[at, 1]:
        row = np.int64(words[at, 1]) - 1
        first = bounds[row]
        if words[at, 0] == key and bounds[row + 1] - first == stop - start:
            same = True
            for place in range(stop - start):
                same &= spelled[first + place] == data[start + place]
            if same:
                return row
        at = (at + 1) & (len(words) - 1)
    return np.int64(-1)


@kernel
def _hashed(key, byte):  # type: ignore[no-untyped-def]
    """FNV-1a as the library computes it: bytes are signed."""
    return np.uint32((key ^ np.uint32(np.int8(byte))) * PRIME_32)


@kernel
def _mark(data, start, stop, marked):  # type: ignore[no-untyped-def]
    """Write the word between the signs that begin and end a word to `marked`; its bytes with them."""
    size = np.uint64(stop - start)
    marked[0] = 60
    for place in range(size):
        marked[place + np.uint64(1)] = data[np.uint64(start) + place]
    marked[size + np.uint64(1)] = 62
    return size + np.uint64(2)


@kernel
def _add(hidden, rows, row):  # type: ignore[no-untyped-def]
    for place in range(_DIM):
        hidden[place] += rows[row, place]


@kernel
def _add_grams(marked, size, hidden, rows, grams, sieve, bucket):  # type: ignore[no-untyped-def]
    """Add the rows of the n-grams of a word, `size` bytes with the signs around it; how many there are."""
    count, one = 0, np.uint64(1)
    for first in range(size):
        if marked[first] & 0xC0 == 0x80:
            continue
        key, place, characters = BASIS_32, np.uint64(first), 1
        while place < size and characters <= _MOST:
            key = _hashed(key, marked[place])
            place += one
            while place < size and marked[place] & 0xC0 == 0x80:
                key = _hashed(key, marked[place])
                place += one
            if characters >= _LEAST:
                number = np.uint64(key) % np.uint64(bucket)
                if sieve[number >> np.uint64(6)] >> (number & np.uint64(63)) & one:
                    _add(hidden, rows, _row_of_gram(grams, np.uint32(number)))
                    count += 1
            characters += 1
    return count


@kernel
def _likeliest(hidden, output, branches, waiting, odds):  # type: ignore[no-untyped-def]
    """The label of the likeliest way down the tree and its logarithm; -1 where none is likely."""
    labels = len(branches) + 1
    best, most = np.int64(-1), np.float32(-np.inf)
    waiting[0], odds[0], top = 2 * labels - 2, np.float32(0), 1
    while top:
        top -= 1
        node, score = waiting[top], odds[top]
        if score < _NOTHING or (best >= 0 and score < most):
            continue
        if node < labels:
            best, most = node, score
            continue
        total = np.float32(0)
        for place in range(_DIM):
            total += output[node - labels, place] * hidden[place]
        right = np.float32(1.0 / np.float64(np.float32(1) + np.float32(math.exp(-total))))
        left = np.float32(1.0 - np.float64(right))
        waiting[top], odds[top] = branches[node - labels, 1], score + _log(right)
        waiting[top + 1], odds[top + 1] = branches[node - labels, 0], score + _log(left)
        top += 2
    return best, most


@kernel
def _log(value):  # type: ignore[no-untyped-def]
    return np.float32(math.log(np.float64(value) + _LITTLE))


@njit(cache=True, nogil=True)
def _predict(texts, marked, tables, best, scores):  # type: ignore[no-untyped-def]
    data, offsets = texts
    rows, words, grams, sieve, spelled, bounds, output, branches, bucket = tables
    hidden = np.empty(_DIM, np.float32)
    waiting, odds = np.empty(2 * _DEEPEST, np.int64), np.empty(2 * _DEEPEST, np.float32)
    for text in range(len(best)):
        hidden[:] = 0
        count, start = 0, offsets[text]
        while start < offsets[text + 1]:
            stop = start
            while stop < offsets[text + 1] and data[stop] != 32:
                stop += 1
            row = _row_of_word(words, spelled, bounds, data=data, start=start, stop=stop)
            if row >= 0:
                _add(hidden, rows, row)
                count += 1
            size = _mark(data, start, stop, marked)
            count += _add_grams(marked, size, hidden, rows, grams, sieve=sieve, bucket=bucket)
            start = stop + 1
        _add(hidden, rows, 0)  # the end of the line
        share = np.float32(1.0 / np.float64(count + 1))
        for place in range(_DIM):
            hidden[place] *= share
        best[text], most = _likeliest(hidden, output, branches, waiting, odds)
        scores[text] = np.float32(math.exp(most)) if best[text] >= 0 else np.float32(0)
