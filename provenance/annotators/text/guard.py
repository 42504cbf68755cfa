"""Extraction in a process of its own, so that no page can cost more than its share of time and memory.

One child per worker takes page after page over a pipe. A page that uses up its CPU seconds or memory kills
only the child; the page gets its reason, the next page a new child. CPU seconds, not wall time, decide, so
a busy machine gives the same result as an idle one.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import select
import signal
import struct
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path

#: Request: length of the page. Reply: outcome (index into `OUTCOMES`), lengths of text, title, language, detail.
REQUEST = struct.Struct("<Q")
REPLY = struct.Struct("<BQIII")
OUTCOMES = (None, "extraction_timeout", "extraction_failed")
_PIPE_BYTES = 1 << 20
_READ_BYTES = 1 << 18
#: A child that neither answers nor uses CPU time is stuck outside our accounting: last resort, wall seconds.
_STUCK_FACTOR, _STUCK_BASE = 20.0, 30.0


@dataclass(frozen=True)
class Limits:
    """What one page may cost, and who extracts it."""

    extractor: str = "trafilatura"  # or "module:function": one of your own, from text to `extraction.Page`
    max_seconds: float = 5.0  # CPU time a page
    max_memory: int = 1 << 30  # bytes of address space the child may add to what it has at start


@dataclass(frozen=True)
class Extraction:
    """What came of one page: text, or an outcome of `provenance.outcomes.FAILED` and its detail."""

    text: str
    title: str
    lang: str | None
    outcome: str | None = None
    detail: str | None = None
    source: str | None = None  # one of `choice.SOURCES`, where the extractor says it


class GuardedExtractor:
    """Extracts pages in a child process that is restarted when a page kills it.

    Safe to call from several threads (one page at a time), after a fork and after pickling. The child
    ends when its parent does: it reads the end of its pipe, or runs out of CPU time first.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._owner = -1

    def __getstate__(self) -> dict[str, object]:
        return {"limits": self.limits}

    def __setstate__(self, state: dict[str, object]) -> None:
        limits = state["limits"]
        assert isinstance(limits, Limits)
        self.__init__(limits)  # type: ignore[misc]

    def __del__(self) -> None:
        with contextlib.suppress(Exception):
            self.close()

    def __call__(self, page: bytes) -> Extraction:
        """Extract one page (UTF-8 bytes of HTML); never raises for what it does."""
        with self._lock:
            child = self._running()
            try:
                return self._ask(child, page)
            except (BrokenPipeError, EOFError, TimeoutError) as error:
                code = self._stop(kill=True)
                if isinstance(error, TimeoutError) or code in (-signal.SIGPROF, -signal.SIGXCPU):
                    limit = f"{self.limits.max_seconds:g} s of CPU time"
                    return Extraction(
                        "", "", None, "extraction_timeout", f"the extractor used more than {limit}"
                    )
                return Extraction("", "", None, "extraction_failed", _died(code))

    @property
    def child(self) -> int | None:
        """Process number of the child that this process started, where one runs."""
        return self._child.pid if self._child is not None and self._owner == os.getpid() else None

    def close(self) -> None:
        """End the child; a later call starts a new one."""
        if self._owner == os.getpid():
            self._stop(kill=True)

    def _running(self) -> subprocess.Popen[bytes]:
        if self._child is not None and self._owner == os.getpid():
            return self._child
        root = str(Path(__file__).resolve().parents[3])
        paths = [root, *(path for path in sys.path if path)]
        self._child = subprocess.Popen(
            [sys.executable, "-m", "provenance.annotators.text.child", json.dumps(asdict(self.limits))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(dict.fromkeys(paths))},
        )
        self._owner = os.getpid()
        for pipe in (self._child.stdin, self._child.stdout):
            assert pipe is not None
            with contextlib.suppress(OSError, AttributeError):
                fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        return self._child

    def _ask(self, child: subprocess.Popen[bytes], page: bytes) -> Extraction:
        # The child reads a whole request before it writes, and we write a whole one before we read:
        # the two can never wait for each other.
        assert child.stdin is not None and child.stdout is not None
        deadline = time.monotonic() + _STUCK_BASE + _STUCK_FACTOR * self.limits.max_seconds
        request, answers = child.stdin.fileno(), child.stdout.fileno()
        head = REQUEST.pack(len(page))
        written = os.writev(request, (head, page))
        view = (
            memoryview(page)[written - len(head) :]
            if written >= len(head)
            else memoryview(head + page)[written:]
        )
        while view:
            view = view[os.write(request, view) :]
        answer = _read(answers, REPLY.size, b"", deadline)
        outcome, text, title, lang, detail = REPLY.unpack_from(answer)
        answer = _read(answers, REPLY.size + text + title + lang + detail, answer, deadline)
        parts, at = [], REPLY.size
        for size in (text, title, lang, detail):
            parts.append(answer[at : at + size].decode("utf-8"))
            at += size
        return Extraction(parts[0], parts[1], parts[2] or None, OUTCOMES[outcome], parts[3] or None)

    def _stop(self, *, kill: bool) -> int | None:
        child, self._child = self._child, None
        if child is None:
            return None
        for pipe in (child.stdin, child.stdout):
            assert pipe is not None
            with contextlib.suppress(OSError):
                pipe.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            return child.wait(timeout=1.0)  # it ended by itself: its exit status says why
        if kill:
            child.kill()
        return child.wait()


def _read(source: int, size: int, begun: bytes, deadline: float) -> bytes:
    """An answer from `begun` on, until it has `size` bytes; `EOFError` where the pipe ends, `TimeoutError` at the deadline."""
    if len(begun) >= size:
        return begun
    parts, have = [begun], len(begun)
    poll = select.poll()
    poll.register(source, select.POLLIN | select.POLLHUP)
    while have < size:
        if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
            raise TimeoutError
        part = os.read(source, _READ_BYTES)
        if not part:
            raise EOFError
        parts.append(part)
        have += len(part)
    return b"".join(parts)


def _died(code: int | None) -> str:
    if code is not None and code < 0:
        return f"the extractor was ended by {signal.Signals(-code).name} (memory or a fault in its library)"
    return f"the extractor ended with status {code}"
