"""The two kinds of errors that a person can mend, and from which every other one of the program derives.

A command ends with 2 on a `UsageError` and with 1 on a `DataError`; the message says what, where and what to do.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from difflib import get_close_matches


class UsageError(ValueError):
    """What was asked for cannot be done: arguments, configuration, names or places that do not fit (exit status 2)."""


class DataError(RuntimeError):
    """What was found cannot be used: a release, a workspace or documents that are not as needed (exit status 1)."""


class ConfigurationError(UsageError):
    """The configuration cannot be used; the message says what, where and what to do."""


def plain(value: object) -> str:
    """Text of the crawl for a terminal, without characters that would steer it; - where there is none."""
    text = "-" if value is None else str(value)
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def suggestion(given: str, known: Iterable[str]) -> str:
    """What to add to a message: the known name that is nearest to the given one, where one is near, else nothing."""
    near = get_close_matches(given, list(known), n=1)
    return f"; did you mean {near[0]}?" if near else ""


def no_room(error: OSError) -> str | None:
    """What to say of a write for which there is no room on the disk, or none for this user or this file; None for other errors."""
    if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return None
    return f"{os.strerror(error.errno)}; make room, and run the same command again"
