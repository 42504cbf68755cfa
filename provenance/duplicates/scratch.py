"""Packed arrays in scratch files: the columnar shuffle between the tasks of deduplication.

A task writes one file of pieces, one piece for each partition it has something for, and returns where
they lie; what crosses the runner's own shuffle is these few numbers, never the arrays.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from provenance.files.storage import Storage, join
from provenance.files.storage.local import temporary_suffix

Array = npt.NDArray[Any]


@dataclass(frozen=True, order=True, slots=True)  # a driver has millions of them
class Piece:
    """A range of bytes of a scratch file."""

    path: str
    offset: int
    length: int


#: (partition, piece): what a task returns and a runner groups by partition.
Routed = tuple[int, Piece]


class Scratch(Protocol):
    """Where pieces lie: a local folder or a Beam filesystem. Paths are relative, with `/`."""

    def write(self, path: str, chunks: Iterable[bytes]) -> None:
        """Write a whole file, or nothing (temporary name, rename); an existing file is replaced."""

    def read(self, path: str, offset: int, length: int) -> bytes:
        """Exactly the bytes [offset, offset + length) of a file."""
        ...


class LocalScratch:
    """Scratch files below a local folder."""

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root)

    def write(self, path: str, chunks: Iterable[bytes]) -> None:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f"{target.name}.{temporary_suffix()}")
        with temporary.open("wb") as file:
            for chunk in chunks:
                file.write(chunk)
        temporary.replace(target)

    def read(self, path: str, offset: int, length: int) -> bytes:
        with (self.root / path).open("rb") as file:
            file.seek(offset)
            data = file.read(length)
        if len(data) != length:
            raise EOFError(f"{self.root / path}: {length} bytes expected at {offset}, {len(data)} found")
        return data


@dataclass(frozen=True)
class StorageScratch:
    """Scratch files below a directory of any storage."""

    storage: Storage
    directory: str

    def write(self, path: str, chunks: Iterable[bytes]) -> None:
        with self.storage.create(join(self.directory, path)) as file:
            for chunk in chunks:
                file.write(chunk)

    def read(self, path: str, offset: int, length: int) -> bytes:
        end = offset + length  # as the size: a store is not asked, and nothing behind the piece is read
        with self.storage.open(join(self.directory, path), end) as file:
            file.seek(offset)
            data = file.read(length)
        if len(data) != length:
            raise EOFError(f"{path}: {length} bytes expected at {offset}, {len(data)} found")
        return data


def write_pieces(scratch: Scratch, path: str, parts: Iterable[tuple[int, Sequence[Array]]]) -> list[Routed]:
    """Write one piece for each (partition, arrays); returns where they lie. No parts: no file."""
    routed: list[Routed] = []

    def chunks(parts: Iterator[tuple[int, Sequence[Array]]]) -> Iterator[bytes]:
        offset = 0
        for partition, arrays in parts:
            packed = [np.ascontiguousarray(a).tobytes() for a in arrays]
            head = np.array([len(packed), *map(len, packed)], "<u8").tobytes()
            length = len(head) + sum(map(len, packed))
            routed.append((int(partition), Piece(path, offset, length)))
            offset += length
            yield head
            yield from packed

    remaining = iter(parts)
    first = next(remaining, None)
    if first is not None:

        def all_parts() -> Iterator[tuple[int, Sequence[Array]]]:
            yield first
            yield from remaining

        scratch.write(path, chunks(all_parts()))
    return routed


def read_piece(scratch: Scratch, piece: Piece, *dtypes: npt.DTypeLike) -> list[Array]:
    """The arrays of a piece (one-dimensional, read-only), in the order in which they were written.

    Raises ValueError if the piece does not hold that many arrays of whole elements.
    """
    data = scratch.read(piece.path, piece.offset, piece.length)
    head = np.frombuffer(data, "<u8", min(len(dtypes) + 1, len(data) // 8))
    if (
        len(head) != len(dtypes) + 1
        or head[0] != len(dtypes)
        or int(head[1:].sum()) + 8 * len(head) != len(data)
    ):
        raise ValueError(f"{piece.path}: no piece of {len(dtypes)} arrays at {piece.offset}")
    at = 8 * len(head)
    arrays: list[Array] = []
    for size, dtype in zip(head[1:].tolist(), dtypes, strict=True):
        kind = np.dtype(dtype)
        arrays.append(np.frombuffer(data, kind, size // kind.itemsize, at))
        at += size
    return arrays


def count_rows(scratch: Scratch, piece: Piece) -> int:
    """Length of the first array of a piece, whose elements have eight bytes, without reading it."""
    return int(np.frombuffer(scratch.read(piece.path, piece.offset + 8, 8), "<u8")[0]) // 8


def split(partitions: npt.NDArray[Any], *arrays: Array) -> Iterator[tuple[int, Sequence[Array]]]:
    """Rows of parallel arrays by partition, ascending; rows keep their order within one."""
    order = np.argsort(partitions, kind="stable")
    found, starts = np.unique(partitions[order], return_index=True)
    bounds = [*starts.tolist(), len(order)]
    for i, partition in enumerate(found.tolist()):
        rows = order[bounds[i] : bounds[i + 1]]
        yield partition, [a[rows] for a in arrays]
