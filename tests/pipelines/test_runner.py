"""The same bytes whatever runs the pipeline, and whatever happens to it on the way (promise 5)."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, ClassVar

import pytest

from pipelines.annotate import ShardTask
from pipelines.job import Job
from pipelines.progress import Progress
from pipelines.runner import Runner
from pipelines.shards import by_turns
from provenance.configuration import Configuration, load_configuration
from provenance.files.inputs import InputFile
from provenance.files.ownership import INCOMPLETE, INCOMPLETE_TEXT
from provenance.files.spans import Span
from provenance.files.storage import LocalStorage
from tests.program import DEMO, contents, run, start

#: Longest wait for something that another process does; a slow machine needs a part of it.
_PATIENCE = 180


def wait_until(happened: Callable[[], bool], process: subprocess.Popen[bytes]) -> bool:
    """Look every hundredth of a second until `happened` or the process has ended; whether it happened."""
    tick = threading.Event()
    for _ in range(_PATIENCE * 100):
        if happened():
            return True
        if process.poll() is not None:
            return happened()
        tick.wait(0.01)
    raise TimeoutError("the process neither got there nor ended")


@contextmanager
def job_service() -> Iterator[int]:
    """Beam's portable job service in a process of its own; gives its port."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "apache_beam.runners.portability.local_job_service_main",
        "--port",
        str(port),
    ]
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, stdout=quiet, stderr=quiet, start_new_session=True)

    def listens() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("localhost", port)) == 0

    try:
        assert wait_until(listens, process)
        yield port
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_two_workers_write_the_bytes_of_one(
    demo_release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROVENANCE_ALL_WORKERS", "1")
    ended = start("curate", DEMO, "--output", tmp_path / "r", "--workers", "2", "--quiet").wait(_PATIENCE)
    assert ended == 0
    assert contents(tmp_path / "r") == contents(demo_release)


@pytest.mark.parametrize(("work", "workers"), [(0, 1), (39, 1), (40, 2), (99, 4), (10_000, 8)])
def test_no_more_workers_are_started_than_there_is_work_for(
    work: int, workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Runner(workers=8).sized(work, 20).workers == workers
    assert Runner(workers=8).sized(work, 20, tasks=3).workers == min(workers, 3)
    assert Runner().sized(work, 20).workers == 1
    monkeypatch.setenv("PROVENANCE_ALL_WORKERS", "1")
    assert Runner(workers=8).sized(work, 20).workers == 8


def test_each_worker_is_dealt_about_as_many_bytes(tmp_path: Path) -> None:
    sizes = (1_661, 3_173, 6_223, 8_395, 8_402)
    tasks = [
        ShardTask(InputFile("", f"{size}", size, ""), Span(0, 1, 0, size), path="", fingerprint="")
        for size in sizes
    ]
    dealt = by_turns(tasks, 2)
    assert sorted(task.bytes for task in dealt) == list(sizes)
    assert [sum(task.bytes for task in dealt[worker::2]) for worker in (0, 1)] == [13_236, 14_618]


def test_portable_runner_writes_the_same_bytes(demo_release: Path, tmp_path: Path) -> None:
    with job_service() as port:
        options = [
            "--runner=PortableRunner",
            f"--job_endpoint=localhost:{port}",
            "--environment_type=LOOPBACK",
        ]
        ended = start("curate", DEMO, "--output", tmp_path / "r", "--quiet", "--", *options).wait(_PATIENCE)
    assert ended == 0
    assert contents(tmp_path / "r") == contents(demo_release)


#: What shows that a stage has begun: files below the workspace or the release that it alone writes.
BEGUN = {
    "annotate": "r.workspace/annotated/*",
    "deduplicate": "r.workspace/scratch/**/*",
    "select": "r.workspace/decisions/*",
    "publish": "r/.incomplete",
}


@pytest.mark.parametrize(("given", "kept"), [((), 60_000), (("--environment_cache_millis=0",), 0)])
def test_an_engine_is_asked_to_keep_its_workers_unless_something_else_is_said(
    given: tuple[str, ...], kept: int
) -> None:
    """Flink and Spark otherwise end one with each task and start the next."""
    for engine in ("PortableRunner", "FlinkRunner", "SparkRunner"):
        options = Runner((f"--runner={engine}", *given)).options()
        assert int(options.get_all_options()["environment_cache_millis"]) == kept
    alone = Runner(("--runner=FnApiRunner",)).options()
    assert int(alone.get_all_options()["environment_cache_millis"]) == 0


def test_a_worker_of_an_engine_imports_all_stages_before_it_has_threads() -> None:
    """Two threads that import one package from different ends can find it half made."""
    for engine in ("PortableRunner", "FlinkRunner", "DataflowRunner"):
        given = Runner((f"--runner={engine}", "--beam_plugins=json")).options().get_all_options()
        assert given["beam_plugins"] == ["json", "pipelines.job"]


@pytest.mark.parametrize("stage", BEGUN)
def test_killed_in_a_stage_and_run_again_gives_the_same_bytes(
    demo_release: Path, tmp_path: Path, stage: str
) -> None:
    arguments = ["curate", DEMO, "--output", tmp_path / "r", "--quiet"]
    if stage != "annotate":  # the shards are there already: the process comes to the stage at once
        shutil.copytree(f"{demo_release}.workspace/annotated", tmp_path / "r.workspace" / "annotated")
    process = start(*arguments)
    assert wait_until(lambda: any(tmp_path.glob(BEGUN[stage])), process)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "r" / "manifest.json").exists()
    assert run(*arguments).code == 0
    assert contents(tmp_path / "r") == contents(demo_release)
    assert run("verify", tmp_path / "r").code == 0


def test_crash_in_the_middle_of_a_file_leaves_nothing_of_it_behind(
    demo_release: Path, tmp_path: Path
) -> None:
    """A temporary file of a killed process, of the release and of the workspace, is never taken for one."""
    release = Path(shutil.copytree(demo_release, tmp_path / "r"))
    shutil.copytree(f"{demo_release}.workspace", tmp_path / "r.workspace")
    (release / "manifest.json").unlink()
    (release / INCOMPLETE).write_bytes(INCOMPLETE_TEXT)
    part = next((release / "data").iterdir())
    part.with_name(f"{part.name}.1.tmp").write_bytes(b"half")
    part.write_bytes(b"another crawl's")
    assert run("curate", DEMO, "--output", release, "--quiet").code == 0
    assert contents(release) == contents(demo_release)


class Mortal(LocalStorage):
    """The local filesystem of a process that dies at its n-th change: the file is there as it was written so far."""

    left: ClassVar[int]  # of the class: the runner hands copies to its threads

    def __init__(self, changes: int) -> None:
        Mortal.left = changes

    def _live(self) -> None:
        if Mortal.left == 0:
            raise Died
        Mortal.left -= 1

    @contextmanager
    def create(self, path: str) -> Iterator[BinaryIO]:
        self._live()
        with LocalStorage.create(self, path) as file:
            yield file

    def delete(self, path: str) -> None:
        self._live()
        LocalStorage.delete(self, path)


class Died(BaseException):
    """Not an Exception: nothing in the program may catch it."""


@pytest.mark.parametrize("replaces", [False, True], ids=["new", "over another release"])
def test_died_between_any_two_steps_of_publishing_and_run_again_gives_the_same_bytes(
    demo_release: Path, tmp_path: Path, replaces: bool
) -> None:
    workspace = Path(shutil.copytree(f"{demo_release}.workspace", tmp_path / "w"))
    release = tmp_path / "r"
    other = load_configuration(None, {"cap.max_synthetic": "0.01"})

    def job(storage: LocalStorage, configuration: Configuration) -> Job:
        return Job(storage, str(workspace), configuration, Runner(), Progress(quiet=True))

    died, steps = True, -1
    while died:
        steps += 1
        shutil.rmtree(release, ignore_errors=True)
        if replaces:
            job(LocalStorage(), other).select()
            job(LocalStorage(), other).publish(str(release))
        job(LocalStorage(), Configuration()).select()
        try:
            job(Mortal(steps), Configuration()).publish(str(release))
            died = False
        except (Died, RuntimeError) as error:  # Beam hands on what its workers died of as a RuntimeError
            assert "Died" in repr(error)
            job(LocalStorage(), Configuration()).publish(str(release))
        assert contents(release) == contents(demo_release), f"died at change {steps}"
    assert steps > 8  # the marks, two files and their counts, the card, the manifest


def test_what_a_killed_process_left_in_the_workspace_is_swept_away(tmp_path: Path) -> None:
    half = tmp_path / "r.workspace" / "annotated" / "demo.parquet.123.tmp"
    half.parent.mkdir(parents=True)
    half.write_bytes(b"half a shard")
    assert run("curate", DEMO / "demo-2019.jsonl", "--output", tmp_path / "r", "--quiet").code == 0
    assert not list((tmp_path / "r.workspace").rglob("*.tmp"))


def ages(release: Path) -> dict[str, int]:
    folder = Path(f"{release}.workspace") / "annotated"
    return {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}


def test_added_input_alone_is_annotated(demo_release: Path, tmp_path: Path) -> None:
    crawl = tmp_path / "crawl"
    shutil.copytree(DEMO, crawl)
    late = shutil.move(crawl / "demo-2021.warc.gz", tmp_path / "late.warc.gz")
    arguments = ["curate", crawl, "--output", tmp_path / "r", "--quiet"]
    assert run(*arguments).code == 0
    before = ages(tmp_path / "r")
    assert contents(tmp_path / "r") != contents(demo_release)
    shutil.move(late, crawl / "demo-2021.warc.gz")
    assert run(*arguments).code == 0
    after = ages(tmp_path / "r")
    assert len(after) == len(before) + 1
    assert before.items() <= after.items()
    assert contents(tmp_path / "r") == contents(demo_release)


def test_removed_input_leaves_the_release(demo_release: Path, tmp_path: Path) -> None:
    crawl = tmp_path / "crawl"
    shutil.copytree(DEMO, crawl)
    shutil.copyfile(crawl / "demo-2019.jsonl", crawl / "more.jsonl")
    arguments = ["curate", crawl, "--output", tmp_path / "r", "--quiet"]
    assert run(*arguments).code == 0
    (crawl / "more.jsonl").unlink()
    assert run(*arguments).code == 0
    assert contents(tmp_path / "r") == contents(demo_release)


def test_changed_input_is_annotated_again(tmp_path: Path) -> None:
    crawl = tmp_path / "crawl"
    shutil.copytree(DEMO, crawl)
    arguments = ["curate", crawl, "--output", tmp_path / "r", "--quiet"]
    assert run(*arguments).code == 0
    before = ages(tmp_path / "r")
    lines = (crawl / "demo-2019.jsonl").read_bytes().splitlines(keepends=True)
    (crawl / "demo-2019.jsonl").write_bytes(b"".join(lines[:-1]))
    assert run(*arguments).code == 0
    changed = {name for name, age in ages(tmp_path / "r").items() if before[name] != age}
    assert len(changed) == 1 and "demo-2019" in changed.pop()


def states(release: Path) -> dict[str, int]:
    folder = Path(f"{release}.workspace")
    names = ["state/deduplicate.json", "state/select.json", "duplicates/clusters.json"]
    return {name: (folder / name).stat().st_mtime_ns for name in names}


def test_new_cap_runs_select_and_publish_only(demo_release: Path, tmp_path: Path) -> None:
    release = tmp_path / "r"
    arguments = ["curate", DEMO, "--output", release, "--quiet"]
    assert run(*arguments).code == 0
    shards, before = ages(release), states(release)
    assert run(*arguments, "--max-synthetic", "0.01").code == 0
    after = states(release)
    assert ages(release) == shards
    assert {name for name in before if before[name] != after[name]} == {"state/select.json"}
    assert contents(release) != contents(demo_release)
    assert run("verify", release).code == 0
    assert run(*arguments).code == 0
    assert contents(release) == contents(demo_release)


def test_nothing_runs_where_nothing_changed(tmp_path: Path) -> None:
    release = tmp_path / "r"
    arguments = ["curate", DEMO, "--output", release, "--quiet"]
    assert run(*arguments).code == 0
    before = {path: path.stat().st_mtime_ns for path in release.rglob("*")}
    assert run(*arguments).code == 0
    assert {path: path.stat().st_mtime_ns for path in release.rglob("*")} == before


def test_another_configuration_is_explained_and_its_release_not_mixed(
    demo_release: Path, tmp_path: Path
) -> None:
    release = tmp_path / "r"
    shutil.copytree(f"{demo_release}.workspace", f"{release}.workspace")
    config = tmp_path / "other.yaml"
    config.write_text("source: elsewhere\n")
    ended = run("curate", DEMO, "--output", release, "--config", config)
    assert ended.code == 0
    assert "another configuration (source: None then, 'elsewhere' now)" in ended.err
    fresh = tmp_path / "fresh"
    assert run("curate", DEMO, "--output", fresh, "--config", config, "--quiet").code == 0
    assert contents(release) == contents(fresh)
