"""Features of a passage: hashed n-grams of words, of words with their topic masked and of marks.

A document is read in passages of equal length, so that what the model sees has the length of what it was
trained on and a page of any size costs a bounded time. All features are blind to white space and markup.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from provenance.annotators.hashing import mix
from provenance.annotators.kernel import kernel
from provenance.detectors.embedded.tokens import CAPITAL, COMMON, HANGUL, MARK, MAX_TOKENS, WORD

#: Tokens of a passage: a document of n tokens is cut in ceil(n / PASSAGE) equal parts.
PASSAGE = 400
#: Passages read of one document (the first ones).
MAX_PASSAGES = 12
#: N-grams a passage can have: five for each token, two more for each mark.
MAX_GRAMS = 7 * PASSAGE

#: Entries of the table in which the n-grams of a passage are noted; over twice MAX_GRAMS.
SEEN = 8192


class Buffers(NamedTuple):
    """What reading a document writes to and no call clears."""

    masked: NDArray[np.uint32]  # (MAX_TOKENS,)
    keys: NDArray[np.uint32]  # (MAX_GRAMS,)
    places: NDArray[np.uint32]  # (MAX_GRAMS,) where each stands in the model
    seen: NDArray[np.uint64]  # (SEEN,) n-grams by the stamp of their passage
    recent: NDArray[np.int64]  # (65536,) where a word occurred last


def empty_buffers() -> Buffers:
    """Buffers for one thread."""
    return Buffers(
        masked=np.zeros(MAX_TOKENS, np.uint32),
        keys=np.zeros(MAX_GRAMS, np.uint32),
        places=np.zeros(MAX_GRAMS, np.uint32),
        seen=np.zeros(SEEN, np.uint64),
        recent=np.zeros(65536, np.int64),
    )


_P, _Q, _R, _S = (
    np.uint64(0x9E3779B97F4A7C15),
    np.uint64(0xD6E8FEB86659FD93),
    np.uint64(0xA0761D6478BD642F),
    np.uint64(0x8EBC6AF09C88C6E3),
)


def index_vocabulary(vocabulary: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """An open-addressing table of the word hashes, at most half full; 0 marks a free entry."""
    size = 1 << max(4, int(2 * max(1, len(vocabulary)) - 1).bit_length())
    table = np.zeros(size, np.uint32)
    for value in vocabulary.tolist():
        at = value & (size - 1)
        while table[at]:
            at = (at + 1) & (size - 1)
        table[at] = value
    return table


@kernel
def is_common(index, value):  # type: ignore[no-untyped-def]
    """Whether a word hash is in the table that `index_vocabulary` made."""
    at = value & np.uint32(len(index) - 1)
    while index[at] != 0:
        if index[at] == value:
            return True
        at = (at + np.uint32(1)) & np.uint32(len(index) - 1)
    return False


@kernel
def mask(count, tokens, index, masked):  # type: ignore[no-untyped-def]
    """Write the masked stream: common words stay (and are flagged), others leave their
    ending and shape; return how many stay. `index` is made by `index_vocabulary`.
    """
    hashes, types, flags, lengths, suffixes = tokens
    kept = 0
    for i in range(count):
        if types[i] != WORD:
            masked[i] = hashes[i]
        elif is_common(index, hashes[i]):
            masked[i] = hashes[i]
            flags[i] |= COMMON
            kept += 1
        else:
            shape = np.uint32(0x51ED270B) if flags[i] & CAPITAL else np.uint32(0x2545F491)
            if flags[i] & HANGUL and lengths[i] > 1:  # Korean words end in particles of one or two syllables
                ending = suffixes[i] if lengths[i] > 3 else suffixes[i] & np.uint32(0xFFFF)
                masked[i] = np.uint32((ending ^ shape) * np.uint32(0x9E3779B1))
            elif lengths[i] > 5:
                masked[i] = np.uint32((suffixes[i] ^ shape) * np.uint32(0x9E3779B1))
            else:
                masked[i] = np.uint32(shape * np.uint32(0x9E3779B1))
    return kept


@kernel
def grams(first, last, tokens, masked, out):  # type: ignore[no-untyped-def]
    """Write the 32-bit keys of the n-grams of tokens[first:last] to `out` (uint32); return how many.

    Words in runs of 1, 2 and 3; masked words in runs of 4 and in pairs that leave one out; marks in runs of 2
    and 3 with the distance between them (as a power of two). A key can occur more than once and is never 0.
    """
    hashes, types = tokens.hashes, tokens.types
    size = 0
    a = b = c = np.uint64(0)
    ma = mb = mc = md = np.uint64(0)
    mark = before = np.uint64(0)
    distance = 0
    for i in range(first, last):
        c = b
        b = a
        a = np.uint64(hashes[i])
        md = mc
        mc = mb
        mb = ma
        ma = np.uint64(masked[i])
        out[size] = _key(a + np.uint64(0x100000000))
        size += 1
        if i > first:
            out[size] = _key(b * _P + a * np.uint64(3))
            size += 1
        if i > first + 1:
            out[size] = _key((c * _P + b) * _Q + a * np.uint64(5))
            out[size + 1] = _key((mc * _R + ma) * _S + np.uint64(29))
            size += 2
        if i > first + 2:
            out[size] = _key(((md * _P + mc) * _Q + mb) * _S + ma * np.uint64(17))
            size += 1
        if types[i] != MARK:
            distance += 1
            continue
        here = a * np.uint64(16)
        while distance > 0:
            here += np.uint64(1)
            distance >>= 1
        out[size] = _key(mark * _Q + here * _R + np.uint64(43))
        out[size + 1] = _key((before * _P + mark) * _Q + here + np.uint64(41))
        size += 2
        before = mark
        mark = here
    return size


@kernel
def _key(value):  # type: ignore[no-untyped-def]
    return max(np.uint32(1), np.uint32(mix(value) >> np.uint64(32)))
