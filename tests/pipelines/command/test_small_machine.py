"""On machines with little on them, such as small container images, the program does what it does elsewhere."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.program import DEMO, ROOT, contents

_ZONES = "/usr/share/zoneinfo"


def without_zones(command: list[str]) -> list[str]:
    """The command where the machine's database of time zones is an empty folder."""
    hidden = f"mount -t tmpfs none {_ZONES} && exec {shlex.join(command)}"
    return ["unshare", "--mount", "--map-root-user", "sh", "-c", hidden]


@pytest.mark.skipif(not Path(_ZONES).is_dir(), reason="this machine has no database of zones to hide")
def test_a_machine_without_time_zones_publishes_the_same_bytes(demo_release: Path, tmp_path: Path) -> None:
    if subprocess.run(without_zones(["true"]), capture_output=True).returncode:
        pytest.skip("this machine lets nobody mount anything")
    arguments = ["curate", str(DEMO), "--output", str(tmp_path / "release"), "--quiet"]
    command = without_zones([sys.executable, "-m", "pipelines.command", *arguments])
    ended = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stderr
    assert contents(tmp_path / "release") == contents(demo_release)
