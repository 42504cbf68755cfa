"""Progress for a person on stderr: a live line on a terminal, one line every so often elsewhere.

What is finished is seen in storage, whoever writes it; what is under way, in the small files that workers on
this machine leave (`provenance.files.headway`).
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TextIO

from pipelines.outputs import copy_of_error
from provenance.files.headway import Headway
from provenance.files.kernel_cache import compiled_kernels
from provenance.files.storage import FileInfo, Storage

#: Seconds between two lines on a terminal, and elsewhere.
_LIVE, _LOGGED = 1.0, 15.0
#: Seconds of progress before the time that is left is guessed.
_ENOUGH = 3.0
#: Most of the time that is spent on looking at storage: a listing of 90,000 files takes seconds.
_LOOKING = 0.1
#: Weights beyond this are bytes, and are shown.
_ENOUGH_BYTES = 1e6


@dataclass
class Targets:
    """The files that a stage writes, and how much of each is done.

    Attributes:
        weights: bytes (or any other measure) of work for each path.
        storage: where they appear when they are complete.
        rows_of: how many records a finished file holds.
        headway: what workers say of files that are not finished.
    """

    weights: dict[str, int]
    storage: Storage
    rows_of: Callable[[str], int] = lambda path: 0
    headway: Callable[[], Sequence[Headway]] = tuple

    _before: dict[str, FileInfo] = field(init=False)
    _waiting: dict[str, int] = field(init=False)
    _finished_weight: int = 0
    _finished_records: int = 0
    _not_before: float = 0.0  # when storage may be looked at again
    _first: tuple[float, float, int] | None = None  # when progress was first seen, and how much there was

    def __post_init__(self) -> None:
        self._waiting = dict(self.weights)
        self._before = self._listed()

    def describe(self, stage: str, elapsed: float) -> str:
        """Files, records and bytes done, how fast, and the time that is left, `elapsed` seconds after the start."""
        self._look()
        under_way = {item.target: item for item in self.headway() if item.target in self._waiting}
        partial = sum(self._waiting[path] * item.share for path, item in under_way.items())
        done, total = self._finished_weight + partial, sum(self.weights.values())
        records = self._finished_records + sum(item.records for item in under_way.values())
        finished = len(self.weights) - len(self._waiting)
        parts = [f"{stage}: {finished:,} of {len(self.weights):,} files"]
        if records:
            parts.append(f"{records:,} records")
        if total > _ENOUGH_BYTES:
            parts.append(f"{done / 1e6:,.1f} of {total / 1e6:,.1f} MB")
        # Start-up and the compiling of kernels say nothing about the speed of what comes after.
        if done > 0 and self._first is None:
            self._first = (elapsed, done, records)
        start, done_before, records_before = self._first or (elapsed, 0.0, 0)
        if elapsed - start >= _ENOUGH and done > done_before:
            speed = (done - done_before) / (elapsed - start)
            if records:
                parts.append(f"{(records - records_before) / (elapsed - start):,.0f} records/s")
            if total > _ENOUGH_BYTES:
                parts.append(f"{speed / 1e6:,.1f} MB/s")
            # A file is the work of one worker: the last large one is not shared.
            alone = [self._waiting[path] * (1 - item.share) for path, item in under_way.items()]
            left = max(total - done, max(alone, default=0.0) * len(alone)) / speed
            parts.append(f"{_clock(left)} left")
        return ", ".join(parts)

    def _look(self) -> None:
        started = time.monotonic()
        if started < self._not_before:
            return
        for path, found in self._listed().items():
            if found != self._before.get(path):
                self._finished_weight += self._waiting.pop(path)
                self._finished_records += self.rows_of(path)
        ended = time.monotonic()
        self._not_before = ended + (ended - started) / _LOOKING

    def _listed(self) -> dict[str, FileInfo]:
        """The files that are waited for and are there; a listing each of their directories."""
        directories = sorted({path.rpartition("/")[0] for path in self._waiting})
        found = (item for directory in directories for item in self.storage.list(directory or "."))
        return {item.path: item for item in found if item.path in self._waiting}


class Progress:
    """Writes what is going on; says nothing at all when `quiet`."""

    def __init__(self, stream: TextIO | None = None, quiet: bool = False, every: float | None = None) -> None:
        self.stream = stream or copy_of_error()
        self.quiet = quiet
        self.live = self.stream.isatty()
        self.every = every if every is not None else (_LIVE if self.live else _LOGGED)

    def note(self, text: str) -> None:
        """One line for a person, whatever the stage."""
        if not self.quiet:
            clear = "\r\033[K" if self.live else ""
            print(f"{clear}{text}", file=self.stream, flush=True)

    def finished(self, stage: str, ran: int, unchanged: int, seconds: float) -> None:
        if not ran:
            self.note(f"{stage}: unchanged")
        else:
            kept = f", {unchanged:,} unchanged" if unchanged else ""
            self.note(f"{stage}: done in {seconds:.1f} s{kept}")

    @contextmanager
    def step(self, stage: str, what: str) -> Iterator[None]:
        """A stage without countable files."""
        with self._ticking(lambda elapsed: f"{stage}: {what}, {elapsed:.0f} s", tuple):
            yield

    @contextmanager
    def files(self, stage: str, targets: Targets) -> Iterator[None]:
        """A stage that writes files."""
        with self._ticking(lambda elapsed: targets.describe(stage, elapsed), targets.headway):
            yield

    @contextmanager
    def _ticking(
        self, line: Callable[[float], str], headway: Callable[[], Sequence[Headway]]
    ) -> Iterator[None]:
        if self.quiet:
            yield
            return
        started, stop, before = time.monotonic(), threading.Event(), compiled_kernels()

        def tick() -> None:
            seen = before
            while not stop.wait(self.every):
                kernels = max([compiled_kernels(), *(item.kernels for item in headway())])
                compiling = (
                    f", compiling kernels for this machine, once ({kernels})" if kernels > seen else ""
                )
                seen = max(seen, kernels)
                self._write(f"{line(time.monotonic() - started)}{compiling}")

        thread = threading.Thread(target=tick, daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def _write(self, text: str) -> None:
        if not self.live:
            print(text, file=self.stream, flush=True)
            return
        width = _width(self.stream)
        # A line that wraps cannot be cleared.
        cut = text if len(text) < width else f"{text[: max(width - 2, 0)]}…"
        print(f"\r\033[K{cut}", end="", file=self.stream, flush=True)


def _width(stream: TextIO) -> int:
    """Columns of the terminal; very many where it does not say."""
    try:
        return os.get_terminal_size(stream.fileno()).columns or sys.maxsize
    except OSError:
        return sys.maxsize


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
