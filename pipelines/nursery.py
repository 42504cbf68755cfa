"""Local worker processes, forked from one that has loaded everything: each starts in milliseconds and shares its memory.

One process, the nursery, is forked from the command before it has threads, and all workers from that one. A worker does the
tasks of all pipelines of the command (`pipelines.crew`), so what it loads late is loaded once.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import pickle
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable, Iterable
from contextlib import suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa

from pipelines.inline import Step
from pipelines.worker import end_with

#: How gRPC's own threads begin their names, on Linux.
_THREADS = ("grpc", "event_engine", "default-exec", "resolver-exec", "timer_manager")


class Nursery:
    """The process that workers are forked from. It ends with the command, and its workers with it."""

    _only: ClassVar[Nursery | None] = None

    def __init__(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        sys.stdout.flush()
        sys.stderr.flush()
        self._process = os.fork()
        if self._process == 0:
            ours.close()
            _nurse(theirs)
        theirs.close()
        self._owner = os.getpid()
        self._socket = ours
        self._workers: list[Connection[Any, Any]] = []
        atexit.register(self._close)

    @classmethod
    def of_process(cls) -> Nursery | None:
        """The nursery of this process, made if that is still possible; None where there can be none."""
        if cls._only is None and sys.platform == "linux" and not _connected():
            cls._only = cls()
        return cls._only

    def prepare(self, call: Callable[[], object]) -> None:
        """Call this in the nursery, so that what it loads is there in all later workers; what it raises is theirs to say."""
        self._send({"call": pickle.dumps(call).hex()}, [])

    def workers(self, number: int) -> list[Connection[Any, Any]]:
        """The ends of so many workers, of which those that are not there are started: tasks go in, answers come out."""
        while len(self._workers) < number:
            ours, theirs = Pipe()
            self._send({"environment": dict(os.environ), "directory": os.getcwd()}, [2, theirs.fileno()])
            theirs.close()
            self._workers.append(ours)
        return self._workers[:number]

    def end_workers(self) -> None:
        """End all workers, whatever they are doing: later ones are started anew."""
        self._send({"end": True}, [])
        while self._workers:
            self._workers.pop().close()

    def _close(self) -> None:
        """Let the nursery end, and wait for it and its workers, whose processor time is this process's too."""
        self._socket.close()
        if os.getpid() == self._owner:
            with suppress(ChildProcessError):
                os.waitpid(self._process, 0)

    def _send(self, message: dict[str, Any], files: Iterable[int]) -> None:
        """Send an order, in a file in memory: the environment of a process can be larger than a socket takes at once."""
        with open(os.memfd_create("order"), "wb", buffering=0) as order:
            order.write(json.dumps(message).encode())
            socket.send_fds(self._socket, [b"\0"], [order.fileno(), *files])


def _connected() -> bool:
    """Whether this process has used gRPC, or runs threads whose locks a fork would never see released."""
    names = []
    for path in Path("/proc/self/task").glob("*/comm"):
        with suppress(OSError):
            names.append(path.read_text())
    return threading.active_count() > 1 or any(name.startswith(_THREADS) for name in names)


def _nurse(orders: socket.socket) -> None:
    """Fork workers until the command has ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the command's to answer, whose end is ours
    workers: list[int] = []
    while True:
        sent, received, _, _ = socket.recv_fds(orders, 1, 3)
        message: dict[str, Any] = {}
        if sent:
            with open(received[0], "rb") as order:
                order.seek(0)  # the place in a file is shared with whom it comes from
                message = json.load(order)
        files = received[1:]
        if "call" in message:
            with suppress(Exception):
                pickle.loads(bytes.fromhex(message["call"]))()
            gc.collect()
            gc.freeze()  # the collector would write to what workers share
        elif "environment" in message:
            workers.append(os.fork())
            if workers[-1] == 0:
                orders.close()
                _work(message, *files)
        else:
            while workers:
                _end(workers.pop())
        for file in files:
            os.close(file)
        if not sent:
            os._exit(0)


def _end(worker: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(worker, signal.SIGKILL)
    with suppress(ChildProcessError):
        os.waitpid(worker, 0)


def _work(message: dict[str, Any], errors: int, tasks: int) -> None:
    """Be a worker, and end."""
    try:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.dup2(errors, 2)
        os.chdir(message["directory"])
        os.environ.clear()
        os.environ.update(message["environment"])
        pa.set_cpu_count(1)  # of Arrow's threads: the other cores are other workers'
        threading.Thread(target=end_with, args=(os.getppid(),), daemon=True).start()
        _serve(Connection(os.dup(tasks)))
    finally:
        os._exit(0)


def _serve(tasks: Connection[Any, Any]) -> None:
    """Answer tasks until the command closes its end: a step (given once), then its elements, each with what became of it."""
    process: Callable[[Any], Iterable[Any]] | None = None
    while True:
        try:
            packed, element = pickle.loads(tasks.recv_bytes())
        except (EOFError, ConnectionResetError):
            return
        try:
            if packed is not None:
                process = Step.unpacked(packed).prepared()
            assert process is not None
            answer = pickle.dumps((list(process(element)), None), pickle.HIGHEST_PROTOCOL)
        except Exception as error:
            answer = _told(error)
        with suppress(BrokenPipeError):
            tasks.send_bytes(answer)


def _told(error: Exception) -> bytes:
    """What a task raised, as it is where it can be sent, with where it came from."""
    error.add_note(f"in a local worker:\n{''.join(traceback.format_exception(error))}")
    try:
        answer = pickle.dumps((None, error))
        pickle.loads(answer)
    except Exception:  # of a class that cannot be made again from its arguments
        return pickle.dumps((None, RuntimeError(f"{type(error).__name__}: {error}")))
    return answer
