"""The whole program on a store: the bytes of a local run, through troubles and workers, and nothing lost when it is down."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.program import DEMO, contents, run
from tests.stores import S3, proxy, s3_server, use_s3


@pytest.fixture(scope="module")
def crawl() -> Iterator[S3]:
    """The bundled crawl in a bucket."""
    with s3_server() as server:
        server.client.create_bucket(Bucket="crawls")
        for path in DEMO.rglob("*"):
            if path.is_file():
                server.client.upload_file(str(path), "crawls", f"demo/{path.relative_to(DEMO)}")
        yield server


def is_like(s3: S3, prefix: str, release: Path) -> bool:
    names = [name for name in s3.names("crawls") if name.startswith(prefix)]
    assert {name.removeprefix(prefix) for name in names} == set(contents(release))
    return all(
        s3.read("crawls", name) == (release / name.removeprefix(prefix)).read_bytes() for name in names
    )


def test_a_crawl_in_a_store_gives_the_bytes_of_a_local_one(
    crawl: S3, demo_release: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    use_s3(monkeypatch, crawl.endpoint)
    release = "s3://crawls/out/r"
    ended = run("curate", "s3://crawls/demo/", "--output", release, "--quiet")
    assert ended.code == 0, ended.err
    assert is_like(crawl, "out/r/", demo_release)
    again = run("curate", "s3://crawls/demo/", "--output", release)
    assert again.code == 0 and again.err.count(": unchanged") == 4, again.err
    for command in (["verify", release], ["list", release], ["explain", release, "http"]):
        assert (ended := run(*command)).code == 0, ended.err
        assert ended.out.replace(release, "R") == run(
            *[str(demo_release) if word == release else word for word in command]
        ).out.replace(str(demo_release), "R")
    drawn = run("audit-sample", release, "--size", "15", "--output", tmp_path / "sample")
    assert drawn.code == 0, drawn.err
    crawl.client.put_object(Bucket="crawls", Key="out/r/README.md", Body=b"changed")
    assert run("verify", release).code == 1
    crawl.client.put_object(
        Bucket="crawls", Key="one.txt", Body=b"A text of some words that says nothing. " * 30
    )
    scored = run("score", "s3://crawls/one.txt")
    assert scored.code == 0 and '"id":"one.txt"' in scored.out.replace(" ", "")


def test_a_store_that_is_down_ends_the_job_and_the_same_command_goes_on(
    crawl: S3, demo_release: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ["curate", "s3://crawls/demo/", "--output", "s3://crawls/again/r", "--quiet"]
    with proxy(crawl.endpoint) as between:
        use_s3(monkeypatch, between.endpoint, seconds=3)
        for down_from in (30, 60, 130):
            between.seen.clear()
            between.misbehave = lambda number, method, path, begin=down_from: "503" if number >= begin else ""
            ended = run(*command)
            assert ended.code == 1 and "503" in ended.err and "run the same command" in ended.err, ended.err
            assert "Traceback" not in ended.err
        # From here on it only throttles now and then.
        use_s3(monkeypatch, between.endpoint)
        between.misbehave = lambda number, method, path: {3: "503", 5: "429", 7: "cut"}.get(number % 8, "")
        ended = run(*command)
        assert ended.code == 0, ended.err
    assert is_like(crawl, "again/r/", demo_release)


def test_what_cannot_work_is_refused_before_any_work(
    crawl: S3, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    use_s3(monkeypatch, crawl.endpoint)
    small = DEMO / "demo-2019.jsonl"
    for command, words in (
        (["curate", small, "--output", "s3://elsewhere/r"], "there is no such bucket"),
        (["curate", "s3://elsewhere/crawl", "--output", tmp_path / "r"], "there is no such bucket"),
        (["curate", "s3://crawls/none", "--output", tmp_path / "r"], "no such object"),
        (["curate", small, "--output", "hdfs://x/r"], "hdfs:// is not supported"),
        (["curate", small, "--output", "https://x/r"], "https:// can only be read"),
        (["annotate", "shelf://x", "--workspace", tmp_path / "w"], "shelf:// is not supported"),
        (["verify", "ftp://x/r"], "ftp:// is not supported"),
    ):
        ended = run(*command)
        assert ended.code == 2 and words in ended.err, ended.err
    assert not list(tmp_path.iterdir())
    shutil.rmtree(tmp_path)


def test_lists_labels_and_calibrations_may_lie_in_a_store(
    crawl: S3, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    use_s3(monkeypatch, crawl.endpoint)

    def put(name: str, text: str) -> str:
        crawl.client.put_object(Bucket="crawls", Key=name, Body=text.encode())
        return f"s3://crawls/{name}"

    def said(row: str, number: int) -> str:
        given = json.loads(row)
        return json.dumps({**given, "text": f"{given['text']} {number}.", "label": "human"})

    small = "s3://crawls/demo/demo-2019.jsonl"
    rows = (DEMO / "demo-2019.jsonl").read_text().splitlines()
    labelled = put("labelled.jsonl", "\n".join(said(row, number) for row in rows for number in range(3)))
    made = run("calibrate", labelled, "--human-only", "--output", "s3://crawls/mine.json")
    assert made.code == 0, made.err
    hosts = sorted({json.loads(row)["url"].split("/")[2] for row in rows})
    blocked, removed = (
        put("hosts.txt", hosts[0] + "\n"),
        put("removals.jsonl", '{"host": "gone.example", "reason": "asked", "date": "2026-01-01"}\n'),
    )
    config = tmp_path / "c.yaml"
    config.write_text(
        f"detector: {{calibration: s3://crawls/mine.json}}\n"
        f"filters: [{{kind: block_list, hosts: [{blocked}]}}]\nremovals: {{lists: [{removed}]}}\n"
    )
    release = "s3://crawls/listed/r"
    ended = run("curate", small, "--config", config, "--output", release, "--max-synthetic", "1")
    assert ended.code == 0, ended.err
    assert "filter:block_list" in run("list", release, "--host", hosts[0]).out
    released = "s3://crawls/listed/all"
    assert run("curate", small, "--output", released, "--max-synthetic", "1", "--quiet").code == 0
    drawn = run("audit-sample", released, "--size", "9", "--output", tmp_path / "sample")
    assert drawn.code == 0, drawn.err
    text = (tmp_path / "sample" / "sample.json").read_text()
    ids = [item["doc_id"] for item in json.loads(text)["documents"]]
    sample = put("sample.json", text)
    labels = put("labels.jsonl", "\n".join(json.dumps({"doc_id": one, "label": "human"}) for one in ids))
    certified = run("certify", released, "--sample", sample, "--labels", labels)
    assert certified.code in (0, 1) and not certified.err, certified.err
    missing = run("certify", released, "--sample", sample, "--labels", "s3://crawls/nowhere.jsonl")
    assert missing.code == 2 and "nowhere.jsonl" in missing.err
