"""The development crawl in one `curate` call, malformed files included: the demonstration of the whole program.

Its truth says what each record is; everything here is compared with that, or counted independently.
"""

from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path

import datasketch
import duckdb
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from fastwarc.warc import ArchiveIterator, WarcRecordType

from provenance.duplicates.minhash import shingle_hashes
from tests.program import annotated, data, ledger, run

THRESHOLD = 0.6
#: One page of the crawl is a single word of 10 MB, seven eighths of all its tokens: a cap of .10 of them never binds.
CAP = 100  # one token in so many
#: Least share of the copies of a kind that must end with their original: what was measured less a margin. One
#: word in ten changed leaves about 0.42 of the shingles in common, so those copies are no duplicates at 0.6.
RECALL = {
    "recrawl": 0.97,
    "mirror": 0.97,
    "boilerplate 0": 0.9,
    "truncate 0.8": 0.85,
    "edit 0.05": 0.7,
    "boilerplate+edit 0.05": 0.7,
}


@pytest.fixture(scope="module")
def crawl(shared: Path) -> Path:
    return shared / "data" / "web" / "crawl"


@pytest.fixture(scope="module")
def release(crawl: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    release = tmp_path_factory.mktemp("crawl") / "release"
    inputs = [*crawl.glob("*.gz"), crawl / "mini-crawl-docs.parquet", *(crawl / "malformed").glob("*.warc*")]
    config = release.parent / "c.yaml"  # `date` of the crawl's lines and rows is the time of the fetch
    config.write_text("reading: {preset: fineweb}")
    ended = run(
        *("curate", *inputs, "--output", release, "--config", config, "--max-synthetic", 1 / CAP, "--quiet")
    )
    assert ended.code == 0, ended.err
    return release


@pytest.fixture(scope="module")
def truth(crawl: Path) -> pd.DataFrame:
    return pd.read_parquet(crawl / "truth.parquet")


@pytest.fixture(scope="module")
def rows(release: Path) -> pd.DataFrame:
    return ledger(release)


def count_records(path: Path) -> int:
    """Records of a well-formed crawl file, counted without this project's reader."""
    if path.suffix == ".parquet":
        return pq.read_metadata(path).num_rows
    if ".jsonl" in path.name:
        with gzip.open(path) as lines:
            return sum(1 for _ in lines)
    kinds = (
        WarcRecordType.response | WarcRecordType.resource | WarcRecordType.conversion | WarcRecordType.revisit
    )
    with path.open("rb") as stream:
        return sum(1 for _ in ArchiveIterator(stream, record_types=kinds, parse_http=False))


def test_every_record_is_in_the_ledger_once(crawl: Path, truth: pd.DataFrame, rows: pd.DataFrame) -> None:
    assert rows.doc_id.is_unique
    found = Counter(rows.input_file)
    files = set(truth.file)
    assert {name: found[name] for name in files} == {name: count_records(crawl / name) for name in files}
    assert {name: found[name] for name in files} == dict(Counter(truth.file))


def test_records_stand_where_the_truth_says(truth: pd.DataFrame, rows: pd.DataFrame) -> None:
    placed = truth[truth.offset.notna()]
    joined = placed.merge(
        rows, how="left", left_on=["file", "offset"], right_on=["input_file", "record_offset"], validate="1:1"
    )
    assert joined.doc_id.notna().all()
    assert (joined.record_id_x == joined.record_id_y).all()


def test_good_records_of_malformed_files_are_read(crawl: Path, rows: pd.DataFrame) -> None:
    stated = [json.loads(line) for line in (crawl / "malformed" / "malformed.jsonl").read_text().splitlines()]
    read = rows[rows.decision != "failed"]
    wanted = [(item["file"], url) for item in stated for url in item["recoverable_urls"]]
    assert len(wanted) == 106
    assert len(set(wanted) & set(zip(read.input_file, read.url))) >= 102


def test_every_file_of_failures_names_what_failed(rows: pd.DataFrame) -> None:
    failed = rows[rows.decision == "failed"]
    assert len(failed)
    assert failed[["input_file", "record_offset", "reason", "detail"]].notna().all().all()


def test_documents_come_from_the_records_that_are_documents(truth: pd.DataFrame, rows: pd.DataFrame) -> None:
    joined = truth.merge(rows, left_on=["file", "offset"], right_on=["input_file", "record_offset"])
    document = (joined.decision == "kept") | joined.reason.isin(["duplicate", "synthetic_cap"])
    assert not (document & (joined.expect_document == False)).any()  # noqa: E712
    expected = joined.expect_document == True  # noqa: E712
    # Some real pages hold nothing but script.
    assert (document & expected).sum() >= 0.99 * expected.sum()


def test_manifest_counts_add_up(release: Path, rows: pd.DataFrame) -> None:
    counts = json.loads((release / "manifest.json").read_text(encoding="utf-8"))["counts"]
    assert counts["records"] == len(rows) == counts["kept"] + counts["dropped"] + counts["failed"]
    assert counts["kept"] == len(data(release))


@pytest.fixture(scope="module")
def texts(release: Path) -> dict[str, str]:
    """doc_id → text of every document, kept or not, from the workspace."""
    table = annotated(release, ["doc_id", "text"]).dropna()
    return dict(zip(table.doc_id, table.text, strict=True))


def shingles(text: str) -> set[int]:
    return set(shingle_hashes(text).tolist())


def jaccard(left: str, right: str) -> float:
    a, b = shingles(left), shingles(right)
    return len(a & b) / len(a | b) if a | b else float(left == right)


@pytest.fixture(scope="module")
def copies(truth: pd.DataFrame, rows: pd.DataFrame, texts: dict[str, str]) -> pd.DataFrame:
    """Injected copies that became documents, as their originals did, and whether both were given one keeper."""
    document = rows[rows.doc_id.isin(texts) & rows.input_file.isin(truth.file)].set_index("record_id")
    keeper = document.duplicate_of.fillna(document.doc_id)
    found = truth[truth.kind.isin(["near_dup", "exact_dup"])]
    found = found[found.record_id.isin(document.index) & found.duplicate_of.isin(document.index)]
    kind = found.dup_kind.str.replace(r":.*", "", regex=True)
    parameter = found.dup_param.map(lambda value: "" if np.isnan(value) else f" {value:g}")
    pairs = [
        (document.doc_id[copy], document.doc_id[original])
        for copy, original in zip(found.record_id, found.duplicate_of, strict=True)
    ]
    return pd.DataFrame(
        {
            "kind": kind + parameter,
            "exact_copy": found.kind == "exact_dup",
            "found": [
                keeper[a] == keeper[b] for a, b in zip(found.record_id, found.duplicate_of, strict=True)
            ],
            "jaccard": [jaccard(texts[a], texts[b]) for a, b in pairs],
        }
    )


def test_injected_copies_of_each_kind_are_found(copies: pd.DataFrame) -> None:
    assert copies.exact_copy.sum() >= 75
    assert copies.found[copies.exact_copy].all()
    recall = copies.groupby("kind").found.mean()
    assert {kind: recall[kind] for kind, floor in RECALL.items() if recall[kind] < floor} == {}


def test_whether_a_copy_is_found_follows_its_similarity(copies: pd.DataFrame) -> None:
    assert copies.found[copies.jaccard >= 0.7].mean() >= 0.98
    # .86 over twenty draws of the permutations; of 24 copies one draw has a standard deviation of .06.
    assert copies.found[copies.jaccard.between(0.6, 0.7)].mean() >= 0.7
    # The estimate from 128 permutations has a standard deviation of 0.044.
    assert copies.found[copies.jaccard < 0.6 - 3 * 0.044].sum() == 0


def test_no_pages_are_merged_that_the_truth_does_not_connect(
    crawl: Path, truth: pd.DataFrame, rows: pd.DataFrame, texts: dict[str, str]
) -> None:
    parent: dict[str, str] = {}

    def root(record: str) -> str:
        while parent.get(record, record) != record:
            record = parent[record]
        return record

    natural = pd.read_json(crawl / "natural_pairs.jsonl", lines=True)
    known = truth[truth.duplicate_of.notna()]
    for a, b in [*zip(known.record_id, known.duplicate_of), *zip(natural.a, natural.b)]:
        parent[root(a)] = root(b)
    record = rows.set_index("doc_id").record_id
    # Adversarial and malformed records share made-up filler text, so most of them are duplicates indeed.
    ordinary = truth.file[truth.adversarial.isna()].unique()
    dropped = rows[(rows.reason == "duplicate") & rows.record_id.notna()]
    dropped = dropped[dropped.input_file.isin(ordinary)]
    apart = [a for a, b in zip(dropped.doc_id, dropped.duplicate_of) if root(record[a]) != root(record[b])]
    assert len(dropped) > 150
    assert apart == []


def test_dropped_duplicate_is_similar_to_what_was_kept_in_its_place(
    rows: pd.DataFrame, texts: dict[str, str]
) -> None:
    """Promise 3, with signatures made by datasketch from the texts."""
    dropped = rows[rows.reason == "duplicate"]
    by_id = rows.set_index("doc_id")
    keepers = by_id.loc[dropped.duplicate_of]
    assert keepers.duplicate_of.isna().all()
    assert set(keepers.reason.dropna()) <= {"synthetic_cap"}
    signatures: dict[str, datasketch.MinHash] = {}
    for doc_id in {*dropped.doc_id, *dropped.duplicate_of}:
        signatures[doc_id] = datasketch.MinHash(num_perm=128, seed=1, scheme="affine32", hashfunc=int)
        signatures[doc_id].update_batch(shingle_hashes(texts[doc_id]).tolist())
    measured = np.array(
        [
            signatures[a].jaccard(signatures[b]) if shingles(texts[a]) else float(texts[a] == texts[b])
            for a, b in zip(dropped.doc_id, dropped.duplicate_of)
        ]
    )
    differ = np.array(
        [texts[a].split() != texts[b].split() for a, b in zip(dropped.doc_id, dropped.duplicate_of)]
    )
    measured[differ & (measured == 1)] = (
        1 - 1 / 256
    )  # only equal texts are wholly similar (docs/duplicates.md)
    assert measured.min() >= THRESHOLD
    np.testing.assert_allclose(measured, dropped.similarity.astype(float), atol=1e-6)


def test_cap_holds_when_it_is_added_up_by_hand(release: Path, rows: pd.DataFrame) -> None:
    documents = data(release)
    tokens = documents.token_count.astype("int64")
    # In millionths, rounded up, of each document's tokens, with the margin: four fifths of the way to the upper probability.
    synthetic = (tokens * counted(documents)).sum()
    assert CAP * synthetic <= 10**6 * tokens.sum()
    capped = rows[rows.reason == "synthetic_cap"]
    assert len(capped) and not capped.low_background.any()
    # Nothing that was dropped would have fitted.
    room = 10**6 * tokens.sum() - CAP * synthetic
    cost = capped.token_count.astype("int64") * (CAP * counted(capped) - 10**6)
    assert (cost > room).all()


def counted(documents: pd.DataFrame) -> pd.Series:
    least, most = (
        np.ceil(documents[name].astype(float) * 10**6).astype("int64")
        for name in ("synthetic_probability", "synthetic_probability_upper")
    )
    return least - (least - most) * 4 // 5


def test_pages_proven_before_the_border_are_low_background(truth: pd.DataFrame, release: Path) -> None:
    documents = data(release)
    early = documents[documents.input_file == "mini-crawl-a-00000.warc.gz"]
    assert len(early) and early.low_background.all()
    # A page of 2025 is proven only by a capture before the border that it was verified against.
    by_id = documents.set_index("doc_id")
    late = documents[(documents.capture_time >= "2022-11-30") & documents.low_background]
    assert (late.witness != late.doc_id).all()
    assert set(late.doc_id) <= set(by_id.index)


def test_release_verifies_and_is_read_by_others(release: Path) -> None:
    ended = run("verify", release)
    assert ended.code == 0, ended.out
    kept = len(data(release))
    assert duckdb.sql(f"select count(distinct doc_id) from '{release}/data/*.parquet'").fetchall() == [
        (kept,)
    ]


def test_curated_again_with_the_shards_at_hand_changes_nothing(crawl: Path, release: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in release.rglob("*")}
    inputs = [*crawl.glob("*.gz"), crawl / "mini-crawl-docs.parquet", *(crawl / "malformed").glob("*.warc*")]
    again = [
        "--output",
        release,
        "--config",
        release.parent / "c.yaml",
        "--max-synthetic",
        1 / CAP,
        "--quiet",
    ]
    assert run("curate", *reversed(inputs), *again).code == 0
    assert {path: path.stat().st_mtime_ns for path in release.rglob("*")} == before
