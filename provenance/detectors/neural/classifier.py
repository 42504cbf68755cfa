"""Any Hugging Face sequence classifier: the log-odds of its label for machine-written text.

Higher means more synthetic; log-odds rather than a probability, which would saturate at its ends.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from provenance.detectors.neural.batches import length_batches, padded
from provenance.detectors.neural.config import NeuralConfig
from provenance.detectors.neural.labels import label_index, label_log_odds
from provenance.detectors.neural.scores import NeuralScores
from provenance.detectors.neural.weights import SCORING, encode, load_model, load_tokenizer, locate


class Classifier:
    """Raises NeuralError where the model has no such label."""

    def __init__(self, config: NeuralConfig) -> None:
        folder = locate(config, config.model, config.revision)
        self._config = config
        self._tokenizer = load_tokenizer(folder)
        self._model, self._device = load_model(config, folder, "AutoModelForSequenceClassification")
        labels = self._model.config.label2id or {}
        self._label = label_index(config, labels, int(self._model.config.num_labels))
        pad = getattr(self._model.config, "pad_token_id", None)
        # A decoder reads its last token that is not padding: without a padding token it takes one text at a time.
        self._budget = config.batch_tokens if pad is not None else 1
        self._pad = int(pad or 0)

    def score(self, texts: Sequence[str]) -> NeuralScores:
        """Log-odds of the synthetic label for each text."""
        with SCORING, torch.inference_mode():
            ids = encode(self._tokenizer, texts, self._config.max_tokens)
            lengths = [len(row) for row in ids]
            scores = np.full(len(texts), np.nan)
            filled = [row for row, length in enumerate(lengths) if length]
            for batch in length_batches([lengths[row] for row in filled], self._budget):
                rows = [filled[k] for k in batch]
                tokens, mask = padded(ids, rows, self._pad)
                logits = self._model(
                    input_ids=torch.from_numpy(tokens).to(self._device),
                    attention_mask=torch.from_numpy(mask).to(self._device),
                ).logits
                scores[rows] = label_log_odds(logits.double().cpu().numpy(), self._label)
        return NeuralScores(scores, np.array(lengths, np.int64))
