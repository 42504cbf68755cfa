"""Unigram (Zhao et al. 2023): one green list for every position.

The list and the published z equal those of the authors' code and of MarkLLM; the p-value counts each distinct
token once, because its colour is decided once for all places where it stands.
"""

from __future__ import annotations

import hashlib
from typing import ClassVar

import numpy as np
from pydantic import Field, PrivateAttr

from provenance.annotators.watermarks.null import hypergeometric_p
from provenance.annotators.watermarks.ragged import F64, I64, Bools, first_of_each, sums
from provenance.annotators.watermarks.scheme import Marks, Measurements, Scheme
from provenance.annotators.watermarks.shared import among_others


class Unigram(Scheme):
    """A fixed green list over the vocabulary."""

    scheme: ClassVar[str] = "unigram"
    summary: ClassVar[str] = "one fixed green list (Unigram, GPTWatermark)"
    source: ClassVar[str] = "arXiv:2306.17439; XuandongZhao/Unigram-Watermark, MarkLLM Unigram"

    vocab_size: int = Field(ge=2, le=2**24, description="the model's vocab_size, padding rows included")
    fraction: float = Field(0.5, gt=0, lt=1, description="share of the vocabulary that is green")
    watermark_key: int = Field(0, ge=-(2**63), lt=2**63, description="0 by default; 15485863 in MarkLLM")

    _green: Bools | None = PrivateAttr(default=None)

    @property
    def key(self) -> str:
        """The fraction and the key."""
        return f"{self.fraction:g}/{self.watermark_key}"

    @property
    def green(self) -> Bools:
        """Whether each token is green; shape (vocab_size,)."""
        if self._green is None:
            marked = int(self.fraction * self.vocab_size)
            colours = np.array([True] * marked + [False] * (self.vocab_size - marked))
            digest = hashlib.sha256(np.int64(self.watermark_key).tobytes()).digest()
            np.random.default_rng(int.from_bytes(digest[:4], "little")).shuffle(colours)
            self._green = colours
        return self._green

    def marks(self, tokens: I64, offsets: I64) -> Marks:
        """Coins are distinct tokens."""
        inside = tokens < self.vocab_size
        coloured = self.green[np.minimum(tokens, self.vocab_size - 1)] & inside
        keys = tokens.astype(np.uint64)
        return Marks(first_of_each(keys, inside, offsets), coloured.astype(np.float64), keys)

    def judge(self, tokens: I64, offsets: I64, marks: Marks, ties: F64) -> Measurements:
        """Published z over all tokens; p over distinct ones, hypergeometric or among the batch's other documents."""
        scored = np.diff(offsets)
        hits = sums(marks.value, offsets)
        with np.errstate(divide="ignore", invalid="ignore"):
            z = (hits - self.fraction * scored) / np.sqrt(scored * self.fraction * (1 - self.fraction))
        coins, short = self.short(marks.counted, offsets)
        distinct = sums(marks.value * marks.counted, offsets).astype(np.int64)
        marked = int(self.green.sum())
        p = np.where(short, 1.0, hypergeometric_p(distinct, coins, self.vocab_size, marked, ties))
        rate, population = marked / self.vocab_size, self.vocab_size
        coins, p = among_others(
            p, marks, offsets, ties, least=self.min_tokens, rate=rate, population=population
        )
        return Measurements(scored, hits, z, coins, p)
