"""MinHash signatures of documents, computed by one compiled kernel over the Arrow text buffer.

Equal bit for bit to `datasketch.MinHash(num_perm, seed, scheme="affine32")` updated with
`shingle_hashes(text)`, so that signatures can be loaded and compared there.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache

import numba
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import xxhash

from provenance.annotators.columns import bytes_and_offsets
from provenance.duplicates.words import character_table, scan, squeeze
from provenance.schema import MINHASH_PERMUTATIONS

# Odd multiplier of the rolling polynomial over token hashes (2**64 divided by the golden ratio).
_POLYNOMIAL = np.uint64(0x9E3779B97F4A7C15)
# Text of one kernel call: small enough that text, stream and table stay in the second-level cache.
_CHUNK_BYTES = 128 << 10


@numba.njit(cache=True, nogil=True, inline="always")
def _shingle(hashes, tokens, ngram, shingles):  # type: ignore[no-untyped-def]
    """32-bit hash of each run of `ngram` token hashes; returns how many."""
    count = max(tokens - ngram + 1, 0)
    for i in range(count):
        value = np.uint64(0)
        for j in range(ngram):
            value = value * _POLYNOMIAL + hashes[i + j]
        # The finaliser of MurmurHash3 (64 bits), of which the upper half is kept.
        value ^= value >> np.uint64(33)
        value *= np.uint64(0xFF51AFD7ED558CCD)
        value ^= value >> np.uint64(33)
        value *= np.uint64(0xC4CEB9FE1A85EC53)
        shingles[i] = np.uint32(value >> np.uint64(32))
    return count


@numba.njit(cache=True, nogil=True, inline="always")
def _mix(value):  # type: ignore[no-untyped-def]
    """The finaliser of MurmurHash3 (32 bits), with which the affine32 scheme begins."""
    value = np.uint32(value ^ (value >> np.uint32(16)))
    value = np.uint32(value * np.uint32(0x85EBCA6B))
    value = np.uint32(value ^ (value >> np.uint32(13)))
    value = np.uint32(value * np.uint32(0xC2B2AE35))
    return np.uint32(value ^ (value >> np.uint32(16)))


@numba.njit(cache=True, nogil=True)
def _minima(shingles, count, a, b, signature):  # type: ignore[no-untyped-def]
    """signature[k] = min over shingles of a[k] * mix(shingle) + b[k] modulo 2**32.

    Four shingles a step, so that the signature is loaded and stored a quarter as often.
    """
    signature[:] = np.uint32(0xFFFFFFFF)
    whole = count - count % 4
    for i in range(0, whole, 4):
        h0, h1 = _mix(shingles[i]), _mix(shingles[i + 1])
        h2, h3 = _mix(shingles[i + 2]), _mix(shingles[i + 3])
        for k in range(signature.size):
            v0, v1 = np.uint32(a[k] * h0 + b[k]), np.uint32(a[k] * h1 + b[k])
            v2, v3 = np.uint32(a[k] * h2 + b[k]), np.uint32(a[k] * h3 + b[k])
            signature[k] = min(min(min(v0, v1), min(v2, v3)), signature[k])
    for i in range(whole, count):
        h0 = _mix(shingles[i])
        for k in range(signature.size):
            signature[k] = min(np.uint32(a[k] * h0 + b[k]), signature[k])


@numba.njit(cache=True, nogil=True)
def _sketch(data, offsets, valid, table, a, b, ngram, counts, signatures, shingled, stream, ends):  # type: ignore[no-untyped-def]
    """Word counts, signatures and texts without spare blanks of the documents of one chunk."""
    longest = 0
    for i in range(valid.size):
        if valid[i]:
            longest = max(longest, offsets[i + 1] - offsets[i])
    hashes = np.empty(longest + 1, np.uint64)
    shingles = np.empty(longest + 1, np.uint32)
    unwanted = np.empty(0, np.uint8)
    end = 0
    for i in range(valid.size):
        counts[i] = 0
        shingled[i] = False
        if valid[i]:
            tokens, counts[i], _ = scan(
                data, offsets[i], offsets[i + 1], table, hashes=hashes, stream=unwanted
            )
            end = squeeze(data, offsets[i], offsets[i + 1], stream, end)
            found = _shingle(hashes, tokens, ngram, shingles)
            if found:
                shingled[i] = True
                _minima(shingles, found, a, b, signatures[i])
        ends[i] = end


@cache
def permutations(count: int, seed: int) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint32]]:
    """Multipliers (odd) and increments of datasketch's affine32 scheme, uint32[count] each."""
    generator = np.random.RandomState(seed)
    a = generator.randint(0, 1 << 31, count, dtype=np.uint32) * np.uint32(2) + np.uint32(1)
    return a, generator.randint(0, 1 << 32, count, dtype=np.uint32)


def shingle_hashes(text: str, ngram: int = 5) -> npt.NDArray[np.uint32]:
    """The hashes from which the signature of a text is made, in reading order, with repeats (uint32).

    For token hashes t (see `provenance.duplicates.words.scan`) the shingle t[i : i + ngram] hashes to the upper
    half of fmix64(Σ t[i + j] · 0x9E3779B97F4A7C15 ** (ngram - 1 - j) mod 2**64) (MurmurHash3's finaliser
    up to its second multiplication). Empty when the text has fewer tokens than `ngram`.
    """
    data = np.frombuffer(text.encode("utf-8", "replace"), np.uint8)
    hashes = np.empty(len(data) + 1, np.uint64)
    found, _, _ = scan(data, 0, len(data), character_table(), hashes=hashes, stream=np.empty(0, np.uint8))
    shingles = np.empty(len(data) + 1, np.uint32)
    return shingles[: _shingle(hashes, found, ngram, shingles)].copy()


def signature(
    hashes: npt.NDArray[np.uint32], count: int = MINHASH_PERMUTATIONS, seed: int = 1
) -> npt.NDArray[np.uint32]:
    """The affine32 signature (uint32[count]) of a set of shingle hashes; all ones bits when it is empty."""
    result = np.empty(count, np.uint32)
    _minima(np.ascontiguousarray(hashes, np.uint32), len(hashes), *permutations(count, seed), result)
    return result


def _chunks(offsets: npt.NDArray[np.int64], limit: int) -> Iterator[tuple[int, int]]:
    """Row ranges of about `limit` bytes of text each (a longer document is a chunk of its own)."""
    start, rows = 0, len(offsets) - 1
    while start < rows:
        stop = int(np.searchsorted(offsets, offsets[start] + limit, "right")) - 1
        stop = min(max(stop, start + 1), rows)
        yield start, stop
        start = stop


@dataclass
class MinHash:
    """Annotator: what deduplication needs to know of a text.

    Adds `word_count` (int32), `minhash` (fixed_size_list<uint32>[permutations], null where the text is
    null or has fewer than `ngram` tokens) and `text_digest` (16 bytes: XXH3-128 of the text with runs of
    blanks made one, so that only equal texts have equal digests; null where there is no text). Nulls in all
    three where the text is null or `outcome` is set. Operators are tokens of shingles, and no words.
    """

    ngram: int = 5
    permutations: int = MINHASH_PERMUTATIONS
    seed: int = 1
    name: str = field(default="minhash", init=False)

    def __post_init__(self) -> None:
        if not 1 <= self.ngram <= 64:
            raise ValueError(f"ngram must be between 1 and 64, not {self.ngram}")
        if not 1 <= self.permutations <= 4096:
            raise ValueError(f"permutations must be between 1 and 4096, not {self.permutations}")
        # Word characters come from Python's Unicode tables: another version may cut words otherwise.
        self.version = f"2+unicode{unicodedata.unidata_version}"
        self.schema = pa.schema(
            [
                ("word_count", pa.int32()),
                ("minhash", pa.list_(pa.uint32(), self.permutations)),
                ("text_digest", pa.binary(16)),
            ]
        )

    def setup(self) -> None:
        character_table()
        self(pa.record_batch({"text": pa.array(["compile the kernel now, not in the first batch"])}))

    def __call__(self, batch: pa.RecordBatch) -> Sequence[pa.Array]:
        text = batch.column("text")
        if not pa.types.is_large_string(text.type):
            text = text.cast(pa.large_string())
        rows = len(text)
        valid = text.is_valid().to_numpy(zero_copy_only=False)
        if "outcome" in batch.schema.names:
            valid = valid & batch.column("outcome").is_null().to_numpy(zero_copy_only=False)
        data, offsets = bytes_and_offsets(text)

        counts = np.zeros(rows, np.int32)
        signatures = np.zeros((rows, self.permutations), np.uint32)
        shingled = np.zeros(rows, np.bool_)
        digests = np.zeros((rows, 16), np.uint8)
        digested = np.zeros(rows, np.bool_)
        a, b = permutations(self.permutations, self.seed)
        stream = np.empty(0, np.uint8)
        for start, stop in _chunks(offsets, _CHUNK_BYTES):
            room = int(offsets[stop] - offsets[start]) + 1
            if len(stream) < room:
                stream = np.empty(room, np.uint8)
            ends = np.zeros(stop - start + 1, np.int64)
            chunk = slice(start, stop)
            _sketch(
                data=data, offsets=offsets[start : stop + 1], valid=valid[chunk], table=character_table(),
                a=a, b=b, ngram=self.ngram, counts=counts[chunk], signatures=signatures[chunk],
                shingled=shingled[chunk], stream=stream, ends=ends[1:],
            )  # fmt: skip
            view = stream.data
            bounds = ends.tolist()
            # A Python call for each document (about 1 µs), because XXH3 is a kept routine.
            for i in np.flatnonzero(valid[chunk]).tolist():
                squeezed = view[bounds[i] : bounds[i + 1]]
                if squeezed:
                    digests[start + i] = np.frombuffer(xxhash.xxh3_128_digest(squeezed), np.uint8)
                    digested[start + i] = True
        return [
            pa.array(counts, mask=~valid),
            pa.FixedSizeListArray.from_arrays(
                pa.array(signatures.reshape(-1)), self.permutations, mask=pa.array(~shingled)
            ),
            pa.FixedSizeBinaryArray.from_buffers(
                pa.binary(16), rows, [pa.array(digested).buffers()[1], pa.py_buffer(digests)]
            ),
        ]
