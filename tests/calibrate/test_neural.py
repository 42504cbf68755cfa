"""Calibrating a neural detector: its ratio points to "machine" whichever way its score points."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from provenance.detectors.neural.annotator import NeuralDetectors
from provenance.detectors.neural.config import NeuralConfig, ScoreCalibration
from tests.detectors.neural.models import batch, save_classifier, toy


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Folder of a classifier that tells the texts of `toy` apart."""
    return save_classifier(tmp_path_factory.mktemp("classifier"))


@pytest.mark.parametrize("sign", [1, -1])
def test_calibrate_measures_a_neural_detector_and_the_pipeline_takes_the_file(
    classifier: str, tmp_path: Path, sign: int
) -> None:
    """Whichever way the score points, its calibrated ratio points to "machine"."""
    from pipelines.command import main

    rows, labels = toy(300, seed=21, words=70)
    noisy = [label if k % 9 else 1 - label for k, label in enumerate(labels)]  # a ninth is mislabelled
    lines = tmp_path / "labelled.jsonl"
    lines.write_text(
        "".join(
            json.dumps({"text": text, "label": label, "language": "en"}) + "\n"
            for text, label in zip(rows, noisy, strict=True)
        )
    )
    entry = {"name": "toy", "kind": "classifier", "model": classifier, "max_tokens": 128, "device": "cpu"}
    entry["synthetic_label"] = "machine" if sign == 1 else "human"
    settings, file = tmp_path / "settings.yaml", tmp_path / "toy.json"
    settings.write_text(json.dumps({"neural": {"detectors": [entry]}}))
    command = ["calibrate", str(lines), "--config", str(settings), "--output", str(file), "--detector"]
    assert main([*command, "toy"]) == 0
    made = ScoreCalibration.model_validate_json(file.read_text())
    assert np.sign(made.slope) == sign
    assert made.languages == ("en",)
    assert made.provenance["documents"] == {"human": 150, "synthetic": 150}
    assert made.provenance["auroc"] == pytest.approx(0.89 if sign == 1 else 0.11, abs=0.06)
    config = NeuralConfig(**{**entry, "calibration": str(file), "band": None})
    fresh, truth = toy(40, seed=22, words=70)
    found, _ = NeuralDetectors([config])(batch(fresh, [None] * 40))
    ratios = np.array([item[0]["llr"] for item in found.to_pylist()])
    assert ((ratios > 0) == np.array(truth, bool)).mean() > 0.9
    assert np.abs(ratios).max() <= 4.0
    assert main([*command, "other"]) == 2
    assert main([*command, "toy", "--human-only"]) == 2
    lines.write_text("".join(lines.read_text().splitlines(keepends=True)[:100]))
    assert main([*command, "toy"]) == 1
