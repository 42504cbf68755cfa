"""Where the markup of a page begins and ends: names of tags, comments, raw text.

Compiled helpers of `blocks` and `structure`, each linear in the bytes that it reads.
"""

from __future__ import annotations

import numpy as np

from provenance.annotators.byte_search import find
from provenance.annotators.hashing import BASIS, PRIME
from provenance.annotators.kernel import kernel
from provenance.annotators.text.names import small_letters

_ONE = np.uint64(1)
#: Each byte of the name of a tag in small letters, 0 where it ends the name.
_NAMED = small_letters(ends=b"/>")


@kernel
def is_letter(byte: int) -> bool:
    """Whether a byte is a letter of ASCII."""
    return (97 <= byte <= 122) or (65 <= byte <= 90)


@kernel
def read_name(data: np.ndarray, at: int) -> tuple[np.uint64, np.int64]:
    """Hash of the lower-cased tag name that starts at `at`, and where it ends."""
    value, place, stop = BASIS, np.uint64(at), np.uint64(len(data))
    while place < stop:
        small = _NAMED[data[place]]
        if small == 0:
            break
        value = (value ^ np.uint64(small)) * PRIME
        place += _ONE
    return value, np.int64(place)


@kernel
def opens_markup(data, at):  # type: ignore[no-untyped-def]
    """Whether the `<` at `at` begins markup, and does not stand for itself."""
    following = data[at + 1] if at + 1 < len(data) else np.uint8(0)
    if following == 47 and at + 2 < len(data):
        following = data[at + 2]
    return following == 33 or following == 63 or is_letter(int(following))


@kernel
def skip_comment(data, at):  # type: ignore[no-untyped-def]
    """Position after the comment or declaration whose `<` is at `at`."""
    n = len(data)
    if at + 3 < n and data[at + 1] == 33 and data[at + 2] == 45 and data[at + 3] == 45:
        at += 4
        inner = at
        while at < n:
            at = find(data, at, 62)
            if at >= n or (
                (data[at - 1] == 45 and data[at - 2] == 45)
                or (at - 3 >= inner and data[at - 1] == 33 and data[at - 2] == 45 and data[at - 3] == 45)
            ):
                break
            at += 1
        return at + 1
    return find(data, at, 62) + 1


@kernel
def skip_raw(data, at, key):  # type: ignore[no-untyped-def]
    """Where the end tag of name `key` begins, or the end."""
    n = len(data)
    while at < n:
        at = find(data, at, 60)
        if at + 2 < n and data[at + 1] == 47 and is_letter(data[at + 2]):
            other, _ = read_name(data, at + 2)
            if other == key:
                return at
        at += 1
    return n


@kernel
def skip_tag(data, at):  # type: ignore[no-untyped-def]
    """Position after the next `>`."""
    return find(data, at, 62) + 1
