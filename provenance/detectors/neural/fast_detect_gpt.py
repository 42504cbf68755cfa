"""Fast-DetectGPT: conditional probability curvature in its analytic form (Bao et al., ICLR 2024).

Higher means more synthetic. With one model it samples and scores; a second model samples for the first.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from provenance.detectors.neural.causal import CausalModels
from provenance.detectors.neural.config import NeuralConfig
from provenance.detectors.neural.scores import NeuralScores


class FastDetectGPT:
    """`model` scores; `second_model`, where given, is the one whose samples are imagined."""

    def __init__(self, config: NeuralConfig) -> None:
        self._models = CausalModels(config)

    def score(self, texts: Sequence[str]) -> NeuralScores:
        """The curvature of each text."""
        return self._models.score(texts, curvature)


def curvature(ids: torch.Tensor, logits: list[torch.Tensor]) -> float:
    """Discrepancy of one text from its `ids` (L,) and the logits (L, V) of the scorer [and the sampler].

    (log p(text) - its expectation) / its standard deviation, over tokens drawn independently from the sampler.
    Vocabularies padded to different widths are cut to the narrower, as the authors do.
    """
    width = min(part.shape[-1] for part in logits)
    log_p = torch.log_softmax(logits[0][:-1, :width], dim=-1)
    q = torch.softmax(logits[-1][:-1, :width], dim=-1)
    likelihood = log_p.gather(-1, ids[1:, None])[:, 0]
    mean = (q * log_p).sum(-1)
    # The variance about the mean, not the difference of squares: it cannot round to less than zero.
    variance = (q * (log_p - mean[:, None]).square()).sum(-1)
    spread = float(variance.double().sum().sqrt())
    return float((likelihood - mean).double().sum()) / spread if spread > 0 else float("nan")
