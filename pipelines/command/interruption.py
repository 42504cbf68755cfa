"""Ctrl-C ends a command with one line, wherever it strikes.

One process works in its main thread, so the interrupt is raised inside some annotator; Beam's runners wrap it
in an error of their own and log where it struck. Here it is remembered that a person wanted to stop.
"""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Interruption:
    """Whether the user has interrupted the command."""

    def __init__(self) -> None:
        self.happened = False

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Notice Ctrl-C inside the block; a second one ends the process at once."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.signal(signal.SIGINT, self._interrupt)
        disabled = logging.root.manager.disable
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)
            logging.disable(disabled)

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        self.happened = True
        logging.disable(logging.CRITICAL)  # what stops now says so at length
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        raise KeyboardInterrupt
