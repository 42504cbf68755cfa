"""Binoculars: log-perplexity of one model over the cross-entropy between two (Hans et al., ICML 2024).

Higher means more human: a calibration has a negative slope.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from provenance.detectors.neural.causal import CausalModels
from provenance.detectors.neural.config import NeuralConfig
from provenance.detectors.neural.scores import NeuralScores


class Binoculars:
    """`model` is the observer, `second_model` the performer (often the instruction-tuned one of a pair)."""

    def __init__(self, config: NeuralConfig) -> None:
        self._models = CausalModels(config, same_width=True)

    def score(self, texts: Sequence[str]) -> NeuralScores:
        """The Binoculars score of each text."""
        return self._models.score(texts, binoculars)


def binoculars(ids: torch.Tensor, logits: list[torch.Tensor]) -> float:
    """Score of one text from its `ids` (L,) and the logits (L, V) of observer and performer.

    As in the authors' program, the performer's log-perplexity is a mean over the L - 1 predicted tokens and
    the cross-entropy of observer against performer is a mean over all L positions.
    """
    observer, performer = logits
    log_q = torch.log_softmax(performer, dim=-1)
    log_perplexity = -log_q[:-1].gather(-1, ids[1:, None]).double().mean()
    cross = -(torch.softmax(observer, dim=-1) * log_q).sum(-1).double().mean()
    return float(log_perplexity / cross)
