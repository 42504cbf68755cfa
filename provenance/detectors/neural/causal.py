"""Run causal language models over documents and hand over the logits of one document at a time.

Scores are made from one document's own rows, so padding and neighbours never enter them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from provenance.detectors.neural.batches import length_batches, padded
from provenance.detectors.neural.config import NeuralConfig
from provenance.detectors.neural.scores import NeuralScores
from provenance.detectors.neural.weights import (
    SCORING,
    NeuralError,
    encode,
    load_model,
    load_tokenizer,
    locate,
)

#: Fewer tokens than this say nothing, and some of the statistics do not exist.
MIN_TOKENS = 12


class CausalModels:
    """One or two causal models that share a tokenizer.

    Raises NeuralError where the second model reads other tokens than the first.
    """

    def __init__(self, config: NeuralConfig, same_width: bool = False) -> None:
        self._config = config
        folders = [locate(config, config.model, config.revision)]
        if config.second_model is not None:
            folders.append(locate(config, config.second_model, config.second_revision))
        self.tokenizer = load_tokenizer(folders[0])
        for other in folders[1:]:
            if load_tokenizer(other).get_vocab() != self.tokenizer.get_vocab():
                raise NeuralError(
                    f"neural detector {config.name!r}: {folders[0].name} and {other.name} have different "
                    "tokenizers; the score needs two models that read the same tokens"
                )
        self._models = [self._load(folder) for folder in folders]
        widths = {int(model.config.vocab_size) for model, _ in self._models}
        if same_width and len(widths) > 1:
            raise NeuralError(
                f"neural detector {config.name!r}: the models' vocabularies are of sizes {sorted(widths)}"
            )

    def score(
        self, texts: Sequence[str], statistic: Callable[[torch.Tensor, list[torch.Tensor]], float]
    ) -> NeuralScores:
        """`statistic(ids, [logits of each model])` for each text: ids (L,), logits (L, vocabulary), float32."""
        with SCORING, torch.inference_mode():
            ids = encode(self.tokenizer, texts, self._config.max_tokens)
            scores = np.full(len(texts), np.nan)
            for row, tokens, logits in self._forward(ids):
                scores[row] = statistic(tokens, logits)
        return NeuralScores(scores, np.array([len(row) for row in ids], np.int64))

    def _forward(self, ids: list[list[int]]) -> Iterator[tuple[int, torch.Tensor, list[torch.Tensor]]]:
        long_enough = [row for row, tokens in enumerate(ids) if len(tokens) >= MIN_TOKENS]
        lengths = [len(ids[row]) for row in long_enough]
        for batch in length_batches(lengths, self._config.batch_tokens):
            rows = [long_enough[k] for k in batch]
            tokens, mask = padded(ids, rows, 0)
            outputs = [
                model(
                    input_ids=torch.from_numpy(tokens).to(device),
                    attention_mask=torch.from_numpy(mask).to(device),
                    use_cache=False,
                ).logits
                for model, device in self._models
            ]
            for k, row in enumerate(rows):
                length = len(ids[row])
                own = [output[k, :length].float() for output in outputs]
                yield row, torch.tensor(ids[row], device=own[0].device), own

    def _load(self, folder: Path) -> tuple[Any, torch.device]:
        model, device = load_model(self._config, folder, "AutoModelForCausalLM")
        return model, device
