"""Records that a columnar index names are read by range, each once, whether they are there or not."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from provenance.files.chosen import read_places
from provenance.files.storage import AnyStorage
from provenance.outcomes import FAILED
from provenance.records import ReadOptions, read_records
from provenance.records.chosen import ChosenReader
from tests.program import DEMO, ledger, run
from tests.stores import be_patient, s3_server, use_s3, web_server

COLUMNS = ("warc_filename", "warc_record_offset", "warc_record_length")


def index(path: Path, rows: list[tuple[str, int, int]], names: tuple[str, ...] = COLUMNS) -> Path:
    table = pd.DataFrame(rows, columns=list(names))
    table.insert(0, "url", [f"https://index.example/{n}" for n in range(len(rows))])
    # As the index has them.
    kinds = {names[1]: np.int32, names[2]: np.int32} if rows else {}
    table.astype(kinds).to_parquet(path)
    return path


def of_file(path: Path, name: str) -> list[tuple[str, int, int]]:
    """Places of the counted records of an archive."""
    with path.open("rb") as stream:
        rows = [row for batch in read_records(stream, path.name) for row in batch.to_pylist()]
    size = path.stat().st_size
    return [(name, row["record_offset"], row["record_length"] or size - row["record_offset"]) for row in rows]


def test_chosen_records_of_the_development_crawl_are_those_of_whole_files(
    shared: Path, tmp_path: Path
) -> None:
    folder = shared / "data" / "web" / "crawl"
    truth = pd.read_parquet(
        folder / "truth.parquet", columns=["file", "offset", "length", "format", "record_id"]
    )
    truth = truth[(truth.format == "warc") & truth.offset.notna()].sample(150, random_state=1)
    rows = list(truth[["file", "offset", "length"]].itertuples(index=False, name=None))
    places = read_places(AnyStorage(), str(index(tmp_path / "i.parquet", rows)))
    assert len(places) == 150
    reader = ChosenReader(lambda name: (folder / name).open("rb"))
    found = [
        (name, row)
        for names, batch in reader.read(places.slice(0, len(places)), ReadOptions())
        for name, row in zip(names, batch.to_pylist(), strict=True)
    ]
    assert [(name, row["record_offset"]) for name, row in found] == sorted((f, int(o)) for f, o, _ in rows)
    assert reader.size == truth.length.sum() and reader.opened
    for file in truth.file.unique():
        with (folder / file).open("rb") as stream:
            whole = {
                row["record_offset"]: row for batch in read_records(stream, file) for row in batch.to_pylist()
            }
        for name, row in found:
            if name == file:
                # What only the warcinfo record at the head of the file tells.
                apart = {"source", "capture_time", "capture_evidence", "time_remark"}
                expected = whole[row["record_offset"]]
                assert {k: v for k, v in row.items() if k not in apart} == {
                    k: v for k, v in expected.items() if k not in apart
                } | {"record_length": row["record_length"]}


def test_an_index_is_curated_by_its_places(tmp_path: Path) -> None:
    name = "demo-2021.warc.gz"
    places = of_file(DEMO / name, f"crawl-data/CC/{name}")
    rows = [*places[40:10:-1], places[20]]  # in no order, one of them twice
    index(tmp_path / "chosen.parquet", rows)
    (tmp_path / "crawl-data" / "CC").mkdir(parents=True)
    (tmp_path / "crawl-data" / "CC" / name).symlink_to(DEMO / name)
    release = tmp_path / "release"
    arguments = ("curate", f"@{tmp_path / 'chosen.parquet'}", "--input-prefix", tmp_path, "--output", release)
    dry = json.loads(run(*arguments, "--dry-run", "--json").out)
    assert dry["formats"] == {"warc": {"files": 1, "bytes": sum(length for _, _, length in places[11:41])}}
    ended = run(*arguments, "--quiet")
    assert ended.code == 0, ended.err
    found = ledger(release)
    assert list(found.record_offset) == [offset for _, offset, _ in places[11:41]]
    assert set(found.input_file) == {f"crawl-data/CC/{name}"}
    (item,) = json.loads((release / "manifest.json").read_text())["inputs"]
    assert item["name"] == "@chosen.parquet" and item["records"] == 30 and item["bytes"] == dry["bytes"]
    assert run("verify", release).code == 0
    shown = json.loads((release / "samples.json").read_text())
    assert any(sample["excerpt"] for sample in shown)
    again = run(*arguments, "--json")
    assert json.loads(again.out)["seconds"] and "annotate: unchanged" in again.err
    doc_id = found.doc_id[3]
    fetched = run("fetch-record", release, doc_id, "--archive", tmp_path)
    assert fetched.code == 0 and found.url[3] in fetched.out


def test_places_that_are_wrong_are_rows_with_their_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("provenance.files.inputs.CHOSEN_RECORDS", 3)
    name = "demo-2025.warc.gz"
    size = (DEMO / name).stat().st_size
    good = of_file(DEMO / name, name)[:4]
    rows = [
        *good,
        ("gone.warc.gz", 0, 100),
        (name, size - 10, 400),
        (name, size + 10, 400),
        (name, good[2][1] + 40, 60),
        (name, 0, good[0][1]),  # the warcinfo record
        ("huge.warc.gz", 0, 1 << 30),
    ]
    index(tmp_path / "i.parquet", rows, ("filename", "offset", "length"))
    (tmp_path / name).symlink_to(DEMO / name)
    (tmp_path / "huge.warc.gz").write_bytes(b"")
    arguments = ("annotate", f"@{tmp_path / 'i.parquet'}", "--workspace", tmp_path / "w", "--json")
    ended = run(*arguments)
    assert ended.code == 0, ended.err
    assert json.loads(ended.out)["ran"] == 4
    shards = (tmp_path / "w" / "annotated").glob("*.parquet")
    found = pd.concat(
        pd.read_parquet(path, columns=["input_file", "record_offset", "outcome"]) for path in shards
    )
    outcomes = {(row.input_file, row.record_offset): row.outcome for row in found.itertuples()}
    assert len(outcomes) == len(rows) == len(found)
    assert not {outcomes[place[:2]] for place in good} & set(FAILED)
    assert outcomes["gone.warc.gz", 0] == "bad_container" and outcomes["huge.warc.gz", 0] == "too_large"
    assert outcomes[name, size - 10] == outcomes[name, size + 10] == "truncated"
    assert outcomes[name, good[2][1] + 40] in ("bad_container", "bad_record", "bad_compression")
    assert outcomes[name, 0] == "bookkeeping"
    # What could not be opened is tried again.
    assert json.loads(run(*arguments).out)["ran"] == 1


def test_an_index_over_https_is_read_by_ranges(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    be_patient(monkeypatch, 60)
    name = "demo-2025.warc.gz"
    places = of_file(DEMO / name, name)[:3]
    index(tmp_path / "i.parquet", places)
    with web_server(DEMO) as address:
        reader = ChosenReader(lambda name: AnyStorage().open(f"{address}/{name}"))
        found = read_places(AnyStorage(), str(tmp_path / "i.parquet")).slice(0, 3)
        rows = [row for _, batch in reader.read(found, ReadOptions()) for row in batch.to_pylist()]
    assert [row["record_offset"] for row in rows] == [offset for _, offset, _ in places]
    assert all(row["outcome"] is None for row in rows)


@pytest.mark.parametrize(
    ("rows", "names", "said"),
    [
        ([("a.warc.gz", 0, 5)], ("file", "at", "size"), "needs the columns warc_filename or filename"),
        ([], COLUMNS, "names no record"),
        ([("a.warc.gz", 0, 5), (None, 1, 5)], COLUMNS, "row 1 lacks a file, an offset"),
        ([("a.warc.gz", -1, 5)], COLUMNS, "row 0 lacks a file"),
        ([("crawl-data/a.warc.gz", 0, 5)], COLUMNS, "--input-prefix"),
        ([("hdfs://a/a.warc.gz", 0, 5)], COLUMNS, "hdfs:// is not supported"),
    ],
    ids=["columns", "empty", "no file", "negative", "prefix", "scheme"],
)
def test_a_table_that_names_no_records_is_refused_before_work(
    tmp_path: Path, rows: list[tuple[str, int, int]], names: tuple[str, ...], said: str
) -> None:
    table = index(tmp_path / "i.parquet", rows, names)
    ended = run("annotate", f"@{table}", "--workspace", tmp_path / "w")
    assert ended.code == 2 and said in ended.err
    assert not (tmp_path / "w").exists()


def test_chosen_records_and_spans_of_a_store_are_those_of_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "demo-2025.warc.gz"
    index(tmp_path / "i.parquet", of_file(DEMO / name, f"crawl-data/{name}")[5:25])
    (tmp_path / "crawl-data").mkdir()
    (tmp_path / "crawl-data" / name).symlink_to(DEMO / name)
    config = tmp_path / "c.yaml"
    config.write_text("reading: {span_bytes: 15000}\n")
    with s3_server() as server:
        use_s3(monkeypatch, server.endpoint)
        server.client.create_bucket(Bucket="crawls")
        server.client.upload_file(str(DEMO / name), "crawls", f"crawl-data/{name}")
        for prefix, workspace in (("s3://crawls", tmp_path / "far"), (str(tmp_path), tmp_path / "near")):
            inputs = (f"@{tmp_path / 'i.parquet'}", f"{prefix}/crawl-data/{name}")
            ended = run(
                "annotate",
                *inputs,
                "--input-prefix",
                prefix,
                "--workspace",
                workspace,
                "--config",
                config,
                "--json",
            )
            assert ended.code == 0 and json.loads(ended.out)["ran"] > 6, ended.err
    far, near = (
        {path.name: pq.read_table(path) for path in (tmp_path / place / "annotated").glob("*.parquet")}
        for place in ("far", "near")
    )
    assert far == near
