"""The wheel carries its data and its command, and the pins cover what the project names."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import provenance

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PINS = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
#: No tested environment can hold them: a second `fasttext` module; transformers before 5.
UNPINNED = {"fasttext-numpy2", "mosaicml-streaming"}


def requirements() -> list[Requirement]:
    extras = [line for lines in PROJECT["optional-dependencies"].values() for line in lines]
    return [Requirement(line) for line in [*PROJECT["dependencies"], *extras]]


def tracked() -> list[str]:
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    return subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\0")[:-1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    copy = folder / "source"
    copy.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        if (ROOT / name).exists():
            shutil.copy(ROOT / name, copy)
    ignored = shutil.ignore_patterns("__pycache__")
    for package in ("provenance", "pipelines"):
        shutil.copytree(ROOT / package, copy / package, ignore=ignored)
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
    ]
    environment = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    done = subprocess.run(
        [*command, "--wheel-dir", str(folder), str(copy)], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr
    (built,) = folder.glob("*.whl")
    return zipfile.ZipFile(built)


def test_wheel_holds_every_tracked_file_of_the_packages(wheel: zipfile.ZipFile) -> None:
    wanted = {
        name
        for name in tracked()
        if name.startswith(("provenance/", "pipelines/")) and (ROOT / name).exists()
    }
    assert wanted - set(wheel.namelist()) == set()


def test_wheel_has_the_command_the_licence_and_the_version(wheel: zipfile.ZipFile) -> None:
    folder = f"provenance_pipelines-{provenance.__version__}.dist-info"
    assert "provenance = pipelines.command:program" in wheel.read(f"{folder}/entry_points.txt").decode()
    metadata = Parser().parsestr(wheel.read(f"{folder}/METADATA").decode())
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Version"] == provenance.__version__
    assert f"{folder}/licenses/LICENSE" in wheel.namelist()


def test_constraints_are_plain_sorted_pins() -> None:
    assert [line for line in PINS if not re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][0-9A-Za-z.]*", line)] == []
    names = [canonicalize_name(line.split("==")[0]) for line in PINS]
    assert len(set(names)) == len(names)


def test_every_dependency_has_a_pin_that_it_allows() -> None:
    pinned = {
        canonicalize_name(name): Version(version) for name, version in (line.split("==") for line in PINS)
    }
    for requirement in requirements():
        name = canonicalize_name(requirement.name)
        if name not in UNPINNED:
            assert pinned.get(name) in requirement.specifier, f"{requirement} is not met by constraints.txt"


def test_no_machine_paths_or_package_indexes_in_the_repository() -> None:
    home = r"/(?:root|home/\w+|Users/\w+|work/\w+)/"
    index = r"(?:extra-)?index-url|find-links *=|simple/\s*$"
    forbidden = re.compile(rf"{home}|{index}", re.IGNORECASE)
    found = []
    for name in tracked():
        path = ROOT / name
        if not path.is_file() or name == "tests/house/test_packaging.py":
            continue
        data = path.read_bytes()
        if b"\0" in data[:8192]:
            continue
        for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), 1):
            if forbidden.search(line):
                found.append(f"{name}:{number}: {line.strip()[:100]}")
    assert found == []
