"""How many of a sample of documents resemble another one; which are sampled follows from a seeded hash of their position."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import xxhash

from provenance.annotators.columns import text_buffers
from provenance.duplicates.minhash import MinHash

#: Of one document at most so many bytes are kept.
DOCUMENT_BYTES = 4_000
#: Documents sampled; near-duplicates are looked for among them.
SAMPLE = 4_000
NEAR = 0.6
_BANDS, _ROWS = 32, 4


@dataclass
class Sample:
    """The documents whose position has the smallest seeded hash of all that were added; memory is bounded by SAMPLE."""

    seed: int = 0
    heap: list[tuple[int, bytes]] = field(default_factory=list)
    added: int = 0

    def add(self, texts: pa.Array) -> None:
        """Consider the texts of a string array; nulls and empty ones are passed over."""
        data, offsets = text_buffers(texts)
        for row in np.flatnonzero(np.diff(offsets)).tolist():
            key = -xxhash.xxh3_64_intdigest(self.added.to_bytes(8, "little"), self.seed)
            self.added += 1
            full = len(self.heap) == SAMPLE
            if full and key <= self.heap[0][0]:
                continue
            start = offsets[row]
            entry = key, data[start : min(start + DOCUMENT_BYTES, offsets[row + 1])].tobytes()
            (heapq.heapreplace if full else heapq.heappush)(self.heap, entry)

    def documents(self) -> list[bytes]:
        """The sampled documents, smallest hash first, cut at DOCUMENT_BYTES."""
        return [data for _, data in sorted(self.heap, reverse=True)]


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
