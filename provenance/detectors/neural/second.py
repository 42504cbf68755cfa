"""The encoder's word beside the embedded detector's, for texts without a pipeline: what `provenance score --encoder` adds.

The same ratio as a crawl's documents get from both before the crawl itself is asked.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from provenance.detectors.embedded.annotator import Scored, embedded_evidence
from provenance.detectors.embedded.calibration import level_of
from provenance.detectors.neural.annotator import NeuralDetectors
from provenance.detectors.neural.calibration import chosen_combination
from provenance.detectors.neural.config import Neural, NeuralConfig


@dataclass(frozen=True)
class Joined:
    """What both say of n texts: the embedded detector's columns with joint ratios, and what the encoder adds to each answer."""

    found: Scored
    detectors: list[list[dict[str, Any]] | None]
    evidence: list[list[dict[str, Any]]]

    def at(self, row: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """(entries of detectors, pieces of evidence) that the encoder adds to one answer."""
        return self.detectors[row] or [], self.evidence[row]


class SecondStage:
    """The encoder and the combination that ship; raises NeuralError where the extra `encoder` is not installed."""

    def __init__(self) -> None:
        neural = Neural(detectors=(NeuralConfig.model_validate({"kind": "encoder"}),))
        combination = chosen_combination(neural, None)
        assert combination is not None
        self._combination = combination
        self._annotator = NeuralDetectors(neural.detectors, combination)

    def join(self, texts: pa.Array, found: Scored, prior: float, max_fpr: float) -> Joined:
        """Read the texts on which `found` is unsure, and say what follows at this prior and rate of false alarms."""
        because = embedded_evidence(found.score, found.words, found.ratio, found.abstained, "")
        columns = {
            "text": texts,
            "language": pa.array(found.languages, pa.string()),
            "detector_evidence": because,
        }
        detectors, evidence = self._annotator(pa.RecordBatch.from_pydict(columns))
        added: list[list[dict[str, Any]]] = evidence.to_pylist()
        ratio = found.ratio + np.array([sum(piece["llr"] for piece in row) for row in added], np.float32)
        odds = np.log(prior / (1 - prior)) + ratio.astype(float)
        joined = replace(
            found,
            ratio=ratio,
            probability=1 / (1 + np.exp(-odds)),
            flagged=self._flagged(found, ratio, max_fpr),
        )
        return Joined(joined, detectors.to_pylist(), added)

    def _flagged(self, found: Scored, ratio: NDArray[np.float32], max_fpr: float) -> NDArray[np.bool_]:
        """By the joint ratio in the languages of the combination's thresholds, elsewhere as the embedded detector flags."""
        flagged = found.flagged.copy()
        level = level_of(max_fpr)
        for language, cuts in self._combination.thresholds.items():
            rows = np.array([name == language for name in found.languages], bool) & ~found.abstained
            flagged[rows] = ratio[rows] > cuts[level] if level >= 0 else False
        return flagged
