"""Servers as processes on loopback: free ports, waiting until they answer, their memory, and their certain end."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType

#: Seconds that anything may take to start; a machine that does nothing else needs a tenth.
PATIENCE = 300.0

#: Parts of the runtime that Flink and Spark reach into; without these options Java 17 forbids it.
OPENED = [
    f"--add-opens=java.base/{name}=ALL-UNNAMED"
    for name in (
        "java.io java.lang java.lang.invoke java.lang.reflect java.net java.nio java.text java.time java.util "
        "java.util.concurrent java.util.concurrent.atomic java.util.concurrent.locks sun.nio.ch sun.nio.cs "
        "sun.security.action sun.util.calendar"
    ).split()
]


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def wait_until(happened: Callable[[], bool], what: str, seconds: float = PATIENCE, look: float = 0.1) -> None:
    """Look every `look` seconds until `happened`.

    Raises:
        TimeoutError: says what did not.
    """
    tick = threading.Event()
    for _ in range(int(seconds / look)):
        if happened():
            return
        tick.wait(look)
    raise TimeoutError(f"{what}: not within {seconds:.0f} s")


class Server:
    """One process in a group of its own; what it says goes to a log that a failure shows."""

    def __init__(self, command: Sequence[str], log: Path, environment: dict[str, str] | None = None) -> None:
        self.log = log
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                command,
                stdout=out,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env={**os.environ, **(environment or {})},
                start_new_session=True,
            )

    def __enter__(self) -> Server:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.kill()

    def listening(self, port: int) -> Server:
        """This server once it listens on a port."""

        def answers() -> bool:
            assert self.process.poll() is None, self.log.read_text(errors="replace")[-4000:]
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", port)) == 0

        try:
            wait_until(answers, f"{self.process.args} on port {port}")
        except BaseException:
            self.kill()
            raise
        return self

    def kill(self) -> None:
        """As a machine dies: the process and all in its group, at once."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    @property
    def peak_memory(self) -> int:
        """Bytes of memory that the process held at most."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return 1024 * int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))


def worker_environment(directory: Path, python: str, root: Path) -> list[str]:
    """Beam options with which an engine starts workers as processes of its own, from this checkout."""
    command = directory / "worker"
    command.write_text(f'#!/bin/sh\ncd {root} && PYTHONPATH={root} exec {python} -m pipelines.worker "$@"\n')
    command.chmod(0o755)
    return ["--environment_type=PROCESS", f'--environment_config={{"command": "{command}"}}']
