"""Answers of a user's fastText classifier (quality, topic, toxicity) as two columns of every document.

The model is read from a file the user names; its content is part of the fingerprint.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import fasttext
import pyarrow as pa

from provenance.annotators.columns import read_column
from provenance.errors import ConfigurationError

#: Characters of a text that are read: a text is one line to fastText, and this bounds what a hostile one costs (20 ms).
READ_CHARACTERS = 200_000
_PREFIX = "__label__"


@dataclass
class FastTextClassifier:
    """Adds `NAME_label` (the likeliest label) and `NAME_score` (probability of `label`, or of the likeliest).

    Raises ConfigurationError where the model cannot be read or has no such label.
    """

    name: str
    path: str
    label: str | None = None
    version: str = field(default="", init=False)
    schema: pa.Schema = field(init=False, repr=False)
    _model: Any = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        columns = [(f"{self.name}_label", pa.string()), (f"{self.name}_score", pa.float32())]
        self.schema = pa.schema(columns)
        try:
            with open(self.path, "rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise ConfigurationError(
                f"classifiers: {self.name}: {self.path}: cannot be read: {error.strerror or error}"
            ) from error
        self.version = f"1:{digest}:{self.label or ''}"

    def setup(self) -> None:
        """Load the model."""
        try:
            self._model = fasttext.load_model(self.path)
        except (ValueError, RuntimeError, MemoryError) as error:
            raise ConfigurationError(
                f"classifiers: {self.name}: {Path(self.path).name}: is no fastText model: {error}"
            ) from error
        # All labels of the model: those of any text, however unlikely.
        labels, _ = self._model.predict("", k=-1, threshold=-1.0)
        if self.label is not None and labels and _PREFIX + self.label not in labels:
            raise ConfigurationError(
                f"classifiers: {self.name}: the model has no label {self.label!r}; it has: "
                f"{', '.join(sorted(item.removeprefix(_PREFIX) for item in labels)[:20])}"
            )

    def __call__(self, batch: pa.RecordBatch) -> Sequence[pa.Array]:
        """Return the two columns for the `text` of each row; null without text."""
        if self._model is None:
            self.setup()
        texts = read_column(batch, "text", pa.large_string()).to_pylist()
        found = [self._ask(text) if text and text.strip() else (None, None) for text in texts]
        return [
            pa.array([label for label, _ in found], pa.string()),
            pa.array([score for _, score in found], pa.float32()),
        ]

    def _ask(self, text: str) -> tuple[str | None, float | None]:
        line = " ".join(text[:READ_CHARACTERS].split())
        labels, scores = self._model.predict(line, k=1 if self.label is None else -1)
        if not labels:
            return None, None
        names = [item.removeprefix(_PREFIX) for item in labels]
        score = (
            scores[0]
            if self.label is None
            else scores[names.index(self.label)]
            if self.label in names
            else 0.0
        )
        return names[0], min(1.0, float(score))

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_model": None}
