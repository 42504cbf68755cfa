"""The annotator and the plain functions that run the embedded detector.

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
from provenance.annotators.columns import read_column, string_array
from provenance.annotators.language import identify
from provenance.annotators.language import load_model as load_language_model
from provenance.annotators.tokens.tokenizer import load_tokenizer
from provenance.detectors.embedded.calibration import BUCKETS, Calibration, base_language, load_calibration
from provenance.detectors.embedded.model import Model, load_model
from provenance.evidence import at_most_one

NAME = "embedded"
#: Language tags that say that the language is not known.
_UNDETERMINED = ("", "und", "unknown")


@dataclass
class EmbeddedDetector:
    """Adds `detectors`, `detector_evidence`, `detector_abstained`, `detector_words` and `detector_known`.

    From `text` and `language`. Without text: null, empty and null. Abstained: the score is kept, its ratio is 0,
    evidence is empty. Words and the share of known ones let a later stage read the score by another calibration.
    """

    folder: str | None = None  # of the detector's two files; None: the ones that ship
    name: str = NAME
    version: str = ""
    schema: pa.Schema = field(
        default_factory=lambda: pa.schema(
            [
                ("detectors", schema.DETECTORS),
                ("detector_evidence", schema.EVIDENCE),
                ("detector_abstained", pa.bool_()),
                ("detector_words", pa.int32()),
                ("detector_known", pa.float32()),
            ]
        )
    )
    model: Model | None = field(default=None, repr=False)
    calibration: Calibration | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        self.version = (
            self.version or f"{load_model(self.folder).version}+{load_calibration(self.folder).version}"
        )

    def setup(self) -> None:
        """Load model and calibration where none were given."""
        self.model = self.model or load_model(self.folder)
        self.calibration = self.calibration or load_calibration(self.folder)

    def __call__(self, batch: pa.RecordBatch) -> Sequence[pa.Array]:
        """Return the five columns for the rows of `batch`."""
        self.setup()
        assert self.model is not None and self.calibration is not None
        texts = read_column(batch, "text", pa.large_string())
        languages = read_column(batch, "language", pa.string())
        scores = self.model.score(texts, languages)
        ratios, abstained = self.calibration.ratios(scores.score, scores.words, languages, scores.known)
        missing = np.asarray(texts.is_null())
        how = "as calibrated for this length"
        return (
            _detectors(self.version, scores.score, ratios, missing),
            embedded_evidence(scores.score, scores.words, ratios, abstained | missing, how),
            pa.array(abstained, mask=missing),
            pa.array(scores.words, mask=missing),
            pa.array(scores.known, mask=missing),
        )


@dataclass(frozen=True)
class Scored:
    """What the embedded detector says of n texts, each of shape (n,)."""

    probability: NDArray[np.float64]
    ratio: NDArray[np.float32]  # nats, 0 where abstained
    abstained: NDArray[np.bool_]
    flagged: NDArray[np.bool_]
    languages: list[str | None]
    words: NDArray[np.int32]
    score: NDArray[np.float32]
    known: NDArray[np.float32]  # share of the words that are common ones
    version: str
    calibration: Calibration

    def reason(self, row: int) -> str:
        """Why the ratio is what it is, or why there is none."""
        words, language = int(self.words[row]), self.languages[row]
        if not self.abstained[row]:
            return _because(float(self.score[row]), words, "as calibrated for this length")
        if words < BUCKETS[0]:
            return f"{words} words, fewer than {BUCKETS[0]}"
        if language is None or base_language(language) not in self.calibration.lines:
            return (
                f"language {language or 'unknown'}, calibrated for {', '.join(self.calibration.languages())}"
            )
        return "too few common words for the language"


def score_columns(
    texts: Sequence[str] | pa.Array | pa.ChunkedArray,
    languages: Sequence[str | None] | None = None,
    prior: float = 0.5,
    max_fpr: float = 0.01,
    calibration: Calibration | None = None,
    folder: str | None = None,
) -> Scored:
    """Score texts, as columns; `score_texts` describes the arguments."""
    if not 0 < prior < 1:
        raise ValueError(f"prior must lie between 0 and 1, not {prior}")
    if not 0 < max_fpr < 1:
        raise ValueError(f"max_fpr must lie between 0 and 1, not {max_fpr}")
    model, calibration = load_model(folder), calibration or load_calibration(folder)
    if calibration.detector != model.version:
        raise ValueError(f"the calibration is for detector {calibration.detector}, not {model.version}")
    column = texts if isinstance(texts, pa.Array | pa.ChunkedArray) else string_array(texts)
    given = list(languages) if languages is not None else [None] * len(column)
    if len(given) != len(column):
        raise ValueError(f"{len(given)} languages for {len(column)} texts")
    codes = [base_language(language) if language else "" for language in given]
    known = [None if code in _UNDETERMINED else code for code in codes]
    if None in known:
        unsaid = [row for row, language in enumerate(known) if language is None]
        found = identify(load_language_model(), column.take(pa.array(unsaid)).to_pylist())
        for row, (language, _) in zip(unsaid, found, strict=True):
            known[row] = language
    scores = model.score(column, known)
    ratios, abstained = calibration.ratios(scores.score, scores.words, known, scores.known)
    flagged = (scores.score > calibration.cutoffs(scores.words, known, max_fpr)) & ~abstained
    odds = np.log(prior / (1 - prior)) + ratios.astype(float)
    return Scored(
        probability=1 / (1 + np.exp(-odds)),
        ratio=ratios,
        abstained=abstained,
        flagged=flagged,
        languages=known,
        words=scores.words,
        score=scores.score,
        known=scores.known,
        version=f"{model.version}+{calibration.version}",
        calibration=calibration,
    )


def score_texts(
    texts: Sequence[str] | pa.Array | pa.ChunkedArray,
    languages: Sequence[str | None] | None = None,
    prior: float = 0.5,
    max_fpr: float = 0.01,
    calibration: Calibration | None = None,
    folder: str | None = None,
) -> list[dict[str, Any]]:
    """Score texts, one dict a text, in order.

    Keys: synthetic_probability (with `prior`, 0 to 1), llr (nats), abstained, flagged (score above the
    threshold fixed beforehand for `max_fpr`; never where abstained), language (the given tag's base language,
    else identified), token_count (by the tokenizer that ships), word_count (words the detector read), detectors, evidence (pieces with their ratios and
    reasons; none where it abstains), abstained_because. `calibration`
    takes the detector's own one's place, `folder` holds another detector than the shipped one.

    Raises:
        ValueError: for a rate outside 0 to 1, or a calibration of another detector version.
    """
    column = texts if isinstance(texts, pa.Array | pa.ChunkedArray) else string_array(texts)
    found = score_columns(column, languages, prior, max_fpr, calibration=calibration, folder=folder)
    columns = (
        found.probability, found.ratio, found.abstained, found.flagged, load_tokenizer().count(column), found.words, found.score
    )  # fmt: skip
    rows = zip(found.languages, *(column.tolist() for column in columns), strict=True)
    return [
        {
            "synthetic_probability": probability,
            "llr": ratio,
            "abstained": abstained,
            "flagged": flagged,
            "language": language,
            "token_count": tokens,
            "word_count": words,
            "detectors": [{"name": NAME, "version": found.version, "score": score, "llr": ratio}],
            "evidence": []
            if abstained
            else [{"source": f"detector:{NAME}", "llr": ratio, "because": found.reason(row)}],
            "abstained_because": found.reason(row) if abstained else None,
        }
        for row, (language, probability, ratio, abstained, flagged, tokens, words, score) in enumerate(rows)
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
    return at_most_one(entries, keep, schema.DETECTORS, missing)


def embedded_evidence(
    score: NDArray[Any], words: NDArray[Any], ratios: NDArray[Any], silent: NDArray[np.bool_], how: str
) -> pa.Array:
    """The detector's piece of evidence in each row that is not `silent`; `how` says by what it was calibrated."""
    rows = np.flatnonzero(~silent)
    because = [
        _because(value, count, how)
        for value, count in zip(score[rows].tolist(), words[rows].tolist(), strict=True)
    ]
    entries = pa.StructArray.from_arrays(
        [
            pa.array([f"detector:{NAME}"] * len(rows), pa.string()),
            pa.array(ratios[rows], pa.float32()),
            pa.array(because, pa.string()),
        ],
        fields=list(schema.EVIDENCE.value_type),
    )
    return at_most_one(entries, ~silent, schema.EVIDENCE)


def _because(score: float, words: int, how: str) -> str:
    return f"score {score:+.2f} on {words} words, {how}"
