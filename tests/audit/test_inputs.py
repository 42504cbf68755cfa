"""An audit reads what people have: Parquet, Arrow, JSON lines, JSON, plain text, packed or not; it says what it passed over."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from datasets import Dataset

from provenance.audit.inputs import AuditError, Reading, read_batches
from provenance.audit.sketches.strata import Sketches
from provenance.files.storage import LocalStorage
from tests.audit.made import documents

TEXTS = documents(40, 1)


def _texts(path: Path, reading: Reading | None = None) -> list[str]:
    batches = read_batches(LocalStorage(), str(path), reading)
    return [text for batch in batches for text in batch["text"].to_pylist()]


def _lines() -> bytes:
    return b"".join(json.dumps({"text": text, "n": i}).encode() + b"\n" for i, text in enumerate(TEXTS))


@pytest.mark.parametrize(
    "form", ["parquet", "jsonl", "jsonl.gz", "ndjson.zst", "json", "txt", "txt.gz", "disk"]
)
def test_every_form_of_a_dataset_gives_the_same_sketch(tmp_path: Path, form: str) -> None:
    path = tmp_path / f"data.{form}"
    if form == "parquet":
        pq.write_table(pa.table({"text": TEXTS}), path)
    elif form == "disk":
        Dataset.from_dict({"text": TEXTS}).save_to_disk(str(path))
    elif form == "json":
        path.write_text(json.dumps([{"text": text} for text in TEXTS]))
    else:
        data = "\n\n".join(TEXTS).encode() if "txt" in form else _lines()
        packed = {"gz": gzip.compress, "st": zstandard.ZstdCompressor().compress}.get(form[-2:], bytes)
        path.write_bytes(packed(data))
    assert _texts(path) == TEXTS
    found, expected = Sketches(), Sketches()
    for batch in read_batches(LocalStorage(), str(path)):
        found.add(batch)
    expected.add(pa.record_batch({"text": TEXTS}))
    assert found.to_bytes() == expected.to_bytes()


def test_lines_that_cannot_be_read_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(
        b'{"text": "one"}\n{broken\n[1]\n{"text": 7}\n\n{"other": "x"}\n' + b"[" * 100_000 + b"\n"
    )
    reading = Reading()
    assert _texts(path, reading) == ["one"]
    assert reading.unreadable == 5


def test_fields_of_other_names_are_asked_for_and_a_wrong_name_lists_what_is_there(tmp_path: Path) -> None:
    lines, table = tmp_path / "a.jsonl", tmp_path / "a.parquet"
    lines.write_text(json.dumps({"prompt": "why", "response": "because"}) + "\n")
    pq.write_table(pa.table({"prompt": ["why"], "response": ["because"]}), table)
    for path in (lines, table):
        reading = Reading("response", "prompt")
        batch = next(iter(read_batches(LocalStorage(), str(path), reading)))
        assert (batch["text"].to_pylist(), batch["prompt"].to_pylist()) == (["because"], ["why"])
        with pytest.raises(AuditError, match="it has prompt, response"):
            _texts(path)


def test_damage_is_named(tmp_path: Path) -> None:
    for name in ("a.jsonl.gz", "a.txt.zst", "a.arrow"):
        (tmp_path / name).write_bytes(b"this is neither")
        with pytest.raises(AuditError, match="cannot be read as what its name says"):
            _texts(tmp_path / name)


def test_a_parquet_file_is_read_a_row_group_at_a_time(tmp_path: Path) -> None:
    """Read ahead, all of a file's compressed bytes stay in memory: a file of 10 GB would not fit."""
    random = np.random.RandomState(0)
    schema = pa.schema([("text", pa.string())])
    with pq.ParquetWriter(tmp_path / "a.parquet", schema) as writer:
        for _ in range(24):
            writer.write_table(pa.table({"text": [random.bytes(500_000).hex()]}), row_group_size=1)
    size = (tmp_path / "a.parquet").stat().st_size
    tracemalloc.start()
    try:
        batches = sum(1 for _ in read_batches(LocalStorage(), str(tmp_path / "a.parquet")))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert batches >= 1
    assert peak < size / 4
