"""Splits have their shares of the tokens, and no site and no near-duplicate is in two of them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from provenance.duplicates.minhash import shingle_hashes
from provenance.duplicates.scratch import StorageScratch, write_pieces
from provenance.files.storage import LocalStorage
from provenance.release.split_choice import TOLERANCE
from provenance.release.splits import (
    ShardPaths,
    group_hashes,
    link_groups,
)
from tests.program import DEMO, run
from tests.release.test_slices import published
from tests.release.test_verify import rewrite

MET = {"train": Decimal("0.905"), "test": Decimal("0.095")}
THRESHOLD = 0.6


def test_sites_that_near_duplicates_tie_together_are_one_group(tmp_path: Path) -> None:
    storage = LocalStorage()
    domains = ["a.example", "b.example", "c.example", None, "a.example"]
    ids = [f"{number:032x}" for number in range(5)]
    pq.write_table(pa.table({"doc_id": ids, "domain": domains}), tmp_path / "shard.parquet")
    decided = pa.table({"decision": ["kept", "kept", "kept", "kept", "dropped"]})
    pq.write_table(decided, tmp_path / "decisions.parquet")
    # The dropped row 4 is near rows 1 and 3, which are kept: their groups are one, those of rows 0 and 2 are not in it.
    scratch = StorageScratch(storage, str(tmp_path))
    edges = [np.array([1, 3], "<u8"), np.array([4, 4], "<u8")]
    pieces = [piece for _, piece in write_pieces(scratch, "edges", [(0, edges)])]
    shard = ShardPaths("shard", str(tmp_path / "shard.parquet"), str(tmp_path / "decisions.parquet"))
    table = link_groups(storage, [shard], scratch, pieces, 7)
    rows = pq.read_table(tmp_path / "shard.parquet")
    own, groups = group_hashes(rows, 7), table.groups(rows)
    assert groups[1] == groups[3] == min(own[1], own[3])
    assert (groups[[0, 2, 4]] == own[[0, 2, 4]]).all()


@pytest.fixture(scope="module")
def release(demo_release: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("splits")
    # The crawl has nine groups of sites, and more than half of all tokens are one of them: these are shares that can be met.
    shares = {name: float(share) for name, share in MET.items()}
    (folder / "splits.yaml").write_text(json.dumps({"release": {"splits": shares, "shard_bytes": 100_000}}))
    return published(demo_release, folder, "--config", str(folder / "splits.yaml"))


def test_splits_of_a_release_have_their_shares_and_verify(release: Path) -> None:
    ended = run("verify", release)
    assert ended.code == 0, ended.out
    stated = json.loads((release / "manifest.json").read_text())["splits"]
    assert list(stated) == sorted(MET)
    tokens = {name: pd.read_parquet(release / "data" / name).token_count.sum() for name in MET}
    assert {name: item["tokens"] for name, item in stated.items()} == tokens
    for name, share in MET.items():
        assert tokens[name] / sum(tokens.values()) == pytest.approx(float(share), rel=TOLERANCE)


def test_no_site_and_no_near_duplicate_is_in_two_splits(release: Path) -> None:
    found = {name: pd.read_parquet(release / "data" / name) for name in MET}
    shingles = {
        name: [set(shingle_hashes(text).tolist()) for text in part.text] for name, part in found.items()
    }
    assert not set(found["train"].domain.dropna()) & set(found["test"].domain.dropna())
    for left in shingles["train"]:
        for right in shingles["test"]:
            assert len(left & right) < THRESHOLD * max(len(left | right), 1)


def test_a_crawl_of_few_sites_says_which_splits_it_can_have(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("release: {splits: {train: 0.8, validation: 0.1, test: 0.1}}")
    ended = run(
        "curate",
        DEMO / "demo-2019.jsonl",
        "--output",
        tmp_path / "r",
        "--config",
        tmp_path / "c.yaml",
        "--quiet",
    )
    assert ended.code == 1 and "nearest is {train:" in ended.err and "while running" not in ended.err
    assert not list((tmp_path / "r").glob("*.json"))


def test_datasets_knows_the_splits(release: Path, tmp_path: Path) -> None:
    script = "import sys, datasets; print({k: len(v) for k, v in datasets.load_dataset(sys.argv[1]).items()})"
    environment = {**os.environ, "HF_DATASETS_OFFLINE": "1", "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)}
    ended = subprocess.run(
        [sys.executable, "-c", script, str(release)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    expected = {name: len(pd.read_parquet(release / "data" / name)) for name in MET}
    assert ended.stdout.strip() == str(expected)


def test_a_site_moved_to_another_split_is_found(release: Path, tmp_path: Path) -> None:

    copy = Path(shutil.copytree(release, tmp_path / "copy"))
    name = next((copy / "data" / "test").iterdir()).relative_to(copy).as_posix()
    site = pd.read_parquet(copy / "data" / "train").domain.dropna().iloc[0]

    def move(table: pa.Table) -> pa.Table:
        at = table.schema.get_field_index("domain")
        return table.set_column(at, "domain", pa.array([site] * len(table)))

    rewrite(copy, name, move)
    assert f"such as {site}" in run("verify", copy).out


@pytest.mark.parametrize("splits", ["{train: 0.9, test: 0.2}", "{Train: 0.5, test: 0.5}", "{train: 1.0}"])
def test_shares_that_are_none_are_refused_before_any_work(tmp_path: Path, splits: str) -> None:
    (tmp_path / "c.yaml").write_text(f"release: {{splits: {splits}}}\n")
    ended = run("curate", tmp_path, "--output", tmp_path / "r", "--config", tmp_path / "c.yaml", "--quiet")
    assert ended.code == 2 and "splits" in ended.err
