"""Prism and Spark write the bytes of one process (promise 5); Beam's own job service is tested with the runners."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.program import DEMO, ROOT, contents, run
from tests.services.needs import need, need_classes
from tests.services.processes import OPENED, Server, free_port, worker_environment

pytestmark = pytest.mark.services


def check(options: list[str], release: Path, expected: Path) -> None:
    ended = run("curate", DEMO, "--output", release, "--quiet", "--", "--runner=PortableRunner", *options)
    assert ended.code == 0, ended.err
    assert contents(release) == contents(expected)


@pytest.mark.parametrize("workers", ["loopback", "processes"])
def test_prism_writes_the_same_bytes(demo_release: Path, tmp_path: Path, workers: str) -> None:
    prism, port = need("prism", "bin/prism"), free_port()
    command = [str(prism), f"--job_port={port}", "--serve_http=false"]
    with Server(command, tmp_path / "prism.log").listening(port):
        environment = (
            ["--environment_type=LOOPBACK"]
            if workers == "loopback"
            else worker_environment(tmp_path, sys.executable, ROOT)
        )
        check([f"--job_endpoint=localhost:{port}", *environment], tmp_path / "release", demo_release)


def test_spark_writes_the_same_bytes(demo_release: Path, tmp_path: Path) -> None:
    """The job server with a Spark of its own, `local[2]`; workers are processes."""
    port = free_port()
    command = ["java", "-Xmx1g", *OPENED, "-cp", ":".join(need_classes("spark-job-server"))]
    command += ["org.apache.beam.runners.spark.SparkJobServerDriver", "--job-port", str(port)]
    command += [
        "--artifact-port",
        "0",
        "--expansion-port",
        "-1",
        "--artifacts-dir",
        str(tmp_path / "artifacts"),
    ]
    command += ["--spark-master-url", "local[2]"]
    with Server(command, tmp_path / "spark.log", {"SPARK_LOCAL_IP": "127.0.0.1"}).listening(port):
        environment = worker_environment(tmp_path, sys.executable, ROOT)
        check([f"--job_endpoint=localhost:{port}", *environment], tmp_path / "release", demo_release)
