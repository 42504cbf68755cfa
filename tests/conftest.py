"""Fixtures shared by all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# Continuous integration tries the same examples each time; by hand, new ones are searched for.
settings.register_profile("same", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("same")

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of development data, or skip (CI has it and sets PROVENANCE_REQUIRE_SHARED)."""
    path = Path(os.environ.get("PROVENANCE_SHARED", ROOT.parent / "shared"))
    if not (path / "data").is_dir():
        message = f"development data is not at {path} (set PROVENANCE_SHARED)"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return path


@pytest.fixture(scope="session")
def demo_release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundled crawl curated with the defaults; its workspace lies beside it. Tests change copies only."""
    from tests.program import DEMO, run

    release = tmp_path_factory.mktemp("demo") / "release"
    ended = run("curate", DEMO, "--output", release, "--quiet")
    assert ended.code == 0, ended.err
    return release
