"""Where dates can stand in a text: years of four digits, and three numbers parted by full stops, strokes or hyphens.

One compiled pass over the bytes of a text. Every date of `written.DATE` holds one of these places.
"""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from provenance.annotators.kernel import kernel

#: What is looked for, as a pattern: it finds the same places in a text, ten times slower.
ANCHOR = re.compile(
    r"[0-9](?:(?<![0-9].)(?:(?<=1)9|(?<=2)0)[0-9]{2}(?![0-9])"
    r"|[./-](?:[0-9]{1,2}[./-] ?| [0-9]{1,2}[./-])[0-9]{2})"
)
#: Characters from which on the compiled pass is worth its call.
_LONG = 64
#: The shortest anchor has so many bytes.
_SHORTEST = 4


def find_anchors(text: str) -> list[tuple[int, int]]:
    """The first character and the character after each match of `ANCHOR`, in order."""
    if len(text) < _LONG:
        return [match.span() for match in ANCHOR.finditer(text)]
    data = np.frombuffer(text.encode("utf-8", "surrogatepass"), np.uint8)
    found = np.empty((len(data) // _SHORTEST + 1, 2), np.int64)
    count = _find(data, found)
    return [(start, end) for start, end in found[:count].tolist()] if count else []


@kernel
def _find(text: NDArray[np.uint8], found: NDArray[np.int64]) -> int:
    at, behind, count = 0, 0, 0  # behind: bytes so far that begin no character
    while at < len(text):
        byte = text[at]
        if byte < 48 or byte > 57:
            behind += byte & 0xC0 == 0x80
            at += 1
            continue
        end = end_of_year(text, at)
        if end == 0:
            end = end_of_numbers(text, at)
        if end == 0:
            at += 1
            continue
        found[count, 0], found[count, 1] = at - behind, end - behind  # all of an anchor is ASCII
        count += 1
        at = end
    return count


@kernel
def is_digit(text: NDArray[np.uint8], at: int) -> bool:
    """Whether byte `at` is there and a digit of ASCII."""
    return 0 <= at < len(text) and 48 <= text[at] <= 57


@kernel
def _is_sign(text: NDArray[np.uint8], at: int) -> bool:
    return at < len(text) and 45 <= text[at] <= 47


@kernel
def end_of_year(text: NDArray[np.uint8], at: int) -> int:
    """The byte after the year of four digits that begins at `at`; 0 where there is none."""
    if at + 4 > len(text) or is_digit(text, at - 1) or is_digit(text, at + 4):
        return 0
    century = (text[at] == 49 and text[at + 1] == 57) or (text[at] == 50 and text[at + 1] == 48)
    return at + 4 if century and is_digit(text, at + 2) and is_digit(text, at + 3) else 0


@kernel
def end_of_numbers(text: NDArray[np.uint8], at: int) -> int:
    """The byte after three numbers of which the last digit of the first is at `at`; 0 where there are none."""
    if not _is_sign(text, at + 1):
        return 0
    spaced = at + 2 < len(text) and text[at + 2] == 32
    first = at + 3 if spaced else at + 2
    for digits in (2, 1):
        behind = first + digits
        if not is_digit(text, first) or not is_digit(text, behind - 1) or not _is_sign(text, behind):
            continue
        behind += 1
        if not spaced and behind < len(text) and text[behind] == 32:
            behind += 1
        if is_digit(text, behind) and is_digit(text, behind + 1):
            return behind + 2
    return 0
