"""Local workers are forked from one process that has loaded everything, and their end is noticed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.program import ROOT

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere Beam starts interpreters")

SCRIPT = """
import os, sys
import apache_beam as beam
import pyarrow as pa
from pipelines.runner import Runner

def prepared():
    import this_is_loaded_once
    print(this_is_loaded_once.__name__, flush=True)

def seen(item):
    assert "this_is_loaded_once" in sys.modules
    assert pa.cpu_count() == 1, "of 64 workers on 64 cores each would have 64 threads"
    os.write(1, f"worker {os.getpid()} {os.getppid()}\\n".encode())  # in one piece: two write at once
    if os.environ.get("DEADLY"):
        os._exit(3)
    return item

def main():
    runner = Runner(workers=2)
    runner.prepare(prepared)
    for number in range(2):
        runner.run(lambda p: p | beam.Create(range(8)) | beam.Reshuffle() | beam.Map(seen))
    print("command", os.getpid())
"""


def run_pipelines(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    (folder / "this_is_loaded_once.py").touch()
    (folder / "script.py").write_text(SCRIPT, encoding="utf-8")
    paths = os.pathsep.join([str(ROOT), str(folder)])
    return subprocess.run(
        [sys.executable, "-c", "import script; script.main()"],
        env={**os.environ, "PYTHONPATH": paths, **environment},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_workers_of_all_pipelines_come_from_one_process_in_which_things_are_loaded_once(
    tmp_path: Path,
) -> None:
    ended = run_pipelines(tmp_path)
    assert ended.returncode == 0, ended.stderr
    lines = ended.stdout.splitlines()
    assert lines.count("this_is_loaded_once") == 1
    workers = {tuple(line.split()[1:]) for line in lines if line.startswith("worker")}
    assert len({process for process, _ in workers}) == 2, "the same two for both pipelines"
    (nursery,) = {parent for _, parent in workers}
    (command,) = (line.split()[1] for line in lines if line.startswith("command"))
    assert nursery != command
    assert not Path(f"/proc/{nursery}").exists(), "it ends with the command"


def test_a_worker_that_dies_fails_the_pipeline_and_does_not_stall_it(tmp_path: Path) -> None:
    ended = run_pipelines(tmp_path, DEADLY="1")
    assert ended.returncode == 1
    assert "a local worker process died" in ended.stderr
    assert "--workers asks for fewer" in ended.stderr


def test_an_environment_that_no_socket_takes_at_once_reaches_the_workers(tmp_path: Path) -> None:
    """Kubernetes sets seven variables for each service of a namespace; one string may have 128 kB, all 2 MB."""
    services = {f"SERVICE_{number}_PORT": "tcp://10.0.0.1:80" * 8 for number in range(4000)}
    ended = run_pipelines(tmp_path, **services)
    assert ended.returncode == 0, ended.stderr


REFUSING = """
import apache_beam as beam
from pipelines.runner import Runner
from provenance.errors import DataError

def refuse(item):
    raise DataError(f"number {item} is refused")

def main():
    runner = Runner(workers=2)
    runner.prepare()
    for _ in range(2):
        try:
            runner.run(lambda p: p | beam.Create(range(8)) | beam.Map(refuse))
        except DataError as error:
            print(error, "in refuse" in error.__notes__[0])
    runner.run(lambda p: p | beam.Create(range(8)) | beam.Map(print))
"""


def test_what_a_task_raises_is_raised_as_it_is_and_later_pipelines_get_other_workers(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(REFUSING, encoding="utf-8")
    ended = subprocess.run(
        [sys.executable, "-c", "import script; script.main()"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(tmp_path)])},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    refused = [line for line in ended.stdout.splitlines() if "refused" in line]
    assert len(refused) == 2 and all(line.endswith("is refused True") for line in refused)
