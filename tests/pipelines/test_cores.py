"""How many local workers a command has where none are asked for."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.cores import COMMAND_BYTES, WORKER_BYTES, local_workers
from tests.program import DEMO, contents

_CORES = len(os.sched_getaffinity(0)) if sys.platform == "linux" else 1

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="workers are forked on Linux only")


def _machine(root: Path, free: int = 1 << 40, **limits: str) -> Path:
    """What Linux says of a machine with so much free memory, and of a control group."""
    meminfo = root / "proc" / "meminfo"
    meminfo.parent.mkdir(parents=True)
    meminfo.write_text(f"MemTotal:       999 kB\nMemAvailable:   {free >> 10} kB\n")
    for name, text in limits.items():
        file = root / "sys" / "fs" / "cgroup" / name.replace("__", "/").replace("_dot_", ".")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text + "\n")
    return root


def _affinity(monkeypatch: pytest.MonkeyPatch, cores: int) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(cores)))


def test_one_for_each_core_that_the_process_may_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = _machine(tmp_path)
    assert local_workers(root=root) == _CORES
    _affinity(monkeypatch, 16)
    assert local_workers(root=root) == 16


@pytest.mark.parametrize(
    ("limits", "workers"),
    [
        ({"cpu_dot_max": "350000 100000"}, 3),
        ({"cpu_dot_max": "50000 100000"}, 1),
        ({"cpu_dot_max": "max 100000"}, 16),
        ({"cpu__cpu_dot_cfs_quota_us": "400000", "cpu__cpu_dot_cfs_period_us": "100000"}, 4),
        ({"cpu__cpu_dot_cfs_quota_us": "-1", "cpu__cpu_dot_cfs_period_us": "100000"}, 16),
        ({"cpu_dot_max": "no number at all"}, 16),
        ({"memory_dot_max": str(COMMAND_BYTES + 5 * WORKER_BYTES)}, 5),
        ({"memory_dot_max": "max"}, 16),
        ({"memory__memory_dot_limit_in_bytes": str(COMMAND_BYTES)}, 1),
    ],
)
def test_the_limits_of_a_container_count(
    limits: dict[str, str], workers: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _affinity(monkeypatch, 16)
    assert local_workers(root=_machine(tmp_path, **limits)) == workers


@pytest.mark.parametrize(
    ("groups", "limits", "workers"),
    [
        ("0::/user.slice/run.service", {"user_dot_slice__run_dot_service__cpu_dot_max": "250000 100000"}, 2),
        ("0::/job/step", {"job__cpu_dot_max": "300000 100000", "job__step__cpu_dot_max": "max 100000"}, 3),
        ("0::/job/step", {"job__memory_dot_max": str(COMMAND_BYTES + 4 * WORKER_BYTES)}, 4),
        (
            "7:cpu,cpuacct:/job\n4:memory:/other",
            {"cpu__job__cpu_dot_cfs_quota_us": "500000", "cpu__job__cpu_dot_cfs_period_us": "100000"},
            5,
        ),
        ("4:memory:/job\n0::/", {"memory__job__memory_dot_limit_in_bytes": str(COMMAND_BYTES)}, 1),
        ("0::/../outside", {"cpu_dot_max": "600000 100000"}, 6),
        ("no group at all", {}, 16),
    ],
)
def test_the_limits_of_a_service_or_job_count_and_those_above_it(
    groups: str, limits: dict[str, str], workers: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a machine that shows all its control groups, a process is in one below the topmost."""
    _affinity(monkeypatch, 16)
    root = _machine(tmp_path, **limits)
    own = root / "proc" / "self" / "cgroup"
    own.parent.mkdir()
    own.write_text(groups + "\n")
    assert local_workers(root=root) == workers


def test_no_more_than_there_is_memory_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _affinity(monkeypatch, 64)
    assert local_workers(root=_machine(tmp_path / "16", free=16 << 30)) == 30
    assert local_workers(root=_machine(tmp_path / "small", free=100 << 20)) == 1
    assert local_workers(root=tmp_path / "says nothing") == 64


def test_one_where_beam_is_told_how_to_run(tmp_path: Path) -> None:
    assert local_workers(["--runner=FnApiRunner"], root=_machine(tmp_path)) == 1


_AMONG_THREADS = """
import sys, threading
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from pipelines.command.main import main

by_beam, run_pipeline = [], FnApiRunner.run_pipeline
FnApiRunner.run_pipeline = lambda *given: by_beam.append(given) or run_pipeline(*given)
threading.Thread(target=threading.Event().wait, daemon=True).start()
code = main(sys.argv[1:])
print(bool(by_beam))
sys.exit(code)
"""


@pytest.mark.parametrize(("asked", "by_beam"), [((), "False"), (("--workers", "2"), "True")])
def test_a_process_that_cannot_fork_does_the_work_itself_unless_workers_are_asked_for(
    asked: tuple[str, ...], by_beam: str, demo_release: Path, tmp_path: Path
) -> None:
    """A notebook has threads, and nothing can be forked from it."""
    command = [sys.executable, "-c", _AMONG_THREADS, "curate", str(DEMO), "--output", str(tmp_path / "r")]
    environment = {**os.environ, "PROVENANCE_ALL_WORKERS": "1"}
    ended = subprocess.run([*command, *asked, "--quiet"], env=environment, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines()[-1] == by_beam
    assert contents(tmp_path / "r") == contents(demo_release)
