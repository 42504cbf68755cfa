"""The published form of a text: paragraphs on lines of their own, single spaces, no control characters.

Characters that a reader cannot see but a generator may have left (zero-width, variation selectors, exotic
spaces) stay: the marks annotator reads them before anyone cleans them away.
"""

from __future__ import annotations

import re

# Works on UTF-8, where deleting and replacing bytes runs many times faster than patterns over characters.
_DELETED = bytes([*range(9), *range(0x0E, 0x20), 0x7F])
_LINE_ENDS = bytes.maketrans(b"\r\x0b\x0c", b"\n\n\n")
_C1 = re.compile(rb"\xc2[\x80-\x9f]")  # U+0080 to U+009F
_NONCHARACTERS = re.compile(rb"\xef(?:\xb7[\x90-\xaf]|\xbf[\xbe\xbf])")  # U+FDD0 to U+FDEF, U+FFFE, U+FFFF
#: Next line (U+0085), line and paragraph separator (U+2028, U+2029).
_OTHER_LINE_ENDS = ("\x85", "\u2028", "\u2029")


def tidy(text: str) -> str:
    """One paragraph a line, no empty lines, runs of blanks (space, tab, no-break space) made one space."""
    data = _plain(text).replace(b"\t", b" ")
    if "\xa0" in text:
        data = data.replace(b"\xc2\xa0", b" ")
    data = _single(data, b" ").replace(b" \n", b"\n").replace(b"\n ", b"\n")
    return _single(data, b"\n").strip(b" \n").decode("utf-8", "surrogatepass")


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


def _single(data: bytes, char: bytes) -> bytes:
    """Runs of one character made one: each pass halves them."""
    while char * 2 in data:
        data = data.replace(char * 2, char)
    return data
