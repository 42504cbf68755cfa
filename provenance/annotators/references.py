"""Character references resolved: `&amp;` is `&`. The same text as the standard library's, at a fifth of its time.

Pages write the same few references over and over: what each means is worked out once (promise 5: the text does not change).
"""

from __future__ import annotations

import html
import re
from functools import lru_cache
from html.entities import html5, name2codepoint
from typing import Final

import numpy as np
from numpy.typing import NDArray

from provenance.annotators.byte_search import find
from provenance.annotators.kernel import kernel
from provenance.annotators.utf8 import encode

#: What the HTML standard lets stand for a character (13.2.5.72), as `html.unescape` finds it.
_REFERENCE = re.compile(r"&(#[0-9]+;?|#[xX][0-9a-fA-F]+;?|[^\t\n\f <&#;]{1,32};?)")
#: References that are remembered; hostile pages have as many as they like.
_REMEMBERED = 4_096
#: Those of four or more bytes that most references are, and what they stand for: compiled code resolves them.
_USUAL: Final = {
    b"&quot;": b'"', b"&#x27;": b"'", b"&#039;": b"'", b"&apos;": b"'", b"&#39;": b"'", b"&#34;": b'"',
    b"&amp;": b"&", b"&lt;": b"<", b"&gt;": b">",
}  # fmt: skip
_LONGEST: Final = max(map(len, _USUAL))
_KEYS: Final = np.array([int.from_bytes(reference, "big") for reference in _USUAL], np.uint64)
_SIGNS: Final = np.frombuffer(b"".join(_USUAL.values()), np.uint8)

#: Characters of two and three bytes that stand for themselves by their number, of at most so many digits: of smaller ones the HTML
#: standard makes others, greater ones are surrogates or rare.
_LEAST, _MOST, _DIGITS = 0xA0, 0xD7FF, 5
#: The names of HTML 4 for such characters, with the semicolon, each as a number, in their order.
_LONGEST_NAME = 8
_BY_NAME: Final = sorted(
    (int.from_bytes(f"{name};".encode(), "big"), ord(html5[f"{name};"]))
    for name in name2codepoint
    if len(name) < _LONGEST_NAME and _LEAST <= ord(html5[f"{name};"]) <= _MOST
)
_NAMES: Final = np.array([name for name, _ in _BY_NAME], np.uint64)
_POINTS: Final = np.array([point for _, point in _BY_NAME], np.int64)


def resolve(text: str) -> str:
    """`html.unescape(text)`: references replaced by the characters that they stand for."""
    if "&" not in text:
        return text
    parts = _REFERENCE.split(text)
    parts[1::2] = map(_character, parts[1::2])
    return "".join(parts)


@lru_cache(_REMEMBERED)
def _character(name: str) -> str:
    return html.unescape(f"&{name}")


@kernel
def read_usual(text: NDArray[np.uint8], at: int) -> tuple[int, int]:
    """The bytes of the reference at `at` and the one that it stands for, if it is one of the usual ones; else (0, 0)."""
    key = np.uint64(0)
    for length in range(1, min(_LONGEST, len(text) - at) + 1):
        key = key << np.uint64(8) | np.uint64(text[at + length - 1])
        if text[at + length - 1] == 59:  # ;
            for number in range(len(_KEYS)):
                if _KEYS[number] == key:
                    return length, int(_SIGNS[number])
            return 0, 0
    return 0, 0


@kernel
def _read_reference(text: NDArray[np.uint8], at: int) -> tuple[int, int]:
    """The bytes of the reference at `at` and the character that it stands for, if compiled code knows it; else (0, 0)."""
    length, sign = read_usual(text, at)
    if length or at + 2 >= len(text):
        return length, sign
    if text[at + 1] == 35:  # #
        point, place = 0, at + 2
        while place < len(text) and place < at + 2 + _DIGITS and 48 <= text[place] <= 57:
            point = 10 * point + text[place] - 48
            place += 1
        known = place < len(text) and text[place] == 59 and _LEAST <= point <= _MOST
        return (place + 1 - at, point) if known else (0, 0)
    key = np.uint64(0)
    for length in range(1, min(_LONGEST_NAME, len(text) - at - 1) + 1):
        key = key << np.uint64(8) | np.uint64(text[at + length])
        if text[at + length] == 59:
            number = np.searchsorted(_NAMES, key)
            if number < len(_NAMES) and _NAMES[number] == key:
                return length + 1, int(_POINTS[number])
            return 0, 0
    return 0, 0


@kernel
def are_usual(text: NDArray[np.uint8]) -> bool:
    """Whether `resolve_usual` gives what `resolve` does: each `&` begins a reference that it knows, or stands before a space."""
    at = find(text, 0, 38)
    while at < len(text):
        length = 1
        if not (at + 1 < len(text) and text[at + 1] == 32):
            length, _ = _read_reference(text, at)
            if length == 0:
                return False
        at = find(text, at + length, 38)
    return True


@kernel
def resolve_usual(text: NDArray[np.uint8]) -> int:
    """Resolve the references of such a text where it stands; its length then. No character is longer than what stood for it."""
    at: int = find(text, 0, 38)
    size = at
    while at < len(text):
        length, point = _read_reference(text, at) if text[at] == 38 else (0, 0)
        if length:
            size = encode(point, text, size)
        else:
            text[size] = text[at]
            size += 1
        at += max(length, 1)
    return size
