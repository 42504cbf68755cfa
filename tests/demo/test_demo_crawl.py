"""The bundled crawl is what contents.json says it is, and its script makes it again."""

from __future__ import annotations

import json
import subprocess
import sys
import zlib
from collections import Counter
from pathlib import Path

import pytest
from fastwarc.warc import ArchiveIterator as FastIterator
from warcio.archiveiterator import ArchiveIterator
from warcio.exceptions import ArchiveLoadFailed

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "provenance" / "demo"
CONTENTS = json.loads((DEMO / "contents.json").read_text(encoding="utf-8"))
ARCHIVES = sorted(name for name in CONTENTS["records"] if "warc" in name)


def complete_members(path: Path) -> list[bytes]:
    """The decompressed gzip members of a file; what is left of a cut one comes last."""
    data, members = path.read_bytes(), []
    while data:
        member = zlib.decompressobj(31)
        members.append(member.decompress(data))
        data = member.unused_data
    return members


def stated(name: str) -> Counter[str]:
    counts = Counter(CONTENTS["records"][name])
    del counts["truncated"]
    return counts + Counter(warcinfo=1)


@pytest.mark.parametrize("name", ARCHIVES)
def test_warcio_reads_the_stated_records(name: str) -> None:
    found: Counter[str] = Counter()
    with (DEMO / name).open("rb") as file:
        try:
            for record in ArchiveIterator(file, check_digests=True):
                record.content_stream().read()
                found[record.rec_type] += 1
        except (ArchiveLoadFailed, EOFError):
            assert "truncated" in CONTENTS["records"][name]
    # warcio yields the header of the cut record too.
    assert found - stated(name) in (Counter(), Counter(response=1))
    assert stated(name) - found == Counter()


@pytest.mark.parametrize("name", ARCHIVES)
def test_fastwarc_reads_the_stated_records(name: str) -> None:
    with (DEMO / name).open("rb") as file:
        found = Counter(str(record.headers["WARC-Type"]) for record in FastIterator(file))
    assert found - stated(name) in (Counter(), Counter(response=1))
    assert stated(name) - found == Counter()


def test_lines_are_documents_with_a_text_and_a_date() -> None:
    lines = (DEMO / "demo-2019.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(lines) == CONTENTS["records"]["demo-2019.jsonl"]["line"]
    assert all({"id", "url", "warc_date", "text"} == set(json.loads(line)) for line in lines)


def test_crawl_is_small_but_has_every_kind_of_page() -> None:
    records = sum(sum(counts.values()) for counts in CONTENTS["records"].values())
    assert 300 <= records <= 600
    assert sum(path.stat().st_size for path in DEMO.iterdir()) < 1_500_000
    kinds = {"recrawl", "exact copy", "edited copy", "copy in another layout", "chat residue", "opt-out"}
    assert kinds <= set(CONTENTS["pages"])


def test_script_makes_the_same_crawl(tmp_path: Path) -> None:
    version = ".".join(map(str, sys.version_info[:3]))
    if version != CONTENTS["python"]:
        pytest.skip(f"the crawl was made with the texts of Python {CONTENTS['python']}, this is {version}")
    command = [
        sys.executable,
        "-W",
        "ignore",
        str(ROOT / "scripts" / "make"),
        "demo_crawl",
        str(tmp_path),
    ]
    subprocess.run(command, check=True, capture_output=True)
    made = json.loads((tmp_path / "contents.json").read_text(encoding="utf-8"))
    if made["python_texts"] != CONTENTS["python_texts"]:
        pytest.skip("this Python was built with other help texts than the crawl was made from")
    assert made == CONTENTS
    for name in CONTENTS["records"]:
        if name.endswith(".gz"):  # compressed sizes differ between builds of zlib, what is inside does not
            ours, theirs = complete_members(DEMO / name), complete_members(tmp_path / name)
            whole = len(ours) - ("truncated" in CONTENTS["records"][name])
            assert ours[:whole] == theirs[:whole] and len(ours) == len(theirs)
        else:
            assert (DEMO / name).read_bytes() == (tmp_path / name).read_bytes()
