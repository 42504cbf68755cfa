"""Statistics of token surprisal and of its differences (after DivEye, Basani and Chen 2025).

The score is their weighted sum, by weights in the calibration; without weights it is the mean surprisal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from provenance.detectors.neural.causal import CausalModels
from provenance.detectors.neural.config import NeuralConfig
from provenance.detectors.neural.scores import NeuralScores
from provenance.detectors.neural.weights import NeuralError

#: Order of `surprisal_statistics`. Surprisal is in nats; differences are between neighbouring tokens.
STATISTICS = (
    "mean",
    "std",
    "variance",
    "skewness",
    "kurtosis",  # excess
    "difference_mean",
    "difference_std",
    "second_difference_variance",
    "second_difference_entropy",  # nats, of a histogram of 20 equal bins
    "second_difference_autocorrelation",  # lag 1
)
_BINS = 20


class Surprisal:
    """One causal model; `weights` by name of STATISTICS.

    Raises NeuralError for a weight of another name.
    """

    def __init__(self, config: NeuralConfig, weights: Mapping[str, float] | None) -> None:
        unknown = sorted(set(weights or {}) - set(STATISTICS))
        if unknown:
            raise NeuralError(
                f"neural detector {config.name!r}: calibration weighs {', '.join(unknown)}; "
                f"the statistics are {', '.join(STATISTICS)}"
            )
        chosen = {"mean": 1.0} if weights is None else weights
        self._weights = np.array([chosen.get(name, 0.0) for name in STATISTICS])
        self._models = CausalModels(config)

    def score(self, texts: Sequence[str]) -> NeuralScores:
        """The weighted sum of each text's statistics."""
        return self._models.score(texts, self._weighted)

    def statistics(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """STATISTICS of each text, shape (n, 10), NaN where it is too short: what weights are fitted on."""
        found = np.full((len(texts), len(STATISTICS)), np.nan)
        for k, text in enumerate(texts):
            rows: list[NDArray[np.float64]] = []

            def keep(
                ids: torch.Tensor, logits: list[torch.Tensor], rows: list[NDArray[np.float64]] = rows
            ) -> float:
                rows.append(surprisal_statistics(token_surprisal(ids, logits[0])))
                return 0.0

            self._models.score([text], keep)
            if rows:
                found[k] = rows[0]
        return found

    def _weighted(self, ids: torch.Tensor, logits: list[torch.Tensor]) -> float:
        return float(self._weights @ surprisal_statistics(token_surprisal(ids, logits[0])))


def token_surprisal(ids: torch.Tensor, logits: torch.Tensor) -> NDArray[np.float64]:
    """Surprisal in nats of each token after the first, shape (L - 1,)."""
    log_p = torch.log_softmax(logits[:-1], dim=-1).gather(-1, ids[1:, None])[:, 0]
    return -log_p.double().cpu().numpy()


def surprisal_statistics(surprisal: NDArray[np.float64]) -> NDArray[np.float64]:
    """STATISTICS of one text's surprisals (at least four); moments are those of the population."""
    mean, std = surprisal.mean(), surprisal.std()
    # A text of one surprisal throughout has no shape: 0 rather than 0/0.
    z = (surprisal - mean) / std if std > 0 else np.zeros_like(surprisal)
    first = np.diff(surprisal)
    second = np.diff(first)
    counts, _ = np.histogram(second, bins=_BINS)
    share = counts[counts > 0] / counts.sum()
    left, right = second[:-1] - second[:-1].mean(), second[1:] - second[1:].mean()
    scale = np.sqrt((left**2).sum() * (right**2).sum())
    return np.array(
        [
            mean,
            std,
            std**2,
            (z**3).mean(),
            (z**4).mean() - 3.0 if std > 0 else 0.0,
            first.mean(),
            first.std(),
            second.var(),
            -(share * np.log(share)).sum(),
            (left * right).sum() / scale if scale > 0 else 0.0,
        ]
    )
