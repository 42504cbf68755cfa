"""The annotator and the plain function that run the embedded detector.

Each document gets a score, a calibrated log-likelihood ratio and the reason, or an abstention.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from provenance import schema
from provenance.columns import read_column
from provenance.detector.calibration import Calibration, load_calibration
from provenance.detector.model import Model, Scores, load_model
from provenance.language import identify
from provenance.language import load_model as load_language_model

NAME = "embedded"


@dataclass
class EmbeddedDetector:
    """Adds `detectors`, `detector_evidence` and `detector_abstained` from `text` and `language`.

    Without text: null, empty and null. Abstained: the score is kept, its ratio is 0, evidence is empty.
    """

    name: str = NAME
    version: str = ""
    schema: pa.Schema = field(
        default_factory=lambda: pa.schema(
            [
                ("detectors", schema.DETECTORS),
                ("detector_evidence", schema.EVIDENCE),
                ("detector_abstained", pa.bool_()),
            ]
        )
    )
    model: Model | None = field(default=None, repr=False)
    calibration: Calibration | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        self.version = self.version or f"{load_model().version}+{load_calibration().version}"

    def setup(self) -> None:
        """Load the shipped model and calibration where none were given."""
        self.model = self.model or load_model()
        self.calibration = self.calibration or load_calibration()

    def __call__(self, batch: pa.RecordBatch) -> Sequence[pa.Array]:
        """Return the three columns for the rows of `batch`."""
        self.setup()
        assert self.model is not None and self.calibration is not None
        texts = read_column(batch, "text", pa.large_string())
        languages = read_column(batch, "language", pa.string()).to_pylist()
        scores = self.model.score(texts)
        ratios, abstained = self.calibration.ratios(scores.score, scores.words, languages, scores.known)
        missing = np.asarray(texts.is_null())
        return (
            _detectors(self.version, scores.score, ratios, missing),
            _evidence(scores, ratios, abstained | missing, missing),
            pa.array(abstained, mask=missing),
        )


def score_texts(
    texts: Sequence[str] | pa.Array | pa.ChunkedArray,
    languages: Sequence[str | None] | None = None,
    prior: float = 0.5,
    max_fpr: float = 0.01,
) -> list[dict[str, Any]]:
    """Score texts with the shipped model, one dict a text, in order.

    Keys: synthetic_probability (with `prior`, 0 to 1), llr (nats), abstained, flagged (score above the
    threshold fixed beforehand for `max_fpr`; never where abstained), language (as given, else identified),
    token_count (words the detector read), detectors. Raises ValueError for a rate outside 0 to 1.
    """
    if not 0 < prior < 1:
        raise ValueError(f"prior must lie between 0 and 1, not {prior}")
    model, calibration = load_model(), load_calibration()
    column = texts if isinstance(texts, pa.Array | pa.ChunkedArray) else pa.array(texts, pa.large_string())
    given: Sequence[str | None] = languages if languages is not None else [None] * len(column)
    if len(given) != len(column):
        raise ValueError(f"{len(given)} languages for {len(column)} texts")
    if any(language is None for language in given):
        identifier = load_language_model()
        given = [
            language or (identify(identifier, text)[0] if text else None)
            for language, text in zip(given, column.to_pylist(), strict=True)
        ]
    scores = model.score(column)
    ratios, abstained = calibration.ratios(scores.score, scores.words, given, scores.known)
    flagged = (scores.score > calibration.cutoffs(scores.words, given, max_fpr)) & ~abstained
    odds = np.log(prior / (1 - prior)) + ratios.astype(float)
    probability = 1 / (1 + np.exp(-odds))
    version = f"{model.version}+{calibration.version}"
    return [
        {
            "synthetic_probability": float(probability[i]),
            "llr": float(ratios[i]),
            "abstained": bool(abstained[i]),
            "flagged": bool(flagged[i]),
            "language": given[i],
            "token_count": int(scores.words[i]),
            "detectors": [
                {"name": NAME, "version": version, "score": float(scores.score[i]), "llr": float(ratios[i])}
            ],
        }
        for i in range(len(column))
    ]


def _detectors(
    version: str, scores: NDArray[np.float32], ratios: NDArray[np.float32], missing: NDArray[np.bool_]
) -> pa.Array:
    keep = ~missing
    count = int(keep.sum())
    entries = pa.StructArray.from_arrays(
        [
            pa.array([NAME] * count, pa.string()),
            pa.array([version] * count, pa.string()),
            pa.array(scores[keep]),
            pa.array(ratios[keep]),
        ],
        fields=list(schema.DETECTORS.value_type),
    )
    return _lists(entries, keep, missing, schema.DETECTORS)


def _evidence(
    scores: Scores, ratios: NDArray[np.float32], silent: NDArray[np.bool_], missing: NDArray[np.bool_]
) -> pa.Array:
    keep = ~silent
    rows = np.flatnonzero(keep)
    because = [
        f"score {scores.score[i]:+.2f} on {scores.words[i]} words, as calibrated for this length"
        for i in rows
    ]
    entries = pa.StructArray.from_arrays(
        [
            pa.array([f"detector:{NAME}"] * len(rows), pa.string()),
            pa.array(ratios[keep]),
            pa.array(because, pa.string()),
        ],
        fields=list(schema.EVIDENCE.value_type),
    )
    return _lists(entries, keep, np.zeros(len(missing), bool), schema.EVIDENCE)


def _lists(
    entries: pa.StructArray, keep: NDArray[np.bool_], null: NDArray[np.bool_], kind: pa.ListType
) -> pa.Array:
    offsets = np.concatenate([[0], np.cumsum(keep)]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), entries, type=kind, mask=pa.array(null))
