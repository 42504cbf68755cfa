"""A choice under another cap reads what is judged already, and chooses what a stage from the start would."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.program import run


def select(workspace: Path, settings: str) -> dict[str, bytes]:
    """The decisions that a workspace holds after the stage."""
    file = workspace.parent / "c.yaml"
    file.write_text(f"cap: {settings}\n")
    ended = run("select", "--workspace", workspace, "--config", file, "--quiet")
    assert ended.code == 0, ended.err
    return {path.name: path.read_bytes() for path in sorted((workspace / "decisions").iterdir())}


def written(workspace: Path) -> list[int]:
    return [path.stat().st_mtime_ns for path in sorted((workspace / "judged").rglob("*.arrow"))]


@pytest.fixture(scope="module")
def workspace(demo_release: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("select") / "workspace"
    shutil.copytree(f"{demo_release}.workspace", folder)
    return folder


@pytest.mark.parametrize(
    "settings",
    [
        "{max_synthetic: 0.02, guarantee: confident}",
        "{max_synthetic: 0.05, policy: sample, on_failure: warn}",
    ],
)
def test_another_cap_chooses_anew_from_what_is_judged(workspace: Path, tmp_path: Path, settings: str) -> None:
    before = written(workspace)
    again = select(workspace, settings)
    assert written(workspace) == before and before
    shutil.copytree(
        workspace, tmp_path / "workspace", ignore=shutil.ignore_patterns("judged*", "select.json")
    )
    assert select(tmp_path / "workspace", settings) == again
    assert not (tmp_path / "workspace" / "scratch").exists()


@pytest.mark.parametrize(
    "settings",
    ["{unit: documents}", "{tail: {most_lost: 0.5}}"],
)
def test_what_documents_are_measured_by_judges_them_anew(
    workspace: Path, tmp_path: Path, settings: str
) -> None:
    copy = shutil.copytree(workspace, tmp_path / "workspace")
    select(copy, "{max_synthetic: 0.03}")
    before = written(copy)
    select(copy, settings)
    assert all(left < right for left, right in zip(before, written(copy), strict=True))


def test_a_judged_file_that_is_gone_is_made_again(workspace: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(workspace, tmp_path / "workspace")
    decided = select(copy, "{max_synthetic: 0.04}")
    next((copy / "judged" / "documents").iterdir()).unlink()
    (copy / "state" / "select.json").unlink()
    assert select(copy, "{max_synthetic: 0.04}") == decided
