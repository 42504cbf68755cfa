"""The worker that an engine starts calls itself what the engine calls it."""

from __future__ import annotations

import pytest

from pipelines import worker


@pytest.mark.parametrize("given", ["job-001[job]_environment_1", "'job-001[job]_environment_1'"])
def test_a_name_that_is_quoted_for_a_shell_is_the_same_name(given: str) -> None:
    arguments = worker.parse([f"--id={given}", "--provision_endpoint=localhost:1"])
    assert arguments.id == "job-001[job]_environment_1"
