"""TextSeal (Meta, 2025): Gumbel-max sampling by one of two keys at each step, read with both.

Its uniforms come from a hash of context, token and key, so there is nothing to draw. The published statistic without
entropy weights (those need the model); the p-value counts each distinct n-gram once.
"""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np
from numba import njit
from pydantic import Field, PrivateAttr, model_validator

from provenance.annotators.watermarks.null import COMMONPLACE, histogram, sum_p
from provenance.annotators.watermarks.ragged import (
    F64,
    I64,
    Bools,
    commonplace_pairs,
    first_of_each,
    ngram_keys,
    sums,
)
from provenance.annotators.watermarks.scheme import Marks, Measurements, Scheme

#: Multipliers of the context's tokens, as many as the longest context.
_PRIMES = np.array(
    [10000019, 10000247, 10000439, 10000643, 10000747, 10000867, 10000993, 10001213, 10001357, 10001501],
    np.int64,
)
#: The hash takes this many values.
_VALUES = 2**13 - 1


class TextSeal(Scheme):
    """The token that maximises log(u) / p, u from one of two keys: large uniforms betray it."""

    scheme: ClassVar[str] = "textseal"
    summary: ClassVar[str] = "TextSeal: Gumbel-max sampling with two keys, without entropy weights"
    source: ClassVar[str] = "facebookresearch/textseal; MarkLLM TextSeal (use_entropy_weighting: false)"

    key_a: int = Field(ge=-(2**63), lt=2**63, description="secret: there is no published default")
    key_b: int = Field(ge=-(2**63), lt=2**63)
    ngram: int = Field(1, ge=1, le=len(_PRIMES), description="tokens of context")
    mixing_alpha: float = Field(0.5, gt=0, lt=1, description="share of steps that key_a decides")

    _null: tuple[F64, F64] = PrivateAttr()

    @model_validator(mode="after")
    def _differ(self) -> Self:
        if self.key_a == self.key_b:
            raise ValueError("key_a and key_b must be different")
        one = _exponentials(np.arange(_VALUES, dtype=np.int64))
        grid, share = histogram(one, bins=128)
        pairs = self.mixing_alpha * grid[:, None] + (1 - self.mixing_alpha) * grid[None, :]
        self._null = histogram(pairs.ravel(), (share[:, None] * share[None, :]).ravel())
        return self

    @property
    def key(self) -> str:
        """The context width and the first key."""
        return f"{self.ngram}/{self.key_a}"

    @property
    def expected_value(self) -> float:
        """The mean of the two keys' exponentials."""
        return float(self._null[0] @ self._null[1])

    def marks(self, tokens: I64, offsets: I64) -> Marks:
        """Coins are distinct n-grams, context and token; each is worth its fused score."""
        counted = self._distinct(tokens, offsets)
        worth = np.zeros(len(tokens), np.float64)
        for key, share in ((self.key_a, self.mixing_alpha), (self.key_b, 1 - self.mixing_alpha)):
            hashed = _hashed(tokens, offsets, _PRIMES[: self.ngram], np.int64(key))
            worth += share * _exponentials(hashed)
        if self.ngram == 1:
            counted &= ~commonplace_pairs(tokens, offsets, counted, COMMONPLACE)
        return Marks(counted, worth)

    def judge(self, tokens: I64, offsets: I64, marks: Marks, ties: F64) -> Measurements:
        """Published sum over distinct n-grams; p over the coins, from the distribution of the hash's values."""
        distinct = self._distinct(tokens, offsets)
        scored = sums(distinct, offsets)
        score = sums(marks.value * distinct, offsets)
        coins, short = self.short(marks.counted, offsets)
        values, weights = self._null
        mean = float(values @ weights)
        deviation = float(np.sqrt(weights @ (values - mean) ** 2))
        with np.errstate(divide="ignore", invalid="ignore"):
            z = (score - scored * mean) / (deviation * np.sqrt(scored))
        total = sums(marks.value * marks.counted, offsets)
        p = np.where(short, 1.0, sum_p(total, coins, values, weights))
        return Measurements(scored.astype(np.int64), score, z, coins, p)

    def _distinct(self, tokens: I64, offsets: I64) -> Bools:
        # the published detector begins one token after the first that has a whole context
        first = np.repeat(offsets[:-1] + self.ngram + 1, np.diff(offsets))
        scored = np.asarray(np.arange(len(tokens)) >= first, dtype=np.bool_)
        return first_of_each(ngram_keys(tokens, offsets, self.ngram + 1), scored, offsets)


def _exponentials(hashed: I64) -> F64:
    uniform = (hashed.astype(np.float32) / np.float32(_VALUES)).astype(np.float64)
    return np.asarray(-np.log1p(-np.minimum(uniform, 1 - 1e-10)), dtype=np.float64)


@njit(cache=True, nogil=True)
def _hashed(tokens: I64, offsets: I64, primes: I64, key: np.int64) -> I64:
    """The hash of context, token and key at each position, in 64-bit arithmetic that wraps; 0 without context."""
    out = np.zeros(len(tokens), np.int64)
    width = len(primes)
    for d in range(len(offsets) - 1):
        for i in range(offsets[d] + width, offsets[d + 1]):
            value = np.int64(100000007) * tokens[i] + np.int64(500001713) * key
            for k in range(width):
                value += tokens[i - width + k] * primes[k]
            value = value * np.int64(15485863) * np.int64(40499)
            value ^= value >> np.int64(13)
            rest = value % np.int64(8191)
            out[i] = rest + 8191 if rest < 0 else rest
    return out
