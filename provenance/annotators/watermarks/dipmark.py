"""DiPmark (Wu et al. 2023): a distribution-preserving reweighting of a permutation keyed by the context.

Needs no model to read: a token late in its permutation is evidence. Seeds are SHA-256 of context and key, as
in MarkLLM's DIP.
"""

from __future__ import annotations

import hashlib
import random
from typing import ClassVar

import numpy as np
from pydantic import Field, PrivateAttr

from provenance.annotators.watermarks.greenlist import DEFAULT_CACHE_BYTES, GreenLists
from provenance.annotators.watermarks.null import COMMONPLACE, binomial_p
from provenance.annotators.watermarks.ragged import (
    F64,
    I64,
    Bools,
    commonplace_pairs,
    first_of_each,
    ngram_keys,
    pair_keys,
    sums,
)
from provenance.annotators.watermarks.random import U32
from provenance.annotators.watermarks.scheme import Marks, Measurements, Scheme
from provenance.annotators.watermarks.shared import among_others


class DipMark(Scheme):
    """Tokens in the upper part of a keyed permutation."""

    scheme: ClassVar[str] = "dipmark"
    summary: ClassVar[str] = "DiPmark: position in a keyed permutation at or above gamma"
    source: ClassVar[str] = "arXiv:2310.07710; MarkLLM DIP"

    vocab_size: int = Field(ge=2, le=2**24, description="length of the permuted vocabulary")
    hashing_key: int = Field(42, description="seeds the 1024-bit secret as MarkLLM does")
    gamma: float = Field(0.5, gt=0, lt=1, description="quantile from which a token counts as green")
    prefix_length: int = Field(5, ge=1, le=64, description="tokens of context; 5 in MarkLLM's published file")
    ignore_history: bool = Field(
        False, description="whether text was marked also where a context comes again (published: it was not)"
    )
    cache_bytes: int = Field(DEFAULT_CACHE_BYTES, ge=1 << 16, description="memory for green lists")

    _secret: bytes | None = PrivateAttr(default=None)
    _red: GreenLists | None = PrivateAttr(default=None)

    @property
    def key(self) -> str:
        """The key, quantile and context width."""
        return f"{self.hashing_key}/{self.gamma:g}/{self.prefix_length}"

    @property
    def red_size(self) -> int:
        """Tokens of each permutation below the quantile, compared in float32 as the published code compares."""
        quantiles = np.arange(1, self.vocab_size + 1).astype(np.float32) / np.float32(self.vocab_size)
        return int((quantiles < np.float32(self.gamma)).sum())

    def marks(self, tokens: I64, offsets: I64) -> Marks:
        """Coins are distinct (seed, token) pairs."""
        if self._red is None:
            self._secret = random.Random(self.hashing_key).getrandbits(1024).to_bytes(128, "big")
            self._red = GreenLists(self.vocab_size, self.red_size, cache_bytes=self.cache_bytes)
        scored = self._scored(tokens, offsets)
        seed = self._seeds(tokens, offsets, scored)
        where = np.flatnonzero(scored & (tokens < self.vocab_size))
        green = np.zeros(len(tokens), np.bool_)
        green[where] = ~self._red.contains(seed[where], tokens[where])
        keys = pair_keys(seed, tokens)
        counted = first_of_each(keys, scored & (tokens < self.vocab_size), offsets)
        if self.prefix_length == 1:
            counted &= ~commonplace_pairs(tokens, offsets, counted, COMMONPLACE)
        return Marks(counted, green.astype(np.float64), keys)

    def judge(self, tokens: I64, offsets: I64, marks: Marks, ties: F64) -> Measurements:
        """Published statistic (green - (1 - gamma)·n) / √n over n tokens read; binomial p over distinct coins."""
        scored = sums(self._scored(tokens, offsets), offsets)
        # published: the first token, which has no context, is one of n
        length = scored + (np.diff(offsets) > 0)
        hits = sums(marks.value, offsets)
        with np.errstate(divide="ignore", invalid="ignore"):
            z = (hits - (1 - self.gamma) * length) / np.sqrt(length)
        coins, short = self.short(marks.counted, offsets)
        distinct = sums(marks.value * marks.counted, offsets).astype(np.int64)
        rate = 1.0 - self.red_size / self.vocab_size
        p = np.where(short, 1.0, binomial_p(distinct, coins, rate, ties))
        coins, p = among_others(p, marks, offsets, ties, least=self.min_tokens, rate=rate)
        return Measurements(scored.astype(np.int64), hits, z, coins, p)

    def _scored(self, tokens: I64, offsets: I64) -> Bools:
        """Tokens with a context, and without `ignore_history` only the first of each context.

        Where a context comes again in the same text, the generator leaves the probabilities as they are.
        """
        scored = np.ones(len(tokens), np.bool_)
        scored[offsets[:-1][np.diff(offsets) > 0]] = False
        if self.ignore_history:
            return scored
        context = np.zeros(len(tokens), np.uint64)
        context[1:] = ngram_keys(tokens, offsets, self.prefix_length)[:-1]
        whole = np.asarray(context != 0)  # the shorter ones at the start are all different
        return np.asarray(first_of_each(context, scored & whole, offsets) | (scored & ~whole))

    def _seeds(self, tokens: I64, offsets: I64, scored: Bools) -> U32:
        """One SHA-256 for each distinct context; the first tokens of a document have shorter contexts."""
        assert self._secret is not None
        keys = ngram_keys(tokens, offsets, self.prefix_length)
        out = np.zeros(len(tokens), np.uint32)
        known: dict[int, int] = {}
        starts = np.repeat(offsets[:-1], np.diff(offsets))
        for i in np.flatnonzero(scored):
            name = int(keys[i - 1])
            seed = known.get(name)
            if name == 0 or seed is None:
                context = tokens[max(int(starts[i]), int(i) - self.prefix_length) : i]
                digest = hashlib.sha256(context.astype("<i8").tobytes() + self._secret).digest()
                seed = int.from_bytes(digest, "big") % (2**32 - 1)
                if name:
                    known[name] = seed
            out[i] = seed
        return out
