"""Nothing is written over files that this program did not make."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from provenance.errors import UsageError
from provenance.files.ownership import (
    LOCK,
    InUseError,
    OutputError,
    check_file,
    check_output,
    check_workspace,
    hold,
    is_release,
    mark_incomplete,
    unmark_incomplete,
)
from provenance.files.storage import LocalStorage
from tests.program import ROOT, contents

STORAGE = LocalStorage()


def test_a_new_or_empty_directory_may_be_written_to(tmp_path: Path) -> None:
    check_output(STORAGE, str(tmp_path / "new"))
    (tmp_path / "empty").mkdir()
    check_output(STORAGE, str(tmp_path / "empty"))
    assert not is_release(STORAGE, str(tmp_path / "empty"))


def test_a_finished_release_may_be_replaced(demo_release: Path) -> None:
    assert is_release(STORAGE, str(demo_release))
    check_output(STORAGE, str(demo_release))


def test_a_release_that_is_being_written_stays_ours(tmp_path: Path) -> None:
    release = str(tmp_path / "r")
    mark_incomplete(STORAGE, release)
    (tmp_path / "r" / "part.parquet").write_bytes(b"half")
    assert is_release(STORAGE, release)
    check_output(STORAGE, release)
    unmark_incomplete(STORAGE, release)
    assert not is_release(STORAGE, release)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("thesis.txt", b"do not lose me"),
        ("manifest.json", b'{"name": "another program"}'),
        (".incomplete", b"another program's mark"),
    ],
)
def test_files_of_others_are_named_and_left_alone(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(OutputError, match=name):
        check_output(STORAGE, str(tmp_path))
    assert (tmp_path / name).read_bytes() == content


@pytest.mark.parametrize(
    ("names", "ours"),
    [
        ([], True),
        (["annotated/a.parquet", "headway/1", "lineage.jsonl"], True),  # killed in its first stage
        (["state/annotate.json", "notes.txt"], True),
        (["scratch/thesis.txt"], False),
        (["annotated/a.parquet", "thesis.txt"], False),
    ],
)
def test_a_workspace_is_told_from_a_directory_of_others(tmp_path: Path, names: list[str], ours: bool) -> None:
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    if ours:
        check_workspace(STORAGE, str(tmp_path))
        return
    with pytest.raises(OutputError, match="not a workspace"):
        check_workspace(STORAGE, str(tmp_path))


def test_a_file_is_no_directory(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"mine")
    with pytest.raises(OutputError, match="is a file"):
        check_output(STORAGE, str(tmp_path / "file"))


def test_a_directory_is_held_by_one_command_and_the_other_is_told_by_whom(tmp_path: Path) -> None:
    with hold(str(tmp_path), "provenance curate"):
        with (
            pytest.raises(
                InUseError, match=rf"process {os.getpid()} on .* since .*UTC \(provenance curate\)"
            ),
            hold(str(tmp_path / "." / ""), "provenance publish"),
        ):
            pytest.fail("held twice")
        assert [path.name for path in tmp_path.iterdir()] == [LOCK]
    assert list(tmp_path.iterdir()) == []
    with hold(str(tmp_path), "provenance curate"):
        pass


def test_a_link_to_a_held_directory_is_the_same_directory(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    with (
        hold(str(tmp_path / "real"), "one"),
        pytest.raises(InUseError),
        hold(str(tmp_path / "link"), "other"),
    ):
        pytest.fail("held twice")


def test_a_killed_process_holds_nothing(tmp_path: Path) -> None:
    script = (
        "import sys, time; from provenance.files.ownership import hold\n"
        "with hold(sys.argv[1], 'provenance curate'): print('held', flush=True); time.sleep(600)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, cwd=ROOT
    )
    assert process.stdout is not None and process.stdout.readline() == b"held\n"
    with pytest.raises(InUseError, match=f"process {process.pid} "), hold(str(tmp_path), "mine"):
        pytest.fail("held twice")
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert (tmp_path / LOCK).exists(), "what was left behind stands in nobody's way"
    with hold(str(tmp_path), "mine"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_directories_that_were_made_and_stay_empty_go_again(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), hold(str(tmp_path / "a" / "b" / "c"), "x"):
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []
    with hold(str(tmp_path / "a" / "b"), "x"):
        (tmp_path / "a" / "b" / "kept").write_bytes(b"x")
    assert list(contents(tmp_path)) == ["a/b/kept"]


def test_a_place_where_nothing_can_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "dangling").symlink_to("nowhere/at/all")
    (tmp_path / "file").write_bytes(b"mine")
    for place, words in (
        (tmp_path / "dangling", "is a link to nothing"),
        (tmp_path / "dangling" / "below", "is a link to nothing"),
        (tmp_path / "file", "is a file"),
        (tmp_path / "file" / "below", "cannot be made"),
        (Path("/proc/nothing/here"), "cannot be made"),
    ):
        with pytest.raises(UsageError, match=words), hold(str(place), "x"):
            pytest.fail("held")
    assert contents(tmp_path) == {"file": contents(tmp_path)["file"]}


def test_a_lock_that_was_left_behind_does_not_make_a_directory_foreign(tmp_path: Path) -> None:
    (tmp_path / LOCK).write_bytes(b"")
    check_output(STORAGE, str(tmp_path))


def test_nothing_is_held_on_an_object_store() -> None:
    with hold("s3://bucket/release", "one"), hold("s3://bucket/release", "other"):
        pass


def test_a_file_that_cannot_be_written_is_refused_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "there").write_bytes(b"kept")
    for path, words in (
        (tmp_path, "cannot be written"),
        (tmp_path / "no" / "file", "no such directory"),
        (tmp_path / "dangling", "a link to nothing"),
        (Path("/proc/nothing"), "cannot be written"),
    ):
        with pytest.raises(UsageError, match=words):
            check_file(str(path))
    check_file(str(tmp_path / "new"))
    check_file(str(tmp_path / "there"))
    assert contents(tmp_path) == {"there": contents(tmp_path)["there"]}
    assert (tmp_path / "there").read_bytes() == b"kept"
