"""Progress for a person on stderr: a live line on a terminal, one line every so often elsewhere."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO

from provenance.files.storage import Storage


class Progress:
    """Writes what is going on; says nothing at all when `quiet`."""

    def __init__(self, stream: TextIO | None = None, quiet: bool = False, every: float | None = None) -> None:
        self.stream = stream or _standard_error()
        self.quiet = quiet
        self.live = self.stream.isatty()
        self.every = every if every is not None else (1.0 if self.live else 15.0)

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
        with self._ticking(lambda elapsed: f"{stage}: {what}, {elapsed:.0f} s"):
            yield

    @contextmanager
    def files(
        self,
        stage: str,
        targets: Sequence[tuple[str, int]],
        storage: Storage,
        documents_of: Callable[[str], int] | None = None,
    ) -> Iterator[None]:
        """A stage that writes files (path, weight): counts those that are complete, whoever writes them.

        `documents_of` tells how many documents a finished file holds.
        """
        total = sum(weight for _, weight in targets) or 1
        waiting = dict(targets)
        before = {path: storage.info(path) for path in waiting}
        done = documents = 0

        def line(elapsed: float) -> str:
            nonlocal done, documents
            for path in [path for path in waiting if (found := storage.info(path)) and found != before[path]]:
                done += waiting.pop(path)
                documents += documents_of(path) if documents_of else 0
            left = f", {_clock(elapsed * (total - done) / done)} left" if done else ""
            size = f", {done / 1e6:,.0f} of {total / 1e6:,.0f} MB" if total > 1e6 else ""
            rate = f", {done / 1e6 / elapsed:,.1f} MB/s" if total > 1e6 and elapsed > 0 else ""
            speed = f", {documents / elapsed:,.0f} documents/s" if documents else ""
            return (
                f"{stage}: {len(targets) - len(waiting):,} of {len(targets):,} files{size}{rate}{speed}{left}"
            )

        with self._ticking(line):
            yield

    @contextmanager
    def _ticking(self, line) -> Iterator[None]:  # type: ignore[no-untyped-def]
        if self.quiet:
            yield
            return
        started = time.monotonic()
        stop = threading.Event()

        def tick() -> None:
            while not stop.wait(self.every):
                text = line(time.monotonic() - started)
                end = "" if self.live else "\n"
                print(f"\r\033[K{text}" if self.live else text, end=end, file=self.stream, flush=True)

        thread = threading.Thread(target=tick, daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()


def _standard_error() -> TextIO:
    """A copy of standard error: the runner turns the original away while worker processes are noisy."""
    try:
        return os.fdopen(os.dup(sys.stderr.fileno()), "w", buffering=1)
    except OSError:  # not a file, as under a test's capture
        return sys.stderr


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
