"""One owner, no false success: what `curate` says when it is not alone, cannot read anything or is interrupted."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from provenance.annotators.quality.annotator import Quality
from provenance.files.ownership import hold
from provenance.files.storage import LocalStorage, write_bytes
from provenance.release.manifest import read_manifest, write_json
from provenance.release.publication import Publication
from tests.pipelines.test_runner import BEGUN, wait_until
from tests.program import DEMO, ROOT, contents, run

SMALL = DEMO / "demo-2019.jsonl"


def test_a_second_command_on_the_same_directories_is_refused_and_harms_nothing(tmp_path: Path) -> None:
    assert run("curate", SMALL, "--output", tmp_path / "r", "--quiet").code == 0
    before = contents(tmp_path)
    second = ("curate", SMALL, "--output", tmp_path / "r", "--max-synthetic", "0.5", "--quiet")
    for held in ("r", "r.workspace"):
        with hold(str(tmp_path / held), "provenance curate"):
            ended = run(*second)
            assert ended.code == 2
            assert f"in use by process {os.getpid()}" in ended.err and "provenance curate" in ended.err
    assert contents(tmp_path) == before
    assert run(*second).code == 0


@pytest.mark.parametrize("stage", ["annotate", "deduplicate", "select", "publish"])
def test_a_stage_is_refused_in_a_workspace_that_is_in_use(tmp_path: Path, stage: str) -> None:
    arguments = {"annotate": [SMALL], "publish": ["--output", tmp_path / "r"]}.get(stage, [])
    with hold(str(tmp_path / "w"), "provenance curate"):
        ended = run(stage, *arguments, "--workspace", tmp_path / "w", "--quiet")
    assert ended.code == 2 and "in use by process" in ended.err
    assert not (tmp_path / "r").exists()


def test_another_command_s_release_is_no_success(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing can be held, as on an object store, the manifest still says whose release stands there."""
    close = Publication.close

    def overtaken(self: Publication, *what: object) -> None:
        close(self, *what)  # type: ignore[arg-type]
        manifest = read_manifest(LocalStorage(), self.release) | {"fingerprint": "another command's"}
        write_bytes(LocalStorage(), f"{self.release}/manifest.json", write_json(manifest))

    monkeypatch.setattr(Publication, "close", overtaken)
    ended = run("curate", SMALL, "--output", tmp_path / "r", "--quiet")
    assert ended.code == 1 and "another command has written its own release" in ended.err
    assert ended.out == ""


def test_a_crawl_of_which_every_record_failed_is_no_success(tmp_path: Path) -> None:
    (tmp_path / "crawl").mkdir()
    (tmp_path / "crawl" / "a.jsonl").write_text('{"body_of_text": "x"}\n' * 3)
    (tmp_path / "crawl" / "b.warc.gz").write_bytes(b"\x1f\x8b\x08 and then nothing that was ever compressed")
    ended = run("curate", tmp_path / "crawl", "--output", tmp_path / "r", "--quiet")
    assert ended.code == 1
    assert "no document came of the inputs: 4 of 4 records failed" in ended.err
    assert "3 bad_row, the line or row has no usable text field, such as in a.jsonl" in ended.err
    assert "b.warc.gz" in ended.err
    assert "3  the line or row has no usable text field" in ended.out, "the summary says why, too"
    assert run("verify", tmp_path / "r").code == 0, "every record has its row all the same"
    ended = run("annotate", tmp_path / "crawl", "--workspace", tmp_path / "w", "--quiet", "--json")
    assert ended.code == 1 and "bad_row" in ended.err


def test_a_crawl_of_which_an_annotator_failed_on_every_document_is_no_success(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: Quality, batch: pa.RecordBatch) -> None:
        raise ValueError("it never worked")

    monkeypatch.setattr(Quality, "__call__", fail)
    lines = SMALL.read_text().splitlines()[:3]
    (tmp_path / "a.jsonl").write_text(
        "\n".join([*lines, '{"url": "https://a.example/robots.txt", "text": "x"}'])
    )
    ended = run("curate", tmp_path / "a.jsonl", "--output", tmp_path / "r", "--quiet")
    assert ended.code == 1
    assert "no document came of the inputs: 3 of 4 records failed" in ended.err
    assert "3 annotator_failed" in ended.err and "quality: ValueError: it never worked" in ended.err


def test_an_input_that_gives_nothing_among_others_is_named_and_no_failure(tmp_path: Path) -> None:
    (tmp_path / "good.jsonl").write_text(SMALL.read_text().splitlines()[0] + "\n")
    (tmp_path / "bad.jsonl").write_text('{"no": "text"}\n')
    ended = run("curate", tmp_path, "--output", tmp_path / "r", "--quiet")
    assert ended.code == 0
    assert "1 of 2 inputs gave no document, because records failed, such as bad.jsonl" in ended.err


@pytest.mark.parametrize("option", ["--output", "--workspace"])
def test_a_directory_of_others_is_refused_before_any_work(tmp_path: Path, option: str) -> None:
    places = {"--output": tmp_path / "r", "--workspace": tmp_path / "w"} | {option: tmp_path / "others"}
    thesis = tmp_path / "others" / "scratch" / "thesis.tmp"  # a name that stages delete in their workspace
    thesis.parent.mkdir(parents=True)
    thesis.write_text("do not lose me")
    ended = run("curate", SMALL, *[word for item in places.items() for word in item], "--quiet")
    assert ended.code == 2 and "is not empty and not a" in ended.err and "nothing was written" in ended.err
    assert contents(tmp_path).keys() == {"others/scratch/thesis.tmp"}


def test_some_failures_are_no_failure_and_the_reasons_are_on_the_screen(tmp_path: Path) -> None:
    lines = SMALL.read_text().splitlines()[:3]
    (tmp_path / "a.jsonl").write_text("\n".join([*lines, '{"no": "text"}', "{broken"]) + "\n")
    ended = run("curate", tmp_path / "a.jsonl", "--output", tmp_path / "r", "--quiet")
    assert ended.code == 0 and ended.err == ""
    assert "bad_row" in ended.out and "no usable text field" in ended.out
    ended = run("curate", tmp_path / "a.jsonl", "--output", tmp_path / "r", "--quiet", "--json")
    (failure,) = json.loads(ended.out)["failures"]
    assert failure["reason"] == "bad_row" and failure["records"] == 2 and failure["input"] == "a.jsonl"


def test_no_records_at_all_are_no_failure(tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").write_bytes(b"")
    assert run("curate", tmp_path / "empty.jsonl", "--output", tmp_path / "r", "--quiet").code == 0


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("stage", ["annotate", "publish"])
def test_an_interrupt_ends_with_130_and_one_line(tmp_path: Path, stage: str, workers: int) -> None:
    arguments = ["curate", str(DEMO), "--output", str(tmp_path / "r"), "--quiet", "--workers", str(workers)]
    process = subprocess.Popen(
        [sys.executable, "-m", "pipelines.command", *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT), "PROVENANCE_ALL_WORKERS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert wait_until(lambda: any(tmp_path.glob(BEGUN[stage])), process)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the workers too
    out, err = process.communicate()
    assert (process.returncode, out) == (130, b"")
    assert err == b"interrupted; run the same command again to go on where it stopped\n"
    assert not (tmp_path / "r" / ".lock").exists() and not (tmp_path / "r.workspace" / ".lock").exists()
