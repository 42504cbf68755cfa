"""Local worker processes, forked from one that has loaded everything: each starts in milliseconds and shares its memory.

Beam starts an interpreter for every worker of every pipeline, which costs more than a small crawl. Here one process, the nursery,
is forked from the command before any connection exists in it, for gRPC does not survive a fork, and all workers from that one.
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
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

from apache_beam.portability.api import endpoints_pb2
from apache_beam.runners.portability.fn_api_runner.worker_handlers import GrpcWorkerHandler, WorkerHandler
from apache_beam.runners.worker import sdk_worker_main
from apache_beam.transforms.environments import Environment, python_sdk_capabilities
from google.protobuf import json_format, text_format

from pipelines.worker import end_with

_URN = "provenance:environment:forked:v1"
#: How gRPC's own threads begin their names, on Linux.
_THREADS = ("grpc", "event_engine", "default-exec", "resolver-exec", "timer_manager")


class Nursery:
    """The process that workers are forked from. It ends with the command."""

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
        self._lock = threading.Lock()
        atexit.register(self._close)

    @classmethod
    def of_process(cls) -> Nursery | None:
        """The nursery of this process, made if that is still possible; None where workers have to be started anew."""
        if cls._only is None and sys.platform == "linux" and not _connected():
            cls._only = cls()
        return cls._only

    def prepare(self, call: Callable[[], object]) -> None:
        """Call this in the nursery, so that what it loads is there in all later workers; what it raises is theirs to say."""
        self._send({"call": pickle.dumps(call).hex()}, [])

    def start(self, environment: dict[str, str]) -> int:
        """Start a worker; what is returned can be read from: a byte when it ends well, nothing when it dies."""
        ended, said = os.pipe()
        try:
            self._send({"environment": environment, "directory": os.getcwd()}, [2, said])
        finally:
            os.close(said)
        return ended

    def _close(self) -> None:
        """Let the nursery end, and wait for it and its workers, whose processor time is this process's too."""
        self._socket.close()
        if os.getpid() == self._owner:
            with suppress(ChildProcessError):
                os.waitpid(self._process, 0)

    def _send(self, message: dict[str, Any], files: Iterable[int]) -> None:
        """Send an order, in a file in memory: the environment of a process can be larger than a socket takes at once."""
        with self._lock, open(os.memfd_create("order"), "wb", buffering=0) as order:
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
    while True:
        sent, (*received,), _, _ = socket.recv_fds(orders, 1, 3)
        if not sent:
            with suppress(ChildProcessError):
                while True:
                    os.wait()
            os._exit(0)
        with open(received[0], "rb") as order:
            order.seek(0)  # the place in a file is shared with whom it comes from
            message = json.load(order)
        files = received[1:]
        if "call" in message:
            with suppress(Exception):
                pickle.loads(bytes.fromhex(message["call"]))()
            gc.collect()
            gc.freeze()  # the collector would write to what workers share
        elif os.fork() == 0:
            orders.close()
            _work(message, *files)
        for file in files:
            os.close(file)


def _work(message: dict[str, Any], errors: int, ended: int) -> None:
    """Be a worker, and end."""
    status = 1
    try:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.dup2(errors, 2)
        os.chdir(message["directory"])
        os.environ.clear()
        os.environ.update(message["environment"])
        threading.Thread(target=end_with, args=(os.getppid(),), daemon=True).start()
        sdk_worker_main.main([])
        sys.stdout.flush()
        os.write(ended, b"\0")
        status = 0
    finally:
        os._exit(status)


@Environment.register_urn(_URN, bytes)
class ForkedEnvironment(Environment):
    """Where Beam's local runner lets functions run: in workers of this process's nursery."""

    def to_runner_api_parameter(self, context: object) -> tuple[str, bytes]:
        return _URN, b""

    @staticmethod
    def from_runner_api_parameter(
        payload: bytes,
        capabilities: Iterable[str],
        artifacts: Iterable[Any],
        resource_hints: dict[str, bytes],
        context: object,
    ) -> ForkedEnvironment:
        return ForkedEnvironment(capabilities, artifacts, resource_hints)

    @classmethod
    def default(cls) -> ForkedEnvironment:
        return cls(capabilities=python_sdk_capabilities(), artifacts=())


@WorkerHandler.register_environment(_URN, bytes)
class ForkedWorkerHandler(GrpcWorkerHandler):
    """Beam's side of one worker."""

    def __init__(self, payload: bytes, state: Any, provision_info: Any, grpc_server: Any) -> None:
        super().__init__(state, provision_info, grpc_server)

    def start_worker(self) -> None:
        nursery = Nursery.of_process()
        assert nursery is not None
        address = endpoints_pb2.ApiServiceDescriptor(url=self.control_address)
        options = self.provision_info.provision_info.pipeline_options
        environment = {
            **os.environ,
            "CONTROL_API_SERVICE_DESCRIPTOR": text_format.MessageToString(address),
            "PIPELINE_OPTIONS": json_format.MessageToJson(options),
            "WORKER_ID": self.worker_id,
        }
        self._ended = nursery.start(environment)
        self._watch = threading.Thread(target=self._wait, name="watch_worker", daemon=True)
        self._watch.start()

    def stop_worker(self) -> None:
        self._watch.join()

    def _wait(self) -> None:
        said = os.read(self._ended, 1)
        os.close(self._ended)
        if not said:
            self.control_conn.abort(RuntimeError("a local worker process died"))
