"""KGW green lists (Kirchenbauer et al. 2023): left-hash, self-hash and the other published seedings.

Counts equal those of transformers' `WatermarkDetector` bit for bit; the p-value is ours, from the exact
binomial over distinct coins.
"""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np
from pydantic import Field, PrivateAttr, model_validator

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
from provenance.annotators.watermarks.scheme import Marks, Measurements, Scheme
from provenance.annotators.watermarks.seeding import DEFAULT_KEY, Seeding, hash_table, resolve, seeds
from provenance.annotators.watermarks.shared import among_others


class Kgw(Scheme):
    """A biased green list, seeded by the tokens before (and, self-hashed, by the token itself)."""

    scheme: ClassVar[str] = "kgw"
    summary: ClassVar[str] = (
        "green lists seeded by context (KGW, KGW v2): lefthash, selfhash, minhash, skipgram, ff-…"
    )
    source: ClassVar[str] = "arXiv:2301.10226, arXiv:2306.04634; transformers WatermarkDetector"

    vocab_size: int = Field(ge=2, le=2**24, description="the model's vocab_size, padding rows included")
    greenlist_ratio: float = Field(
        0.25, gt=0, lt=1, description="gamma: share of the vocabulary that is green"
    )
    hashing_key: int = Field(DEFAULT_KEY, ge=-(2**63), lt=2**63)
    seeding_scheme: str = "lefthash"
    context_width: int | None = Field(
        None, ge=1, le=64, description="default: the seeding scheme's own, else 1"
    )
    green_at: str = Field(
        "head", pattern="^(head|tail)$", description="tail: the first release's legacy lists"
    )
    ignore_repeated_ngrams: bool = Field(True, description="whether z and score count an n-gram once")
    bos_token_id: int | None = Field(None, ge=0, description="dropped where a document starts with it")
    cache_bytes: int = Field(DEFAULT_CACHE_BYTES, ge=1 << 16, description="memory for green lists")

    _seeding: Seeding = PrivateAttr()
    _table: I64 | None = PrivateAttr(default=None)
    _lists: GreenLists | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _resolve(self) -> Self:
        self._seeding = resolve(self.seeding_scheme, self.context_width, self.hashing_key, self.vocab_size)
        if self.green_size < 1:
            raise ValueError(
                f"greenlist_ratio {self.greenlist_ratio} of {self.vocab_size} tokens is no token"
            )
        return self

    @property
    def key(self) -> str:
        """The seeding, ratio and key."""
        return f"{self.seeding_scheme}/{self._seeding.window}/{self.greenlist_ratio:g}/{self._seeding.key}"

    @property
    def green_size(self) -> int:
        """Tokens on each green list, rounded as the published code rounds."""
        return int(self.vocab_size * self.greenlist_ratio)

    def marks(self, tokens: I64, offsets: I64) -> Marks:
        """Coins are distinct (seed, token) pairs: what decides the colour, not how long the n-gram is."""
        starts = self._starts(tokens, offsets)
        scored, keys, green = self._colours(tokens, offsets, starts)
        counted = first_of_each(keys, scored, offsets)
        if self._seeding.window == 1 and not self._seeding.self_salt:
            counted &= ~commonplace_pairs(tokens, offsets, counted, COMMONPLACE)
        return Marks(counted, green.astype(np.float64), keys)

    def judge(self, tokens: I64, offsets: I64, marks: Marks, ties: F64) -> Measurements:
        """Published z over n-grams; p over distinct coins, binomial at the true share of green tokens or among others."""
        starts = self._starts(tokens, offsets)
        green = marks.value > 0
        scored, hits = self._reference_counts(tokens, offsets, starts, green)
        with np.errstate(divide="ignore", invalid="ignore"):
            z = (hits - self.greenlist_ratio * scored) / np.sqrt(
                scored * self.greenlist_ratio * (1 - self.greenlist_ratio)
            )
        coins, short = self.short(marks.counted, offsets)
        coloured = sums(green & marks.counted, offsets).astype(np.int64)
        rate = self.green_size / self.vocab_size
        p = np.where(short, 1.0, binomial_p(coloured, coins, rate, ties))
        coins, p = among_others(p, marks, offsets, ties, least=self.min_tokens, rate=rate)
        return Measurements(scored.astype(np.int64), hits, z, coins, p)

    def _starts(self, tokens: I64, offsets: I64) -> I64:
        """Where each document's text starts: after a beginning-of-sequence token, as the reference drops it."""
        starts = offsets[:-1].copy()
        if self.bos_token_id is not None and len(tokens):
            filled = offsets[1:] > starts
            starts[filled] += tokens[starts[filled]] == self.bos_token_id
        return starts

    def _colours(self, tokens: I64, offsets: I64, starts: I64) -> tuple[Bools, np.ndarray, Bools]:
        if self._lists is None:
            self._table = hash_table(self._seeding)
            tail = self.green_at == "tail"
            head = self.vocab_size - self.green_size if tail else self.green_size
            self._lists = GreenLists(self.vocab_size, head, not self._seeding.self_salt, self.cache_bytes)
        assert self._table is not None
        scored = _from(len(tokens), offsets, starts, self._seeding.span - 1)
        bounds = _interleaved(offsets, starts)
        seed = seeds(tokens, bounds, self._seeding, self._table)
        where = np.flatnonzero(scored)
        green = np.zeros(len(tokens), np.bool_)
        inside = self._lists.contains(seed[where], tokens[where])
        if self.green_at == "tail":
            inside = ~inside & (tokens[where] < self.vocab_size)
        green[where] = inside
        keys = pair_keys(seed, tokens)
        # a token that can never be green is no coin
        return scored & (tokens < self.vocab_size), keys, green

    def _reference_counts(self, tokens: I64, offsets: I64, starts: I64, green: Bools) -> tuple[F64, F64]:
        counted = _from(len(tokens), offsets, starts, self._seeding.span - 1)
        if self.ignore_repeated_ngrams:
            keys = ngram_keys(tokens, offsets, self._seeding.span)
            counted = first_of_each(keys, counted, offsets)
        return sums(counted, offsets), sums(green & counted, offsets)


def _from(length: int, offsets: I64, starts: I64, skip: int) -> Bools:
    """True from `skip` tokens after each document's start on."""
    position = np.arange(length, dtype=np.int64)
    first = np.repeat(starts + skip, np.diff(offsets))
    return np.asarray(position >= first, dtype=np.bool_)


def _interleaved(offsets: I64, starts: I64) -> I64:
    """Offsets with each dropped leading token as a document of its own, so that no context reaches back to it."""
    if np.array_equal(starts, offsets[:-1]):
        return offsets
    bounds = np.empty(2 * len(starts) + 1, np.int64)
    bounds[0:-1:2] = offsets[:-1]
    bounds[1::2] = starts
    bounds[-1] = offsets[-1]
    return bounds
