"""Sequence classifiers in ONNX form, run by onnxruntime without torch.

A folder with model.onnx (or the path of such a file) and tokenizer.json beside it; scores as `classifier`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from provenance.detectors.neural.batches import length_batches, padded
from provenance.detectors.neural.config import NeuralConfig
from provenance.detectors.neural.labels import label_index, label_log_odds
from provenance.detectors.neural.scores import NeuralScores
from provenance.detectors.neural.weights import SCORING, NeuralError, encode, load_tokenizer, locate


class OnnxClassifier:
    """Raises NeuralError where the file is no classifier of token ids or has no such label."""

    def __init__(self, config: NeuralConfig) -> None:
        import onnxruntime

        path = locate(config, config.model, config.revision)
        file = path if path.is_file() else path / "model.onnx"
        where = f"neural detector {config.name!r}: {file}"
        self._config = config
        self._tokenizer = load_tokenizer(file.parent)
        providers = ["CPUExecutionProvider"]
        if config.device != "cpu" and "CUDAExecutionProvider" in onnxruntime.get_available_providers():
            providers.insert(0, "CUDAExecutionProvider")
        try:
            self._session = onnxruntime.InferenceSession(str(file), providers=providers)
        except Exception as error:  # the runtime has its own hierarchy of errors
            raise NeuralError(f"{where} cannot be loaded ({error})") from error
        self._inputs = [item.name for item in self._session.get_inputs()]
        unknown = sorted(set(self._inputs) - {"input_ids", "attention_mask", "token_type_ids"})
        if "input_ids" not in self._inputs or unknown:
            raise NeuralError(f"{where}: its inputs are {', '.join(self._inputs)}; needs input_ids")
        settings = _settings(file.parent)
        self._pad = int(settings.get("pad_token_id") or 0)
        labels = settings.get("label2id") or {}
        shape = self._session.get_outputs()[0].shape
        count = shape[-1] if shape and isinstance(shape[-1], int) else max(len(labels), 2)
        self._label = label_index(config, labels, count)

    def score(self, texts: Sequence[str]) -> NeuralScores:
        """Log-odds of the synthetic label for each text."""
        with SCORING:
            ids = encode(self._tokenizer, texts, self._config.max_tokens)
            lengths = [len(row) for row in ids]
            scores = np.full(len(texts), np.nan)
            filled = [row for row, length in enumerate(lengths) if length]
            for batch in length_batches([lengths[row] for row in filled], self._config.batch_tokens):
                rows = [filled[k] for k in batch]
                tokens, mask = padded(ids, rows, self._pad)
                given = {"input_ids": tokens, "attention_mask": mask, "token_type_ids": np.zeros_like(tokens)}
                logits = self._session.run(None, {name: given[name] for name in self._inputs})[0]
                scores[rows] = label_log_odds(np.asarray(logits, np.float64), self._label)
        return NeuralScores(scores, np.array(lengths, np.int64))


def _settings(folder: Path) -> dict[str, Any]:
    """The model's config.json, where it has one: names of labels and the padding token."""
    path = folder / "config.json"
    if not path.is_file():
        return {}
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise NeuralError(f"{path}: cannot be read ({error})") from error
    return settings if isinstance(settings, dict) else {}
