"""A disk that is full ends the job in words, wherever that happens; with room again the same command gives the same release."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.program import DEMO, ROOT, contents


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own; `fill` sets its size."""
    place = tmp_path / "disk"
    place.mkdir()
    if os.geteuid() or shutil.which("mount") is None or fill(place, "60k", "mount"):
        pytest.skip("only who may mount a file system of a given size can fill one")
    try:
        yield place
    finally:
        subprocess.run(["umount", place], check=True)


def fill(place: Path, size: str, how: str = "remount") -> int:
    options = [f"size={size}"] if how == "mount" else [f"remount,size={size}"]
    command = ["mount", "-t", "tmpfs", "-o", *options, "tmpfs", str(place)]
    return subprocess.run(command, capture_output=True, check=False).returncode


def curate(place: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pipelines.command", "curate", DEMO, "--output", place / "r", "--quiet"]
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False, cwd=ROOT)


def test_a_full_disk_is_said_in_words_and_the_same_command_goes_on(disk: Path, demo_release: Path) -> None:
    for size in ("60k", "1100k"):
        fill(disk, size)
        ended = curate(disk)
        assert ended.returncode == 1, (size, ended.stderr)
        assert "No space left on device; make room, and run the same command again" in ended.stderr, size
        assert "Traceback" not in ended.stderr and len(ended.stderr.splitlines()) == 1, ended.stderr
    fill(disk, "50m")
    ended = curate(disk)
    assert ended.returncode == 0, ended.stderr
    assert contents(disk / "r") == contents(demo_release)
