"""Embeddings of texts by a transformers model in a folder: means of its last hidden states, of length 1.

Weights in safetensors only, no code of the model's own; equal texts in equal order give equal vectors on one machine.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from provenance.detectors.neural.batches import length_batches, padded
from provenance.detectors.neural.weights import (
    SCORING,
    check_folder,
    encode,
    load_tokenizer,
    once,
    read_weights,
    require_extra,
)

#: Tokens that are read of a text, as many as docs/audit.md was measured with, less where the model reads less; tokens of a batch.
MOST_TOKENS, _BATCH_TOKENS = 128, 8_192
#: What sentence-transformers writes beside a model whose embedding is that of the first token.
_POOLING = Path("1_Pooling") / "config.json"


class Encoder:
    """A model that turns texts into points.

    Raises NeuralError where the extra `neural` is missing or the folder holds no model that can be loaded.
    """

    def __init__(self, folder: str) -> None:
        path = Path(folder).expanduser().resolve()
        where = f"--embeddings {folder}"
        require_extra(["classifier"], f"{where}: models of transformers")
        check_folder(where, path)
        self._tokenizer = load_tokenizer(path)
        self._model = once(
            ("encoder", path), lambda: read_weights(where, path, "AutoModel").requires_grad_(False).eval()
        )
        limits = [
            getattr(self._model.config, "max_position_embeddings", None),
            self._tokenizer.model_max_length,
        ]
        self._tokens = min([limit for limit in limits if isinstance(limit, int)] + [MOST_TOKENS])
        self._first = _takes_first(path / _POOLING)

    def points(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Unit vectors of texts, shape (texts, hidden size); of a text without tokens all zeros."""
        import torch

        vectors = np.zeros((len(texts), int(self._model.config.hidden_size)))
        with SCORING, torch.inference_mode():
            ids = encode(self._tokenizer, texts, self._tokens)
            filled = [row for row, tokens in enumerate(ids) if tokens]
            for batch in length_batches([len(ids[row]) for row in filled], _BATCH_TOKENS):
                rows = [filled[place] for place in batch]
                tokens, mask = padded(ids, rows, int(getattr(self._model.config, "pad_token_id", None) or 0))
                vectors[rows] = self._pool(torch.from_numpy(tokens), torch.from_numpy(mask))
        return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9))

    def _pool(self, tokens: Any, mask: Any) -> NDArray[np.float64]:
        states = self._model(input_ids=tokens, attention_mask=mask).last_hidden_state.double()
        if self._first:
            return np.asarray(states[:, 0].numpy())
        weight = mask[:, :, None].double()
        return np.asarray(((states * weight).sum(dim=1) / weight.sum(dim=1)).numpy())


def _takes_first(path: Path) -> bool:
    """Whether a file of sentence-transformers says that the first token stands for the text."""
    try:
        return bool(json.loads(path.read_text(encoding="utf-8")).get("pooling_mode_cls_token"))
    except (OSError, ValueError, AttributeError):
        return False
