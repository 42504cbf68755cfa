"""A Flink session cluster on this machine: a job manager, task managers that can be killed, and Beam's job server."""

from __future__ import annotations

import json
import shutil
import sys
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.program import ROOT
from tests.services.needs import need, need_classes
from tests.services.processes import OPENED, Server, free_port, wait_until, worker_environment

#: Flink's own defaults for a task manager of 1,728 MiB, which its scripts work out and a bare process must be told.
_MEMORY = {
    "framework.heap.size": "128m",
    "task.heap.size": "384m",
    "framework.off-heap.size": "128m",
    "task.off-heap.size": "0m",
    "network.min": "128m",
    "network.max": "128m",
    "managed.size": "512m",
    "jvm-metaspace.size": "256m",
    "jvm-overhead.min": "192m",
    "jvm-overhead.max": "192m",
}
TASK_MANAGER_BYTES = 1728 << 20
_TASK_MANAGER_JAVA = ["-Xmx512m", "-XX:MaxDirectMemorySize=256m", "-XX:MaxMetaspaceSize=256m"]
_LOGGING = """\
rootLogger.level = INFO
rootLogger.appenderRef.console.ref = Console
appender.console.name = Console
appender.console.type = CONSOLE
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{HH:mm:ss,SSS} %-5p %c{1} - %m%n
"""


class FlinkCluster:
    """Two task managers of one slot each; a context manager. Beam's classes lie with Flink's own, and are those that jobs use."""

    def __init__(self, directory: Path) -> None:
        flink = need("flink", "flink") / "lib"
        beam = [path for path in need_classes("flink-job-server") if "/org/apache/flink/" not in path]
        self.directory = directory
        self._classes = [f"{flink}/*", *beam]
        self._rest, self._rpc, self._jobs = free_port(), free_port(), free_port()
        self._started = 0
        self._open = ExitStack()
        self.task_managers: list[Server] = []

    def __enter__(self) -> FlinkCluster:
        self._configure()
        with ExitStack() as stack:
            manager = "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint"
            stack.enter_context(self._java("job-manager", ["-Xmx512m"], manager, *self._configured))
            for _ in range(2):
                self.start_task_manager()
            stack.callback(self._kill_all)
            server = [
                "org.apache.beam.runners.flink.FlinkJobServerDriver",
                *("--flink-master", f"127.0.0.1:{self._rest}"),
                *("--job-port", str(self._jobs)),
                *("--artifact-port", "0"),
                *("--expansion-port", "-1"),
                *("--artifacts-dir", str(self.directory / "artifacts")),
            ]
            jobs = stack.enter_context(self._java("job-server", ["-Xmx512m"], *server))
            jobs.listening(self._jobs)
            wait_until(lambda: self.slots() == 2, "two task managers")
            self._open = stack.pop_all()
        return self

    def __exit__(self, *exc: object) -> None:
        self._open.close()
        shutil.rmtree(self.directory / "tmp")  # the jars of each pipeline: a gigabyte for two

    @property
    def options(self) -> list[str]:
        """Beam options of a job on this cluster, whose workers are processes of the task managers."""
        return [
            "--runner=PortableRunner",
            f"--job_endpoint=localhost:{self._jobs}",
            *worker_environment(self.directory, sys.executable, ROOT),
            "--parallelism=2",
        ]

    def start_task_manager(self) -> None:
        self._started += 1
        runner = "org.apache.flink.runtime.taskexecutor.TaskManagerRunner"
        arguments = [*self._configured, "-D", f"taskmanager.resource-id=task-manager-{self._started}"]
        self.task_managers.append(
            self._java(f"task-manager-{self._started}", _TASK_MANAGER_JAVA, runner, *arguments)
        )

    def kill_task_manager(self) -> None:
        """Kill the older one, as its machine dies; its workers end by themselves."""
        self.task_managers.pop(0).kill()

    def slots(self) -> int:
        return int(self.ask("overview").get("slots-total", 0))

    def running(self) -> bool:
        """Whether some task of a job is running on both task managers: its workers have begun."""
        jobs = self.ask("jobs/overview").get("jobs", [])
        return any(job["state"] == "RUNNING" and job["tasks"]["finished"] for job in jobs)

    def ask(self, path: str) -> dict[str, Any]:
        """What the cluster says of itself; nothing while it does not answer."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._rest}/{path}", timeout=10) as answer:
                return dict(json.load(answer))
        except OSError:
            return {}

    @property
    def _configured(self) -> list[str]:
        return ["--configDir", str(self.directory)]

    def _java(self, name: str, memory: list[str], main: str, *arguments: str) -> Server:
        logging = f"-Dlog4j.configurationFile=file:{self.directory}/log4j.properties"
        command = ["java", *memory, *OPENED, logging, "-cp", ":".join(self._classes), main, *arguments]
        return Server(command, self.directory / f"{name}.log")

    def _configure(self) -> None:
        settings = {
            "jobmanager.rpc.address": "127.0.0.1",
            "jobmanager.rpc.port": self._rpc,
            "jobmanager.bind-host": "127.0.0.1",
            "rest.address": "127.0.0.1",
            "rest.bind-address": "127.0.0.1",
            "rest.port": self._rest,
            "taskmanager.host": "127.0.0.1",
            "taskmanager.bind-host": "127.0.0.1",
            "taskmanager.numberOfTaskSlots": 1,
            "taskmanager.cpu.cores": 1.0,
            # Beam's classes from the cluster, once, not from what each job ships: its cache of workers asks for that.
            "classloader.resolve-order": "parent-first",
            "io.tmp.dirs": str(self.directory / "tmp"),
            **{f"taskmanager.memory.{key}": value for key, value in _MEMORY.items()},
        }
        (self.directory / "tmp").mkdir()
        lines = "".join(f"{key}: {value}\n" for key, value in settings.items())
        (self.directory / "config.yaml").write_text(lines)
        (self.directory / "log4j.properties").write_text(_LOGGING)

    def _kill_all(self) -> None:
        for server in self.task_managers:
            server.kill()
