"""Where the markup of a page begins and ends: names of tags, comments, raw text.

Compiled helpers of `blocks` and `structure`, each linear in the bytes that it reads.
"""

from __future__ import annotations

import numpy as np

from provenance.annotators.kernel import kernel


@kernel
def is_letter(byte: int) -> bool:
    """Whether a byte is a letter of ASCII."""
    return (97 <= byte <= 122) or (65 <= byte <= 90)


@kernel
def read_name(data: np.ndarray, at: int) -> tuple[np.uint64, int]:
    """Hash of the lower-cased tag name that starts at `at`, and where it ends."""
    value = np.uint64(0xCBF29CE484222325)
    while at < len(data):
        byte = data[at]
        if byte <= 32 or byte == 47 or byte == 62:
            break
        if 65 <= byte <= 90:
            byte += np.uint8(32)
        value = (value ^ np.uint64(byte)) * np.uint64(0x100000001B3)
        at += 1
    return value, at


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
            if data[at] == 62 and (
                (data[at - 1] == 45 and data[at - 2] == 45)
                or (at - 3 >= inner and data[at - 1] == 33 and data[at - 2] == 45 and data[at - 3] == 45)
            ):
                break
            at += 1
    else:
        while at < n and data[at] != 62:
            at += 1
    return at + 1


@kernel
def skip_raw(data, at, key):  # type: ignore[no-untyped-def]
    """Where the end tag of name `key` begins, or the end."""
    n = len(data)
    while at < n:
        if data[at] == 60 and at + 2 < n and data[at + 1] == 47 and is_letter(data[at + 2]):
            other, _ = read_name(data, at + 2)
            if other == key:
                return at
        at += 1
    return n


@kernel
def skip_tag(data, at):  # type: ignore[no-untyped-def]
    """Position after the next `>`."""
    while at < len(data) and data[at] != 62:
        at += 1
    return at + 1
