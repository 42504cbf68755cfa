"""Engines that more than one test runs on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.services.flink import FlinkCluster


@pytest.fixture(scope="session")
def flink(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlinkCluster]:
    """Two task managers; a test that kills one starts another."""
    with FlinkCluster(tmp_path_factory.mktemp("flink")) as cluster:
        yield cluster
