"""Ctrl-C ends a command with one line, wherever it strikes.

One process works in its main thread, so the interrupt is raised inside some annotator; Beam's runners wrap it
in an error of their own and log where it struck. Here it is remembered that a person wanted to stop, and where the interrupt
struck in what Python runs by itself (a finaliser, a weak reference), which swallows it, it strikes again.
"""

from __future__ import annotations

import logging
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

#: Seconds from an interrupt that was swallowed to the next.
_MOMENT = 0.05


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
        alarm, hook = signal.signal(signal.SIGALRM, self._strike), sys.unraisablehook
        sys.unraisablehook = self._strike_again
        disabled = logging.root.manager.disable
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            sys.unraisablehook = hook
            signal.signal(signal.SIGALRM, alarm)
            signal.signal(signal.SIGINT, before)
            logging.disable(disabled)

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        self.happened = True
        logging.disable(logging.CRITICAL)  # what stops now says so at length
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        self._strike(number, frame)

    def _strike(self, number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    def _strike_again(self, swallowed: sys.UnraisableHookArgs) -> None:
        """Strike once more a moment later, when Python is done with what it ran by itself; other troubles there are told."""
        if self.happened and issubclass(swallowed.exc_type, KeyboardInterrupt):
            signal.setitimer(signal.ITIMER_REAL, _MOMENT)
        else:
            sys.__unraisablehook__(swallowed)
