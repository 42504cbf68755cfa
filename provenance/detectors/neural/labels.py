"""From a classifier's logits to the log-odds of one label, in numpy alone."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from provenance.detectors.neural.config import NeuralConfig
from provenance.detectors.neural.weights import NeuralError


def label_index(config: NeuralConfig, labels: Mapping[str, int], count: int) -> int:
    """Index of the synthetic label among `count`; raises NeuralError where there is none."""
    wanted = config.synthetic_label
    index = labels.get(wanted) if isinstance(wanted, str) else wanted
    if index is None or not 0 <= index < max(count, 2):
        known = ", ".join(f"{name} ({number})" for name, number in labels.items()) or f"0 to {count - 1}"
        raise NeuralError(
            f"neural detector {config.name!r}: the model has no label {wanted!r}; its labels are {known}"
        )
    return int(index)


def label_log_odds(logits: NDArray[np.float64], label: int) -> NDArray[np.float64]:
    """Log p(label) / (1 - p(label)) of each row of `logits` (n, classes).

    One column is the log-odds of label 1, as a model with a sigmoid gives it.
    """
    if logits.shape[1] == 1:
        return logits[:, 0] if label == 1 else -logits[:, 0]
    others = np.delete(logits, label, axis=1)
    top = others.max(axis=1)
    return np.asarray(logits[:, label] - (top + np.log(np.exp(others - top[:, None]).sum(axis=1))))
