"""The random numbers of torch's CPU generator, without torch.

Watermarks are seeded per context, so the whole promise of exact agreement rests on this file:
MT19937 with torch's own 32-bit seeding, `randperm`, `rand` and `randint`, as compiled kernels.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

U32 = npt.NDArray[np.uint32]
I64 = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]

_LOW_32 = 0xFFFFFFFF
#: `seed % (2**64 - 1)` is how the published KGW code bounds its seeds.
SEED_MODULUS = 2**64 - 1


def low_seed(seed: int) -> int:
    """The 32 bits of a seed that torch's CPU generator uses (`manual_seed` keeps no more)."""
    return seed & _LOW_32


def raw(seed: int, count: int) -> U32:
    """The first `count` 32-bit outputs after `manual_seed(seed)`; shape (count,)."""
    out = np.empty(count, np.uint32)
    _raw(np.uint32(low_seed(seed)), out)
    return out


def rand(seed: int, count: int) -> npt.NDArray[np.float32]:
    """`torch.rand(count, generator=...)` in float32: the low 24 bits of each output over 2**24."""
    return ((raw(seed, count) & np.uint32(0xFFFFFF)) * np.float32(2.0**-24)).astype(np.float32)


def randperm(seed: int, count: int) -> I64:
    """`torch.randperm(count, generator=...)` on the CPU, for counts below 2**32 // 20; shape (count,)."""
    order = np.arange(count, dtype=np.int64)
    _shuffle(raw(seed, max(count - 1, 0)), order)
    return order


def coin_flips(seed: int, count: int) -> npt.NDArray[np.uint8]:
    """`torch.randint(0, 2, (count,), generator=...)`; shape (count,)."""
    return (raw(seed, count) & np.uint32(1)).astype(np.uint8)


@njit(cache=True, nogil=True)
def seed_state(state: U32, seed: np.uint32) -> None:
    """Fill the 624 words of `state` as MT19937 does from one 32-bit seed."""
    state[0] = seed
    previous = np.uint32(seed)
    for i in range(1, 624):
        # numba widens 32-bit arithmetic to 64 bits: cut it back at each step
        previous = np.uint32(np.uint32(1812433253) * (previous ^ (previous >> np.uint32(30))) + np.uint32(i))
        state[i] = previous


@njit(cache=True, nogil=True)
def twist(state: U32) -> None:
    """Advance `state` by 624 outputs (untempered). Three loops so that each can be vectorised."""
    upper = np.uint32(0x80000000)
    lower = np.uint32(0x7FFFFFFF)
    one = np.uint32(1)
    zero = np.uint32(0)
    matrix = np.uint32(0x9908B0DF)
    for i in range(227):
        y = (state[i] & upper) | (state[i + 1] & lower)
        state[i] = state[i + 397] ^ (y >> one) ^ (matrix & (zero - (y & one)))
    for i in range(227, 623):
        y = (state[i] & upper) | (state[i + 1] & lower)
        state[i] = state[i - 227] ^ (y >> one) ^ (matrix & (zero - (y & one)))
    y = (state[623] & upper) | (state[0] & lower)
    state[623] = state[396] ^ (y >> one) ^ (matrix & (zero - (y & one)))


@njit(cache=True, nogil=True, inline="always")
def temper(y: np.uint32) -> np.uint32:
    """The output function of MT19937."""
    y ^= y >> np.uint32(11)
    y ^= (y << np.uint32(7)) & np.uint32(0x9D2C5680)
    y ^= (y << np.uint32(15)) & np.uint32(0xEFC60000)
    return np.uint32(y ^ (y >> np.uint32(18)))


@njit(cache=True, nogil=True)
def _raw(seed: np.uint32, out: U32) -> None:
    state = np.empty(624, np.uint32)
    seed_state(state, seed)
    count = out.shape[0]
    for start in range(0, count, 624):
        twist(state)
        for i in range(min(624, count - start)):
            out[start + i] = temper(state[i])


@njit(cache=True, nogil=True)
def _shuffle(words: U32, order: I64) -> None:
    count = order.shape[0]
    for i in range(count - 1):
        j = i + np.int64(words[i]) % (count - i)
        order[i], order[j] = order[j], order[i]


@njit(cache=True, nogil=True)
def product_modulo(a: np.uint64, b: np.uint64) -> np.uint64:
    """a·b modulo SEED_MODULUS, the product not wrapped at 64 bits."""
    low = np.uint64(0xFFFFFFFF)
    shift = np.uint64(32)
    a0, a1 = a & low, a >> shift
    b0, b1 = b & low, b >> shift
    p00, p01, p10, p11 = a0 * b0, a0 * b1, a1 * b0, a1 * b1
    middle = (p00 >> shift) + (p01 & low) + (p10 & low)
    bottom = (p00 & low) | (middle << shift)
    top = p11 + (p01 >> shift) + (p10 >> shift) + (middle >> shift)
    # 2**64 is 1 modulo 2**64 - 1: carries come round
    total = top + bottom
    if total < top:
        total += np.uint64(1)
    return np.uint64(0) if total == np.uint64(0xFFFFFFFFFFFFFFFF) else total


class Shuffle(NamedTuple):
    """The first `steps` steps of `randperm(size)`, for any seed.

    `reciprocals[i]` is 1 / (size - i): one multiplication and a correction replace the division.
    """

    size: int
    steps: int
    reciprocals: F64


def shuffle(size: int, steps: int) -> Shuffle:
    """The first `steps` steps of shuffling `size` numbers."""
    return Shuffle(size, steps, 1.0 / (size - np.arange(steps, dtype=np.float64)))


@njit(cache=True, nogil=True)
def swap_targets(seed: np.uint32, shuffle: Shuffle, state: U32, out: U32) -> None:
    """For each step i of `shuffle`, the index that i is swapped with, into `out`; `state` is overwritten."""
    seed_state(state, seed)
    for start in range(0, shuffle.steps, 624):
        twist(state)
        for k in range(min(624, shuffle.steps - start)):
            i = start + k
            word = np.int64(temper(state[k]))
            left = np.int64(shuffle.size - i)
            rest = word - np.int64(np.float64(word) * shuffle.reciprocals[i]) * left
            if rest < 0:
                rest += left
            elif rest >= left:
                rest -= left
            out[i] = np.uint32(i + rest)
