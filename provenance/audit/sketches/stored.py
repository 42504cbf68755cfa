"""Numbers of a file of sketches as they have to be, or a message that says which are not.

Such a file may come from anyone: nothing in it is run, and what does not fit is refused before it is counted with.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from provenance.errors import DataError

#: Most bytes of a file's arrays when they are unpacked: three times those of a whole with 96 strata.
MOST_BYTES = 4 << 30
#: Highest count of one cell: sums of all cells of a sketch stay in 64 bits.
_HIGHEST = 1 << 48


class SketchError(DataError):
    """A file that is no sketch, or one of another format."""


@contextmanager
def unreadable(name: str) -> Iterator[None]:
    """Turn what a file that is no sketch raises into a SketchError."""
    try:
        yield
    except (KeyError, ValueError, OSError, MemoryError, zlib.error, zipfile.BadZipFile, EOFError) as error:
        raise SketchError(f"{name}: not a sketch (`provenance sketch` writes them): {error}") from error


def check_size(data: bytes) -> None:
    """Raise ValueError where a file of sketches would take more than MOST_BYTES in memory."""
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        size = sum(item.file_size for item in packed.infolist())
    if size > MOST_BYTES:
        raise ValueError(f"its arrays would take {size:,} bytes, the largest sketch takes {MOST_BYTES:,}")


def table(
    stored: Mapping[str, NDArray[Any]], name: str, kind: DTypeLike, shape: tuple[int | None, ...]
) -> NDArray[Any]:
    """The array `name`, of a type and a shape (None: any length), without numbers below 0 or beyond what adds up.

    Raises:
        ValueError: where it is another.
        KeyError: where there is none.
    """
    found = stored[name]
    fits = len(shape) == found.ndim and all(
        wanted in (None, given) for wanted, given in zip(shape, found.shape)
    )
    if found.dtype != kind or not fits:
        raise ValueError(f"`{name}` is of type {found.dtype} and shape {found.shape}")
    if found.dtype == np.int64 and ((found < 0) | (found > _HIGHEST)).any():
        raise ValueError(f"`{name}` holds numbers that no dataset has")
    return np.asarray(found)


def number(stored: Mapping[str, NDArray[Any]], name: str, below: int = 1 << 31) -> int:
    """The whole number `name`, from 0 to `below`; raises ValueError where it is another."""
    found = stored[name]
    if found.dtype.kind not in "iu" or found.shape != () or not 0 <= int(found) < below:
        raise ValueError(f"`{name}` is no whole number from 0 to {below - 1}")
    return int(found)


def join_texts(prefix: str, texts: Sequence[bytes]) -> dict[str, NDArray[Any]]:
    """Arrays of texts for a file: their bytes one after another (uint8), and the bytes of each (int64)."""
    return {
        f"{prefix}sizes": np.array([len(text) for text in texts], np.int64),
        f"{prefix}texts": np.frombuffer(b"".join(texts), np.uint8),
    }


def cut_texts(stored: Mapping[str, NDArray[Any]], prefix: str) -> list[bytes]:
    """What `join_texts` wrote; raises ValueError where those do not add up."""
    whole = table(stored, f"{prefix}texts", np.uint8, (None,))
    sizes = table(stored, f"{prefix}sizes", np.int64, (None,)).tolist()
    if sum(sizes) != len(whole):
        raise ValueError(f"`{prefix}texts` have other lengths")
    data, ends = whole.tobytes(), np.cumsum([0, *sizes]).tolist()
    return [data[begin:end] for begin, end in pairwise(ends)]
