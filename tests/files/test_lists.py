"""Common Crawl's lists and lists of one's own become names that can be read; WAT files are passed over."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from provenance.errors import UsageError
from provenance.files.lists import expand_lists
from provenance.files.storage import AnyStorage
from tests.program import DEMO, run

STORAGE = AnyStorage()
NAME = "crawl-data/CC-MAIN-2024-10/segments/1/warc/a.warc.gz"


def paths(place: Path, *names: str) -> str:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(gzip.compress("\n".join(names).encode()))
    return str(place)


@pytest.mark.parametrize("prefix", ["s3://commoncrawl", "https://data.commoncrawl.org/"])
def test_names_of_common_crawl_lie_below_the_prefix(tmp_path: Path, prefix: str) -> None:
    given = paths(tmp_path / "warc.paths.gz", NAME)
    assert expand_lists(STORAGE, [given, NAME], prefix) == [f"{prefix.rstrip('/')}/{NAME}"] * 2


def test_a_mirror_says_itself_where_its_files_are(tmp_path: Path) -> None:
    given = paths(tmp_path / "crawl-data" / "CC-MAIN-2024-10" / "warc.paths.gz", NAME)
    assert expand_lists(STORAGE, [given]) == [f"{tmp_path}/{NAME}"]


def test_names_without_a_place_ask_for_the_prefix(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"holds names such as crawl-data/.*--input-prefix"):
        expand_lists(STORAGE, [paths(tmp_path / "wet.paths.gz", NAME)])


def test_names_of_a_list_lie_beside_it_unless_they_are_whole(tmp_path: Path) -> None:
    listed = tmp_path / "mine.txt"
    listed.write_text("# two of them\na.jsonl\n\ns3://bucket/b.jsonl\n")
    assert expand_lists(STORAGE, [f"@{listed}"]) == [f"{tmp_path}/a.jsonl", "s3://bucket/b.jsonl"]


@pytest.mark.parametrize(
    ("content", "words"), [(b"", "of no inputs"), (b"\x1f\x8bno", "cannot be read as a list")]
)
def test_a_list_that_says_nothing_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "list").write_bytes(content)
    with pytest.raises(UsageError, match=words):
        expand_lists(STORAGE, [f"@{tmp_path}/list"])
    with pytest.raises(UsageError, match="no such list"):
        expand_lists(STORAGE, [f"@{tmp_path}/none"])


def test_a_dry_run_says_what_would_be_read_and_does_nothing(tmp_path: Path) -> None:
    (tmp_path / "x.warc.wat.gz").write_bytes(b"x")
    listed = tmp_path / "all.txt"
    listed.write_text(f"{DEMO}/demo-2019.jsonl\n{tmp_path}/x.warc.wat.gz\n")
    ended = run("curate", f"@{listed}", "--output", tmp_path / "r", "--dry-run")
    assert ended.code == 0, ended.err
    assert (
        "would read 1 file," in ended.out and "jsonl" in ended.out and "would pass over 1 file" in ended.out
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["all.txt", "x.warc.wat.gz"]
    remote = run("curate", f"@{listed}", "--output", tmp_path / "r", "--dry-run", "--json")
    assert '"usd": 0.0' in remote.out and '"files": 1' in remote.out
