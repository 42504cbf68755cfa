"""The encoder's forward pass in numpy: one text at a time, so that its score cannot depend on its neighbours.

A BERT of twelve layers (Devlin et al. 2019) in single precision, its output pooled to means and deviations over the tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from provenance.detectors.neural.adapter import Adapter
from provenance.detectors.neural.pretrained import HEADS, LAYERS, WIDTH, Pretrained, unpack

Array = NDArray[np.float32]
_HEAD = WIDTH // HEADS
_EPSILON = np.float32(1e-12)
#: Rows of the wide layer that are worked on at once: as many as a second-level cache holds.
_ROWS = 32
#: Numerator and denominator of a rational approximation of erf on [-4, 4], by falling powers (as Eigen and XLA
#: compute it in single precision; within 4e-7 of erf, measured).
_ABOVE = (
    -2.72614225801306e-10,
    2.77068142495902e-08,
    -2.10102402082508e-06,
    -5.69250639462346e-05,
    -7.34990630326855e-04,
    -2.95459980854025e-03,
    -1.60960333262415e-02,
)
_BELOW = (
    -1.45660718464996e-05,
    -2.13374055278905e-04,
    -1.68282697438203e-03,
    -7.37332916720468e-03,
    -1.42647390514189e-02,
)


@dataclass(frozen=True)
class Layer:
    """One layer; matrices are (in, out)."""

    attend: tuple[Array, Array]  # queries, keys and values side by side; queries are scaled
    join: tuple[Array, Array]
    attended: tuple[Array, Array]  # scale and shift of the normalisation
    widen: tuple[Array, Array]
    narrow: tuple[Array, Array]
    widened: tuple[Array, Array]


@dataclass(frozen=True)
class Transformer:
    """The encoder, ready to read token ids."""

    words: NDArray[np.uint8]  # packed word vectors of the known pieces
    positions: Array  # with the vector of the one segment
    embedded: tuple[Array, Array]
    layers: tuple[Layer, ...]
    head: Array

    def logit(self, ids: Sequence[int]) -> float:
        """Log odds, before calibration, that the tokens `ids` are a machine's; at most as many as have positions."""
        vectors = unpack(self.words[np.asarray(ids, np.int64)]).reshape(len(ids), WIDTH)
        state = _normalise(vectors + self.positions[: len(ids)], self.embedded)
        for layer in self.layers:
            state = _normalise(state + _affine(_attend(state, layer.attend), layer.join), layer.attended)
            wide = _gelu(_affine(state, layer.widen))
            state = _normalise(state + _affine(wide, layer.narrow), layer.widened)
        mean = state.mean(axis=0)
        deviation = np.sqrt(((state - mean) ** 2).mean(axis=0) + np.float32(1e-6))
        return float(np.concatenate([mean, deviation]) @ self.head[:-1] + self.head[-1])


def build_transformer(base: Pretrained, adapter: Adapter) -> Transformer:
    """The base weights with the adapter's changes."""
    tensors: dict[str, Array] = {}
    for name, change in adapter.changes():
        tensors[name] = change + base.tensor(name)[: change.size].reshape(change.shape)

    def pair(layer: int, part: str) -> tuple[Array, Array]:
        weight, shift = tensors[f"l{layer}.{part}.w"], tensors[f"l{layer}.{part}.b"]
        return np.ascontiguousarray(weight.T), shift

    def attend(layer: int) -> tuple[Array, Array]:
        weights, shifts = zip(*(pair(layer, part) for part in "qkv"), strict=True)
        scale = np.repeat(np.array([_HEAD**-0.5, 1, 1], np.float32), WIDTH)
        return np.ascontiguousarray(np.concatenate(weights, axis=1) * scale), np.concatenate(shifts) * scale

    layers = tuple(
        Layer(
            attend=attend(at),
            join=pair(at, "ao"),
            attended=pair(at, "aln"),
            widen=pair(at, "fi"),
            narrow=pair(at, "fo"),
            widened=pair(at, "oln"),
        )
        for at in range(LAYERS)
    )
    return Transformer(
        words=base.packed_words(adapter.pieces()),
        positions=tensors["emb.pos"] + tensors["emb.type"],
        embedded=(tensors["emb.ln.w"], tensors["emb.ln.b"]),
        layers=layers,
        head=adapter.head,
    )


def _affine(state: Array, weights: tuple[Array, Array]) -> Array:
    found: Array = state @ weights[0]
    found += weights[1]
    return found


def _attend(state: Array, weights: tuple[Array, Array]) -> Array:
    """Each token's mean of the others' values by the softmax of query and key, heads side by side, (tokens, WIDTH)."""
    query, key, value = _affine(state, weights).reshape(len(state), 3, HEADS, _HEAD).transpose(1, 2, 0, 3)
    share = query @ key.transpose(0, 2, 1)
    share -= share.max(axis=-1, keepdims=True)
    np.exp(share, out=share)
    share /= share.sum(axis=-1, keepdims=True)
    return np.asarray((share @ value).transpose(1, 0, 2).reshape(len(state), WIDTH), np.float32)


def _normalise(state: Array, weights: tuple[Array, Array]) -> Array:
    state = np.subtract(state, state.mean(axis=1, keepdims=True), dtype=np.float32)
    state /= np.sqrt((state * state).mean(axis=1, keepdims=True) + _EPSILON)
    state *= weights[0]
    state += weights[1]
    return state


def _gelu(wide: Array) -> Array:
    """The Gaussian error linear unit of each value, in place: x / 2 * (1 + erf(x / sqrt 2))."""
    for start in range(0, len(wide), _ROWS):
        rows = wide[start : start + _ROWS]
        share = _erf(rows * np.float32(0.5**0.5))
        share += 1
        share *= np.float32(0.5)
        rows *= share
    return wide


def _erf(values: Array) -> Array:
    values = np.clip(values, -4, 4)
    square = values * values
    above, below = np.full_like(square, _ABOVE[0]), np.full_like(square, _BELOW[0])
    for power, factors in ((above, _ABOVE), (below, _BELOW)):
        for factor in factors[1:]:
            power *= square
            power += np.float32(factor)
    above *= values
    above /= below
    return above
