"""The protocol of annotators: what it asks, what an error costs; the example of docs/extending.md fulfils it."""

from __future__ import annotations

import importlib
import json
import re
import tomllib
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from provenance import Annotator
from provenance.annotators.annotator import Failures, annotate_batch
from tests.program import run

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "extending.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)
    assert found is not None
    return found.group(1)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The example, installed as a package with its entry point."""
    (tmp_path / "phrases.py").write_text(block("python"), encoding="utf-8")
    project = tomllib.loads(block("toml"))["project"]  # without a name and a version pip refuses it
    name, version = project["name"], project["version"]
    metadata = tmp_path / f"{name}-{version}.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    points = project["entry-points"]["provenance.annotators"]
    lines = [f"{key} = {place}\n" for key, place in points.items()]
    (metadata / "entry_points.txt").write_text("[provenance.annotators]\n" + "".join(lines))
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_the_example_fulfils_the_protocol(package: Path) -> None:
    assert isinstance(importlib.import_module("phrases").Phrases(["a"]), Annotator)


def test_the_example_adds_its_column_and_its_evidence(package: Path) -> None:
    texts = {
        "two": "In those days, in the realm of fish, there was a rich tapestry of scales and fins to see.",
        "one": "The harbour was a rich tapestry of boats when the first of them came home that evening.",
        "none": "Nobody had seen the ferry since Tuesday, and the baker began to worry about his flour.",
    }
    crawl = package / "crawl.jsonl"
    crawl.write_text("".join(json.dumps({"id": key, "text": text}) + "\n" for key, text in texts.items()))
    configuration = package / "configuration.yaml"
    configuration.write_text(block("yaml"))
    options = ["--config", configuration, "--max-synthetic", "1", "--quiet"]
    result = run("curate", crawl, "--output", package / "release", *options)
    assert result.code == 0, result.err
    data = pd.read_parquet(package / "release" / "data").set_index("record_id")
    assert data["phrase_count"].to_dict() == {"two": 2, "one": 1, "none": 0}
    assert "phrases_evidence" not in data.columns
    sources = {key: [item["source"] for item in items] for key, items in data["evidence"].items()}
    assert "phrases" in sources["two"]
    assert "phrases" not in sources["one"] + sources["none"]


class Picky:
    """Refuses batches that hold a certain text."""

    name, version = "picky", "1"
    schema = pa.schema([("size", pa.int64())])

    def setup(self) -> None:
        pass

    def __call__(self, batch: pa.RecordBatch) -> list[pa.Array]:
        if "bad" in batch["text"].to_pylist():
            raise ValueError("no bad texts")
        return [pa.array([len(text) for text in batch["text"].to_pylist()], pa.int64())]


def test_an_error_costs_the_row_that_raises_it_and_no_other() -> None:
    failures: Failures = {}
    batch = pa.record_batch({"doc_id": list("abcde"), "text": ["x", "bad", "yy", "zzz", "bad"]})
    done = annotate_batch(Picky(), batch, failures)
    assert done["size"].to_pylist() == [1, None, 2, 3, None]
    message = "picky: ValueError: no bad texts"
    assert failures == {"b": ("annotator_failed", message), "e": ("annotator_failed", message)}


def test_a_column_of_another_type_or_length_is_refused_by_name() -> None:
    class Wrong(Picky):
        def __call__(self, batch: pa.RecordBatch) -> list[pa.Array]:
            return [pa.array(["x"] * batch.num_rows)]

    batch = pa.record_batch({"doc_id": ["a"], "text": ["x"]})
    with pytest.raises(TypeError, match="annotator picky: column size must be 1 x int64, got 1 x string"):
        annotate_batch(Wrong(), batch, {})
