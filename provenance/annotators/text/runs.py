"""Text of a page copied, its blanks made one, and counted on the way.

Compiled helpers of `blocks`, each linear in the bytes that it reads.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from provenance.annotators.kernel import kernel

_ONE = np.uint64(1)
#: What a byte counts for, each in a field of one number: as a character, an end of a sentence or part, a digit, a capital, a blank.
_CHARS, _STOPS, _DIGITS, _CAPITALS, _BLANKS = (np.uint64(12 * field) for field in range(5))
_FIELD = np.uint64(0xFFF)
_MOST_COUNTED = 0xFFF  # bytes whose counts fit
#: A control character, `<`, `&`, or the first byte of a no-break space, and of others: these are looked at.
_OTHER = np.uint64(1 << 63)


def _counted() -> npt.NDArray[np.uint64]:
    """What each byte counts for."""
    counts = np.zeros(256, np.uint64)
    bytes_ = np.arange(256)
    blank = (bytes_ == 32) | ((bytes_ >= 9) & (bytes_ <= 13))
    for field, members in (
        (_CHARS, (bytes_ > 32) & (bytes_ & 0xC0 != 0x80)),
        (_STOPS, np.isin(bytes_, (*b",.!?;", 0xE3))),
        (_DIGITS, (bytes_ >= 48) & (bytes_ <= 57)),
        (_CAPITALS, (bytes_ >= 65) & (bytes_ <= 90)),
        (_BLANKS, blank),
    ):
        counts[members] |= _ONE << field
    counts[((bytes_ < 32) & ~blank) | np.isin(bytes_, (*b"<&", 0xC2))] |= _OTHER
    return counts


_COUNTED = _counted()


class Run(NamedTuple):
    """What was copied: where reading goes on, the bytes written so far, whether a blank is due, and what the text holds."""

    at: np.int64
    size: np.int64
    blank: bool
    chars: np.int64
    stops: np.int64
    digits: np.int64
    capitals: np.int64
    spaces: np.int64


@kernel
def copy_run(data, at, out, size, keeps_lines):  # type: ignore[no-untyped-def]
    """Copy text up to the next sign that has to be looked at, and of its blanks the first ones, but none at the end; at least the byte at `at`."""
    place, stop = np.uint64(at), np.uint64(min(len(data), at + _MOST_COUNTED))
    begin, end, blank, counts = place, np.uint64(size), False, np.uint64(0)
    while place < stop:
        byte = data[place]
        number = _COUNTED[byte]
        if (number & _OTHER or (keeps_lines and byte == 10)) and place > begin:
            break
        # A blank is written at once, and more of them over the first: no branch has to guess where words end.
        out[end] = max(byte, np.uint8(32))
        text = byte > 32
        end += np.uint64(text or not blank)
        blank = not text
        counts += number & ~_OTHER
        place += _ONE
    end -= np.uint64(blank)
    blanks = np.int64(counts >> _BLANKS & _FIELD)
    return Run(
        np.int64(place), np.int64(end), blank, np.int64(counts & _FIELD), np.int64(counts >> _STOPS & _FIELD),
        digits=np.int64(counts >> _DIGITS & _FIELD), capitals=np.int64(counts >> _CAPITALS & _FIELD),
        spaces=np.int64(end) - size - (np.int64(place - begin) - blanks),
    )  # fmt: skip


@kernel
def _no_break(data, at):  # type: ignore[no-untyped-def]
    """Whether `&nbsp;` stands at `at`."""
    return (
        at + 5 < len(data)
        and data[at + 1] == 110
        and data[at + 2] == 98
        and data[at + 3] == 115
        and data[at + 4] == 112
        and data[at + 5] == 59
    )


@kernel
def blank_width(data, at):  # type: ignore[no-untyped-def]
    """Bytes of the blank at `at`, 0 where there is none."""
    byte = data[at]
    if byte <= 32:
        return 1
    if byte == 0xC2 and at + 1 < len(data) and data[at + 1] == 0xA0:
        return 2
    return 6 if byte == 38 and _no_break(data, at) else 0


@kernel
def is_control(byte):  # type: ignore[no-untyped-def]
    """Whether a byte is a control character that is no blank."""
    return byte < 9 or 13 < byte < 32


@kernel
def skip_blanks(data, at):  # type: ignore[no-untyped-def]
    """Position of the next byte that is no blank of ASCII."""
    place, stop = np.uint64(at), np.uint64(len(data))
    while place < stop and data[place] <= 32 and not is_control(data[place]):
        place += _ONE
    return np.int64(place)
