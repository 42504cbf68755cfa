"""Sampling with keyed uniforms: Gumbel / EXP (Aaronson 2022; Kuditipudi et al. 2023) and permute-and-flip.

Each token's uniform is one output of torch's CPU generator, seeded by the context; its transform is
exponential under the null, so a document's sum has an exact gamma distribution.
"""

from __future__ import annotations

from typing import ClassVar, Literal, NamedTuple

import numpy as np
from numba import njit
from pydantic import Field, PrivateAttr

from provenance.annotators.watermarks.null import COMMONPLACE, gamma_p
from provenance.annotators.watermarks.ragged import (
    F64,
    I64,
    U64,
    Bools,
    commonplace_pairs,
    first_of_each,
    mix,
    pair_keys,
    sums,
)
from provenance.annotators.watermarks.random import (
    SEED_MODULUS,
    U32,
    product_modulo,
    seed_state,
    temper,
    twist,
)
from provenance.annotators.watermarks.scheme import Marks, Measurements, Scheme
from provenance.annotators.watermarks.seeding import DEFAULT_KEY, Seeding, hash_table, resolve, seeds

#: Remembered uniforms: 12 bytes each.
_PAIRS = 1 << 20


class _Outputs(NamedTuple):
    """Remembered outputs of generators by (seed, place), a hash table without chains."""

    names: U64
    values: U32


class KeyedUniforms(Scheme):
    """What the schemes of this file share: seeds per context, one uniform per (seed, token)."""

    vocab_size: int = Field(ge=2, le=2**24, description="length of the random vector drawn at each step")

    _known: _Outputs | None = PrivateAttr(default=None)

    def _seeds(self, tokens: I64, offsets: I64) -> U32:
        raise NotImplementedError

    @property
    def expected_value(self) -> float:
        """The mean of a standard exponential."""
        return 1.0

    @property
    def _span(self) -> int:
        """Length of the n-gram: context and token."""
        raise NotImplementedError

    def _worth(self, uniform: F64) -> F64:
        raise NotImplementedError

    def marks(self, tokens: I64, offsets: I64) -> Marks:
        """Coins are distinct (seed, token) pairs."""
        scored = self._scored(tokens, offsets)
        seed = self._seeds(tokens, offsets)
        worth = np.zeros(len(tokens), np.float64)
        where = np.flatnonzero(scored)
        worth[where] = self._worth(self._uniforms(seed[where], tokens[where]))
        keys = pair_keys(seed, tokens)
        counted = first_of_each(keys, scored, offsets)
        if self._span == 2:
            counted &= ~commonplace_pairs(tokens, offsets, counted, COMMONPLACE)
        return Marks(counted, worth)

    def judge(self, tokens: I64, offsets: I64, marks: Marks, ties: F64) -> Measurements:
        """The published sum over all tokens; gamma p over distinct coins; z standardises the published sum."""
        scored = sums(self._scored(tokens, offsets), offsets)
        total = sums(marks.value, offsets)
        with np.errstate(divide="ignore", invalid="ignore"):
            z = (total - scored) / np.sqrt(scored)
        coins, short = self.short(marks.counted, offsets)
        p = np.where(short, 1.0, gamma_p(sums(marks.value * marks.counted, offsets), coins))
        return Measurements(scored.astype(np.int64), total, z, coins, p)

    def _scored(self, tokens: I64, offsets: I64) -> Bools:
        first = np.repeat(offsets[:-1] + self._span - 1, np.diff(offsets))
        return np.asarray((np.arange(len(tokens)) >= first) & (tokens < self.vocab_size), dtype=np.bool_)

    def _uniforms(self, seed: U32, tokens: I64) -> F64:
        if self._known is None:
            self._known = _Outputs(np.zeros(_PAIRS, np.uint64), np.zeros(_PAIRS, np.uint32))
        order = np.lexsort((tokens, seed))
        words = _outputs(seed, tokens, order, self._known)
        return np.asarray((words & np.uint32(0xFFFFFF)) * 2.0**-24, dtype=np.float64)


class Gumbel(KeyedUniforms):
    """The token that maximises u ** (1 / p): large uniforms betray it."""

    scheme: ClassVar[str] = "gumbel"
    summary: ClassVar[str] = "exponential minimum / Gumbel sampling (Aaronson; MarkLLM EXP)"
    source: ClassVar[str] = "Aaronson 2022; arXiv:2307.15593; MarkLLM EXP"

    hashing_key: int = Field(DEFAULT_KEY, ge=-(2**63), lt=2**63)
    seeding_scheme: str = Field(
        "markllm_plain", description="as for kgw; markllm_plain: product of the context's ids"
    )
    context_width: int | None = Field(
        None, ge=1, le=64, description="default: the seeding scheme's own, else 4"
    )

    _table: I64 | None = PrivateAttr(default=None)

    def model_post_init(self, context: object, /) -> None:
        """Fail at once on a seeding that is unknown or cannot seed a sampler."""
        super().model_post_init(context)
        if self._seeding().self_salt:
            raise ValueError("a sampler cannot be seeded by the token it is about to choose")

    @property
    def key(self) -> str:
        """The seeding and key."""
        return f"{self.seeding_scheme}/{self._span - 1}/{self._seeding().key}"

    @property
    def _span(self) -> int:
        return self._seeding().span

    def _seeding(self) -> Seeding:
        width = self.context_width
        if width is None and self.seeding_scheme.startswith("markllm"):
            width = 4
        return resolve(self.seeding_scheme, width, self.hashing_key, self.vocab_size)

    def _seeds(self, tokens: I64, offsets: I64) -> U32:
        if self._table is None:
            self._table = hash_table(self._seeding())
        return seeds(tokens, offsets, self._seeding(), self._table)

    def _worth(self, uniform: F64) -> F64:
        return np.asarray(-np.log1p(-uniform), dtype=np.float64)


class PermuteAndFlip(KeyedUniforms):
    """The token that maximises log p - log u: small uniforms betray it."""

    scheme: ClassVar[str] = "permute_and_flip"
    summary: ClassVar[str] = "permute-and-flip decoding (PF) with hash seeding"
    source: ClassVar[str] = "arXiv:2402.05864; MarkLLM PF"

    seed: int = Field(0, ge=0, lt=2**64)
    salt_key: int = Field(35317, ge=0, lt=2**63)
    ngram: int = Field(8, ge=1, le=64)
    payload: int = Field(0, ge=0, lt=2**24, description="the message: it shifts the uniforms")
    seeding: Literal["hash"] = Field("hash", description="the others hash with an unseeded table: unreadable")

    @property
    def key(self) -> str:
        """The seed, salt and context width."""
        return f"{self.seed}/{self.salt_key}/{self.ngram}"

    @property
    def _span(self) -> int:
        return self.ngram + 1

    def _seeds(self, tokens: I64, offsets: I64) -> U32:
        return _polynomial(
            tokens, offsets, self.ngram, np.uint64(self.seed % SEED_MODULUS), np.uint64(self.salt_key)
        )

    def _uniforms(self, seed: U32, tokens: I64) -> F64:
        return super()._uniforms(seed, (tokens + self.payload) % self.vocab_size)

    def _worth(self, uniform: F64) -> F64:
        # a uniform of exactly zero counts as 1e-4 in the published detector
        return np.asarray(-np.log(np.where(uniform == 0.0, 1e-4, uniform)), dtype=np.float64)


@njit(cache=True, nogil=True)
def _outputs(seed: U32, tokens: I64, order: I64, known: _Outputs) -> U32:
    """Output number tokens[k] of the generator seeded with seed[k], for each k; `order` sorts by seed, token."""
    names, values = known.names, known.values
    words = np.empty(len(seed), np.uint32)
    state = np.empty(624, np.uint32)
    current = np.int64(-1)
    block = np.int64(-1)
    for position in range(len(order)):
        k = order[position]
        name = (np.uint64(seed[k]) << np.uint64(32)) | np.uint64(tokens[k] + 1)
        spot = np.int64(mix(name) & np.uint64(len(names) - 1))
        if names[spot] != name:
            if current != np.int64(seed[k]):
                current = np.int64(seed[k])
                block = np.int64(-1)
                seed_state(state, seed[k])
            while block < tokens[k] // 624:
                twist(state)
                block += 1
            names[spot] = name
            values[spot] = temper(state[tokens[k] % 624])
        words[k] = values[spot]
    return words


@njit(cache=True, nogil=True)
def _polynomial(tokens: I64, offsets: I64, ngram: int, seed: np.uint64, salt: np.uint64) -> U32:
    """The low bits of s ← (s·salt + token) mod (2**64 - 1) over the `ngram` tokens before each position."""
    out = np.zeros(len(tokens), np.uint32)
    low = np.uint64(0xFFFFFFFF)
    for d in range(len(offsets) - 1):
        for i in range(offsets[d] + ngram, offsets[d + 1]):
            value = seed
            for k in range(i - ngram, i):
                value = product_modulo(value, salt)
                before = value
                value += np.uint64(tokens[k])
                if value < before:
                    value += np.uint64(1)
                if value == np.uint64(0xFFFFFFFFFFFFFFFF):
                    value = np.uint64(0)
            out[i] = np.uint32(value & low)
    return out
