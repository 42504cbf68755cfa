"""The bundled crawl is what contents.json says it is, and its script makes it again."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import zlib
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
import yaml
from fastwarc.warc import ArchiveIterator as FastIterator
from warcio.archiveiterator import ArchiveIterator
from warcio.exceptions import ArchiveLoadFailed

from scripts.make.demo_passages import PASSAGES, chosen, held_out
from scripts.make.example import README, example
from tests.program import DEMO, ROOT, data, ledger, run

CONTENTS = json.loads((DEMO / "contents.json").read_text(encoding="utf-8"))
SOURCES = pd.read_csv(DEMO / "sources.tsv", sep="\t", keep_default_na=False)
HOSTS = ("http://letters.example", "https://letters.example")
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
    assert sum(path.stat().st_size for path in DEMO.iterdir()) < 1_000_000
    kinds = {
        "recrawl",
        "exact copy",
        "edited copy",
        "copy in another layout",
        "chat residue",
        "opt-out",
        "watermarked",
    }
    assert kinds <= set(CONTENTS["pages"])
    assert CONTENTS["made_by"]["people"] > CONTENTS["made_by"]["machine"] > 50


def test_every_page_has_a_source_that_is_free_of_rights() -> None:
    free = ("Apache-2.0", "CC0-1.0", "Unlicense", "public domain", "official work")
    assert SOURCES.license.str.startswith(free).all() and SOURCES.source.ne("").all()
    archived = [
        record.headers["WARC-Target-URI"]
        for name in ARCHIVES
        for record in FastIterator((DEMO / name).open("rb"))
        if record.headers["WARC-Type"] in ("response", "conversion")
    ]
    lines = (DEMO / "demo-2019.jsonl").read_text(encoding="utf-8").splitlines()
    unlisted = {*archived, *(json.loads(line)["url"] for line in lines)} - set(SOURCES.url)
    # a redirect, an error, an image, and the record that is cut off
    assert unlisted <= {f"{host}/{name}" for host in HOSTS for name in ("", "gone", "dot.png", "cut-short")}
    assert {"people", "machine"} == set(SOURCES.made_by)


def test_texts_by_people_are_none_that_the_detector_was_trained_on(shared: Path) -> None:
    """Neither a text nor its document: the corpus is split by document, and training reads the split `train`."""
    passages = [json.loads(line) for line in PASSAGES.read_text(encoding="utf-8").splitlines()]
    pools = [
        pd.read_parquet(path, columns=["text", "source", "split", "label"])
        for path in sorted((shared / "data" / "detector").glob("*.parquet"))
    ]
    corpus = pd.concat(pools, ignore_index=True)
    train = corpus[corpus.split == "train"]
    held_out = corpus[(corpus.split != "train") & (corpus.label == "human")]
    assert not {row["text"] for row in passages} & set(train.text)
    assert not {row["source"] for row in passages} & set(train.source)
    assert {(row["text"], row["source"]) for row in passages} <= set(zip(held_out.text, held_out.source))


def test_texts_by_people_are_older_than_the_crawl_that_has_them() -> None:
    dated = SOURCES[SOURCES.made_by == "people"].url.str.extract(r"example/(\d{4}/\d\d/\d\d)/")[0].dropna()
    assert len(dated) > 150 and dated.max() < "2022/11/30"
    with (DEMO / "demo-2021.warc.gz").open("rb") as file:
        urls = [record.headers.get("WARC-Target-URI") or "" for record in FastIterator(file)]
    assert max(re.findall(r"\d{4}/\d\d/\d\d", " ".join(urls))) < "2021/06/07"
    first = [json.loads(line) for line in (DEMO / "demo-2019.jsonl").read_text(encoding="utf-8").splitlines()]
    assert max(re.findall(r"\d{4}/\d\d/\d\d", " ".join(line["url"] for line in first))) < "2019/02/01"


def test_demo_finds_what_machines_wrote_and_spares_what_people_wrote(demo_release: Path) -> None:
    rows = ledger(demo_release).merge(SOURCES.drop_duplicates("url"), on="url", how="inner")
    judged = rows[rows.synthetic_probability.notna()]
    found = (judged.synthetic_probability >= 0.5).groupby(judged.made_by).mean()
    assert found["machine"] > 0.9  # of one model's family, on whose like the detector was trained
    assert found["people"] < 0.02


def test_key_of_the_watermarked_page_finds_it_and_nothing_else(tmp_path: Path) -> None:
    pytest.importorskip("tokenizers")
    settings = yaml.safe_load((DEMO / "watermark.yaml").read_text(encoding="utf-8"))
    (entry,) = settings["watermarks"]
    entry["tokenizer"] = str(ROOT / entry["tokenizer"])
    (tmp_path / "key.yaml").write_text(json.dumps(settings), encoding="utf-8")
    ended = run(
        "curate", DEMO / "demo-2025.warc.gz", "--output", tmp_path / "r", "--config", tmp_path / "key.yaml",
        "--max-synthetic", "1.0", "--quiet",
    )  # fmt: skip
    assert ended.code == 0, ended.err
    marked = SOURCES.url[SOURCES.kind == "watermarked"].tolist()
    rows = data(tmp_path / "r")
    p_values = rows.set_index("url").watermarks.map(
        lambda found: min((f["p_value"] for f in found), default=1.0)
    )
    assert p_values[p_values < 1e-5].index.tolist() == marked
    assert len(p_values) > 100


def test_script_makes_the_same_crawl(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "scripts" / "make"), "demo_crawl", str(tmp_path)]
    subprocess.run(command, check=True, capture_output=True)
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in DEMO.iterdir()} - {
        "README.md"
    }
    for made in sorted(tmp_path.iterdir()):
        if made.suffix == ".gz":  # compressed sizes differ between builds of zlib, what is inside does not
            ours, theirs = complete_members(DEMO / made.name), complete_members(made)
            whole = len(ours) - ("truncated" in CONTENTS["records"][made.name])
            assert ours[:whole] == theirs[:whole] and len(ours) == len(theirs)
        else:
            assert (DEMO / made.name).read_bytes() == made.read_bytes(), made.name


def test_script_chooses_the_same_texts(shared: Path) -> None:
    assert [json.loads(line) for line in PASSAGES.read_text(encoding="utf-8").splitlines()] == list(
        chosen(held_out(shared))
    )


def test_readme_shows_what_the_program_says_now() -> None:
    """`python scripts/make example` writes it anew, where the detector, the cap or the crawl changed."""
    text = README.read_text(encoding="utf-8")
    assert example(text) == text
