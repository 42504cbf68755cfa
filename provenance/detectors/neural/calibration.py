"""From neural scores to log-likelihood ratios, and from several detectors' ratios to one.

Every ratio is bounded. Detectors of one text are correlated, so their ratios are never simply added.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from provenance.detectors.neural.config import (
    Combination,
    Neural,
    NeuralConfig,
    ScoreCalibration,
    asks_as_shipped,
)
from provenance.detectors.neural.weights import NeuralError


def read_score_calibration(config: NeuralConfig) -> ScoreCalibration | None:
    """The calibration of a detector, from the configuration or from the JSON file that it names.

    Raises NeuralError, naming the detector, where the file cannot be used.
    """
    if config.calibration is None and config.kind == "encoder":
        return shipped_encoder()[0]
    if not isinstance(config.calibration, str):
        return config.calibration
    where = f"neural detector {config.name!r}: calibration {config.calibration}"
    try:
        text = Path(config.calibration).expanduser().read_text(encoding="utf-8")
        return ScoreCalibration.model_validate_json(text)
    except ValidationError as error:
        problem = error.errors()[0]
        place = ".".join(str(part) for part in problem["loc"]) or "file"
        raise NeuralError(f"{where}: {place}: {problem['msg']}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise NeuralError(f"{where}: cannot be read ({error})") from error


def chosen_combination(neural: Neural, model: str | None) -> Combination | None:
    """The combination of a configuration: its own, else the one that ships where the encoder alone is asked, as it ships.

    That one is for the embedded detector that ships: raises NeuralError beside another `model`.
    """
    if not asks_as_shipped(neural):
        return neural.combination
    if model is not None:
        raise NeuralError(
            f"neural.combination: needed beside detector.model {model}, because the one that ships is for the detector that ships"
        )
    own = shipped_encoder()[1]
    weights = {"embedded": own.weights["embedded"], neural.detectors[0].name: own.weights["encoder"]}
    return own.model_copy(update={"weights": weights})


@lru_cache(maxsize=1)
def shipped_encoder() -> tuple[ScoreCalibration, Combination]:
    """How the encoder that ships is calibrated, by itself and together with the embedded detector."""
    text = (files("provenance.detectors.neural") / "data" / "encoder.json").read_text(encoding="utf-8")
    stored = json.loads(text)
    return ScoreCalibration(**stored["calibration"]), Combination(**stored["combination"])


def ratios(
    calibration: ScoreCalibration,
    scores: NDArray[np.float64],
    tokens: NDArray[np.int64],
    languages: Sequence[str | None],
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """(ratios in nats, answered), each of shape (n,); a detector that abstains has ratio 0."""
    answered = np.isfinite(scores) & (tokens >= calibration.min_tokens)
    if calibration.languages is not None:
        answered &= np.array([language in calibration.languages for language in languages], bool)
    line = calibration.intercept + calibration.slope * np.where(answered, scores, 0.0)
    return np.where(answered, np.clip(line, *calibration.bounds), 0.0), answered


def combine(combination: Combination | None, opinions: Mapping[str, float]) -> float:
    """One ratio in nats from the ratios of the detectors that have an opinion, by name; 0 for none.

    Without a fitted combination it is their mean: right if they know the same thing, too modest otherwise.
    """
    if not opinions:
        return 0.0
    if combination is None:
        return float(np.mean(list(opinions.values())))
    weighted = (combination.weights.get(name, 0.0) * ratio for name, ratio in opinions.items())
    return float(np.clip(combination.intercept + sum(weighted), *combination.bounds))
