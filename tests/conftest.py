"""Fixtures shared by all tests."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from tests.browser import Browser

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


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Headless Chromium, or skip (CI has it)."""
    from tests.browser import Browser

    if shutil.which("chromedriver") is None:
        if os.environ.get("CI"):
            pytest.fail("chromedriver is not installed")
        pytest.skip("chromedriver is not installed")
    opened = Browser()
    yield opened
    opened.close()
