"""The published form of a text: paragraphs on lines of their own, single spaces, no control characters.

Characters that a reader cannot see but a generator may have left (zero-width, variation selectors, exotic
spaces) stay: the marks annotator reads them before anyone cleans them away.
"""

from __future__ import annotations

import re
from typing import Final

import numpy as np
from numpy.typing import NDArray

from provenance.annotators.kernel import kernel

# Works on UTF-8, where deleting and replacing bytes runs many times faster than patterns over characters.
_DELETED = bytes([*range(9), *range(0x0E, 0x20), 0x7F])
_LINE_ENDS = bytes.maketrans(b"\r\x0b\x0c", b"\n\n\n")
_C1 = re.compile(rb"\xc2[\x80-\x9f]")  # U+0080 to U+009F
_NONCHARACTERS = re.compile(rb"\xef(?:\xb7[\x90-\xaf]|\xbf[\xbe\xbf])")  # U+FDD0 to U+FDEF, U+FFFE, U+FFFF
#: Next line (U+0085), line and paragraph separator (U+2028, U+2029).
_OTHER_LINE_ENDS: Final = ("\x85", "\u2028", "\u2029")

#: What a character is to `tidy`.
_TEXT, _BLANK, _END, _NOTHING = range(4)


def tidy(text: str) -> str:
    """One paragraph a line, no empty lines, runs of blanks (space, tab, no-break space) made one space."""
    data = np.frombuffer(text.encode("utf-8", "surrogatepass"), np.uint8)
    out = np.empty(len(data), np.uint8)
    return out[: write_tidied(data, out)].tobytes().decode("utf-8", "surrogatepass")


def clean(text: str) -> str:
    """Text that came as text: line ends unified, control characters but tab removed, layout kept."""
    return _plain(text).strip(b"\n").decode("utf-8", "surrogatepass")


def _plain(text: str) -> bytes:
    """UTF-8 with one kind of line end and without control characters and noncharacters, but for tabs."""
    data = text.encode("utf-8", "surrogatepass")
    if "\r" in text:
        data = data.replace(b"\r\n", b"\n")
    for end in _OTHER_LINE_ENDS:  # a character is looked for many times faster than a string of bytes
        if end in text:
            data = data.replace(end.encode(), b"\n")
    data = data.translate(_LINE_ENDS, _DELETED)
    if b"\xc2" in data:
        data = _C1.sub(b"", data)
    return _NONCHARACTERS.sub(b"", data) if b"\xef" in data else data


@kernel
def write_tidied(data: NDArray[np.uint8], out: NDArray[np.uint8]) -> int:
    """Write `data` (UTF-8) tidied to `out`, which may be the same; its length there. What is blank waits until a character follows."""
    i, size, pending = 0, 0, 0
    while i < len(data):
        byte = data[i]
        if byte > 32 and byte != 127 and byte != 0xC2 and byte != 0xE2 and byte != 0xEF:
            if pending and size:
                out[size] = pending
                size += 1
            out[size] = byte
            size, pending, i = size + 1, 0, i + 1
            continue
        kind, length = _kind(data, i)
        if kind == _TEXT:
            if pending and size:
                out[size] = pending
                size += 1
            for place in range(i, i + length):
                out[size] = data[place]
                size += 1
            pending = 0
        elif kind == _END:
            pending = 10
        elif kind == _BLANK and not pending:
            pending = 32
        i += length
    return size


@kernel
def _kind(data: NDArray[np.uint8], i: int) -> tuple[int, int]:
    """What the character at `i` is (text, a blank, the end of a line or nothing), and its bytes, or 1 where they do not matter."""
    byte = data[i]
    if byte <= 32 or byte == 127:
        blank = byte == 32 or byte == 9
        return _BLANK if blank else _END if 10 <= byte <= 13 else _NOTHING, 1
    if byte == 0xC2 and i + 1 < len(data):
        second = data[i + 1]
        if second > 0xA0:
            return _TEXT, 2
        return _BLANK if second == 0xA0 else _END if second == 0x85 else _NOTHING, 2
    if i + 2 < len(data):
        second, third = data[i + 1], data[i + 2]
        if byte == 0xE2 and second == 0x80 and (third == 0xA8 or third == 0xA9):
            return _END, 3
        if byte == 0xEF and (
            (second == 0xB7 and 0x90 <= third <= 0xAF) or (second == 0xBF and third >= 0xBE)
        ):
            return _NOTHING, 3
    return _TEXT, 1
