"""TextSeal (Meta, 2025): Gumbel-max sampling by one of two keys at each step, and that repository's one-key schemes.

Its uniforms come from a hash of context, token and key, so there is nothing to draw. The published statistics without
entropy weights (those need the model); the p-value counts each distinct n-gram once.
"""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, Literal, Self

import numpy as np
from numba import njit
from pydantic import Field, PrivateAttr, model_validator

from provenance.annotators.watermarks.null import COMMONPLACE, binomial_p, histogram, sum_p
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
from provenance.annotators.watermarks.shared import among_others

#: Multipliers of the context's tokens, as many as the longest context.
_PRIMES = np.array(
    [10000019, 10000247, 10000439, 10000643, 10000747, 10000867, 10000993, 10001213, 10001357, 10001501],
    np.int64,
)
#: The hash takes this many values.
_VALUES = 2**13 - 1
#: The published default key, and what key B is beyond key A where none is given.
_KEY, _KEY_OFFSET = 42, 12345
#: Token offset between the rounds of its SynthID.
_ROUND_STRIDE = 659101
#: Drawn n-grams that stand for the null of what cannot be enumerated.
_DRAWN = 1 << 17


class HashedNgrams(Scheme):
    """What the schemes of this file share: each distinct n-gram is a coin, worth what its hash says."""

    ngram: int = Field(1, ge=1, le=len(_PRIMES), description="tokens of context")

    _null: tuple[F64, F64] = PrivateAttr()

    def _worth(self, tokens: I64, offsets: I64) -> F64:
        raise NotImplementedError

    @property
    def expected_value(self) -> float:
        """The mean over the values of the hash."""
        return float(self._null[0] @ self._null[1])

    def marks(self, tokens: I64, offsets: I64) -> Marks:
        """Coins are distinct n-grams, context and token."""
        counted = self._distinct(tokens, offsets)
        if self.ngram == 1:
            counted &= ~commonplace_pairs(tokens, offsets, counted, COMMONPLACE)
        return Marks(counted, self._worth(tokens, offsets))

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
        p = np.where(short, 1.0, self._p(total, coins, ties))
        return Measurements(scored.astype(np.int64), score, z, coins, p)

    def _p(self, total: F64, coins: I64, ties: F64) -> F64:
        return sum_p(total, coins, *self._null)

    def _distinct(self, tokens: I64, offsets: I64) -> Bools:
        # the published detector begins one token after the first that has a whole context
        first = np.repeat(offsets[:-1] + self.ngram + 1, np.diff(offsets))
        scored = np.asarray(np.arange(len(tokens)) >= first, dtype=np.bool_)
        return first_of_each(ngram_keys(tokens, offsets, self.ngram + 1), scored, offsets)


class TextSeal(HashedNgrams):
    """The token that maximises log(u) / p, u from one of two keys: large uniforms betray it."""

    scheme: ClassVar[str] = "textseal"
    summary: ClassVar[str] = "TextSeal: Gumbel-max sampling with two keys, without entropy weights"
    source: ClassVar[str] = "facebookresearch/textseal; MarkLLM TextSeal (use_entropy_weighting: false)"

    key_a: int = Field(_KEY, ge=-(2**63), lt=2**63, description="a secret; 42 is the published default")
    key_b: int | None = Field(None, ge=-(2**63), lt=2**63, description="default: key_a + 12345, as published")
    mixing_alpha: float = Field(0.5, gt=0, lt=1, description="share of steps that key_a decides")

    @model_validator(mode="after")
    def _differ(self) -> Self:
        if self.key_a == self.key_b:
            raise ValueError(
                "key_a and key_b must be different; texts of one key are read by textseal_one_key"
            )
        grid, share = histogram(_exponentials(np.arange(_VALUES, dtype=np.int64)), bins=128)
        pairs = self.mixing_alpha * grid[:, None] + (1 - self.mixing_alpha) * grid[None, :]
        self._null = histogram(pairs.ravel(), (share[:, None] * share[None, :]).ravel())
        return self

    @property
    def key(self) -> str:
        """The context width and the first key."""
        return f"{self.ngram}/{self.key_a}"

    def _worth(self, tokens: I64, offsets: I64) -> F64:
        worth = np.zeros(len(tokens), np.float64)
        other = self.key_a + _KEY_OFFSET if self.key_b is None else self.key_b
        for key, share in ((self.key_a, self.mixing_alpha), (other, 1 - self.mixing_alpha)):
            hashed = _hashed(tokens, offsets, _PRIMES[: self.ngram], np.int64(key))
            worth += share * _exponentials(hashed)
        return worth


class TextSealOneKey(HashedNgrams):
    """The other samplers of TextSeal's repository, all by one key and the same hash."""

    scheme: ClassVar[str] = "textseal_one_key"
    summary: ClassVar[str] = (
        "the one-key schemes of TextSeal's repository: gumbelmax, greenlist, synthid, synthid-weighted"
    )
    source: ClassVar[str] = "facebookresearch/textseal: GumbelmaxDetector, GreenlistDetector, SynthidDetector"

    watermark_type: Literal[
        "gumbelmax", "greenlist", "dipmark", "morphmark", "synthid", "synthid-weighted"
    ] = "gumbelmax"
    secret_key: int = Field(_KEY, ge=-(2**63), lt=2**63, description="a secret; 42 is the published default")
    gamma: float = Field(0.5, gt=0, lt=1, description="share of green tokens; not of gumbelmax")
    depth: int = Field(30, ge=1, le=128, description="rounds of synthid")

    @model_validator(mode="after")
    def _prepare(self) -> Self:
        if not 0 < self._rate < 1:
            raise ValueError(f"gamma {self.gamma} is no share of the hash's {_VALUES} values")
        if self.watermark_type == "gumbelmax":
            self._null = histogram(_exponentials(np.arange(_VALUES, dtype=np.int64)))
        elif self._is_list:
            self._null = np.array([0.0, 1.0]), np.array([1 - self._rate, self._rate])
        else:
            # the rounds of one n-gram share its hash: their joint distribution is that of drawn n-grams, around a
            # mean that is known
            drawn = np.random.default_rng(0).integers(0, 2**18, self.ngram + _DRAWN)
            bounds = np.array([0, len(drawn)], np.int64)
            values, weights = histogram(self._worth(drawn, bounds)[self.ngram :])
            self._null = values + self._rate * self.depth - values @ weights, weights
        return self

    @property
    def key(self) -> str:
        """The sampler, the context width and the key."""
        return f"{self.watermark_type}/{self.ngram}/{self.secret_key}"

    def marks(self, tokens: I64, offsets: I64) -> Marks:
        """As for all; documents may share the coins of a green list."""
        found = super().marks(tokens, offsets)
        return replace(found, keys=ngram_keys(tokens, offsets, self.ngram + 1)) if self._is_list else found

    def judge(self, tokens: I64, offsets: I64, marks: Marks, ties: F64) -> Measurements:
        """As for all; p of a green list among the batch's other documents."""
        found = super().judge(tokens, offsets, marks, ties)
        if not self._is_list:
            return found
        least, rate = self.min_tokens, self._rate
        coins, p = among_others(found.p_value, marks, offsets, ties, least=least, rate=rate)
        return replace(found, tokens=coins, p_value=p)

    @property
    def _is_list(self) -> bool:
        return self.watermark_type in ("greenlist", "dipmark", "morphmark")

    @property
    def _rate(self) -> float:
        """Share of the hash's values that are green."""
        return float(self._green(np.arange(_VALUES, dtype=np.int64)).mean())

    def _green(self, hashed: I64) -> Bools:
        return np.asarray(hashed.astype(np.float32) / np.float32(_VALUES) < np.float32(self.gamma))

    def _worth(self, tokens: I64, offsets: I64) -> F64:
        if self.watermark_type == "gumbelmax":
            return _exponentials(self._hash(tokens, offsets, 0))
        if self._is_list:
            return self._green(self._hash(tokens, offsets, 0)).astype(np.float64)
        steps = np.linspace(10.0, 1.0, self.depth) if self.watermark_type == "synthid-weighted" else None
        weights = np.ones(self.depth) if steps is None else steps * self.depth / steps.sum()
        worth = np.zeros(len(tokens), np.float64)
        for round_, weight in enumerate(weights.tolist()):
            worth += weight * self._green(self._hash(tokens, offsets, _ROUND_STRIDE * round_))
        return worth

    def _hash(self, tokens: I64, offsets: I64, shift: int) -> I64:
        """The hash with `shift` added to the token, but not to those before it."""
        return _hashed(tokens, offsets, _PRIMES[: self.ngram], np.int64(self.secret_key), shift)

    def _p(self, total: F64, coins: I64, ties: F64) -> F64:
        if self._is_list:
            return binomial_p(total.astype(np.int64), coins, self._rate, ties)
        # synthid's unweighted sum moves in steps of one: each is spread evenly over its width
        step = 1.0 if self.watermark_type == "synthid" else 0.0
        return sum_p(total + (0.5 - ties) * step, coins, *self._null)


def _exponentials(hashed: I64) -> F64:
    uniform = (hashed.astype(np.float32) / np.float32(_VALUES)).astype(np.float64)
    return np.asarray(-np.log1p(-np.minimum(uniform, 1 - 1e-10)), dtype=np.float64)


@njit(cache=True, nogil=True)
def _hashed(tokens: I64, offsets: I64, primes: I64, key: np.int64, shift: int = 0) -> I64:
    """The hash of context, token and key at each position, in 64-bit arithmetic that wraps; 0 without context."""
    out = np.zeros(len(tokens), np.int64)
    width = len(primes)
    for d in range(len(offsets) - 1):
        for i in range(offsets[d] + width, offsets[d + 1]):
            value = np.int64(100000007) * (tokens[i] + shift) + np.int64(500001713) * key
            for k in range(width):
                value += tokens[i - width + k] * primes[k]
            value = value * np.int64(15485863) * np.int64(40499)
            value ^= value >> np.int64(13)
            rest = value % np.int64(8191)
            out[i] = rest + 8191 if rest < 0 else rest
    return out
