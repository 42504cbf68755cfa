"""Nothing is written over files that this program did not make."""

from __future__ import annotations

from pathlib import Path

import pytest

from provenance.files.ownership import (
    OutputError,
    check_output,
    is_release,
    mark_incomplete,
    unmark_incomplete,
)
from provenance.files.storage import LocalStorage

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


def test_a_file_is_no_directory(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"mine")
    with pytest.raises(OutputError, match="is a file"):
        check_output(STORAGE, str(tmp_path / "file"))
