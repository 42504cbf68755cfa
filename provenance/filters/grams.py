"""Runs of words that texts have in common with evaluation sets: an index of hashes, and what of it a document holds.

Words are those that near-duplicates are told by (folded case and width, no punctuation). Hashes and numbers alone are
in memory; which text of which set a run is from is known for each.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

import numba
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from provenance.annotators.columns import text_buffers
from provenance.annotators.hashing import mix
from provenance.duplicates.words import character_table, scan

U64 = NDArray[np.uint64]
Ints = NDArray[np.int64]

_POLYNOMIAL = np.uint64(0x9E3779B97F4A7C15)
#: Bits of the filter for each run of the index: one look-up in some hundred goes on to a search in vain.
_FILTER_BITS = 64
_EXCERPT = 100


@numba.njit(cache=True, nogil=True, inline="always")
def _mix(value, length):  # type: ignore[no-untyped-def]
    """Finaliser of MurmurHash3 (64 bits) over the polynomial of a run and its length."""
    return mix(value ^ np.uint64(length) * np.uint64(0xC2B2AE3D27D4EB4F))


@numba.njit(cache=True, nogil=True)
def _runs(hashes, tokens, length, out):  # type: ignore[no-untyped-def]
    """Hash of each run of `length` tokens, in order; returns how many."""
    count = max(tokens - length + 1, 0)
    power = np.uint64(1)
    for _ in range(length):
        power *= _POLYNOMIAL
    value = np.uint64(0)
    for i in range(tokens):
        value = value * _POLYNOMIAL + hashes[i]
        if i >= length:
            value -= power * hashes[i - length]
        if i >= length - 1:
            out[i - length + 1] = _mix(value, length)
    return count


@numba.njit(cache=True, nogil=True)
def _find(data, offsets, table, lengths, keys, bits, shift, hits):  # type: ignore[no-untyped-def]
    """Runs of each text that the index has, as (text, length, first token, place in `keys`); returns how many there are."""
    longest = 0
    for row in range(offsets.size - 1):
        longest = max(longest, offsets[row + 1] - offsets[row])
    hashes, runs = np.empty(longest + 1, np.uint64), np.empty(longest + 1, np.uint64)
    unwanted = np.empty(0, np.uint8)
    found = 0
    for row in range(offsets.size - 1):
        tokens, _, _ = scan(data, offsets[row], offsets[row + 1], table, hashes=hashes, stream=unwanted)
        for length in lengths:
            for first in range(_runs(hashes, tokens, length, runs)):
                run = runs[first]
                place = run >> shift
                if not bits[place >> np.uint64(3)] >> (place & np.uint64(7)) & 1:
                    continue
                at = np.searchsorted(keys, run)
                if at < keys.size and keys[at] == run:
                    if found < len(hits):
                        hits[found, 0], hits[found, 1] = row, length
                        hits[found, 2], hits[found, 3] = first, at
                    found += 1
    return found


@dataclass(frozen=True)
class Overlap:
    """What a document has in common with one text of an evaluation set: the longest run, and how much of that text in all.

    Attributes:
        words: of the longest run.
        start, end: its bytes in the document's text.
        text: number of the text of the index.
        share: of the runs of that text, how many the document holds.
    """

    words: int
    start: int
    end: int
    text: int
    share: float


@dataclass(frozen=True)
class GramIndex:
    """Runs of words of evaluation sets.

    Attributes:
        keys: hashes of the runs, ascending.
        texts: for each the number of the first text that has it.
        sizes: for each text how many runs it has in the index.
        names: for each text where it is from.
        lengths: of runs, in words.
    """

    keys: U64
    texts: Ints
    sizes: Ints
    names: tuple[str, ...]
    lengths: tuple[int, ...]

    columns = ("text",)

    def find(self, texts: pa.Array) -> dict[int, Overlap]:
        """For each text (large_string, without nulls) that has a run of the index, the overlap that is largest."""
        if not len(self.keys) or not len(texts):
            return {}
        data, offsets = text_buffers(texts)
        bits, shift = self._filter()
        lengths = np.array(self.lengths, np.int64)
        room = 4096
        while True:
            hits = np.empty((room, 4), np.int64)
            found = _find(
                data,
                offsets,
                character_table(),
                lengths,
                keys=self.keys,
                bits=bits,
                shift=shift,
                hits=hits,
            )
            if found <= room:
                break
            room = int(found)
        hits = hits[:found]
        rows = np.unique(hits[:, 0])
        return {
            int(row): self._largest(data[offsets[row] : offsets[row + 1]], hits[hits[:, 0] == row])
            for row in rows
        }

    def save(self, file: BinaryIO) -> None:
        """Write the index as one file (NumPy's .npz)."""
        names = np.frombuffer("\0".join(self.names).encode("utf-8", "replace"), np.uint8)
        lengths = np.array(self.lengths, np.int64)
        np.savez(file, grams=self.keys, texts=self.texts, sizes=self.sizes, names=names, lengths=lengths)

    def _filter(self) -> tuple[NDArray[np.uint8], np.uint64]:
        """A bit for each beginning that a key has, and how far a hash is shifted to its beginning."""
        width = max(int(len(self.keys) * _FILTER_BITS).bit_length(), 10)
        shift = np.uint64(64 - width)
        bits = np.zeros(1 << (width - 3), np.uint8)
        place = self.keys >> shift
        mask = np.left_shift(np.uint8(1), (place & np.uint64(7)).astype(np.uint8))
        np.bitwise_or.at(bits, (place >> np.uint64(3)).astype(np.int64), mask)
        return bits, shift

    def _largest(self, data: NDArray[np.uint8], hits: Ints) -> Overlap:
        """The overlap with the text of which the document holds the largest share; the longest run of it."""
        text = self.texts[hits[:, 3]]
        share = {
            int(number): len(np.unique(hits[text == number, 3])) / int(self.sizes[number])
            for number in np.unique(text)
        }
        best = max(share, key=lambda number: (share[number], -number))
        of = hits[text == best]
        starts, ends = of[:, 2], of[:, 2] + of[:, 1]
        order = np.lexsort((ends, starts))
        first, end = _longest(starts[order], ends[order])
        return Overlap(end - first, *_span(data, first, end), text=best, share=share[best])


def make_index(
    texts: Sequence[str], names: Sequence[str], *, words: int, least: int, common: int
) -> GramIndex:
    """An index of the runs of `words` words of texts; of a shorter text of at least `least` words, all of it is one run.

    `names` says where each text is from. Runs that more than `common` different texts have are templates: they are left out,
    and so are those more than half of whose words are such a template's, which the next word would complete by chance.
    """
    distinct = list(dict.fromkeys(texts))
    first_name = dict(zip(reversed(texts), reversed(names), strict=True))
    runs = [_text_runs(text, words, least) for text in distinct]
    seen = np.concatenate([np.zeros(0, np.uint64), *(np.unique(found) for found, _ in runs)])
    values, counts = np.unique(seen, return_counts=True)
    templates = values[counts > common]
    keys, owners = [np.zeros(0, np.uint64)], [np.zeros(0, np.int64)]
    for number, (found, length) in enumerate(runs):
        own = np.unique(found[~_mostly(np.isin(found, templates), length)])
        keys.append(own)
        owners.append(np.full(len(own), number, np.int64))
    key, first = np.unique(np.concatenate(keys), return_index=True)
    owner = np.concatenate(owners)[first]  # the first of all that have it, as they stand in order
    return GramIndex(
        keys=key,
        texts=owner,
        sizes=np.bincount(owner, minlength=len(distinct)).astype(np.int64),
        names=tuple(first_name[text] for text in distinct),
        lengths=tuple(sorted({words, *(length for _, length in runs if length)})),
    )


def _text_runs(text: str, words: int, least: int) -> tuple[U64, int]:
    """The runs of a text in their order, and how many words they have; none of a text of fewer than `least` words."""
    data = np.frombuffer(text.encode("utf-8", "replace"), np.uint8)
    hashes = np.empty(len(data) + 1, np.uint64)
    tokens, _, _ = scan(data, 0, len(data), character_table(), hashes=hashes, stream=np.empty(0, np.uint8))
    if tokens < least:
        return np.zeros(0, np.uint64), 0
    length = int(min(tokens, words))
    runs = np.empty(tokens, np.uint64)
    return runs[: _runs(hashes, tokens, length, runs)].copy(), length


def _mostly(template: NDArray[np.bool_], length: int) -> NDArray[np.bool_]:
    """Of each run of a text, whether more than half of its words belong to runs that are templates."""
    if not template.any():
        return template
    covered = np.convolve(template, np.ones(length, np.int64)) > 0
    ends = np.concatenate([[0], np.cumsum(covered)])
    return np.asarray(2 * (ends[length:] - ends[:-length]) > length)


def load_index(data: bytes) -> GramIndex | None:
    """What `GramIndex.save` wrote; None for another file of lists."""
    with np.load(io.BytesIO(data)) as arrays:
        if "grams" not in arrays:
            return None
        return GramIndex(
            keys=arrays["grams"],
            texts=arrays["texts"],
            sizes=arrays["sizes"],
            names=tuple(arrays["names"].tobytes().decode().split("\0")),
            lengths=tuple(arrays["lengths"].tolist()),
        )


def excerpt(text: str, overlap: Overlap) -> str:
    """The beginning of what a document has in common."""
    found = text.encode("utf-8", "replace")[overlap.start : overlap.end].decode("utf-8", "replace")
    return " ".join(found.split())[:_EXCERPT]


def _longest(starts: Ints, ends: Ints) -> tuple[int, int]:
    """The longest run that overlapping or adjoining ones make up."""
    best, first, end = (0, 0), int(starts[0]), int(ends[0])
    for start, stop in zip(starts.tolist(), ends.tolist(), strict=True):
        if start > end:
            first = start
        end = max(end, stop) if start <= end else stop
        if end - first > best[1] - best[0]:
            best = (first, end)
    return best


def _span(data: NDArray[np.uint8], first: int, end: int) -> tuple[int, int]:
    """Bytes of the words [first, end) of a text: their beginnings are where one more word is seen."""
    hashes, table, nothing = np.empty(len(data) + 1, np.uint64), character_table(), np.empty(0, np.uint8)

    def begins(word: int) -> int:
        low, high = 0, len(data)
        while low < high:
            middle = (low + high) // 2
            seen = scan(data, 0, middle, table, hashes=hashes, stream=nothing)[0] > word
            low, high = (low, middle) if seen else (middle + 1, high)
        at = low - 1 if low else 0
        while at > 0 and data[at] & 0xC0 == 0x80:  # within a character
            at -= 1
        return at

    tokens = scan(data, 0, len(data), table, hashes=hashes, stream=nothing)[0]
    return begins(first), begins(end) if end < tokens else len(data)
