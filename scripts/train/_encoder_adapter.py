"""From trained weights to the adapter: of each matrix's change the part of low rank that moves outputs most.

Outputs are weighed by the inputs that a matrix meets in texts, and one budget of bytes is shared out over all matrices.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from provenance.detectors.neural.adapter import MATRICES, VECTORS, Adapter, pack_adapter
from provenance.detectors.neural.pretrained import Pretrained
from provenance.detectors.neural.transformer import build_transformer
from scripts.train._encoder_model import PADDING, Encoder, batches, padded, predict

#: Rank of what is kept of the change of positions, which are no linear map.
_POSITIONS = "emb.pos", 8

Array = NDArray[np.float64]
Factors = tuple[Array, Array, Array]


class Watched(Encoder):
    """Sums up the second moments of what each matrix is given."""

    def watch(self, texts: Sequence[NDArray[np.int64]]) -> dict[str, NDArray[np.float64]]:
        """Second moments (in, in) of the inputs of each matrix on texts of token ids."""
        self.moments: dict[str, Tensor] = {}
        with torch.no_grad():
            for rows in batches([len(ids) for ids in texts], 4_000):
                ids = padded([texts[row] for row in rows])
                self.seen = (ids != PADDING).reshape(-1)
                self(ids, ids != PADDING)
        return {name: moment.numpy() for name, moment in self.moments.items()}

    def _linear(self, state: Tensor, name: str) -> Tensor:
        values = state.reshape(-1, state.shape[-1])[self.seen].double()
        self.moments[f"{name}.w"] = self.moments.get(f"{name}.w", 0) + values.T @ values / 1e3
        return super()._linear(state, name)


def make_adapter(
    base: Pretrained,
    pieces: NDArray[np.int64],
    trained: Mapping[str, NDArray[np.float32]],
    texts: Sequence[NDArray[np.int64]],
    budget: int,
) -> Adapter:
    """The adapter of `trained` weights with factors of at most `budget` bytes, weighed by what happens in `texts`."""
    model = Watched(base, pieces)
    model.load(trained)
    moments = model.eval().watch(texts)
    found: dict[str, Factors] = {}
    worth = []
    for name, shape in MATRICES.items():
        weights = base.tensor(name)[: shape[0] * shape[1]].reshape(shape).astype(np.float64)
        found[name] = _factors(trained[name] - weights, moments.get(name))
        if name != _POSITIONS[0]:
            gain = found[name][1] / np.trace(weights @ moments[name] @ weights.T) / sum(shape)
            worth += [(-value, sum(shape), name) for value in gain]
    ranks = dict.fromkeys(MATRICES, 0) | dict([_POSITIONS])
    for _, size, name in sorted(worth):
        if size > budget:
            break
        ranks[name], budget = ranks[name] + 1, budget - size
    vectors = {name: trained[name] - base.tensor(name)[:size] for name, size in VECTORS.items()}
    factors = {
        name: (found[name][0][:, :rank].astype(np.float32), found[name][2][:rank].astype(np.float32))
        for name, rank in ranks.items()
    }
    return pack_adapter(pieces, factors, vectors, trained["head"])


def matched(
    base: Pretrained,
    adapter: Adapter,
    trained: Mapping[str, NDArray[np.float32]],
    texts: Sequence[NDArray[np.int64]],
) -> Adapter:
    """The adapter whose logits on `texts` come closest to those of the whole weights on a line, by its head.

    What factors of low rank leave out pulls logits towards the middle, people's more than machines'.
    """
    model = Encoder(base, adapter.pieces())
    model.load(trained)
    wanted = predict(model.eval(), texts, 4_000)
    transformer = build_transformer(base, adapter)
    slope, shift = np.polyfit([transformer.logit(ids.tolist()) for ids in texts], wanted, 1)
    head = adapter.head * np.float32(slope)
    head[-1] += np.float32(shift)
    return replace(adapter, head=head)


def _factors(change: Array, moment: Array | None) -> Factors:
    """Orthogonal directions of the output by what they lose of it when left out: (out, directions), energies, (directions, in).

    The energy of a direction is taken over inputs of this second moment; None: over all alike.
    """
    rows, columns = change.shape
    if moment is None:
        moment = np.eye(columns)
    if rows <= columns:
        energy, left = np.linalg.eigh(change @ moment @ change.T)
    else:  # the same from the smaller side
        variance, axes = np.linalg.eigh(moment)
        moved = change @ ((axes * np.sqrt(np.maximum(variance, 0))) @ axes.T)
        energy, right = np.linalg.eigh(moved.T @ moved)
        left = moved @ right / np.sqrt(np.maximum(energy, 1e-12 * energy[-1]))
    left, energy = left[:, ::-1], np.maximum(energy[::-1], 0)
    return left, energy, left.T @ change
