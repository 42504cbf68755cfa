"""Large inputs are cut into spans: the same documents and records as of whole files, and a kill costs one span."""

from __future__ import annotations

import gzip
import json
import os
import signal
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.job import Job
from pipelines.progress import Progress
from pipelines.runner import Runner
from provenance.configuration import load_configuration
from provenance.files.inputs import find_inputs
from provenance.files.storage import LocalStorage
from tests.pipelines.test_increments import text
from tests.program import DEMO, Outcome, contents, run, start
from tests.records.archives import record

#: What names the configuration, or is called by its fingerprint; everything else of a release is compared byte for byte.
NAMES_THE_RUN = {
    "croissant.json",
    "data_provenance.json",
    "lineage.jsonl",
    "manifest.json",
    "prov.json",
    "report.html",
}


def settings(path: Path, span_bytes: int) -> Path:
    path.write_text(f"reading: {{span_bytes: {span_bytes}}}\n")
    return path


def lines(path: Path, count: int, words: int = 300) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(json.dumps({"text": text(i, words)}) + "\n" for i in range(count)))
    return path


def shards(workspace: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in (workspace / "annotated").glob("*.parquet")}


def annotate(crawl: Path, workspace: Path, config: Path, *more: str) -> Outcome:
    ended = run("annotate", crawl, "--workspace", workspace, "--config", config, "--json", *more)
    assert ended.code == 0, ended.err
    return ended


def test_data_and_ledger_do_not_depend_on_where_files_are_cut(demo_release: Path, tmp_path: Path) -> None:
    release, config = tmp_path / "release", settings(tmp_path / "c.yaml", 11_000)
    ended = run("curate", DEMO, "--output", release, "--config", config, "--quiet")
    assert ended.code == 0, ended.err
    inputs = json.loads((release / "manifest.json").read_text())["inputs"]
    assert len(shards(Path(f"{release}.workspace"))) == sum(len(item["spans"]) for item in inputs) > 30
    cut, whole = (
        {name: found for name, found in contents(folder).items() if name not in NAMES_THE_RUN}
        for folder in (release, demo_release)
    )
    assert cut == whole and {"README.md", "samples.json"} < set(cut)
    for item in inputs:
        assert item["sha256"] is None and sum(part["records"] for part in item["spans"]) == item["records"]
        assert sum(part["bytes"] for part in item["spans"]) == (DEMO / item["name"]).stat().st_size
    assert run("verify", release).code == 0


def test_a_call_that_is_killed_loses_the_span_under_way(tmp_path: Path) -> None:
    crawl, workspace = lines(tmp_path / "crawl" / "a.jsonl", 900, 900).parent, tmp_path / "w"
    config = settings(tmp_path / "c.yaml", 100_000)
    killed = start("annotate", crawl, "--workspace", workspace, "--config", config, "--quiet")
    until = time.monotonic() + 300
    while len(shards(workspace)) < 3 and time.monotonic() < until:
        time.sleep(0.05)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    before = shards(workspace)
    assert len(before) >= 3
    ended = json.loads(annotate(crawl, workspace, config, "--quiet").out)
    after = shards(workspace)
    assert ended["unchanged"] == len(before) and ended["ran"] == len(after) - len(before)
    assert all(after[name] == when for name, when in before.items())
    annotate(crawl, tmp_path / "again", config, "--quiet")
    assert contents(workspace / "annotated") == contents(tmp_path / "again" / "annotated")


def test_a_file_that_changed_is_read_again_and_only_it(tmp_path: Path) -> None:
    first, config = lines(tmp_path / "crawl" / "a.jsonl", 40), settings(tmp_path / "c.yaml", 10_000)
    lines(tmp_path / "crawl" / "b.jsonl", 40)
    said = json.loads(annotate(first.parent, tmp_path / "w", config).out)
    assert said["ran"] == len(shards(tmp_path / "w")) > 12
    with first.open("a") as file:
        file.write('{"text": "one more"}\n')
    again = json.loads(annotate(first.parent, tmp_path / "w", config).out)
    assert again["unchanged"] == said["ran"] // 2 and again["ran"] >= again["unchanged"]
    # Cut elsewhere, only what is cut is read again.
    (first.parent / "small.jsonl").write_text('{"text": "small"}\n')
    annotate(first.parent, tmp_path / "w", config)
    other = json.loads(annotate(first.parent, tmp_path / "w", settings(tmp_path / "d.yaml", 12_000)).out)
    assert other["unchanged"] == 1


def test_calls_that_share_the_stage_share_the_spans(tmp_path: Path) -> None:
    crawl, config = lines(tmp_path / "crawl" / "a.jsonl", 40).parent, settings(tmp_path / "c.yaml", 10_000)
    ran = [
        json.loads(annotate(crawl, tmp_path / "w", config, "--shard", f"{number}/3").out)["ran"]
        for number in (2, 3, 1)
    ]
    assert min(ran) >= 1 and sum(ran) == len(shards(tmp_path / "w"))
    annotate(crawl, tmp_path / "one", config)
    assert contents(tmp_path / "w" / "annotated") == contents(tmp_path / "one" / "annotated")


def test_a_cut_inside_a_page_is_noticed_and_mended(tmp_path: Path) -> None:
    """A page that holds an archive: the span that begins in it takes its records for those of the file."""
    held = b"".join(gzip.compress(record(f"https://inner.example/{n}")) for n in range(300))
    pages = [
        record("https://a.example/download", held),
        *(record(f"https://a.example/{n}") for n in range(9)),
    ]
    crawl = tmp_path / "crawl"
    crawl.mkdir()
    (crawl / "a.warc.gz").write_bytes(b"".join(gzip.compress(page, compresslevel=0) for page in pages))
    config = settings(tmp_path / "c.yaml", 10_000)
    ended = annotate(crawl, tmp_path / "w", config)
    assert "read again" in ended.err
    rows = [pq.read_table(path, columns=["url"]) for path in (tmp_path / "w" / "annotated").glob("*.parquet")]
    found = sorted(url for table in rows for url in table["url"].to_pylist())
    assert found == sorted(["https://a.example/download", *(f"https://a.example/{n}" for n in range(9))])
    assert json.loads(annotate(crawl, tmp_path / "w", config).out)["ran"] == 0


def test_damaged_lines_are_recorded_once_wherever_they_are_cut(tmp_path: Path) -> None:
    first = lines(tmp_path / "crawl" / "a.jsonl", 30)
    with first.open("a") as file:
        file.write('{"text": \n[1]\n' * 20 + json.dumps({"text": text(99)}) + "\n")
    found = {}
    for name, size in (("whole", 1 << 20), ("cut", 2000)):
        annotate(first.parent, tmp_path / name, settings(tmp_path / "c.yaml", size))
        tables = [pq.read_table(path) for path in (tmp_path / name / "annotated").glob("*.parquet")]
        found[name] = pa.concat_tables(tables).sort_by("record_offset")
    whole, cut = (found[name].drop_columns("detail") for name in ("whole", "cut"))
    assert whole.equals(cut) and whole["outcome"].to_pylist().count("bad_row") == 40
    said = {name: " ".join(filter(None, table["detail"].to_pylist())) for name, table in found.items()}
    assert "line 31 is" in said["whole"] and "the line at byte" in said["cut"]


def test_a_file_that_is_written_anew_while_spans_are_read_ends_the_call(tmp_path: Path) -> None:
    first, config = lines(tmp_path / "crawl" / "a.jsonl", 40), settings(tmp_path / "c.yaml", 10_000)
    storage = LocalStorage()
    inputs, _ = find_inputs(storage, [str(first.parent)])
    with first.open("a") as file:
        file.write('{"text": "one more"}\n')
    job = Job(storage, str(tmp_path / "w"), load_configuration(str(config)), Runner(), Progress(quiet=True))
    with pytest.raises(Exception, match="was written anew while its spans were read"):
        job.annotate(inputs)
    annotate(first.parent, tmp_path / "w", config)


def test_what_is_cut_and_what_cannot_be_is_said_before_work(tmp_path: Path) -> None:
    crawl, config = lines(tmp_path / "crawl" / "a.jsonl", 40).parent, settings(tmp_path / "c.yaml", 10_000)
    with gzip.open(crawl / "b.jsonl.gz", "wb", compresslevel=0) as file:
        file.write((crawl / "a.jsonl").read_bytes())
    arguments = ("curate", crawl, "--output", tmp_path / "r", "--config", config, "--dry-run")
    said = run(*arguments).out
    assert "spans, each a task" in said and "b.jsonl.gz is one task: compressed JSON lines" in said
    found = json.loads(run(*arguments, "--json").out)
    assert found["spans"] > 4 and [item["file"] for item in found["uncut"]] == ["b.jsonl.gz"]
    assert not (tmp_path / "r").exists()
