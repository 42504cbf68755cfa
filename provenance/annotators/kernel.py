"""How functions are compiled that only read and write arrays which their caller owns.

Numba counts references to every array that such a function hands to another one, in atomic steps that cost more than the
work on a few bytes; a kernel that allocates nothing needs no counts, so it can be divided into small functions for free.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import njit

#: `_nrt` is Numba's switch for the counts. The detector's kernel over 2,000 short words: 209 µs as one long function with counts,
#: 325 µs in small functions with counts, 46 µs in small functions without (one core). What allocates does not compile without.
_OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "_nrt": False}


def kernel(function: Callable[..., Any]) -> Any:
    """Compile a function that allocates no array and returns none; cached beside its file, runs without the interpreter's lock."""
    return njit(**_OPTIONS)(function)


def inlined(function: Callable[..., Any]) -> Any:
    """The same, made part of each function that calls it: for what is called for a few bytes, with more arrays than registers."""
    return njit(**_OPTIONS, forceinline=True)(function)
