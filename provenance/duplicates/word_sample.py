"""A coordinated sample of the words of each text, by which a crawl's rare words are counted without reading texts again.

A word is in every document's sample or in none: its hash decides. So how many documents hold a sampled word is exact, and
what is lost with a document can be told from this column alone.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pyarrow as pa
from numba import njit

from provenance.annotators.columns import read_column, string_array, text_buffers
from provenance.annotators.hashing import mix
from provenance.annotators.kernel import kernel
from provenance.duplicates.words import STREAM_ROOM, character_table, scan

#: One word in so many is sampled: a page of 500 words has some 250 different ones, so 16 hashes, 64 bytes.
SAMPLED_BITS = 4
_ABOVE = np.uint64(64 - SAMPLED_BITS)
_KEY = np.uint64(64 - SAMPLED_BITS - 32)


@dataclass
class WordSample:
    """Adds `word_sample` (list<uint32>, ascending; null where there is no text): hashes of the different words that are sampled.

    Words as signatures fold them, those with a digit left out: what is rare among them are numbers. In scripts without
    spaces a word is a character.
    """

    name: ClassVar[str] = "word_sample"
    version: ClassVar[str] = f"1+unicode{unicodedata.unidata_version}"
    schema: ClassVar[pa.Schema] = pa.schema([("word_sample", pa.list_(pa.uint32()))])

    def setup(self) -> None:
        """Compile the kernel."""
        self(pa.record_batch({"text": string_array(["compile now, not in the first batch"])}))

    def __call__(self, batch: pa.RecordBatch) -> Sequence[pa.Array]:
        """Return `word_sample` for the `text` of each row."""
        texts = read_column(batch, "text", pa.large_string())
        data, offsets = text_buffers(texts)
        longest = int(np.diff(offsets).max(initial=0))
        space = (
            np.empty(longest + 1, np.uint64),
            np.empty(STREAM_ROOM * longest + 1, np.uint8),
            np.empty(longest + 1, np.uint8),
        )
        # A word may be one byte with none between it and the next ("x|n"): operators are words here.
        found = np.empty(int(offsets[-1] - offsets[0]), np.uint32)
        ends = np.zeros(len(texts) + 1, np.int32)
        _sample((data, offsets), character_table(), space, found=found, ends=ends)
        values = pa.array(found[: ends[-1]])
        mask = pa.array(np.asarray(texts.is_null()))
        return [pa.ListArray.from_arrays(pa.array(ends), values, mask=mask)]


@kernel
def _find_digits(stream, end, digits):  # type: ignore[no-untyped-def]
    """Fill `digits` with whether each word of the stream has one (no branch: where a word ends is no use to guess)."""
    word = np.uint64(0)
    some = np.uint8(0)
    for at in range(np.uint64(end)):
        byte = stream[at]
        some |= np.uint8(byte - np.uint8(0x30)) < np.uint8(10)
        digits[word] = some
        blank = byte == 0x20
        some = np.uint8(0) if blank else some
        word += np.uint64(blank)


@njit(cache=True, nogil=True)
def _sample(texts, table, space, found, ends):  # type: ignore[no-untyped-def]
    """Sampled words of each text into `found`, without repeats; `ends` says where those of each end."""
    data, offsets = texts
    hashes, stream, digits = space
    for row in range(len(offsets) - 1):
        first = end = ends[row]
        count, _, stream_end = scan(data, offsets[row], offsets[row + 1], table, hashes=hashes, stream=stream)
        _find_digits(stream, stream_end, digits)
        for token in range(count):
            key = mix(hashes[token])
            found[end] = np.uint32(key >> _KEY)
            end += (digits[token] == 0) & (key >> _ABOVE == 0)
        found[first:end].sort()
        kept = first
        for place in range(first, end):
            if place == first or found[place] != found[kept - 1]:
                found[kept] = found[place]
                kept += 1
        ends[row + 1] = kept
