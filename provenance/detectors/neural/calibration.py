"""From neural scores to log-likelihood ratios, and from several detectors' ratios to one.

Every ratio is bounded. Detectors of one text are correlated, so their ratios are never simply added.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from provenance.detectors.neural.config import Combination, NeuralConfig, ScoreCalibration
from provenance.detectors.neural.weights import NeuralError


def read_score_calibration(config: NeuralConfig) -> ScoreCalibration | None:
    """The calibration of a detector, from the configuration or from the JSON file that it names.

    Raises NeuralError, naming the detector, where the file cannot be used.
    """
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
