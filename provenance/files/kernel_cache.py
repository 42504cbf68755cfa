"""Where compiled kernels are kept: where the user says, the user's cache, the package, a temporary directory, or memory.

numba looks at the first three itself and raises at import where none can be written to; the program starts anyway.
"""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

_PACKAGE = Path(__file__).resolve().parents[1]
_VARIABLE = "NUMBA_CACHE_DIR"
#: Memory that looks like a directory, for where there is no other temporary one.
_SHARED_MEMORY = "/dev/shm"


def settle_kernel_cache() -> None:
    """Make sure that numba finds a place for its cache; to be called before the first kernel is defined."""
    if any(_can_write(path) for path in _wanted()) or all(_can_write(path) for path in _beside_sources()):
        return
    for directory in _temporary():
        place = _private(directory)
        if place is not None:
            os.environ[_VARIABLE] = place  # child processes use it too
            if "numba" in sys.modules:
                sys.modules["numba"].config.CACHE_DIR = place
            return
    _keep_in_memory()


_compiled: list[int] = []  # one element, the number, once it is counted
_told: list[Callable[[], None]] = []


def tell_of_compiling(say: Callable[[], None]) -> None:
    """Call `say` when the first kernel is compiled that the cache does not hold; never where it holds all."""
    compiled_kernels()
    _told.append(say)


def compiled_kernels() -> int:
    """How many kernels this process has compiled since the first call: those that the cache did not hold."""
    if not _compiled:
        from numba.core import event

        class Count(event.Listener):
            def on_start(self, event: Any) -> None:
                _compiled[0] += 1
                while _told:
                    _told.pop()()

            def on_end(self, event: Any) -> None:
                pass

        _compiled.append(0)
        event.register("numba:compile", Count())  # type: ignore[no-untyped-call]
    return _compiled[0]


def _wanted() -> Iterator[str]:
    """Where numba keeps kernels of every module: as the user says, else in the user's cache."""
    if os.environ.get(_VARIABLE):
        yield os.environ[_VARIABLE]
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    yield os.path.join(home, "numba")


def _beside_sources() -> Iterator[str]:
    """Where numba keeps the kernels of a module beside it: all these have to be writable."""
    for folder, below, names in os.walk(_PACKAGE):
        below[:] = [name for name in below if name != "__pycache__"]
        if any(name.endswith(".py") for name in names):
            yield os.path.join(folder, "__pycache__")


def _temporary() -> Iterator[str]:
    with suppress(FileNotFoundError):  # none of the usual ones can be written to
        yield tempfile.gettempdir()
    yield _SHARED_MEMORY


def _can_write(directory: str) -> bool:
    """Whether a directory can be written to, or made."""
    path = os.path.abspath(directory)
    while not os.path.lexists(path):
        path = os.path.dirname(path)
    return os.path.isdir(path) and _may_write(path)


def _may_write(directory: str) -> bool:
    """Whether we, as whom we act, may make files there."""
    return os.access(directory, os.W_OK | os.X_OK, effective_ids=os.access in os.supports_effective_ids)


def _private(directory: str) -> str | None:
    """A folder that is ours alone, or None: what is read from a cache is run, so nobody else may write there."""
    place = os.path.join(directory, f"provenance-kernels-{os.getuid()}")
    try:
        os.makedirs(place, mode=0o700, exist_ok=True)
        status = os.lstat(place)
    except OSError:
        return None
    ours = stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid() and not status.st_mode & 0o022
    return place if ours and _may_write(place) else None


def _keep_in_memory() -> None:
    """Let kernels be compiled anew in each process: there is no place to keep them."""
    from numba.core.dispatcher import Dispatcher

    Dispatcher.enable_caching = lambda self: None  # type: ignore[method-assign]
