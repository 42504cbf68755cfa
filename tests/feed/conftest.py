"""The demo release, published again in small parts and blocks, so that every boundary is crossed."""

from __future__ import annotations

import gzip
from importlib.resources import files
from pathlib import Path

import pytest

from provenance.feed import OpenRelease, open_release
from tests.program import run


@pytest.fixture(scope="session")
def blocks_release(demo_release: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("blocks")
    (folder / "c.yaml").write_text("release: {row_group_bytes: 15000, shard_bytes: 120000}\n")
    workspace = f"{demo_release}.workspace"
    outcome = run(
        "publish", "--workspace", workspace, "--output", folder / "r", "--config", folder / "c.yaml"
    )
    assert outcome.code == 0, outcome.err
    return folder / "r"


@pytest.fixture
def opened(blocks_release: Path) -> OpenRelease:
    return open_release(str(blocks_release), ("doc_id", "text", "token_count", "capture_time", "host"))


@pytest.fixture(scope="module")
def tokenizer_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tokenizer that ships, as a file."""
    path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    shipped = files("provenance.annotators.tokens") / "data" / "tokenizer.json.gz"
    path.write_bytes(gzip.decompress(shipped.read_bytes()))
    return path
