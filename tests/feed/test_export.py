"""What an export holds is what was published, read by the formats' own readers; it goes on after a kill and refuses what it cannot do."""

from __future__ import annotations

import importlib.util
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import tokenizers

from provenance.feed.export import Settings, export_release
from provenance.feed.export.jsonl import JsonLines
from provenance.feed.export.litdata import LitData
from provenance.feed.export.tokens import Tokens
from provenance.feed.export.webdataset import WebDataset
from tests.program import contents, data, run

#: Small, so that each export has several shards.
SHARD = 120_000
COLUMNS = ("doc_id", "text", "token_count", "capture_time", "published_time", "http_status")


@pytest.fixture(scope="module")
def published(blocks_release: Path) -> pd.DataFrame:
    return data(blocks_release)


def _export(release: Path, output: Path, to: str, **options: Any) -> Path:
    made = export_release(str(release), str(output), Settings(to=to, shard_bytes=SHARD, **options))
    assert made.shards > 3
    return output


@pytest.mark.parametrize("compression", ["zst", "gz"])
def test_datasets_reads_json_lines(
    blocks_release: Path, published: pd.DataFrame, tmp_path: Path, compression: str
) -> None:
    from datasets import load_dataset

    out = _export(blocks_release, tmp_path / "out", "jsonl", compression=compression, columns=COLUMNS)
    files = sorted(str(path) for path in (out / "data").iterdir())
    read = load_dataset("json", data_files=files, split="train", cache_dir=str(tmp_path / "cache"))
    assert read["doc_id"] == published["doc_id"].tolist()
    assert read["text"] == published["text"].tolist()
    assert read["token_count"] == published["token_count"].tolist()
    times = pd.to_datetime(pd.Series(read["capture_time"]), utc=True)
    assert (times == published["capture_time"].reset_index(drop=True)).all()
    missing = pd.Series(read["published_time"]).isna().tolist()
    assert missing == published["published_time"].isna().tolist()
    assert any(missing) and not all(missing)


def test_webdataset_reads_its_tars(blocks_release: Path, published: pd.DataFrame, tmp_path: Path) -> None:
    import webdataset

    out = _export(blocks_release, tmp_path / "out", "webdataset")
    urls = sorted(str(path) for path in (out / "data").glob("*.tar"))
    read = list(webdataset.WebDataset(urls, shardshuffle=False).decode())
    assert [item["__key__"] for item in read] == published["doc_id"].tolist()
    assert [item["txt"] for item in read] == published["text"].tolist()
    assert [item["json"]["url"] for item in read] == published["url"].tolist()


def test_litdata_reads_its_chunks(blocks_release: Path, published: pd.DataFrame, tmp_path: Path) -> None:
    from litdata import StreamingDataset

    out = _export(blocks_release, tmp_path / "out", "litdata", columns=COLUMNS)
    read = list(StreamingDataset(str(out / "data"), shuffle=False))
    assert [item["text"] for item in read] == published["text"].tolist()
    assert [item["token_count"] for item in read] == published["token_count"].tolist()
    micros = published["capture_time"].astype("datetime64[us, UTC]").astype("int64").tolist()
    assert [item["capture_time"] for item in read] == micros
    assert {type(item["http_status"]) for item in read} <= {int, float}


@pytest.mark.skipif(
    importlib.util.find_spec("streaming") is None,
    reason="mosaicml-streaming has to be in its own environment",
)
def test_mosaicml_streaming_reads_its_shards(
    blocks_release: Path, published: pd.DataFrame, tmp_path: Path
) -> None:
    from streaming import StreamingDataset

    out = _export(blocks_release, tmp_path / "out", "mds", columns=COLUMNS)
    read = list(StreamingDataset(local=str(out / "data"), shuffle=False, batch_size=1))
    assert [item["text"] for item in read] == published["text"].tolist()
    assert [item["token_count"] for item in read] == published["token_count"].tolist()


@pytest.mark.skipif(importlib.util.find_spec("streaming") is not None, reason="the library is here")
def test_without_mosaicml_streaming_the_message_names_the_extra(blocks_release: Path, tmp_path: Path) -> None:
    ended = run("export", blocks_release, "--to", "mds", "--output", tmp_path / "out")
    assert ended.code == 2
    assert "provenance-pipelines[mds]" in ended.err and "environment of its own" in ended.err
    assert not (tmp_path / "out").exists()


def _read_megatron(prefix: Path) -> tuple[np.ndarray, list[np.ndarray], np.ndarray]:
    """All tokens, the sequences, and the ends of documents, read as the format says and by nothing of ours."""
    head = np.dtype(
        [("magic", "S9"), ("version", "<u8"), ("kind", "u1"), ("sequences", "<u8"), ("ends", "<u8")]
    )
    raw = prefix.with_name(prefix.name + ".idx").read_bytes()
    found = np.frombuffer(raw, head, 1)[0]
    assert found["magic"] == b"MMIDIDX" and found["version"] == 1
    kind = {8: np.uint16, 4: np.int32}[int(found["kind"])]
    count, at = int(found["sequences"]), head.itemsize
    lengths = np.frombuffer(raw, "<i4", count, at)
    places = np.frombuffer(raw, "<i8", count, at + 4 * count)
    ends = np.frombuffer(raw, "<i8", int(found["ends"]), at + 12 * count)
    assert len(raw) == at + 12 * count + 8 * len(ends)
    tokens = np.fromfile(prefix.with_name(prefix.name + ".bin"), kind)
    size = np.dtype(kind).itemsize
    sequences = [tokens[place // size :][:length] for place, length in zip(places, lengths)]
    return tokens, sequences, ends


def _prefixes(out: Path) -> list[Path]:
    return [path.with_suffix("") for path in sorted((out / "data").glob("*.idx"))]


def test_tokens_decode_to_the_published_text(
    blocks_release: Path, published: pd.DataFrame, tmp_path: Path, tokenizer_file: Path
) -> None:
    out = _export(blocks_release, tmp_path / "out", "tokens")
    library = tokenizers.Tokenizer.from_file(str(tokenizer_file))
    end = json.loads((out / "export.json").read_text())["format"]["end_of_document"]
    texts, counts = [], []
    for prefix in _prefixes(out):
        tokens, sequences, ends = _read_megatron(prefix)
        assert tokens.dtype == np.uint16 and ends.tolist() == list(range(len(sequences) + 1))
        assert all(sequence[-1] == end and end not in sequence[:-1] for sequence in sequences)
        texts += library.decode_batch([sequence[:-1].tolist() for sequence in sequences])
        counts += [len(sequence) - 1 for sequence in sequences]
    assert texts == published["text"].tolist()
    assert counts == published["token_count"].tolist()


def test_packed_sequences_are_of_one_length_and_documents_are_found_in_them(
    blocks_release: Path, published: pd.DataFrame, tmp_path: Path, tokenizer_file: Path
) -> None:
    out = _export(blocks_release, tmp_path / "out", "tokens", sequence=256)
    library = tokenizers.Tokenizer.from_file(str(tokenizer_file))
    end = json.loads((out / "export.json").read_text())["format"]["end_of_document"]
    texts: list[str] = []
    for prefix in _prefixes(out):
        tokens, sequences, _ = _read_megatron(prefix)
        assert {len(sequence) for sequence in sequences} == {256}
        bounds = np.load(prefix.with_name(prefix.name + ".documents.npy"))
        documents = np.split(tokens, bounds)
        filling = documents.pop()
        assert len(filling) < 256 and set(filling.tolist()) <= {end}
        texts += library.decode_batch([document[:-1].tolist() for document in documents])
    assert texts == published["text"].tolist()


def test_another_tokenizer_is_taken_only_when_asked_and_large_vocabularies_have_wide_tokens(
    blocks_release: Path, published: pd.DataFrame, tmp_path: Path, tokenizer_file: Path
) -> None:
    library = tokenizers.Tokenizer.from_file(str(tokenizer_file))
    library.add_special_tokens([f"<{i}>" for i in range(40_000)] + ["</s>"])
    path = tmp_path / "other.json"
    library.save(str(path))
    options = ("--to", "tokens", "--tokenizer", path, "--output", tmp_path / "out", "--shard-bytes", SHARD)
    refused = run("export", blocks_release, *options)
    assert refused.code == 2 and "not by other.json" in refused.err and not (tmp_path / "out").exists()
    ended = run("export", blocks_release, *options, "--another-tokenizer")
    assert ended.code == 0, ended.err
    tokens, sequences, _ = _read_megatron(_prefixes(tmp_path / "out")[0])
    assert tokens.dtype == np.int32 and sequences[0][-1] == library.token_to_id("</s>")
    assert library.decode(sequences[0][:-1].tolist()) == published["text"].iloc[0]


@pytest.mark.parametrize(
    ("to", "writer"),
    [("jsonl", JsonLines), ("webdataset", WebDataset), ("litdata", LitData), ("tokens", Tokens)],
)
def test_an_interrupted_export_goes_on_and_ends_in_the_same_bytes(
    blocks_release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, to: str, writer: Any
) -> None:
    columns = None if to == "tokens" else ("doc_id", "text", "http_status")
    whole = _export(blocks_release, tmp_path / "whole", to, columns=columns)
    with monkeypatch.context() as patched:
        written = writer.write

        def stop(self: Any, shard: Any, folder: Path) -> dict[str, Any]:
            note: dict[str, Any] = written(self, shard, folder)
            if shard.number == 2:
                raise KeyboardInterrupt  # its files are there, but not moved to their place
            return note

        patched.setattr(writer, "write", stop)
        with pytest.raises(KeyboardInterrupt):
            _export(blocks_release, tmp_path / "out", to, columns=columns)
    out = tmp_path / "out"
    assert not (out / "export.json").exists()
    before = {path.name: path.stat().st_mtime_ns for path in (out / "data").iterdir()}
    damaged = sorted(path for path in (out / "data").iterdir())[0]
    damaged.write_bytes(damaged.read_bytes()[:-1])
    settings = Settings(to=to, shard_bytes=SHARD, columns=columns)
    made = export_release(str(blocks_release), str(out), settings)
    assert made.stood == 1  # of two that were finished, one was cut short since
    standing = [name for name in before if (out / "data" / name).stat().st_mtime_ns == before[name]]
    assert standing
    assert contents(out) == contents(whole)


def test_an_export_says_what_it_was_made_of(blocks_release: Path, tmp_path: Path) -> None:
    out = _export(blocks_release, tmp_path / "out", "jsonl")
    said = json.loads((out / "export.json").read_text())
    assert (out / "release/manifest.json").read_bytes() == (blocks_release / "manifest.json").read_bytes()
    assert (out / "release/README.md").read_bytes() == (blocks_release / "README.md").read_bytes()
    assert said["release"]["sha256"] == json.loads((out / "release/manifest.json").read_text())["sha256"]
    found = {file["path"]: file["sha256"] for file in said["files"]}
    there = {name: digest for name, digest in contents(out).items() if name != "export.json"}
    assert found == there


def test_what_cannot_be_done_is_refused_before_anything_is_written(
    blocks_release: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    broken = tmp_path / "broken.json"
    broken.write_text("{}")
    for options, message in (
        (("--to", "jsonl", "--columns", "colour"), "has no column 'colour'"),
        (("--to", "jsonl", "--columns", "detectors"), "numbers, strings and times"),
        (("--to", "webdataset", "--columns", "text"), "needs the column doc_id"),
        (("--to", "jsonl", "--split", "train"), "has no splits"),
        (("--to", "jsonl", "--sequence", "8"), "--sequence is for --to tokens"),
        (("--to", "litdata", "--compression", "gz"), "--compression is for --to jsonl"),
        (("--to", "tokens", "--columns", "text"), "--columns is not for --to tokens"),
        (("--to", "tokens", "--tokenizer", str(tmp_path / "none.json")), "--tokenizer: "),
        (("--to", "tokens", "--tokenizer", str(broken)), "is not a tokenizer"),
        (("--to", "tokens", "--end", "</s>"), "no such special token"),
    ):
        ended = run("export", blocks_release, *options, "--output", out)
        assert (ended.code, message in ended.err) == (2, True), (options, ended.err)
        assert not out.exists()
    address = run("export", blocks_release, "--to", "jsonl", "--output", "s3://bucket/out")
    assert address.code == 2 and "local directory" in address.err


def test_a_directory_with_anything_else_is_left_alone(blocks_release: Path, tmp_path: Path) -> None:
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "mine.txt").write_text("mine")
    unfinished = tmp_path / "unfinished"
    finished = _export(blocks_release, tmp_path / "finished", "jsonl", columns=("text",))
    shutil.copytree(finished, unfinished)
    (unfinished / "export.json").unlink()
    (unfinished / ".parts").mkdir()
    said = json.loads((finished / "export.json").read_text())
    earlier = {"settings": said["settings"], "format": said["format"], "release": "0" * 16}
    (unfinished / ".parts/settings.json").write_text(json.dumps(earlier))
    for place, message in (
        (foreign, "not an unfinished export"),
        (finished, "holds a finished export"),
        (unfinished, "release '0000000000000000'"),
        (blocks_release, "not an unfinished export"),
    ):
        before = contents(place)
        ended = run(
            "export", blocks_release, "--to", "jsonl", "--columns", "text", "--shard-bytes", SHARD, "--output", place
        )  # fmt: skip
        assert (ended.code, message in ended.err) == (2, True), ended.err
        assert contents(place) == before


def test_a_release_without_documents_is_refused_in_words(tmp_path: Path) -> None:
    """A cap of 0 leaves only what is proven to be human."""
    crawl = tmp_path / "crawl.jsonl"
    crawl.write_text(
        '{"text": "Nobody knows when this was written, or by whom.", "url": "https://a.example/"}\n'
    )
    release = tmp_path / "release"
    made = run("curate", crawl, "--max-synthetic", "0", "--output", release)
    assert made.code == 0 and "nothing is published" in made.out
    ended = run("export", release, "--to", "tokens", "--output", tmp_path / "out")
    assert ended.code == 2 and f"error: {release}: holds no documents" in ended.err
    assert not (tmp_path / "out").exists()
