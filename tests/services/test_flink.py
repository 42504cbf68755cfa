"""A real Flink cluster writes the bytes of one process, also where a task manager dies in any stage (promise 5)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from subprocess import Popen

import apache_beam as beam
import pytest

from pipelines.runner import Runner
from tests.program import DEMO, contents, run, start
from tests.services.flink import TASK_MANAGER_BYTES, FlinkCluster
from tests.services.needs import long_running
from tests.services.processes import wait_until

pytestmark = pytest.mark.services

#: Seconds for a command on an engine, most of it the start of Java and Python on a busy machine.
_PATIENCE = 1500


def finish(command: Popen[bytes]) -> int:
    return command.wait(_PATIENCE)


class Finishing(beam.DoFn):
    """Says how many elements its bundles had, at their ends."""

    def start_bundle(self) -> None:
        self.seen = 0

    def process(self, _: int) -> None:
        self.seen += 1

    def finish_bundle(self) -> Iterator[beam.utils.windowed_value.WindowedValue]:
        window = beam.transforms.window.GlobalWindow()
        yield beam.utils.windowed_value.WindowedValue(self.seen, window.max_timestamp(), [window])


def disturb(flink: FlinkCluster, command: Popen[bytes]) -> None:
    """Kill a task manager while a job of the command runs there, and start another."""
    wait_until(lambda: flink.running() or command.poll() is not None, "the stage runs", _PATIENCE)
    assert command.poll() is None, "the stage ended before it could be disturbed"
    flink.kill_task_manager()
    flink.start_task_manager()


def write_sum(path: str, counts: list[int]) -> None:
    Path(path).write_text(str(sum(counts)))


def test_finish_bundle_is_called(flink: FlinkCluster, tmp_path: Path) -> None:
    """It once was not for Python on Flink (apache/beam#34178); Beam's own combining depends on it."""
    path = str(tmp_path / "sum")
    Runner(tuple(flink.options)).run(
        lambda pipeline: (
            pipeline
            | beam.Create(range(1000))
            | beam.Reshuffle()
            | beam.ParDo(Finishing())
            | beam.combiners.ToList()
            | beam.Map(lambda counts: write_sum(path, counts))
        )
    )
    assert Path(path).read_text() == "1000"


def test_the_demonstration_crawl_has_the_same_bytes(
    flink: FlinkCluster, demo_release: Path, tmp_path: Path
) -> None:
    release = tmp_path / "release"
    ended = run("curate", DEMO, "--output", release, "--quiet", "--", *flink.options)
    assert ended.code == 0, ended.err
    assert contents(release) == contents(demo_release)


@long_running
def test_a_task_manager_that_dies_in_any_stage_changes_no_byte(
    flink: FlinkCluster, demo_release: Path, tmp_path: Path
) -> None:
    release, workspace = tmp_path / "release", tmp_path / "workspace"
    stages: list[tuple[str | Path, ...]] = [
        ("annotate", DEMO),
        ("deduplicate",),
        ("select",),
        ("publish", "--output", release),
    ]
    for stage in stages:
        arguments = [*stage, "--workspace", workspace, "--quiet", "--", *flink.options]
        command = start(*arguments)
        disturb(flink, command)
        if finish(command) != 0:
            wait_until(lambda: flink.slots() == 2, "two task managers")
            assert finish(start(*arguments)) == 0, stage[0]
    assert contents(release) == contents(demo_release)


@long_running
def test_the_development_crawl_has_the_same_bytes_in_bounded_memory(
    flink: FlinkCluster, shared: Path, tmp_path: Path
) -> None:
    crawl = shared / "data" / "web" / "crawl"
    arguments = ["curate", crawl, "--quiet"]
    alone, together = tmp_path / "alone", tmp_path / "together"
    # One document of the crawl holds most of its tokens, so that a cap of tokens cannot be certified: exit status 1.
    assert run(*arguments, "--output", alone).code == finish(
        start(*arguments, "--output", together, "--", *flink.options)
    )
    assert (alone / "manifest.json").exists()
    assert contents(together) == contents(alone)
    for server in flink.task_managers:
        assert server.peak_memory < TASK_MANAGER_BYTES
