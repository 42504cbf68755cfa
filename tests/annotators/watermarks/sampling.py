"""Text that a marking model would write, from random logits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")


def generate(
    processor: Any, vocab: int, length: int, temperature: float, seed: int, batch: int = 2
) -> np.ndarray:
    """Token ids sampled from random logits that the real processor has changed; shape (batch, length)."""
    noise = torch.Generator().manual_seed(seed)
    ids = torch.randint(0, vocab, (batch, 6), generator=noise)
    for _ in range(length):
        scores = torch.randn(batch, vocab, generator=noise) * 2.0 / temperature
        probabilities = torch.softmax(processor(ids, scores), dim=-1)
        ids = torch.cat([ids, torch.multinomial(probabilities, 1, generator=noise)], dim=1)
    return ids[:, 6:].numpy()
