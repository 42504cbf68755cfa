"""In which settings two configurations differ, for messages about workspaces and releases.

What decides which documents are kept comes first; how a release is called and cut into files comes last.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

#: Differences that are told, and characters of a value.
_MOST, _LONGEST = 5, 120
#: Sections that decide of no document whether it is kept.
_LAST = ("about", "release")


def describe_differences(before: Any, after: Any) -> str:
    """The settings in which two configurations (as JSON values) differ, for a person: the first five, and how many more there are."""
    differing = sorted(_differences(before, after, ""), key=lambda item: item[0].startswith(_LAST))
    found = [f"{path}: {_short(a)} then, {_short(b)} now" for path, a, b in differing[:_MOST]]
    more = len(differing) - len(found)
    return (
        "; ".join([*found, *[f"and {more} more"] * (more > 0)])
        or "another version of the program or of its annotators"
    )


def _differences(before: Any, after: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted({*before, *after}):
            yield from _differences(before.get(key), after.get(key), f"{path}.{key}" if path else key)
    elif before != after:
        yield path, before, after


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "\N{HORIZONTAL ELLIPSIS}"
