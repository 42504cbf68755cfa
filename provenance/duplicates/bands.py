"""Locality-sensitive hashing: documents whose signatures agree in a whole band become candidates.

The bands for a threshold are chosen by datasketch's own optimiser; one more band, the digest of the
text, finds equal texts too short to have a signature.
"""

from __future__ import annotations

from functools import cache

import numba
import numpy as np

from provenance.duplicates.scratch import Routed, Scratch, split, write_pieces
from provenance.duplicates.sketches import DIGESTED, PAYLOAD, SHINGLED, U32, U64, Sketches, read_only

# False candidates only cost a comparison, because every edge is verified; missed ones cost recall. On the
# development crawl at threshold 0.6 these weights find 92% of the pairs of Jaccard 0.6 to 0.7, even ones 58%.
_WEIGHTS = (0.1, 0.9)
#: What the optimiser says of the threshold that is configured by default: to import it and SciPy's integrals takes a fifth of
#: a second and 25 MB. A test asks it again.
DEFAULT_BANDS = {(0.6, 128, _WEIGHTS): (25, 5)}


@cache
def optimal_bands(
    threshold: float, permutations: int, weights: tuple[float, float] = _WEIGHTS
) -> tuple[int, int]:
    """(bands, rows of a band) with the fewest false positives and false negatives, so weighted.

    The optimiser of `datasketch.MinHashLSH(threshold, num_perm, weights)`. Raises ValueError unless
    0 < threshold <= 1 and permutations >= 2.
    """
    if not 0 < threshold <= 1 or permutations < 2:
        raise ValueError(f"no bands for threshold {threshold} and {permutations} permutations")
    known = DEFAULT_BANDS.get((threshold, permutations, weights))
    if known is not None:
        return known
    from datasketch.lsh import _optimal_param

    bands, rows = _optimal_param(threshold, permutations, *weights)
    return int(bands), int(rows)


@numba.njit(cache=True, nogil=True)
def _band_keys(signatures: U32, bands: int, rows: int) -> U64:
    keys = np.empty((signatures.shape[0], bands), np.uint64)
    for i in range(signatures.shape[0]):
        for band in range(bands):
            value = np.uint64(band + 1) * np.uint64(0x9E3779B97F4A7C15)
            for k in range(band * rows, (band + 1) * rows):
                value = (value ^ np.uint64(signatures[i, k])) * np.uint64(0xFF51AFD7ED558CCD)
                value ^= value >> np.uint64(32)
            value *= np.uint64(0xC4CEB9FE1A85EC53)
            keys[i, band] = value ^ (value >> np.uint64(33))
    return keys


def band_keys(signatures: U32, bands: int, rows: int) -> U64:
    """One 64-bit key for each band of each signature (uint64[n, bands]); keys of other bands differ."""
    if bands * rows > signatures.shape[1]:
        raise ValueError(f"{bands} bands of {rows} rows do not fit {signatures.shape[1]} permutations")
    keys: U64 = _band_keys(read_only(np.ascontiguousarray(signatures)), bands, rows)
    return keys


def partition_of(keys: U64, partitions: int) -> U64:
    """Partition of each key by range of its upper half: monotone in the key."""
    return (keys >> np.uint64(32)) * np.uint64(partitions) >> np.uint64(32)


def document_keys(sketches: Sketches, bands: tuple[int, int]) -> tuple[U64, U64]:
    """(key, address) of each band of each signature, each digest of a text and each digest of a payload."""
    shingled = np.flatnonzero(sketches.flags & SHINGLED)
    signatures = sketches.signatures
    if len(shingled) < len(sketches):  # otherwise it would be a copy of the whole block
        signatures = signatures[shingled]
    keys = [band_keys(signatures, *bands).reshape(-1)]
    where = [np.repeat(sketches.addresses[shingled], bands[0])]
    for flag, column in ((DIGESTED, 0), (PAYLOAD, 2)):
        rows = np.flatnonzero(sketches.flags & flag)
        if len(rows):
            first, second = sketches.digests[rows, column], sketches.digests[rows, column + 1]
            keys.append(first ^ second * np.uint64(0x9E3779B97F4A7C15))
            where.append(sketches.addresses[rows])
    return np.concatenate(keys), np.concatenate(where)


def spill_bands(
    scratch: Scratch, path: str, sketches: Sketches, bands: tuple[int, int], partitions: int
) -> list[Routed]:
    """Task 1, for each block: write (key, address) pairs by partition of the key."""
    keys, where = document_keys(sketches, bands)
    return write_pieces(scratch, path, split(partition_of(keys, partitions), keys, where))
