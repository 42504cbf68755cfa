"""Detect one watermark in one document or in many.

The public entry of the package: token ids in, verdicts with p-values out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from provenance.annotators.watermarks.ragged import F64, I64, checked, ragged, tie_breakers
from provenance.annotators.watermarks.scheme import Measurements, Scheme


@dataclass(frozen=True)
class Detection:
    """The verdict on one document.

    `scored`, `score` and `z` are the scheme author's statistic; `tokens` distinct coins stand behind `p_value`
    (uncorrected; 1 where the document is too short to judge). `positions` are the token positions of those coins
    and `values` what each is worth (1 or 0 for green or red).
    """

    scheme: str
    key: str
    scored: int
    score: float
    z: float
    tokens: int
    p_value: float
    positions: I64
    values: F64


def detect(token_ids: npt.ArrayLike, scheme: Scheme, others: Sequence[npt.ArrayLike] = ()) -> Detection:
    """Look for `scheme` in one document's token ids; shape (tokens,). Raises ValueError for impossible ids.

    `others`: token ids of documents without a mark, 100 or more, that tell which coins all texts share (`shared`);
    without them `p_value` is right over keys only.
    """
    tokens, offsets = checked(*ragged([token_ids, *others]))
    marks = scheme.marks(tokens, offsets)
    if others:
        marks = replace(marks, unmarked=np.arange(len(others) + 1) > 0)
    found = scheme.judge(tokens, offsets, marks, tie_breakers(tokens, offsets))
    positions = np.flatnonzero(marks.counted[: offsets[1]])
    return Detection(
        scheme=scheme.scheme,
        key=scheme.key,
        scored=int(found.scored[0]),
        score=float(found.score[0]),
        z=float(found.z[0]),
        tokens=int(found.tokens[0]),
        p_value=float(found.p_value[0]),
        positions=positions,
        values=marks.value[positions],
    )


def detect_batch(tokens: npt.ArrayLike, offsets: npt.ArrayLike, scheme: Scheme) -> Measurements:
    """Look for `scheme` in document d = tokens[offsets[d]:offsets[d + 1]] of each d; one row per document."""
    return scheme.measure(tokens, offsets)
