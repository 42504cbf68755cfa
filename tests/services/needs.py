"""What the tests of this folder run on: fetched by scripts/setup-services, and skipped with its reason where it cannot be had."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.program import ROOT

SERVICES = ROOT / ".services"
#: Of tests that take many minutes.
long_running = pytest.mark.skipif(
    not os.environ.get("PROVENANCE_LONG_SERVICES"), reason="long: set PROVENANCE_LONG_SERVICES=1 to run it"
)


def need(name: str, path: str) -> Path:
    """What set-up fetched, or skip with why it is not there."""
    if (SERVICES / path).exists():
        return SERVICES / path
    reason = SERVICES / f"{name}.missing"
    why = reason.read_text().strip() if reason.exists() else "run scripts/setup-services first"
    pytest.skip(f"{name}: {why}")


def need_classes(name: str) -> list[str]:
    """The class path of a job server."""
    return need(name, f"{name}.classpath").read_text().strip().split(":")
