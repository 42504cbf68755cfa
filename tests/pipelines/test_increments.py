"""Earlier documents: they prove age, are not published twice, and can be carried forward."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import random
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from provenance.files.storage import LocalStorage
from provenance.release.manifest import read_manifest
from provenance.release.report.contents import read_contents
from tests.program import data, ledger, run

WORDS = (
    "river stone market window garden letter winter bridge silver music kitchen morning harbour village doctor "
    "engine forest paper orange station family captain building history summer evening question teacher animal"
).split()
OLD, NEW = "2019-05-01T00:00:00Z", "2025-01-01T00:00:00Z"
OLDEN = pd.Timestamp(OLD)


def text(seed: int, words: int = 300) -> str:
    rng = random.Random(seed)
    return " ".join(rng.choice(WORDS) + "." * (i % 11 == 10) for i in range(words))


def rewritten(whole: str, share: float) -> str:
    """The text with a part of it written anew."""
    words = whole.split()
    count = int(len(words) * share)
    return " ".join([*words[:10], *text(99, count).split(), *words[10 + count :]])


def crawl(path: Path, texts: list[str], when: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [
        json.dumps({"text": item, "url": f"https://{path.stem}{i}.example/", "capture_time": when})
        for i, item in enumerate(texts)
    ]
    path.write_text("\n".join(lines))
    return path.parent


def curate(inputs: Path, output: Path, *options: str | Path) -> Path:
    ended = run("curate", inputs, "--output", output, "--max-synthetic", "1", "--quiet", *options)
    assert ended.code == 0, ended.err
    verified = run("verify", output)
    assert verified.code == 0, verified.out
    return output


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two crawls: of the second, 0 to 4 are those of the first, 5 to 7 nearly so, 8 to 10 rewritten in part, 11 to 13 new."""
    folder = tmp_path_factory.mktemp("increments")
    crawl(folder / "first" / "a.jsonl", [text(i) for i in range(14)], OLD)
    second = [text(i) for i in range(5)]
    second += [rewritten(text(i), 0.01) for i in range(5, 8)]
    second += [rewritten(text(i), 0.15) for i in range(8, 11)]
    second += [text(i) for i in range(100, 103)]
    crawl(folder / "second" / "b.jsonl", second, NEW)
    curate(folder / "first", folder / "v1")
    return folder


@pytest.fixture(scope="module")
def index(folder: Path) -> Path:
    ended = run("witness", "build", folder / "v1", "--output", folder / "index")
    assert ended.code == 0, ended.err
    assert "14 captures from 2019-05-01" in ended.out
    return folder / "index"


def test_a_witness_in_an_index_proves_age_and_an_old_page_that_was_rewritten_does_not(
    folder: Path, index: Path
) -> None:
    release = curate(folder / "second", folder / "proven", "--witness", index)
    rows = data(release).set_index("url")
    number = rows.index.str.extract(r"b(\d+)")[0].astype(int).to_numpy()
    assert len(rows) == 14  # an index that only proves takes nothing away
    old, same = rows[number < 8], rows[number < 5]
    assert (old.proven_by == OLDEN).all() and old.low_background.all()
    assert (old.witness_similarity >= 0.9).all() and (same.witness_similarity == 1).all()
    assert old.witness_place.str.match(r"v1, a\.jsonl, offset \d+, https://a\d+\.example/").all()
    assert not rows[number >= 8].low_background.any()
    assert rows[number >= 8].witness_place.isna().all()
    assert (rows.earliest_capture == pd.Timestamp(NEW)).all()
    manifest = json.loads((release / "manifest.json").read_text())
    assert manifest["proof"]["index_old"] == 8 and manifest["earlier"][0]["role"] == "witness"
    assert "8 by one in an index" in (release / "README.md").read_text()
    told = run("explain", release, "https://b0.example/").out
    assert "which lies in v1, a.jsonl, offset 0, https://a0.example/" in told
    first = data(folder / "v1").set_index("doc_id")
    assert set(old.witness) <= set(first.index)


def test_the_threshold_of_a_witness_is_configured(folder: Path, index: Path, tmp_path: Path) -> None:
    (tmp_path / "loose.yaml").write_text("witness: {threshold: 0.6}\n")
    release = curate(
        folder / "second", tmp_path / "loose", "--witness", index, "--config", tmp_path / "loose.yaml"
    )
    assert data(release).low_background.sum() > 8


@pytest.fixture(scope="module")
def increment(folder: Path) -> Path:
    return curate(folder / "second", folder / "v2", "--against", folder / "v1")


def test_what_an_earlier_release_holds_is_dropped_and_named(folder: Path, increment: Path) -> None:
    rows = ledger(increment)
    gone = rows[rows.reason == "earlier_release"]
    assert len(gone) == 11 and set(gone.duplicate_of) <= set(data(folder / "v1").doc_id)
    assert gone.detail.str.startswith("in v1, a.jsonl, offset ").all() and (gone.similarity >= 0.6).all()
    assert sorted(data(increment).url) == [f"https://b{i}.example/" for i in (11, 12, 13)]
    assert "held by an earlier release" in run("explain", increment, "https://b9.example/").out


def test_increments_together_are_one_run_over_all_but_for_the_keeper(folder: Path, increment: Path) -> None:
    whole = folder / "whole"
    for name in ("first", "second"):
        for path in (folder / name).iterdir():
            (whole / path.name).parent.mkdir(exist_ok=True)
            (whole / path.name).write_bytes(path.read_bytes())
    once = data(curate(whole, folder / "once"))
    parts = pd.concat([data(folder / "v1"), data(increment)])
    # The earliest capture keeps here too, so even the keepers are the same.
    assert sorted(parts.url) == sorted(once.url)


def test_the_page_for_people_counts_what_earlier_releases_hold(increment: Path) -> None:
    storage = LocalStorage()
    manifest = read_manifest(storage, str(increment))
    page = read_contents(storage, str(increment), manifest)
    assert manifest["counts"]["reasons"]["dropped:earlier_release"] > 0
    assert page["flow"].stations[-1].count == manifest["counts"]["kept"]
    assert page["steps"][0]["documents"] == page["flow"].stations[1].count
    assert "after what earlier releases hold" in [step["name"] for step in page["steps"]]


def test_new_documents_can_take_the_place_of_earlier_ones(folder: Path, index: Path, tmp_path: Path) -> None:
    (tmp_path / "new.yaml").write_text("increments: {prefer: new}\n")
    release = curate(
        folder / "second", tmp_path / "new", "--against", index, "--config", tmp_path / "new.yaml"
    )
    rows = data(release)
    assert len(rows) == 14
    replaced = [doc_id for names in rows.replaces for doc_id in names]
    assert len(replaced) == 11 and set(replaced) <= set(data(folder / "v1").doc_id)


def test_documents_of_a_release_are_carried_forward_as_they_were_published(
    folder: Path, tmp_path: Path
) -> None:
    before = data(folder / "v1").set_index("doc_id").sort_index()
    release = curate(folder / "second", tmp_path / "v3", "--keep", folder / "v1")
    rows = data(release).set_index("doc_id")
    assert len(rows) == 14 + 3
    carried = rows.loc[before.index]
    for name in (
        "text",
        "url",
        "input_file",
        "synthetic_probability",
        "prior_log_odds",
        "token_count",
        "proven_by",
    ):
        assert carried[name].equals(before[name]), name
    assert carried.duplicate_count.sum() == 11
    gone = ledger(release)
    gone = gone[gone.reason == "duplicate"]
    assert len(gone) == 11 and set(gone.duplicate_of) <= set(before.index)
    again = run(
        "curate", folder / "second", "--output", release, "--max-synthetic", "1", "--keep", folder / "v1"
    )
    assert "annotate" in again.err and again.code == 0
    same = run("curate", folder / "first", "--output", tmp_path / "twice", "--keep", folder / "v1", "--quiet")
    assert same.code == 2 and "was made from it" in same.err
    assert not (tmp_path / "twice.workspace").exists()  # refused before anything was read


def test_what_cannot_be_carried_or_indexed_is_refused_before_work(
    folder: Path, index: Path, tmp_path: Path
) -> None:
    no_release = run("curate", folder / "second", "--output", tmp_path / "out", "--keep", index, "--quiet")
    assert "is not a finished release" in no_release.err
    assert not (tmp_path / "out.workspace").exists()
    file = tmp_path / "a file"
    file.write_text("not an index")
    ended = run("witness", "build", folder / "first", "--output", file)
    assert ended.code == 2 and "is a file; name another --output" in ended.err
    assert file.read_text() == "not an index"


def test_a_list_of_captures_proves_that_a_payload_was_there(tmp_path: Path) -> None:
    page = f"<html><body><article><h1>Old</h1><p>{text(7)}</p></article></body></html>".encode()
    new = f"<html><body><article><h1>New</h1><p>{text(8)}</p></article></body></html>".encode()
    archive = tmp_path / "crawl" / "c.warc.gz"
    archive.parent.mkdir()
    archive.write_bytes(b"".join(record(i, body) for i, body in enumerate((page, new))))
    digest = base64.b32encode(hashlib.sha1(page).digest()).decode()
    line = {"url": "https://w.example/", "digest": f"sha1:{digest}", "offset": "7", "length": "99"}
    line["filename"] = "crawl-data/CC-MAIN-2019-22/segments/1/warc/x.warc.gz"
    listed = tmp_path / "lists"
    listed.mkdir()
    cdxj = f"example,w)/ 20190520101112 {json.dumps(line)}\nexample,z)/ 2019 {{}}\n"
    (listed / "cdx-00000.gz").write_bytes(gzip.compress(cdxj.encode()))
    other = base64.b32encode(hashlib.sha1(b"other").digest()).decode()
    cdx = f" CDX N b a m s k r M S V g\nexample,w)/ 20180101000000 https://w.example/ text/html 200 {other} - - 5 6 y.warc.gz\n"
    (listed / "z.cdx").write_text(cdx)
    columns = {
        "url": ["https://w.example/"],
        "fetch_time": pa.array([datetime(2020, 1, 1)], pa.timestamp("ms")),
        "content_digest": [digest],
        "warc_filename": ["crawl-data/CC-MAIN-2020-05/x.warc.gz"],
        "warc_record_offset": pa.array([1], pa.int32()),
        "warc_record_length": pa.array([2], pa.int32()),
    }
    pq.write_table(pa.table(columns), listed / "part-0.parquet")
    built = run("witness", "build", listed, "--output", tmp_path / "index", "--json")
    assert built.code == 0, built.err
    header = json.loads(built.out)
    assert (header["entries"], header["signatures"], header["payloads"]) == (3, 0, 3)
    assert {item["name"] for item in header["origins"]} == {"CC-MAIN-2019-22", "CC-MAIN-2020-05", "z.cdx"}
    rows = data(curate(archive.parent, tmp_path / "out", "--witness", tmp_path / "index")).set_index("url")
    assert rows.proven_by["https://w0.example/"] == datetime(2019, 5, 20, 10, 11, 12, tzinfo=UTC)
    assert rows.witness["https://w0.example/"] == "https://w.example/"
    assert rows.witness_place["https://w0.example/"].startswith("CC-MAIN-2019-22, crawl-data/")
    assert rows.low_background.to_dict() == {"https://w0.example/": True, "https://w1.example/": False}
    assert (rows.payload_digest["https://w0.example/"], rows.digest_verified.tolist()) == (
        f"sha1:{digest}",
        [True] * 2,
    )
    refused = run(
        "curate", archive.parent, "--output", tmp_path / "no", "--against", tmp_path / "index", "--quiet"
    )
    assert refused.code == 1 and "it can be a --witness" in refused.err


def record(number: int, body: bytes) -> bytes:
    """A response with its digest, as a gzip member."""
    http = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n" + body
    digest = base64.b32encode(hashlib.sha1(body).digest()).decode()
    head = (
        f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Record-ID: <urn:uuid:0-{number}>\r\nWARC-Date: {NEW}\r\n"
        f"WARC-Target-URI: https://w{number}.example/\r\nWARC-Payload-Digest: sha1:{digest}\r\n"
        f"Content-Type: application/http; msgtype=response\r\nContent-Length: {len(http)}\r\n\r\n"
    )
    return gzip.compress(head.encode() + http + b"\r\n\r\n")


def test_nothing_is_written_over_an_index_or_a_release_that_is_read(folder: Path, index: Path) -> None:
    into = run("curate", folder / "second", "--output", folder / "v1", "--against", folder / "v1", "--quiet")
    assert into.code == 2 and "would be written over it" in into.err
    over = run("witness", "build", folder / "v1", "--output", folder / "first")
    assert over.code == 2 and "no index" in over.err


def test_an_index_that_cannot_be_used_is_refused_before_a_record_is_read(tmp_path: Path) -> None:
    crawl, index, release = tmp_path / "crawl.jsonl", tmp_path / "index", tmp_path / "release"
    crawl.write_text(
        json.dumps(
            {"url": "https://a.example/", "text": "word " * 80, "capture_time": "2019-01-01T00:00:00Z"}
        )
    )
    assert run("witness", "build", crawl, "--output", index).code == 0
    header = json.loads((index / "index.json").read_text())
    (index / "index.json").write_text(json.dumps({**header, "version": 9}))
    for option in ("--witness", "--against"):
        ended = run("curate", crawl, "--output", release, option, index)
        assert ended.code == 1 and "index of version 9" in ended.err and "annotate" not in ended.err
    (index / "index.json").write_text(json.dumps(header, indent=1))
    next((index / "keys").glob("*")).unlink()
    ended = run("curate", crawl, "--output", release, "--witness", index)
    assert ended.code == 1 and "keys/part-00000.parquet: is missing" in ended.err
    assert not list(tmp_path.glob("release*/**/*.parquet"))
