"""SynthID-Text (Dathathri et al., Nature 2024): tournament sampling, read back from its g-values.

g-values, masks and the mean, weighted-mean and Bayesian scores equal those of transformers'
`SynthIDTextWatermarkLogitsProcessor` and detector. The null is exact up to the saddlepoint: the g-values of
one n-gram depend on its hash modulo the table size only, so their joint distribution can be enumerated. The hash
of 2025 has no table: its bits are fair coins.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, PrivateAttr, model_validator

from provenance.annotators.watermarks.null import histogram, sum_p
from provenance.annotators.watermarks.ragged import F64, I64, U64, Bools, first_of_each, sums
from provenance.annotators.watermarks.random import coin_flips
from provenance.annotators.watermarks.scheme import Marks, Measurements, Scheme
from provenance.annotators.watermarks.synthid_hash import (
    G,
    Reading,
    drawn_hashes,
    initial_value,
    ngram_hashes,
    published_mask,
    shifted_g_values,
    table_g_values,
)

#: The keys of the published examples of transformers and of google-deepmind/synthid-text.
DEFAULT_KEYS = (
    654, 400, 836, 123, 340, 443, 597, 160, 57, 29, 590, 639, 13, 715, 468,
    990, 966, 226, 324, 585, 118, 504, 421, 521, 129, 669, 732, 225, 90, 960,
)  # fmt: skip

#: Size and seed of the sampling table of 2024.
_PUBLISHED_TABLE = 65536, 0
#: A table up to this size is enumerated; of a larger one (or one not a power of two) this many hashes are drawn.
_STATES = 1 << 18


class SynthId(Scheme):
    """Keyed g-values of each n-gram, one per tournament layer."""

    scheme: ClassVar[str] = "synthid"
    summary: ClassVar[str] = "SynthID-Text g-values with the mean, weighted-mean or Bayesian score"
    source: ClassVar[str] = "Nature 634 (2024) 818-823; transformers SynthIDTextWatermarkDetector"

    keys: tuple[Annotated[int, Field(ge=-(2**63), lt=2**63)], ...] = Field(
        DEFAULT_KEYS, min_length=1, max_length=128
    )
    version: Literal["2024", "2025"] = Field(
        "2024",
        description="hash: 2024 of transformers and synthid-text until June 2025, 2025 of synthid-text since",
    )
    ngram_len: int = Field(5, ge=2, le=64)
    sampling_table_size: int = Field(_PUBLISHED_TABLE[0], ge=2, le=2**24)
    sampling_table_seed: int = Field(_PUBLISHED_TABLE[1], ge=-(2**63), lt=2**63)
    context_history_size: int = Field(1024, ge=1, le=2**20)
    eos_token_id: int | None = Field(None, ge=0, description="nothing is read from the first such token on")
    score: Literal["mean", "weighted_mean", "bayesian"] = "weighted_mean"
    weights: tuple[float, ...] | None = Field(None, description="default: 10 falling linearly to 1")
    bayesian_model: str | None = Field(
        None, description="model.safetensors of a BayesianDetectorModel, or its folder"
    )
    beta: tuple[float, ...] | None = Field(None, description="Bayesian: one number for each layer")
    delta: tuple[tuple[float, ...], ...] | None = Field(None, description="Bayesian: layers × layers")
    prior: float = Field(0.5, description="Bayesian: the detector's own P(watermarked)")

    _table: G = PrivateAttr()
    _bayes: tuple[F64, F64, float] | None = PrivateAttr(default=None)
    _states: tuple[F64, F64, F64] | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _prepare(self) -> Self:
        depth = len(self.keys)
        if self.weights is not None and (
            len(self.weights) != depth or min(self.weights) < 0 or sum(self.weights) == 0
        ):
            raise ValueError(f"weights must be {depth} numbers, none negative and not all zero")
        if self.score == "bayesian":
            self._bayes = self._bayesian_parameters()
        elif self.bayesian_model or self.beta or self.delta:
            raise ValueError("bayesian_model, beta and delta are for score: bayesian")
        if (
            self.version == "2025"
            and (self.sampling_table_size, self.sampling_table_seed) != _PUBLISHED_TABLE
        ):
            raise ValueError("version 2025 has no sampling table: leave its size and seed out")
        self._table = coin_flips(self.sampling_table_seed, self.sampling_table_size)
        return self

    @property
    def key(self) -> str:
        """The first keys, their number and the n-gram length."""
        shown = ",".join(str(key) for key in self.keys[:3])
        return f"{shown}{',…' if len(self.keys) > 3 else ''}×{len(self.keys)}/{self.ngram_len}/{self.score}/{self.version}"

    @property
    def expected_value(self) -> float:
        """The mean over all hash states."""
        _, values, weights = self._null()
        return float(values @ weights)

    def g_values(self, tokens: npt.ArrayLike) -> G:
        """g-values of one sequence; shape (tokens - ngram_len + 1, layers)."""
        flat = np.ascontiguousarray(tokens, dtype=np.int64)
        bounds = np.array([0, len(flat)], np.int64)
        hashes, _ = self._hashes(flat, bounds)
        return self._g_of(hashes[self.ngram_len - 1 :])

    def readable(self, tokens: I64, offsets: I64) -> Bools:
        """The published mask: n-grams whose context is not in the recent history and before any end of sequence."""
        _, contexts = self._hashes(tokens, offsets)
        eos = -1 if self.eos_token_id is None else self.eos_token_id
        return published_mask(
            tokens, offsets, contexts, Reading(self.ngram_len, self.context_history_size, eos)
        )

    def marks(self, tokens: I64, offsets: I64) -> Marks:
        """Coins are distinct readable n-grams; each is worth its part of the score."""
        hashes, _ = self._hashes(tokens, offsets)
        readable = self.readable(tokens, offsets)
        return Marks(first_of_each(hashes, readable, offsets), self._worth(hashes, readable))

    def judge(self, tokens: I64, offsets: I64, marks: Marks, ties: F64) -> Measurements:
        """Published score over readable n-grams; p from the enumerated null over distinct ones."""
        readable = self.readable(tokens, offsets)
        scored = sums(readable, offsets)
        total = sums(marks.value * readable, offsets)
        with np.errstate(divide="ignore", invalid="ignore"):
            if self._bayes is None:
                score = total / scored
            else:
                prior = min(max(self._bayes[2], 1e-5), 1 - 1e-5)
                score = 1.0 / (1.0 + np.exp(-np.clip(total + np.log(prior / (1 - prior)), -700, 700)))
        coins, short = self.short(marks.counted, offsets)
        _, values, weights = self._null()
        mean = float(values @ weights)
        deviation = float(np.sqrt(weights @ (values - mean) ** 2))
        kept = sums(marks.value * marks.counted, offsets)
        with np.errstate(divide="ignore", invalid="ignore"):
            z = (kept - coins * mean) / (deviation * np.sqrt(coins))
        # the mean score moves in steps of one layer: spread each step evenly over its width
        step = 1.0 / len(self.keys) if self.score == "mean" else 0.0
        p = np.where(short, 1.0, sum_p(kept + (0.5 - ties) * step, coins, values, weights))
        return Measurements(scored.astype(np.int64), score, z, coins, p)

    def _hashes(self, tokens: I64, offsets: I64) -> tuple[U64, U64]:
        start = np.uint64(1) if self.version == "2024" else initial_value(self.keys)
        return ngram_hashes(tokens, offsets, self.ngram_len, start)

    def _worth(self, hashes: U64, wanted: Bools) -> F64:
        states, _, _ = self._null()
        if self.version == "2024" and len(states) == self.sampling_table_size:
            return states[(hashes & np.uint64(self.sampling_table_size - 1)).astype(np.int64)]
        worth = np.zeros(len(hashes), np.float64)
        where = np.flatnonzero(wanted)
        for start in range(0, len(where), 1 << 16):  # bounds the g-values held at once
            part = where[start : start + (1 << 16)]
            worth[part] = self._value(self._g_of(hashes[part]))
        return worth

    def _null(self) -> tuple[F64, F64, F64]:
        """Worth by hash state (enumerated or drawn), and its distribution as (values, weights)."""
        if self._states is None:
            size = self.sampling_table_size
            enumerable = self.version == "2024" and size & (size - 1) == 0 and size <= _STATES
            hashes = np.arange(size, dtype=np.uint64) if enumerable else drawn_hashes(_STATES)
            worth = []
            for start in range(0, len(hashes), 1 << 16):
                g = self._g_of(hashes[start : start + (1 << 16)])
                # bits of the hash of 2025 are fair coins: the drawn ones and their opposites together are exactly so
                worth += [self._value(g)] + [self._value(1 - g)] * (self.version == "2025")
            every = np.concatenate(worth)
            values, weights = histogram(every)
            # a drawn sample must not be mistaken for the enumeration of a table of the same size
            self._states = (every if enumerable else every[:0], values, weights)
        return self._states

    def _g_of(self, hashes: U64) -> G:
        keys = np.array([key % 2**64 for key in self.keys], np.uint64)
        if self.version == "2025":
            return shifted_g_values(hashes, keys)
        return table_g_values(hashes, keys, self._table)

    def _value(self, g: G) -> F64:
        depth = len(self.keys)
        if self._bayes is not None:
            beta, delta, _ = self._bayes
            two = 1.0 / (1.0 + np.exp(-(g @ np.tril(delta, -1).T + beta)))
            likelihood = 0.5 * ((g + 0.5) * two + (1.0 - two))
            return np.asarray(np.log(np.maximum(likelihood, 1e-30) / 0.5).sum(axis=1), dtype=np.float64)
        if self.score == "mean":
            return np.asarray(g.sum(axis=1) / depth, dtype=np.float64)
        weights = np.asarray(self.weights or np.linspace(10.0, 1.0, depth), dtype=np.float64)
        return np.asarray(g @ (weights / weights.sum()), dtype=np.float64)

    def _bayesian_parameters(self) -> tuple[F64, F64, float]:
        depth = len(self.keys)
        if self.bayesian_model is not None:
            beta, delta, prior = read_bayesian_model(Path(self.bayesian_model))
        elif self.beta is not None and self.delta is not None:
            beta, delta, prior = np.asarray(self.beta), np.asarray(self.delta), self.prior
        else:
            raise ValueError("score: bayesian needs bayesian_model, or beta and delta")
        if beta.shape != (depth,) or delta.shape != (depth, depth):
            raise ValueError(
                f"the Bayesian detector is for {beta.shape[0]} layers (delta {delta.shape}), the keys are {depth}"
            )
        return beta.astype(np.float64), delta.astype(np.float64), prior


def read_bayesian_model(path: Path) -> tuple[F64, F64, float]:
    """(beta, delta, prior) of a `BayesianDetectorModel` saved by transformers, from its safetensors file.

    Raises ValueError if the file is not one, OSError if it cannot be read.
    """
    data = (path / "model.safetensors" if path.is_dir() else path).read_bytes()
    length = int.from_bytes(data[:8], "little")
    if length > len(data) - 8:
        raise ValueError(f"{path}: not a safetensors file")
    try:
        header = json.loads(data[8 : 8 + length])
    except ValueError as error:
        raise ValueError(f"{path}: not a safetensors file") from error
    found: dict[str, F64] = {}
    for name, entry in header.items():
        if name != "__metadata__":
            if entry["dtype"] != "F32":
                raise ValueError(f"{path}: {name} is {entry['dtype']}, not F32")
            begin, end = entry["data_offsets"]
            numbers = np.frombuffer(data[8 + length + begin : 8 + length + end], "<f4")
            found[name] = numbers.reshape(entry["shape"]).astype(np.float64)
    try:
        beta = found["likelihood_model_watermarked.beta"].reshape(-1)
        delta = found["likelihood_model_watermarked.delta"].reshape(len(beta), len(beta))
        return beta, delta, float(found["prior"].reshape(-1)[0])
    except KeyError as missing:
        raise ValueError(f"{path}: no tensor {missing}, so not a BayesianDetectorModel") from None
