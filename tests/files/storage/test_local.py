"""The filesystem of this machine replaces files whole, and nothing that is no file."""

from __future__ import annotations

import errno
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from provenance.files.storage import LocalStorage


def test_a_pipe_is_written_to_and_stays(tmp_path: Path) -> None:
    pipe = tmp_path / "report.html"
    os.mkfifo(pipe)
    with ThreadPoolExecutor(1) as reader:
        read = reader.submit(pipe.read_bytes)
        with LocalStorage().create(str(pipe)) as file:
            file.write(b"said")
        assert read.result(timeout=10) == b"said"
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert os.listdir(tmp_path) == ["report.html"]


def test_what_a_link_points_to_is_replaced_and_the_link_stays(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "report.html"
    link.symlink_to(tmp_path / "elsewhere" / "real.html")
    for words in (b"first", b"second"):
        with LocalStorage().create(str(link)) as file:
            file.write(words)
        assert (tmp_path / "elsewhere" / "real.html").read_bytes() == words
    assert link.is_symlink() and os.listdir(tmp_path / "elsewhere") == ["real.html"]


def test_two_writers_of_one_file_do_not_meet_whatever_their_process_numbers(tmp_path: Path) -> None:
    """As in containers on a shared directory, where all are process 1."""
    path = str(tmp_path / "shards.json")
    with LocalStorage().create(path) as first:
        first.write(b"of the first")
        with LocalStorage().create(path) as second:
            second.write(b"second")
        assert Path(path).read_bytes() == b"second"
    assert Path(path).read_bytes() == b"of the first"
    assert os.listdir(tmp_path) == ["shards.json"]


def test_a_file_that_cannot_be_made_is_called_by_its_own_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: str, mode: str) -> None:
        raise OSError(errno.EROFS, "Read-only file system", path)

    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(OSError, match="Read-only") as caught, LocalStorage().create(str(tmp_path / "a")):
        pass
    assert caught.value.filename == str(tmp_path / "a")
