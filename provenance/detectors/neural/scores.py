"""What every neural detector returns, and the one place that makes a detector from its configuration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from provenance.detectors.neural.calibration import read_score_calibration
from provenance.detectors.neural.config import NeuralConfig
from provenance.detectors.neural.weights import once


@dataclass(frozen=True)
class NeuralScores:
    """Scores of n texts, each of shape (n,); NaN where the text is too short for the score to exist."""

    score: NDArray[np.float64]
    tokens: NDArray[np.int64]  # tokens that were read


class Scorer(Protocol):
    """A loaded detector."""

    def score(self, texts: Sequence[str]) -> NeuralScores:
        """Score texts; the result does not depend on what else is in the batch, to 1e-5."""
        ...


def load_scorer(config: NeuralConfig) -> Scorer:
    """The detector of `config`, loaded once in this process and shared by its threads."""

    def load() -> Scorer:
        # Imported here: each of these needs the extra `neural`.
        if config.kind == "classifier":
            from provenance.detectors.neural.classifier import Classifier

            return Classifier(config)
        if config.kind == "onnx":
            from provenance.detectors.neural.onnx import OnnxClassifier

            return OnnxClassifier(config)
        if config.kind == "binoculars":
            from provenance.detectors.neural.binoculars import Binoculars

            return Binoculars(config)
        if config.kind == "fast_detect_gpt":
            from provenance.detectors.neural.fast_detect_gpt import FastDetectGPT

            return FastDetectGPT(config)
        from provenance.detectors.neural.surprisal import Surprisal

        calibration = read_score_calibration(config)
        return Surprisal(config, calibration.weights if calibration else None)

    return once(("scorer", config.model_dump_json()), load)
