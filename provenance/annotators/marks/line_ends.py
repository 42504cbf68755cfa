"""White space at the ends of lines that spells something: two kinds of it, mixed line after line.

Nobody sees it, so tools have hidden messages there since snow (1996). A stray blank at a line's end, the two of
Markdown and what an editor leaves in empty lines are no such thing.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from numba import njit

from provenance.annotators.columns import bytes_and_offsets
from provenance.annotators.marks.scripts import is_exotic_space
from provenance.annotators.marks.utf8 import Bytes, Offsets, back, decode

#: Characters at line ends that make a message: two bytes of one bit each ...
FEWEST: Final = 16
#: ... of which the second kind is this many, in as many different runs where some are longer than one ...
SECOND: Final = 4
#: ... on this many lines.
LINES: Final = 4


def find_coded_line_ends(texts: pa.LargeStringArray, use: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Where the first white space stands that spells something: its byte in the text, -1 where none does; (rows,).

    `use` (rows): texts to look at; null texts must be excluded.
    """
    data, offsets = bytes_and_offsets(texts)
    return np.asarray(_find(data, offsets, use))


def line_ends(text: str) -> list[str]:
    """The white space at the ends of the lines that have other characters too."""
    lines = [line.removesuffix("\r") for line in text.split("\n") if line.strip()]
    spaces = _spaces()
    return [line[len(line.rstrip(spaces)) :] for line in lines if line[-1] in spaces]


@njit(cache=True, inline="always")
def _is_space(c: int) -> bool:
    return c == 32 or c == 9 or c == 0xA0 or is_exotic_space(c)


@cache
def _spaces() -> str:
    """All of these characters; looking for them takes a quarter of a second, and few crawls ask."""
    return "".join(chr(c) for c in range(0x10000) if _is_space.py_func(c))


@njit(cache=True, nogil=True)
def _find(data: Bytes, offsets: Offsets, use: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    found = np.full(len(use), -1, np.int64)
    for row in range(len(use)):
        start, end = offsets[row], offsets[row + 1]
        if not use[row] or end - start < FEWEST:
            continue
        first, line, lines, total, of_first, longest = -1, start, 0, 0, 0, 0
        kind: Any = np.int64(0)
        runs = np.uint64(0)
        for k in range(start, end + 1):
            if k < end and data[k] != 10:
                continue
            if k > line and (data[k - 1] <= 32 or data[k - 1] >= 0x80):
                stop, size, alike, spelling, kind = _trailing(data, line, k, kind)
                if stop > line and size > 0:
                    first = stop - start if first < 0 else first
                    lines, total, of_first = lines + 1, total + size, of_first + alike
                    longest = max(longest, size)
                    runs |= np.uint64(1) << (spelling)
            line = k + 1
        fewer = min(of_first, total - of_first)
        different = 0
        while runs:
            runs &= runs - np.uint64(1)
            different += 1
        mixed = different >= SECOND or longest == 1
        if lines >= LINES and total >= FEWEST and fewer >= SECOND and mixed:
            found[row] = first
    return found


@njit(cache=True)
def _trailing(data: Bytes, start: int, end: int, kind: Any) -> tuple[int, int, int, Any, Any]:
    """White space before `end`: its first byte, its characters, how many are `kind` (0: the last one), six bits of a hash of them, and the kind."""
    at, size, alike = end, 0, 0
    spelling = np.uint64(0)
    while at > start:
        before = back(data, at, start)
        c = decode(data, before, end)[0]
        if c == 13 and at == end:  # of a line end of two characters
            end = before
        elif _is_space(c):
            kind = c if kind == 0 else kind
            size += 1
            alike += c == kind
            spelling = (spelling + np.uint64(c)) * np.uint64(0x9E3779B97F4A7C15)
        else:
            break
        at = before
    return at, size, alike, spelling >> np.uint64(58), kind
