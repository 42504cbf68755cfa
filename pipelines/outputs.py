"""Standard input, output and error as a command finds them: closed, full, or in another encoding.

What is said on standard error is for whoever looks, and never ends a job; what is said on standard output is a result, and that
it could not be written is told.
"""

from __future__ import annotations

import codecs
import io
import os
import sys
from typing import Any, TextIO, cast


class UnsaidError(OSError):
    """Something that was to be said on standard output could not be written."""


class _Descriptor(io.RawIOBase):
    """An open file to write to; a `forgiving` one passes over what cannot be written."""

    def __init__(self, descriptor: int, forgiving: bool) -> None:
        self._descriptor, self._forgiving = descriptor, forgiving

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._descriptor

    def isatty(self) -> bool:
        return os.isatty(self._descriptor)

    def write(self, data: memoryview) -> int:  # type: ignore[override]
        try:
            return os.write(self._descriptor, data)
        except OSError as error:
            if self._forgiving:
                return len(data)
            if isinstance(error, BrokenPipeError):  # the reader has gone, and wants no more
                raise
            raise UnsaidError(error.errno, error.strerror) from error


def take_standard_files() -> None:
    """Make the three standard files of this process usable, whatever it was started with.

    One that is closed is held by a file that cannot be written, or the next file to be opened would be taken for it. What an
    encoding lacks is written as JSON escapes it.
    """
    codecs.register_error("provenance.escape", _escaped)
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDONLY)  # the lowest number that is free, which is this one
    sys.stdin = sys.stdin or open(0)  # noqa: SIM115
    sys.stdout = _writer(1, sys.stdout, forgiving=False)
    sys.stderr = _writer(2, sys.stderr, forgiving=True)


def copy_of_error() -> TextIO:
    """A copy of standard error: the runner turns the original away while worker processes are noisy."""
    try:
        return _writer(os.dup(sys.stderr.fileno()), sys.stderr, forgiving=True)
    except OSError:  # not a file, as under a test's capture
        return sys.stderr


def _writer(descriptor: int, like: TextIO | None, forgiving: bool) -> TextIO:
    """A text file on a descriptor, in the encoding of another, which writes line by line where that does."""
    raw = _Descriptor(descriptor, forgiving)
    lines = forgiving or raw.isatty() or bool(getattr(like, "write_through", False))
    return io.TextIOWrapper(
        io.BufferedWriter(cast(Any, raw), 1 << 16),
        encoding=like.encoding if like is not None else "utf-8",
        errors="provenance.escape",
        line_buffering=lines,
    )


def _escaped(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    units = error.object[error.start : error.end].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2)), error.end
