"""What training changed in the pretrained encoder, as the package ships it: the low-rank part of each matrix's change.

A matrix is base + left @ right, each factor in eight bits; vectors are kept whole, in half precision. Same file, same scores.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from provenance.detectors.neural.pretrained import BETWEEN, LAYERS, WIDTH

#: Tokens read of a text, both ends of the sentence included, and characters in which they are looked for: as in training.
MOST_TOKENS, MOST_CHARACTERS = 258, 2500
_SHAPES = {"q": (WIDTH, WIDTH), "k": (WIDTH, WIDTH), "v": (WIDTH, WIDTH), "ao": (WIDTH, WIDTH)}
_SHAPES |= {"fi": (BETWEEN, WIDTH), "fo": (WIDTH, BETWEEN)}
#: Name → shape (out, in) of every matrix that training changes, and of every vector, in the order of the file.
MATRICES = {
    "emb.pos": (MOST_TOKENS, WIDTH),
    **{f"l{layer}.{part}.w": shape for layer in range(LAYERS) for part, shape in _SHAPES.items()},
}
VECTORS = {
    **dict.fromkeys(("emb.type", "emb.ln.w", "emb.ln.b"), WIDTH),
    **{f"l{layer}.{part}.b": shape[0] for layer in range(LAYERS) for part, shape in _SHAPES.items()},
    **{
        f"l{layer}.{part}.{kind}": WIDTH
        for layer in range(LAYERS)
        for part in ("aln", "oln")
        for kind in "wb"
    },
}


@dataclass(frozen=True)
class Adapter:
    """The arrays of the file; factors and vectors of all tensors stand one after the other."""

    keep: NDArray[np.uint8]  # one bit a piece of the base vocabulary: whether the encoder knows it
    ranks: NDArray[np.int16]  # of each of MATRICES
    scales: NDArray[np.float32]  # of each component
    left: NDArray[np.int8]  # (out, rank) of each matrix
    right: NDArray[np.int8]  # (rank, in) of each matrix
    vectors: NDArray[np.float16]  # the change of each of VECTORS
    head: NDArray[np.float32]  # weights of means and deviations, then the bias: (2 * WIDTH + 1,)

    def pieces(self) -> NDArray[np.int64]:
        """Places of the kept pieces in the base vocabulary, ascending; a token's id is its place in this list."""
        return np.flatnonzero(np.unpackbits(self.keep)).astype(np.int64)

    def changes(self) -> Iterator[tuple[str, NDArray[np.float32]]]:
        """(name, change) of every matrix and vector."""
        at = left = right = 0
        for (name, (rows, columns)), rank in zip(MATRICES.items(), self.ranks.tolist(), strict=True):
            first = self.left[left : left + rows * rank].reshape(rows, rank) * self.scales[at : at + rank]
            yield (
                name,
                first @ self.right[right : right + rank * columns].reshape(rank, columns).astype(np.float32),
            )
            at, left, right = at + rank, left + rows * rank, right + rank * columns
        at = 0
        for name, size in VECTORS.items():
            yield name, self.vectors[at : at + size].astype(np.float32)
            at += size

    def save(self, path: Path) -> None:
        """Write the file."""
        np.savez_compressed(path, **{item.name: getattr(self, item.name) for item in fields(self)})


def pack_adapter(
    keep: NDArray[np.int64],
    factors: Mapping[str, tuple[NDArray[np.float32], NDArray[np.float32]]],
    vectors: Mapping[str, NDArray[np.float32]],
    head: NDArray[np.float32],
) -> Adapter:
    """The adapter of pieces `keep`, factors (left, right) and changes of vectors by name, and `head`."""
    lefts, rights, scales = [], [], []
    for name in MATRICES:
        left, right = factors[name]
        steps = np.abs(left).max(axis=0) / 127 + 1e-12, np.abs(right).max(axis=1) / 127 + 1e-12
        lefts.append(np.round(left / steps[0]).astype(np.int8).reshape(-1))
        rights.append(np.round(right / steps[1][:, None]).astype(np.int8).reshape(-1))
        scales.append((steps[0] * steps[1]).astype(np.float32))
    known = np.zeros(int(keep.max()) + 1, np.uint8)
    known[keep] = 1
    return Adapter(
        keep=np.packbits(known),
        ranks=np.array([len(factors[name][1]) for name in MATRICES], np.int16),
        scales=np.concatenate(scales),
        left=np.concatenate(lefts),
        right=np.concatenate(rights),
        vectors=np.concatenate([vectors[name] for name in VECTORS]).astype(np.float16),
        head=head.astype(np.float32),
    )


def adapter_bytes() -> bytes:
    """The file that ships in the package."""
    return (files("provenance.detectors.neural") / "data" / "encoder.npz").read_bytes()


@lru_cache(maxsize=1)
def load_adapter() -> Adapter:
    """The adapter that ships in the package."""
    with np.load(io.BytesIO(adapter_bytes()), allow_pickle=False) as stored:
        return Adapter(**{item.name: stored[item.name] for item in fields(Adapter)})
