"""How varied a corpus is, measured on blocks of a fixed number of tokens so that corpora of any size compare.

A collapse shows as fewer distinct n-grams, lower entropy, a thinner tail of rare words, text that compresses
better and more near-duplicates. Which documents are sampled follows from a seeded hash of their position.
"""

from __future__ import annotations

import heapq
import zlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import xxhash
from numpy.typing import NDArray

from provenance.duplicates.minhash import MinHash
from provenance.duplicates.words import STREAM_ROOM, character_table, scan

#: Sizes of a block in tokens; the largest of which there are FEWEST_BLOCKS is used.
BLOCK_SIZES = (20_000, 5_000, 1_000)
FEWEST_BLOCKS, MOST_BLOCKS = 8, 40
#: Of one document at most so many bytes are read, so that no document fills a block of the larger sizes.
DOCUMENT_BYTES = 4_000
#: Documents sampled; near-duplicates are looked for among them.
SAMPLE = 4_000
NEAR = 0.6
_BANDS, _ROWS = 32, 4
_REPLICATES = 2_000
MEASURES = (
    "distinct_1", "distinct_2", "distinct_3", "entropy_1", "entropy_2", "tail_mass", "compression",
)  # fmt: skip


@dataclass
class Sample:
    """The documents whose position has the smallest seeded hash of all that were added; memory is bounded by SAMPLE."""

    seed: int = 0
    heap: list[tuple[int, bytes]] = field(default_factory=list)
    added: int = 0

    def add(self, texts: pa.Array) -> None:
        """Consider the texts of a string array; nulls and empty ones are passed over."""
        texts = texts.cast(pa.large_string())
        for text in texts.to_pylist():
            if not text:
                continue
            data = text.encode("utf-8", "replace")
            key = xxhash.xxh3_64_intdigest(self.added.to_bytes(8, "little"), self.seed)
            entry = (-key, data[:DOCUMENT_BYTES])
            self.added += 1
            if len(self.heap) < SAMPLE:
                heapq.heappush(self.heap, entry)
            elif entry[0] > self.heap[0][0]:
                heapq.heapreplace(self.heap, entry)

    def documents(self) -> list[bytes]:
        """The sampled documents, smallest hash first, cut at DOCUMENT_BYTES."""
        return [data for _, data in sorted(self.heap, reverse=True)]


@dataclass(frozen=True)
class Blocks:
    """Tokens of the sampled documents in one run, cut where they are measured."""

    hashes: NDArray[np.uint64]
    document: NDArray[np.int64]
    ends: NDArray[np.int64]  # position in `stream` after each token
    stream: bytes  # the folded tokens in UTF-8, each followed by a space


def read_blocks(documents: list[bytes]) -> Blocks:
    """Tokenise documents one after the other."""
    table = character_table()
    hashes, owners, ends, streams = [], [], [], []
    before = 0
    for index, data in enumerate(documents):
        raw = np.frombuffer(data, np.uint8)
        found, stream = np.empty(len(raw) + 1, np.uint64), np.empty(STREAM_ROOM * len(raw) + 1, np.uint8)
        count, _, end = scan(raw, 0, len(raw), table, hashes=found, stream=stream)
        hashes.append(found[:count].copy())
        owners.append(np.full(count, index))
        ends.append(before + np.flatnonzero(stream[:end] == 0x20) + 1)
        streams.append(stream[:end].tobytes())
        before += end
    none = np.zeros(0, np.int64)
    return Blocks(
        np.concatenate([np.zeros(0, np.uint64), *hashes]),
        np.concatenate([none, *owners]),
        np.concatenate([none, *ends]),
        b"".join(streams),
    )


def block_size(*corpora: Blocks) -> int | None:
    """The largest block size of which every corpus has FEWEST_BLOCKS; None where one is too small for any."""
    least = min(len(corpus.hashes) for corpus in corpora)
    return next((size for size in BLOCK_SIZES if least // size >= FEWEST_BLOCKS), None)


def measure_blocks(corpus: Blocks, size: int) -> dict[str, NDArray[np.float64]]:
    """Each of MEASURES for each block of `size` tokens (at most MOST_BLOCKS), shape (blocks,)."""
    count = min(len(corpus.hashes) // size, MOST_BLOCKS)
    rows = [_measure(corpus, i * size, (i + 1) * size) for i in range(count)]
    return {name: np.array([row[i] for row in rows]) for i, name in enumerate(MEASURES)}


def type_growth(corpus: Blocks, size: int) -> list[dict[str, float]]:
    """Mean number of distinct words after 1/16, 1/8, … of a block, over the blocks."""
    count = min(len(corpus.hashes) // size, MOST_BLOCKS)
    points = [size >> shift for shift in (4, 3, 2, 1, 0)]
    starts = range(0, count * size, size)
    return [
        {
            "tokens": point,
            "types": float(np.mean([len(np.unique(corpus.hashes[s : s + point])) for s in starts])),
        }
        for point in points
    ]


def summarise(blocks: dict[str, NDArray[np.float64]], seed: int = 0) -> dict[str, dict[str, Any]]:
    """Mean of each measure with a 95% interval from a seeded bootstrap over blocks."""
    return {name: _interval(values, None, seed) for name, values in blocks.items()}


def compare(
    blocks: dict[str, NDArray[np.float64]], baseline: dict[str, NDArray[np.float64]], seed: int = 0
) -> dict[str, dict[str, Any]]:
    """Difference of means to a baseline measured with the same block size, with a 95% interval."""
    return {name: _interval(values, baseline[name], seed) for name, values in blocks.items()}


def near_duplicates(documents: list[bytes]) -> int:
    """How many documents have another with a MinHash similarity of NEAR or more before them in the list.

    Candidates share one of 32 bands of 4 rows (probability 0.99 at similarity 0.6); each is checked against
    the first of its band. The share depends on how many documents there are: compare equal numbers.
    """
    texts = pa.array([data.decode("utf-8", "ignore") for data in documents], pa.large_string())
    batch = pa.RecordBatch.from_arrays([texts, pa.nulls(len(texts), pa.string())], names=["text", "outcome"])
    hasher = MinHash()
    found = dict(zip(hasher.schema.names, hasher(batch), strict=True))["minhash"].drop_null()
    signatures = np.asarray(found.flatten(), np.uint32).reshape(len(found), hasher.permutations)
    repeated = np.zeros(len(signatures), bool)
    for band in range(_BANDS):
        part = np.ascontiguousarray(signatures[:, band * _ROWS : (band + 1) * _ROWS])
        keys = part.view(np.dtype((np.void, part.itemsize * _ROWS))).ravel()
        _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
        leader = first[inverse]
        rows = np.flatnonzero(leader < np.arange(len(leader)))
        alike = (signatures[rows] == signatures[leader[rows]]).mean(axis=1) >= NEAR
        repeated[rows[alike]] = True
    return int(repeated.sum())


def _measure(corpus: Blocks, start: int, stop: int) -> tuple[float, ...]:
    words, owner = corpus.hashes[start:stop], corpus.document[start:stop]
    distinct, entropies = [], []
    value = words.copy()
    inside = np.ones(len(words), bool)
    for length in (1, 2, 3):
        if length > 1:
            value = value[:-1] * np.uint64(0x9E3779B97F4A7C15) + words[length - 1 :]
            inside = inside[:-1] & (owner[: len(value)] == owner[length - 1 :])
        counts = np.unique(value[inside], return_counts=True)[1]
        total = max(counts.sum(), 1)
        distinct.append(len(counts) / total)
        share = counts / total
        entropies.append(float(-(share * np.log2(share)).sum()))
        if length == 1:
            tail = counts[counts <= 2].sum() / total
    text = corpus.stream[int(corpus.ends[start - 1]) if start else 0 : int(corpus.ends[stop - 1])]
    ratio = len(zlib.compress(text, 6)) / max(len(text), 1)
    return (*distinct, entropies[0], entropies[1], float(tail), ratio)


def _interval(values: NDArray[np.float64], baseline: NDArray[np.float64] | None, seed: int) -> dict[str, Any]:
    random = np.random.RandomState(seed)
    draws = values[random.randint(0, len(values), (_REPLICATES, len(values)))].mean(axis=1)
    point = float(values.mean())
    if baseline is not None:
        other = random.randint(0, len(baseline), (_REPLICATES, len(baseline)))
        draws = draws - baseline[other].mean(axis=1)
        point -= float(baseline.mean())
    low, high = np.quantile(draws, [0.025, 0.975])
    return {"value": point, "interval": [float(low), float(high)]}
