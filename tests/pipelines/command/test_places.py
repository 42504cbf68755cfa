"""Every spelling of a place is understood, and one that cannot be used is refused before any work."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pipelines.command.places import check_apart, default_workspace, place
from provenance.errors import UsageError
from tests.program import DEMO, contents, run

SMALL = DEMO / "demo-2019.jsonl"


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ("out/", "out"),
        ("/", "/"),
        ("./out//", "./out"),
        ("file:///data/a%20b/", "/data/a b"),
        ("file://localhost/data", "/data"),
        ("gs://bucket/x/", "gs://bucket/x"),
    ],
)
def test_a_place_has_one_spelling(given: str, path: str) -> None:
    assert place(given) == path


@pytest.mark.parametrize("option", ["--output", "--workspace"])
@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("", "is empty"),
        ("https://example.org/out", "https:// can only be read"),
        ("file://elsewhere/out", "names the host"),
        ("nonsense://bucket/out", "nonsense:// is not supported"),
        ("/proc/no/out", "cannot be made"),
        ("{here}/dangling", "is a link to nothing"),
        ("{here}/dangling/below", "is a link to nothing"),
    ],
)
def test_an_output_that_cannot_be_made_is_refused_before_any_work(
    tmp_path: Path, option: str, given: str, words: str
) -> None:
    (tmp_path / "dangling").symlink_to("nowhere")
    other = "--output" if option == "--workspace" else "--workspace"
    ended = run("curate", SMALL, option, given.format(here=tmp_path), other, tmp_path / "x", "--quiet")
    assert ended.code == 2 and words in ended.err
    assert "Traceback" not in ended.err and "apache-beam[" not in ended.err
    assert [path.name for path in tmp_path.iterdir()] == ["dangling"]


def test_the_current_directory_can_be_the_output(
    demo_release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    shutil.copytree(f"{demo_release}.workspace", tmp_path / "here.workspace")
    monkeypatch.chdir(tmp_path / "here")
    ended = run("curate", f"file://{DEMO}", "--output", ".", "--quiet")
    assert ended.code == 0, ended.err
    assert contents(tmp_path / "here") == contents(demo_release)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["here", "here.workspace"]
    assert run("verify", ".").code == 0


@pytest.mark.parametrize(("release", "workspace"), [("r", "r.workspace"), ("a/../b", "a/../b.workspace")])
def test_the_workspace_lies_beside_the_release(release: str, workspace: str) -> None:
    assert default_workspace(release) == workspace


def test_a_link_does_not_hide_that_one_directory_lies_in_the_other(tmp_path: Path) -> None:
    (tmp_path / "w").mkdir()
    (tmp_path / "link").symlink_to("w")
    with pytest.raises(UsageError, match="inside each other"):
        check_apart(str(tmp_path / "link" / "r"), str(tmp_path / "w"))
    check_apart(str(tmp_path / "w2"), str(tmp_path / "w"))


@pytest.mark.parametrize(
    "command",
    [
        ["audit", "x", "--html"],
        ["sketch", "x", "--output"],
        ["calibrate", "x", "--output"],
        ["report", "x", "--output"],
    ],
)
def test_a_directory_in_the_place_of_a_file_is_refused_before_any_work(
    tmp_path: Path, command: list[str]
) -> None:
    ended = run(*command, tmp_path)
    assert ended.code == 2 and "is a directory; name a file" in ended.err
