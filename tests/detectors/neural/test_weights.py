"""Models and tokenizers: what cannot be used is named, pickled weights and foreign code are not run."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import shutil
from pathlib import Path

import pytest

from provenance.detectors.neural.annotator import NeuralDetectors
from provenance.detectors.neural.weights import NeuralError
from tests.detectors.neural.models import detector, save_causal


def test_pickled_weights_are_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "pytorch_model.bin").write_bytes(b"\x80\x04.")
    with pytest.raises(NeuralError, match="pickled weights can run code"):
        NeuralDetectors([detector("surprisal", str(tmp_path))])


def test_missing_folder_label_or_calibration_is_named(classifier: str, tmp_path: Path) -> None:
    with pytest.raises(NeuralError, match="no such file or folder"):
        NeuralDetectors([detector("surprisal", str(tmp_path / "nowhere"))])
    with pytest.raises(NeuralError, match=r"'robot'.*human \(0\), machine \(1\)"):
        NeuralDetectors([detector("classifier", classifier, synthetic_label="robot")]).setup()
    with pytest.raises(NeuralError, match="cannot be read"):
        NeuralDetectors([detector("classifier", classifier, calibration=str(tmp_path / "none.json"))])
    (tmp_path / "bad.json").write_text('{"intercept": 0}')
    with pytest.raises(NeuralError, match="slope"):
        NeuralDetectors([detector("classifier", classifier, calibration=str(tmp_path / "bad.json"))])
    with pytest.raises(NeuralError, match="reads 128"):
        NeuralDetectors([detector("surprisal", save_causal(tmp_path / "m", 1), max_tokens=512)]).setup()


def test_missing_extra_names_the_command_that_installs_it(
    classifier: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(
        "provenance.detectors.neural.weights.find_spec", lambda name: None if name == "torch" else real(name)
    )
    with pytest.raises(NeuralError, match=r"torch: pip install 'provenance-pipelines\[neural\]'"):
        NeuralDetectors([detector("classifier", classifier)])


def test_a_tokenizer_that_is_not_there_is_named(classifier: str, tmp_path: Path) -> None:
    for name in ("config.json", "model.safetensors"):
        shutil.copy(Path(classifier) / name, tmp_path)
    with pytest.raises(NeuralError, match="tokenizer"):
        NeuralDetectors([detector("classifier", str(tmp_path))]).setup()


def test_code_that_comes_with_a_model_is_not_run(classifier: str, tmp_path: Path) -> None:
    folder, mark = tmp_path / "model", tmp_path / "ran"
    shutil.copytree(classifier, folder)
    (folder / "own.py").write_text(f"open({str(mark)!r}, 'w')\n")
    settings = json.loads((folder / "config.json").read_text())
    own = {"AutoConfig": "own.Config", "AutoModelForSequenceClassification": "own.Model"}
    (folder / "config.json").write_text(json.dumps({**settings, "auto_map": own}))
    with contextlib.suppress(NeuralError):
        NeuralDetectors([detector("classifier", str(folder))]).setup()
    assert not mark.exists()
