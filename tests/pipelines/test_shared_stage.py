"""Several calls of `provenance annotate --shard I/N` leave what one call leaves (promise 5)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.program import DEMO, contents, run, start


def annotate(workspace: Path, *more: str) -> None:
    ended = run("annotate", DEMO, "--workspace", workspace, "--quiet", *more)
    assert ended.code == 0, ended.err


def test_calls_in_any_order_leave_the_workspace_of_one(tmp_path: Path) -> None:
    annotate(tmp_path / "one")
    for number in (3, 1, 2):
        assert not (tmp_path / "several" / "state" / "annotate.json").exists()
        annotate(tmp_path / "several", "--shard", f"{number}/3")
    closed = tmp_path / "several" / "state" / "annotate.json"
    closed.write_text(closed.read_text().replace(str(tmp_path / "several"), str(tmp_path / "one")))
    # What a run says of itself: when its events were, and what it remembers of footers.
    own = {"lineage.jsonl", "state/shards.json"}
    several, one = (
        {name: found for name, found in contents(tmp_path / folder).items() if name not in own}
        for folder in ("several", "one")
    )
    assert several == one


def test_calls_at_once_leave_the_workspace_of_one(demo_release: Path, tmp_path: Path) -> None:
    workspace, release = tmp_path / "workspace", tmp_path / "release"
    calls = [
        start("annotate", DEMO, "--workspace", workspace, "--quiet", "--shard", f"{i}/2") for i in (1, 2)
    ]
    assert [call.wait(300) for call in calls] == [0, 0]
    for stage in (("deduplicate",), ("select",), ("publish", "--output", str(release))):
        assert run(*stage, "--workspace", workspace, "--quiet").code == 0
    assert contents(release) == contents(demo_release)


def test_calls_are_one_run_of_the_lineage_which_the_last_one_completes(tmp_path: Path) -> None:
    for number in (2, 1, 2):
        annotate(tmp_path, "--shard", f"{number}/2")
    events = [json.loads(line) for line in (tmp_path / "lineage.jsonl").read_text().splitlines()]
    assert [event["eventType"] for event in events] == ["START", "RUNNING", "START", "COMPLETE"]
    assert len({event["run"]["runId"] for event in events}) == 1
    (left,) = events[-1]["outputs"]
    assert left["outputFacets"]["outputStatistics"]["rowCount"] > 0
    assert [event["outputs"] for event in events[:-1]] == [[]] * 3


def test_a_later_stage_says_what_is_missing(tmp_path: Path) -> None:
    annotate(tmp_path, "--shard", "1/2")
    ended = run("deduplicate", "--workspace", tmp_path, "--quiet")
    assert ended.code == 2 or ended.code == 1
    assert "provenance annotate" in ended.err


def test_one_part_of_a_crawl_takes_each_file_once(tmp_path: Path) -> None:
    ran = []
    for number in (1, 2):
        ended = run("annotate", DEMO, "--workspace", tmp_path, "--quiet", "--json", "--shard", f"{number}/2")
        ran.append(json.loads(ended.out)["ran"])
    assert ran == [2, 2]


@pytest.mark.parametrize("text", ["0/2", "3/2", "1", "1/0", "a/b", "-1/2"])
def test_what_is_no_part_is_refused(tmp_path: Path, text: str) -> None:
    ended = run("annotate", DEMO, "--workspace", tmp_path, f"--shard={text}")
    assert ended.code == 2
    assert "such as 2/5" in ended.err
