"""The working directory of a job: safe names, and state that never outlives what it describes (promise 5)."""

from __future__ import annotations

import json
import pickle
from dataclasses import asdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.files.inputs import InputFile
from provenance.files.storage import LocalStorage
from provenance.files.workspace import Shard, Workspace, WorkspaceError, input_fingerprint, shard_stem


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(LocalStorage(), f"{tmp_path}/w/")


@given(st.text(min_size=1, max_size=300))
def test_every_name_of_an_input_becomes_one_plain_file_name(name: str) -> None:
    stem = shard_stem(name.encode("utf-8", "replace").decode())
    assert stem and "/" not in stem and "\\" not in stem and not stem.startswith((".", "_"))
    assert len(stem) <= 100 and stem.isascii() and stem.isprintable()


@given(st.text(max_size=50), st.text(max_size=50))
def test_two_inputs_never_share_a_shard(one: str, other: str) -> None:
    one, other = (name.encode("utf-8", "replace").decode() for name in (one, other))
    assert (shard_stem(one) == shard_stem(other)) == (one == other)


def test_a_stage_that_has_not_run_says_which_command_runs_it(workspace: Workspace) -> None:
    assert workspace.read_state("annotate") is None
    with pytest.raises(WorkspaceError, match="run `provenance annotate` first"):
        workspace.need_state("annotate")


def test_state_is_read_as_written_until_it_is_cleared(workspace: Workspace) -> None:
    workspace.write_state("select", {"fingerprint": "f"})
    assert workspace.need_state("select")["fingerprint"] == "f"
    workspace.clear_state("select")
    assert workspace.read_state("select") is None


def test_a_workspace_of_another_version_is_refused_and_not_guessed_at(workspace: Workspace) -> None:
    workspace.write_state("select", {"fingerprint": "f"})
    path = Path(workspace.path("state", "select.json"))
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 99}))
    with pytest.raises(WorkspaceError, match="another version"):
        workspace.read_state("select")


def test_a_workspace_that_was_moved_finds_its_shards(workspace: Workspace, tmp_path: Path) -> None:
    shard = Shard(0, "a.warc", workspace.shard_path("a.warc"), "c", rows=3, documents=2)
    workspace.write_state("annotate", {"fingerprint": "f", "shards": [asdict(shard)]})
    (tmp_path / "w").rename(tmp_path / "moved")
    moved = Workspace(LocalStorage(), str(tmp_path / "moved"))
    (found,) = moved.shards()
    assert found.path == moved.shard_path("a.warc") and found.rows == 3
    assert moved.identity() == ["f", [["a.warc", "c"]]]


def test_what_was_left_half_written_is_swept_and_nothing_else(workspace: Workspace) -> None:
    for name in ("annotated/a.parquet", "annotated/b.parquet.77.tmp", "scratch/bands/0.5.tmp"):
        path = Path(workspace.path(name))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    workspace.sweep()
    left = [path.name for path in Path(workspace.directory).rglob("*") if path.is_file()]
    assert left == ["a.parquet"]


def test_a_shard_depends_on_its_input_s_name_size_and_age_but_not_on_its_place() -> None:
    item = InputFile("/disk/a.warc", "a.warc", 10, "1")
    same = InputFile("/other/a.warc", "a.warc", 10, "1")
    assert input_fingerprint(item, "c") == input_fingerprint(same, "c")
    others = [
        (InputFile("/disk/a.warc", "b.warc", 10, "1"), "c"),
        (InputFile("/disk/a.warc", "a.warc", 11, "1"), "c"),
        (InputFile("/disk/a.warc", "a.warc", 10, "2"), "c"),
        (item, "d"),
    ]
    assert len({input_fingerprint(*other) for other in [(item, "c"), *others]}) == 5


def test_a_state_that_another_process_wrote_is_seen_and_none_travels_to_workers(tmp_path: Path) -> None:
    mine, other = (Workspace(LocalStorage(), str(tmp_path)) for _ in range(2))
    mine.write_state("annotate", {"shards": ["x" * 100_000]})
    found = mine.read_state("annotate")
    assert found is not None and found == mine.read_state("annotate")
    found["shards"] = []
    assert mine.read_state("annotate") != found
    assert len(pickle.dumps(mine)) < 1000
    assert pickle.loads(pickle.dumps(mine)).read_state("annotate") == mine.read_state("annotate")
    other.write_state("annotate", {"shards": []})
    assert mine.read_state("annotate") == {"format": 1, "shards": []}
    mine.clear_state("annotate")
    assert mine.read_state("annotate") is None
