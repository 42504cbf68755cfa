"""Which files are read, each once, and what they are called."""

from __future__ import annotations

import gzip
import os
from functools import partial
from pathlib import Path

import pytest

from provenance.files.inputs import InputError, find_inputs
from provenance.files.storage import LocalStorage
from provenance.records import ReadOptions
from provenance.records.peek import sniff_json
from tests.program import DEMO, contents, run

STORAGE = LocalStorage()


def names(*patterns: str | Path, without: tuple[str, ...] = ()) -> list[str]:
    return [item.name for item in find_inputs(STORAGE, [str(item) for item in patterns], without)[0]]


@pytest.fixture
def crawl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Four crawl files in two directories, and some that are none; it is the current directory."""
    monkeypatch.chdir(tmp_path)
    for name in ("crawl/a.warc.gz", "crawl/below/b.jsonl", "other/a.warc.gz", "crawl/c[1].parquet"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(b"x")
    for name in ("crawl/notes.txt", "crawl/.hidden.warc", "crawl/_tmp/x.warc"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(b"x")
    return tmp_path / "crawl"


def test_directories_are_searched_and_what_is_passed_over_is_named(crawl: Path) -> None:
    for pattern in (crawl, f"{crawl}/", "crawl", "./crawl"):
        assert names(pattern) == ["a.warc.gz", "below/b.jsonl", "c[1].parquet"]
    passed_over = {item.name: item.reason for item in find_inputs(STORAGE, ["crawl"])[1]}
    assert sorted(passed_over) == [".hidden.warc", "_tmp/x.warc", "notes.txt"]
    assert passed_over["notes.txt"] == "not named like a crawl file"
    assert passed_over[".hidden.warc"].startswith("hidden")


def test_globs_stay_in_a_directory_unless_they_say_otherwise(crawl: Path) -> None:
    assert names("crawl/*.warc.gz") == ["a.warc.gz"]
    assert names(f"{crawl}/**/*.jsonl") == ["below/b.jsonl"]
    assert names("*/a.warc.gz") == ["crawl/a.warc.gz", "other/a.warc.gz"]
    assert names("crawl/[!b-z].warc.gz") == ["a.warc.gz"]
    assert names("crawl/c[1].parquet") == ["c[1].parquet"]  # the file itself, though it looks like a glob


def test_a_file_that_is_named_in_several_ways_is_read_once(crawl: Path) -> None:
    assert names("crawl/a.warc.gz", "./crawl/a.warc.gz", crawl / "a.warc.gz", "crawl/*.gz") == ["a.warc.gz"]


def test_files_of_one_name_are_told_apart_by_no_more_directories_than_needed(crawl: Path) -> None:
    """No path of the machine is published."""
    assert names("crawl", "other") == ["below/b.jsonl", "c[1].parquet", "crawl/a.warc.gz", "other/a.warc.gz"]
    assert names(crawl, crawl.parent / "other") == names("crawl", "other")


def test_linked_directories_are_entered_once_and_links_to_nothing_are_not_forgotten(crawl: Path) -> None:
    (crawl / "linked").symlink_to(crawl.parent / "other")
    (crawl / "loop").symlink_to(crawl)
    (crawl / "gone.warc.gz").symlink_to(crawl / "nothing")
    os.mkfifo(crawl / "pipe.warc.gz")
    assert names(crawl) == [
        "a.warc.gz",
        "below/b.jsonl",
        "c[1].parquet",
        "gone.warc.gz",
        "linked/a.warc.gz",
    ]


def test_a_name_that_is_not_utf8_becomes_text(crawl: Path) -> None:
    Path(os.fsdecode(b"other/\xff.warc")).write_bytes(b"x")
    assert names("other") == ["\\xff.warc", "a.warc.gz"]


def test_what_the_command_writes_is_never_its_input(crawl: Path) -> None:
    (crawl / "out" / "data").mkdir(parents=True)
    (crawl / "out" / "data" / "part.parquet").write_bytes(b"x")
    assert names("crawl", without=("./crawl/out",)) == names("crawl")[:-1]
    with pytest.raises(InputError, match="results of this program"):
        names("crawl/out", without=("crawl/out",))


def test_a_crawl_is_curated_into_its_own_directory_and_again(tmp_path: Path) -> None:
    """`provenance curate . --output out`, as a newcomer types it; a second release does not read the first."""
    (tmp_path / "x.jsonl").write_bytes((DEMO / "demo-2019.jsonl").read_bytes())
    for release in ("out", "out", "other"):
        assert run("curate", tmp_path, "--output", tmp_path / release, "--quiet").code == 0
    assert contents(tmp_path / "out") == contents(tmp_path / "other")


def test_a_file_that_cannot_be_opened_is_a_row_and_is_tried_again(tmp_path: Path) -> None:
    (tmp_path / "crawl").mkdir()
    (tmp_path / "crawl" / "x.jsonl").symlink_to(tmp_path / "later.jsonl")
    arguments = (
        "curate",
        tmp_path / "crawl",
        "--output",
        tmp_path / "r",
        "--max-synthetic",
        "1",
        "--quiet",
        "--json",
    )
    ended = run(*arguments)
    assert ended.code == 1 and '"failed:bad_container": 1' in ended.out
    (tmp_path / "later.jsonl").write_text('{"text": "here it is"}')
    ended = run(*arguments)
    assert ended.code == 0 and '"kept": 1' in ended.out


def test_nothing_found_says_what_was_looked_for(crawl: Path) -> None:
    for pattern, words in (("nowhere", "no such file"), ("crawl/*.zip", "no file matches")):
        with pytest.raises(InputError, match=words):
            names(pattern)
    (crawl.parent / "gone").symlink_to("nowhere.warc")
    with pytest.raises(InputError, match=r"is a link to nothing \(nowhere.warc"):
        names("gone")
    (crawl.parent / "text").mkdir()
    (crawl.parent / "text" / "notes.txt").write_bytes(b"x")
    with pytest.raises(InputError, match="none of the 1 files"):
        names("text")


def test_files_called_json_are_read_where_their_bytes_are_a_corpus(crawl: Path) -> None:
    files = {
        "c4-train.00000-of-01024.json.gz": gzip.compress(b'{"text": "t"}'),
        "array.json": b'[{"text": "t"}]',
        "package.json": b'{"name": "x"}',
        "x.jsonl.bz2": b"x",
        "rec.warc.gz.open": b"x",
    }
    for name, content in files.items():
        (crawl / name).write_bytes(content)
    sniff = partial(sniff_json, options=ReadOptions())
    inputs, passed_over = find_inputs(STORAGE, ["crawl"], sniff=sniff)
    assert {item.name for item in inputs} >= {"array.json", "c4-train.00000-of-01024.json.gz"}
    reasons = {item.name: item.reason for item in passed_over}
    assert reasons["package.json"] == "JSON without a text field"
    assert "recompress" in reasons["x.jsonl.bz2"] and "being written" in reasons["rec.warc.gz.open"]
    assert names("crawl/package.json") == ["package.json"]  # what is named is always read
    assert "array.json" not in names("crawl")  # without anybody to look into it


def test_a_dataset_of_the_hub_is_a_directory_like_others(tmp_path: Path) -> None:
    import datasets

    made = datasets.Dataset.from_dict({"text": ["a page"] * 10})
    made.to_parquet(tmp_path / "hub" / "data" / "train-00000-of-00001.parquet")
    made.to_json(tmp_path / "hub" / "data" / "test.jsonl")
    (tmp_path / "hub" / "README.md").write_text("---\nconfigs: []\n---\n")
    (tmp_path / "hub" / ".cache").mkdir()
    (tmp_path / "hub" / ".cache" / "x.parquet").write_bytes(b"PAR1")
    made.save_to_disk(tmp_path / "hub" / "saved")
    inputs, passed_over = find_inputs(STORAGE, [str(tmp_path / "hub")])
    assert [item.name for item in inputs] == ["data/test.jsonl", "data/train-00000-of-00001.parquet"]
    reasons = {item.name: item.reason for item in passed_over}
    assert "Arrow file" in reasons["saved/data-00000-of-00001.arrow"]
    assert "hidden" in reasons[".cache/x.parquet"] and "README.md" in reasons


def test_an_archive_of_a_page_archiver_is_a_crawl_file(tmp_path: Path) -> None:
    (tmp_path / "a.wacz").write_bytes(b"PK")
    assert [item.name for item in find_inputs(STORAGE, [str(tmp_path)])[0]] == ["a.wacz"]


def test_a_crawl_where_the_command_writes_is_refused_as_that(crawl: Path) -> None:
    for pattern in ("crawl", "crawl/a.warc.gz", "crawl/*.gz"):
        with pytest.raises(InputError, match=r"lies where the command writes, .* name another --output"):
            names(pattern, without=("crawl",))
