"""Counts personal data and secrets in texts, and puts placeholders in their place where a release asks for it.

Counting is an annotator; masking happens when a text is published, so that another policy reads nothing again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from provenance.annotators.columns import read_column, string_array
from provenance.annotators.personal.patterns import HINTS, find_personal
from provenance.schema import PERSONAL_DATA


@dataclass(frozen=True)
class PersonalDataCounts:
    """Adds `personal_data`: how many of each of `kinds` a text has; null for others and where there is no text."""

    kinds: tuple[str, ...] = ()
    name: ClassVar[str] = "personal_data"
    schema: ClassVar[pa.Schema] = pa.schema([("personal_data", PERSONAL_DATA)])

    @property
    def version(self) -> str:
        """Depends on the kinds, and on the numbering plans where telephone numbers are looked for."""
        plans = f"+{_plans()}" if "phone" in self.kinds else ""
        return f"1:{','.join(self.kinds)}{plans}"

    def setup(self) -> None:
        """Nothing to load."""

    def __call__(self, batch: pa.RecordBatch) -> Sequence[pa.Array]:
        """Return `personal_data` from the `text` and `language` of each row."""
        if not self.kinds:
            return [pa.nulls(batch.num_rows, PERSONAL_DATA)]
        texts = read_column(batch, "text", pa.large_string())
        languages = read_column(batch, "language", pa.string()).to_pylist()
        counts = {kind: np.zeros(batch.num_rows, np.int32) for kind in self.kinds}
        for row in hinted_rows(texts, self.kinds).tolist():
            found = Counter(
                span.kind for span in find_personal(texts[row].as_py(), self.kinds, languages[row])
            )
            for kind, count in found.items():
                counts[kind][row] = count
        columns = [
            pa.array(counts[field.name]) if field.name in counts else pa.nulls(batch.num_rows, field.type)
            for field in PERSONAL_DATA
        ]
        return [pa.StructArray.from_arrays(columns, fields=list(PERSONAL_DATA), mask=texts.is_null())]


def hinted_rows(texts: pa.LargeStringArray, kinds: tuple[str, ...]) -> NDArray[np.int64]:
    """Rows of texts that may hold one of the kinds."""
    hinted = np.zeros(len(texts), bool)
    for kind in kinds:
        found = pc.match_substring_regex(texts, HINTS[kind])
        hinted |= np.asarray(found.fill_null(False))
    return np.flatnonzero(hinted)


def mask_personal(
    texts: pa.LargeStringArray, languages: Sequence[str | None], kinds: tuple[str, ...]
) -> pa.LargeStringArray:
    """The texts with [EMAIL], [PHONE], [IP], [IBAN], [CARD] or [SECRET] in place of each piece of those kinds."""
    rows = hinted_rows(texts, kinds) if kinds else np.empty(0, np.int64)
    if not len(rows):
        return texts
    values = texts.to_pylist()
    for row in rows.tolist():
        values[row] = masked(values[row], kinds, languages[row])
    return string_array(values) if None not in values else pa.array(values, pa.large_string())


def masked(text: str, kinds: tuple[str, ...], language: str | None = None) -> str:
    """One text with placeholders."""
    parts, at = [], 0
    for span in find_personal(text, kinds, language):
        parts += [text[at : span.start], f"[{span.kind.upper()}]"]
        at = span.stop
    return "".join([*parts, text[at:]])


def _plans() -> str:
    from importlib.metadata import version

    return version("phonenumbers")
