"""`provenance verify --recount` counts tokens again: a count that is not the text's is found, and named."""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from provenance.annotators.tokens import load_tokenizer
from provenance.release.manifest import write_json
from tests.program import run

DATA = "data/part-00000-of-00001.parquet"


def test_the_counts_of_a_fresh_release_are_those_of_its_texts(demo_release: Path) -> None:
    ended = run("verify", demo_release, "--recount")
    assert ended.code == 0, ended.out
    assert "verified" in ended.out and "masked" not in ended.out


def test_a_text_that_was_swapped_for_a_longer_one_is_found(demo_release: Path, tmp_path: Path) -> None:
    """All digests are made to agree, as whoever lies about weights would: only counting shows it."""
    copy = Path(shutil.copytree(demo_release, tmp_path / "copy"))
    table = pq.read_table(copy / DATA)
    texts = table["text"].to_pylist()
    texts[3] += " And on it goes for a good while."
    at = table.schema.get_field_index("text")
    table = table.set_column(
        at, table.schema.field(at), pa.chunked_array([pa.array(texts, table["text"].type)])
    )
    pq.write_table(table, copy / DATA)
    manifest = json.loads((copy / "manifest.json").read_text())
    (item,) = [item for item in manifest["files"] if item["path"] == DATA]
    item["sha256"] = hashlib.sha256((copy / DATA).read_bytes()).hexdigest()
    item["bytes"] = (copy / DATA).stat().st_size
    (copy / "manifest.json").write_bytes(write_json(manifest))
    ended = run("verify", copy, "--recount")
    assert ended.code == 1
    assert f"{DATA}: 1 texts have another number of tokens than token_count says" in ended.out
    assert table["doc_id"][3].as_py() in ended.out


@pytest.mark.parametrize("damage", ["gone", "cut", "torn", "another table"])
def test_a_damaged_file_is_a_finding_and_not_the_end(demo_release: Path, tmp_path: Path, damage: str) -> None:
    copy = Path(shutil.copytree(demo_release, tmp_path / "copy"))
    whole = (copy / DATA).read_bytes()
    match damage:
        case "gone":
            (copy / DATA).unlink()
        case "cut":
            (copy / DATA).write_bytes(whole[: len(whole) // 2])
        case "torn":  # the footer is sound, the pages are not
            (copy / DATA).write_bytes(whole[:100] + bytes(len(whole) // 2) + whole[100 + len(whole) // 2 :])
        case "another table":
            pq.write_table(pa.table({"text": ["words"]}), copy / DATA)
    ended = run("verify", copy, "--recount")
    assert ended.code == 1 and not ended.err, ended.err
    assert f"{DATA}: its tokens cannot be counted again: " in ended.out


def test_another_tokenizer_than_the_release_names_is_refused(demo_release: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    shipped = Path(load_tokenizer.__code__.co_filename).parent / "data" / "tokenizer.json.gz"
    other.write_bytes(gzip.decompress(shipped.read_bytes()) + b" ")
    ended = run("verify", demo_release, "--recount", other)
    assert ended.code == 2
    assert "was counted by the tokenizer" in ended.err and "--recount FILE" in ended.err
    missing = run("verify", demo_release, "--recount", tmp_path / "none.json")
    assert missing.code == 2 and missing.err.startswith("error: --recount: ")
