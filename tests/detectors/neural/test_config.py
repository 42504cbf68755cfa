"""The `neural` section of the configuration: what is refused when it is read."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from provenance.configuration import Configuration, load_configuration
from provenance.detectors.embedded.calibration import load_calibration
from provenance.detectors.neural.config import Combination, Neural, NeuralConfig
from provenance.errors import ConfigurationError


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"model": "someone/model"}, "revision"),
        ({"model": "someone/model", "revision": "main"}, "40 hexadecimal"),
        ({"model": "no such place!"}, "neither a folder"),
        ({"kind": "binoculars", "synthetic_label": None}, "second_model"),
        ({"synthetic_label": None}, "synthetic_label"),
        ({"name": "embedded"}, "embedded"),
        ({"band": (2.0, 1.0)}, "low, high"),
        ({"calibration": {"intercept": 0, "slope": math.inf}}, "slope"),
        ({"trust_remote_code": True}, "trust_remote_code"),
    ],
)
def test_configuration_is_refused_with_the_reason(options: dict[str, Any], message: str) -> None:
    values = {"name": "d", "kind": "classifier", "model": "a/b", "revision": "0" * 40, "synthetic_label": 1}
    values.pop("revision") if "model" in options else None
    with pytest.raises(ValueError, match=message):
        NeuralConfig(**(values | options))


def test_names_must_differ_and_weights_must_name_detectors() -> None:
    one = NeuralConfig(name="d", kind="surprisal", model="a/b", revision="0" * 40)
    with pytest.raises(ValueError, match="differ"):
        Neural(detectors=(one, one))
    with pytest.raises(ValueError, match="no detector is called other"):
        Neural(detectors=(one,), combination=Combination(weights={"other": 1}))


def test_yaml_error_names_the_place(tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text(
        "neural: {detectors: [{name: d, kind: surprisal, model: a/b, revision: '" + "0" * 40 + "', dpi: 3}]}"
    )
    with pytest.raises(ConfigurationError, match=r"neural\.detectors\.0\.dpi"):
        load_configuration(path)


def test_default_configuration_asks_no_neural_detector() -> None:
    assert Configuration().neural.detectors == ()


def test_the_default_band_leaves_out_what_the_embedded_detector_is_surest_of(shared: Path) -> None:
    """Its ratios end at the bounds of its calibration, so a band that reaches them would leave out nothing."""
    band = NeuralConfig(name="d", kind="surprisal", model=str(shared)).band
    least, most = load_calibration().bounds
    assert band is not None
    assert least < band[0] < 0 < band[1] < most
