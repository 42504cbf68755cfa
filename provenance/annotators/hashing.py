"""Hashes that compiled kernels take while they read, and their twins in Python.

FNV-1a (Fowler, Noll and Vo) goes over one number after the other, bytes or code points, so a loop that reads a word has
hashed it at its end: `value = (value ^ np.uint64(number)) * PRIME`, from `BASIS` on. Promise 5: equal on every machine.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from provenance.annotators.kernel import kernel

#: Offset basis and prime of FNV-1a, for 64 and for 32 bits.
BASIS, PRIME = np.uint64(0xCBF29CE484222325), np.uint64(0x100000001B3)
BASIS_32, PRIME_32 = np.uint32(0x811C9DC5), np.uint32(0x01000193)
#: Odd, 2**64 divided by the golden ratio: a product with it spreads keys over its upper bits (Knuth, volume 3, 6.4).
GOLDEN = np.uint64(0x9E3779B97F4A7C15)


@kernel
def hash_bytes(data, start, stop):  # type: ignore[no-untyped-def]
    """FNV-1a (64 bits) of data[start:stop]."""
    value = BASIS
    for at in range(start, stop):
        value = (value ^ np.uint64(data[at])) * PRIME
    return value


@kernel
def mix(value):  # type: ignore[no-untyped-def]
    """Each bit of a 64-bit number spread over all of them (the finaliser of MurmurHash3)."""
    value = np.uint64(value)
    value ^= value >> np.uint64(33)
    value *= np.uint64(0xFF51AFD7ED558CCD)
    value ^= value >> np.uint64(33)
    value *= np.uint64(0xC4CEB9FE1A85EC53)
    value ^= value >> np.uint64(33)
    return value


def hash_numbers(numbers: Iterable[int]) -> int:
    """FNV-1a (64 bits) of bytes or code points, as the kernels compute it."""
    value = int(BASIS)
    for number in numbers:
        value = (value ^ number) * int(PRIME) & 0xFFFFFFFFFFFFFFFF
    return value


def hash_numbers_32(numbers: Iterable[int]) -> int:
    """FNV-1a (32 bits) of bytes or code points, as the kernels compute it."""
    value = int(BASIS_32)
    for number in numbers:
        value = (value ^ number) * int(PRIME_32) & 0xFFFFFFFF
    return value


def hash_word(word: str) -> int:
    """FNV-1a (64 bits) of a word in UTF-8 (a lone surrogate is "?"), as `hash_bytes` computes it."""
    return hash_numbers(word.encode("utf-8", "replace"))
