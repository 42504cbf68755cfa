"""How green-list schemes turn a context into a seed: every published pseudo-random function, to the bit.

Sources: Kirchenbauer et al. 2023 (arXiv 2301.10226, 2306.04634) and their repository's
`alternative_prf_schemes`; transformers' `WatermarkLogitsProcessor`; MarkLLM's KGW variants.
Arithmetic on tensors wraps at 64 bits there, arithmetic on Python integers does not: both are kept.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

from provenance.annotators.watermarks.ragged import I64
from provenance.annotators.watermarks.random import SEED_MODULUS, U32, randperm

#: The millionth prime: the published default key.
DEFAULT_KEY = 15485863
#: Length of the permutation that serves as a hash, and the seed of the original repository's (fib47).
TABLE_SIZE = 1_000_003
ORIGINAL_TABLE_SEED = 2971215073

#: prf name: its code in the kernel below
PRFS = {
    "additive_prf": 0,
    "multiplicative_prf": 1,
    "minfunc_prf": 2,
    "simple_skip_prf": 3,
    "skipgram_prf": 4,
    "anchored_skipgram_prf": 5,
    "minhash_prf": 6,
    "anchored_minhash_prf": 7,
    "minskipgram_prf": 8,
    "noncomm_prf": 9,
    "position_prf": 10,
    "markllm_time": 11,
    "markllm_additive": 12,
    "markllm_skip": 13,
    "markllm_min": 14,
    "markllm_plain": 15,
}

#: named seeding scheme of the original repository: (prf, context width, the token itself is in the context)
_NAMED = {
    "simple_1": ("additive_prf", 1, False),
    "algorithm-3": ("anchored_minhash_prf", 4, True),
    "minhash": ("minhash_prf", 4, False),
    "skipgram": ("skipgram_prf", 5, False),
}
#: MarkLLM's KGW and MorphMark with window scheme "left", by f_scheme; "plain" is that of its EXP and first KGW
_MARKLLM = ("markllm_time", "markllm_additive", "markllm_skip", "markllm_min", "markllm_plain")


@dataclass(frozen=True)
class Seeding:
    """One resolved way to seed.

    `window` tokens are read up to and, where `self_salt`, with the token in question; `span` is the length of the
    n-gram that the published detector counts, the token included.
    """

    prf: int
    window: int
    self_salt: bool
    span: int
    key: int
    #: None: no table is needed; otherwise the seed and size of the permutation used as a hash
    table_seed: int | None = None
    table_size: int = TABLE_SIZE


def resolve(name: str, context_width: int | None, key: int, vocab_size: int) -> Seeding:
    """The seeding called `name`.

    `lefthash` and `selfhash` are those of transformers (width 1 by default). `simple_1`, `minhash`, `skipgram` and
    `algorithm-3` (that repository's selfhash) are the original repository's, and `ff-PRF-WIDTH-SELF[-KEY]`
    any of its functions. `markllm_time`, `_additive`, `_skip`, `_min` and `_plain` are MarkLLM's. Raises ValueError.
    """
    if name == "lefthash":
        # only the last token seeds, whatever the width; the width says which n-grams count as repeats
        return Seeding(0, window=1, self_salt=False, span=(context_width or 1) + 1, key=key)
    if name == "selfhash":
        width = context_width or 1
        return Seeding(
            PRFS["anchored_minhash_prf"], width, self_salt=True, span=width, key=key, table_seed=key
        )
    if name in _MARKLLM:
        width = context_width or 1
        return Seeding(
            PRFS[name],
            width,
            self_salt=False,
            span=width + 1,
            key=key,
            table_seed=key,
            table_size=vocab_size,
        )
    if name in _NAMED:
        prf, width, self_salt = _NAMED[name]
    elif name.startswith("ff-"):
        parts = name.split("-")
        if len(parts) not in (4, 5) or parts[1] not in PRFS or parts[1] in _MARKLLM:
            known = ", ".join(prf for prf in PRFS if prf not in _MARKLLM)
            raise ValueError(
                f"seeding_scheme {name!r} is not ff-PRF-WIDTH-SELF[-KEY] with PRF one of {known}"
            )
        if not parts[2].isdigit() or not 1 <= int(parts[2]) <= 64 or parts[3] not in ("True", "False"):
            raise ValueError(
                f"seeding_scheme {name!r} needs a width of 1..64 and True or False after its PRF"
            )
        if len(parts) == 5 and not parts[4].isdigit():
            raise ValueError(f"seeding_scheme {name!r} needs a whole number as its key")
        prf, width, self_salt = parts[1], int(parts[2]), parts[3] == "True"
        key = int(parts[4]) if len(parts) == 5 else key
    else:
        known = ", ".join(("lefthash", "selfhash", *_NAMED, *_MARKLLM))
        raise ValueError(f"seeding_scheme {name!r} is not one of {known} or ff-PRF-WIDTH-SELF[-KEY]")
    if context_width is not None and context_width != width:
        raise ValueError(f"seeding_scheme {name!r} has context_width {width}, not {context_width}")
    if prf == "minskipgram_prf" and width < 2:
        raise ValueError("minskipgram_prf pairs the tokens of its context: its width must be at least 2")
    needs_table = PRFS[prf] not in (0, 1, 2, 10)
    table_seed = ORIGINAL_TABLE_SEED if needs_table else None
    return Seeding(
        PRFS[prf],
        width,
        self_salt=self_salt,
        span=width + 1 - int(self_salt),
        key=key,
        table_seed=table_seed,
    )


def hash_table(seeding: Seeding) -> I64:
    """The permutation that `seeding` hashes with; one element if it uses none."""
    if seeding.table_seed is None:
        return np.zeros(1, np.int64)
    return randperm(seeding.table_seed, seeding.table_size)


def seeds(tokens: I64, offsets: I64, seeding: Seeding, table: I64) -> U32:
    """The 32-bit generator seed that decides the token at each position; meaningless before `window` tokens."""
    magnitude = abs(seeding.key) % SEED_MODULUS
    wrapped = (seeding.key + 2**63) % 2**64 - 2**63
    return _seeds(
        tokens,
        offsets,
        prf=seeding.prf,
        window=seeding.window,
        lag=0 if seeding.self_salt else 1,
        key=np.int64(wrapped),
        magnitude=np.uint64(magnitude),
        negative=seeding.key < 0,
        table=table,
    )


@njit(cache=True, nogil=True, inline="always")
def _positive_modulo(x: np.int64, n: int) -> np.int64:
    rest = x % n
    return rest + n if rest < 0 else rest


@njit(cache=True, nogil=True)
def _scaled(value: np.int64, magnitude: np.uint64, negative: bool) -> np.uint32:
    """The low 32 bits of (key·value) mod (2**64 - 1), the product not wrapped."""
    if value < 0:
        negative = not negative
    # the magnitude of -2**63 does not fit in int64, its bits as uint64 do
    a = np.uint64(-value) if value < 0 else np.uint64(value)
    low = np.uint64(0xFFFFFFFF)
    shift = np.uint64(32)
    a0, a1 = a & low, a >> shift
    b0, b1 = magnitude & low, magnitude >> shift
    p00, p01, p10, p11 = a0 * b0, a0 * b1, a1 * b0, a1 * b1
    middle = (p00 >> shift) + (p01 & low) + (p10 & low)
    bottom = (p00 & low) | (middle << shift)
    top = p11 + (p01 >> shift) + (p10 >> shift) + (middle >> shift)
    # 2**64 is 1 modulo 2**64 - 1
    total = top + bottom
    if total < top:
        total += np.uint64(1)
    full = np.uint64(0xFFFFFFFFFFFFFFFF)
    if total == full:
        total = np.uint64(0)
    if negative and total != np.uint64(0):
        total = full - total
    return np.uint32(total & low)


@njit(cache=True, nogil=True)
def _reduced(value: np.int64) -> np.uint32:
    """The low 32 bits of value mod (2**64 - 1), as Python reduces a negative number."""
    bits = np.uint64(value)
    if value < 0:
        bits -= np.uint64(1)
    return np.uint32(bits & np.uint64(0xFFFFFFFF))


@njit(cache=True, nogil=True)
def _seeds(
    tokens: I64,
    offsets: I64,
    prf: int,
    window: int,
    lag: int,
    key: np.int64,
    magnitude: np.uint64,
    negative: bool,
    table: I64,
) -> U32:
    out = np.zeros(len(tokens), np.uint32)
    size = len(table)
    for d in range(len(offsets) - 1):
        for i in range(offsets[d] + window - 1 + lag, offsets[d + 1]):
            last = i - lag
            first = last - window + 1
            if prf == 0:
                value = np.int64(0)
                for k in range(first, last + 1):
                    value += tokens[k]
                out[i] = _scaled(value, magnitude, negative)
            elif prf == 1:
                value = np.int64(1)
                for k in range(first, last + 1):
                    value *= tokens[k]
                out[i] = _scaled(value, magnitude, negative)
            elif prf == 2:
                value = tokens[first]
                for k in range(first + 1, last + 1):
                    value = min(value, tokens[k])
                out[i] = _scaled(value, magnitude, negative)
            elif prf == 3:
                value = np.int64(1)
                for k in range(first, last + 1, 2):
                    value *= table[_positive_modulo(key * tokens[k], size)] + 1
                out[i] = _reduced(value)
            elif prf == 4:
                out[i] = _reduced(table[_positive_modulo(key * tokens[first], size)] + 1)
            elif prf == 5:
                value = table[_positive_modulo(key * tokens[first], size)] + 1
                out[i] = _reduced(value * (table[_positive_modulo(key * tokens[last], size)] + 1))
            elif prf == 6:
                value = table[_positive_modulo(key * tokens[first], size)] + 1
                for k in range(first + 1, last + 1):
                    value = min(value, table[_positive_modulo(key * tokens[k], size)] + 1)
                out[i] = _reduced(value)
            elif prf == 7:
                anchor = table[tokens[last] % size] + 1
                value = key * (table[tokens[first] % size] + 1) * anchor
                for k in range(first + 1, last + 1):
                    value = min(value, key * (table[tokens[k] % size] + 1) * anchor)
                out[i] = _reduced(value)
            elif prf == 8:
                value = np.int64(0x7FFFFFFFFFFFFFFF)
                for k in range(first, last):
                    left = table[_positive_modulo(key * tokens[k], size)] + 1
                    for m in range(k + 1, last + 1):
                        value = min(value, left * (table[_positive_modulo(key * tokens[m], size)] + 1))
                out[i] = _reduced(value)
            elif prf == 9:
                value = key
                for k in range(first, last + 1):
                    value *= table[_positive_modulo(value * tokens[k], size)] + 1
                    value = _positive_modulo(value, 4294967296)
                out[i] = _reduced(value)
            elif prf == 10:
                value = np.int64(0)
                for k in range(first, last + 1):
                    value += key * tokens[k] * (k - first + 1)
                out[i] = _reduced(value)
            elif prf == 15:
                value = np.int64(1)
                for k in range(first, last + 1):
                    value = (value % size) * (tokens[k] % size)
                out[i] = np.uint32(np.uint64(key * (value % size)) & np.uint64(0xFFFFFFFF))
            else:
                # MarkLLM: the key times an element of a permutation of the vocabulary, modulo the vocabulary
                if prf == 11:
                    value = np.int64(1)
                    for k in range(first, last + 1):
                        value = (value % size) * (tokens[k] % size)
                    value = table[value % size]
                elif prf == 12:
                    value = np.int64(0)
                    for k in range(first, last + 1):
                        value += tokens[k]
                    value = table[value % size]
                elif prf == 13:
                    value = table[tokens[first] % size]
                else:
                    value = table[tokens[first] % size]
                    for k in range(first + 1, last + 1):
                        value = min(value, table[tokens[k] % size])
                out[i] = np.uint32(_positive_modulo(_positive_modulo(key, size) * value, size))
    return out
