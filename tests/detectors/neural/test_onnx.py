"""ONNX classifiers: the same log-odds from a file without torch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from provenance.detectors.neural.annotator import NeuralDetectors
from provenance.detectors.neural.load import load_scorer
from provenance.detectors.neural.weights import NeuralError
from tests.detectors.neural.models import detector, texts, tokenizer


def save_onnx(folder: Path, table: np.ndarray) -> str:
    """A classifier whose logits are the sums of its tokens' rows in `table` (vocabulary, 2), encoded by hand."""

    def field(number: int, value: int | bytes | str) -> bytes:
        if isinstance(value, int):
            return varint(number << 3) + varint(value)
        data = value.encode() if isinstance(value, str) else value
        return varint(number << 3 | 2) + varint(len(data)) + data

    def varint(value: int) -> bytes:
        low = bytes([value & 127])
        return low if value < 128 else bytes([low[0] | 128]) + varint(value >> 7)

    def tensor(name: str, values: np.ndarray) -> bytes:
        dims = b"".join(field(1, size) for size in values.shape)
        kind = 1 if values.dtype == np.float32 else 7
        return field(5, dims + field(2, kind) + field(8, name) + field(9, values.tobytes()))

    def node(operation: str, inputs: str, output: str, attributes: dict[str, int]) -> bytes:
        body = b"".join(field(1, name) for name in inputs.split()) + field(2, output) + field(4, operation)
        for name, value in attributes.items():
            body += field(5, field(1, name) + field(3, value) + field(20, 2))
        return field(1, body)

    def port(number: int, name: str, kind: int, dims: list[str | int]) -> bytes:
        shape = b"".join(field(1, field(1 if isinstance(dim, int) else 2, dim)) for dim in dims)
        return field(number, field(1, name) + field(2, field(1, field(1, kind) + field(2, shape))))

    graph = (
        node("Gather", "table input_ids", "rows", {})
        + node("Cast", "attention_mask", "mask", {"to": 1})
        + node("Unsqueeze", "mask last", "wide", {})
        + node("Mul", "rows wide", "kept", {})
        + node("ReduceSum", "kept middle", "logits", {"keepdims": 0})
        + field(2, "toy")
        + tensor("table", table.astype(np.float32))
        + tensor("last", np.array([2], np.int64))
        + tensor("middle", np.array([1], np.int64))
        + port(11, "input_ids", 7, ["n", "length"])
        + port(11, "attention_mask", 7, ["n", "length"])
        + port(12, "logits", 1, ["n", 2])
    )
    folder.mkdir(exist_ok=True)
    model = field(1, 8) + field(7, graph) + field(8, field(1, "") + field(2, 13))
    (folder / "model.onnx").write_bytes(model)
    tokenizer().save_pretrained(folder)
    return str(folder)


def test_onnx_score_is_the_log_odds_of_its_label(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    table = np.random.default_rng(1).normal(0, 0.1, size=(32, 2)).astype(np.float32)
    folder = save_onnx(tmp_path / "onnx", table)
    sample = texts()
    logits = np.array([table[tokenizer()(text)["input_ids"]].astype(float).sum(0) for text in sample])
    for label, sign in ((1, 1), (0, -1)):
        for model in (folder, f"{folder}/model.onnx"):
            config = detector("onnx", model, synthetic_label=label, batch_tokens=200)
            scores = load_scorer(config).score(sample)
            np.testing.assert_allclose(scores.score, sign * (logits[:, 1] - logits[:, 0]), atol=1e-5)
    (tmp_path / "onnx" / "model.onnx").write_bytes(b"no model")
    with pytest.raises(NeuralError, match="cannot be loaded"):
        NeuralDetectors([detector("onnx", folder, synthetic_label=1, batch_tokens=300)]).setup()
