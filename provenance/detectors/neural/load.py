"""The one place that makes a neural detector from its configuration."""

from __future__ import annotations

from provenance.detectors.neural.calibration import read_score_calibration
from provenance.detectors.neural.config import NeuralConfig
from provenance.detectors.neural.scores import Scorer
from provenance.detectors.neural.weights import once


def load_scorer(config: NeuralConfig) -> Scorer:
    """The detector of `config`, loaded once in this process and shared by its threads."""

    def load() -> Scorer:
        # Imported here: each of these needs the extra `neural`, or `encoder`.
        if config.kind == "encoder":
            from provenance.detectors.neural.encoder import Encoder

            return Encoder()
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
