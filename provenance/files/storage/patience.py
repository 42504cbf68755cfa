"""Asking a store again: after a pause that doubles, for as long as patience lasts, then an error that says so.

Pauses are spread by a hash of the path, so that a thousand workers that were turned away together do not come back
together; nothing of this reaches a result (promise 5).
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from typing import TypeVar

import xxhash

from provenance.files.storage.addresses import scheme_of
from provenance.files.storage.troubles import StoreError, diagnose, explained

Result = TypeVar("Result")

#: Environment variable: seconds for which one call is tried again. Workers need it in their environment too.
VARIABLE = "PROVENANCE_STORE_PATIENCE"
_DEFAULT = 300.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 30.0
#: Attempts on a store that has never answered this process: more likely a wrong address than a bad hour.
_STRANGERS = 4
#: Seconds without a byte after which a connection counts as broken.
_SILENCE = 60.0

_met: set[str] = set()
_lock = threading.Lock()


def patience() -> float:
    """Seconds for which a call is tried again."""
    try:
        return max(float(os.environ.get(VARIABLE, _DEFAULT)), 0.0)
    except ValueError:
        return _DEFAULT


def silence() -> float:
    """Seconds without a byte after which a connection is given up: several of them fit into the patience."""
    return min(_SILENCE, max(patience() / 4, 1.0))


def persist(call: Callable[[], Result], path: str, doing: str) -> Result:
    """The result of `call`, tried again while its store is in trouble that passes.

    Raises:
        FileNotFoundError: there is no such file.
        StoreError: there is no such bucket, credentials were refused, or patience is at its end.
    """
    started, attempt, store = time.monotonic(), 0, _store(path)
    while True:
        try:
            result = call()
        except StoreError:
            raise
        except Exception as error:
            trouble = diagnose(error)
            if trouble.kind != "passing":
                raise explained(path, doing, trouble) from error
            attempt += 1
            pause = _pause(path, attempt)
            spent = time.monotonic() - started
            # Two attempts at least: on a busy machine the first alone can outlast a short patience.
            impatient = spent + pause > patience() or (attempt >= _STRANGERS and store not in _met)
            if impatient and attempt > 1:
                raise StoreError(_gave_up(path, doing, trouble.said, attempt, spent)) from error
            time.sleep(pause)
        else:
            with _lock:
                _met.add(store)
            return result


def _store(path: str) -> str:
    return f"{scheme_of(path)}://{path.split('://', 1)[1].split('/')[0]}"


def _pause(path: str, attempt: int) -> float:
    """Seconds before the next attempt: half of a doubling span and a share of the other half."""
    span = min(_FIRST_PAUSE * 2.0**attempt, _LONGEST_PAUSE)
    return span * (0.5 + xxhash.xxh3_64_intdigest(f"{path}\0{attempt}") / 2.0**65)


def _gave_up(path: str, doing: str, said: str, attempts: int, spent: float) -> str:
    return (
        f"{path}: cannot be {doing}: the store does not answer as it should ({said}), "
        f"tried {attempts} times in {spent:.0f} s; "
        f"when it is well again, run the same command (how long to insist: {VARIABLE}, in seconds)"
    )
