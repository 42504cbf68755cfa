"""What every neural detector is and returns: an object that scores texts, each by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


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
