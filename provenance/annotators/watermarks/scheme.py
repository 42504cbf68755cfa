"""What a watermark scheme is: parameters that validate themselves, and one measurement.

Third parties subclass `Scheme` and publish the class in the entry-point group
`provenance.watermark_schemes`; users then name it in the configuration.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import Field

from provenance.annotators.watermarks.ragged import F64, I64, U64, Bools, checked, sums, tie_breakers
from provenance.files.section import Section


@dataclass(frozen=True)
class Marks:
    """What a scheme saw at each token: `counted` once per distinct coin, and its `value` there; shape (tokens,).

    `keys` names the coins where documents may share them; `unmarked` (documents) says which are known to have no
    mark, None where that is to be guessed (`shared.among_others`).
    """

    counted: Bools
    value: F64
    keys: U64 | None = None
    unmarked: Bools | None = None


@dataclass(frozen=True)
class Measurements:
    """One row per document.

    `scored` tokens and `score` are what the scheme's author reports (green tokens, mean g-value, posterior);
    `z` his standardised statistic; `tokens` the distinct coins behind our `p_value`. A document too short for
    the scheme has `tokens` below its minimum, `z` NaN where undefined and `p_value` 1.
    """

    scored: I64
    score: F64
    z: F64
    tokens: I64
    p_value: F64


class Scheme(Section):
    """Base of all schemes; its fields are the parameters a user may set."""

    scheme: ClassVar[str]
    summary: ClassVar[str]
    source: ClassVar[str]

    min_tokens: int = Field(20, ge=1, le=100_000, description="skip documents with fewer distinct coins")

    @property
    def key(self) -> str:
        """A short label of the secret, for the `watermarks` column."""
        raise NotImplementedError

    @property
    def expected_value(self) -> float:
        """What a coin is worth in an unmarked text; one worth more is evidence. Default: half, between red and green."""
        return 0.5

    def marks(self, tokens: I64, offsets: I64) -> Marks:
        """Which tokens count, once each, and what each is worth; inputs as `ragged.checked` returns them."""
        raise NotImplementedError

    def judge(self, tokens: I64, offsets: I64, marks: Marks, ties: F64) -> Measurements:
        """The verdict on each document from its marks."""
        raise NotImplementedError

    def measure(self, tokens: npt.ArrayLike, offsets: npt.ArrayLike) -> Measurements:
        """Measure every document of a batch of token ids; see `ragged` for the layout."""
        flat, bounds = checked(tokens, offsets)
        return self.judge(flat, bounds, self.marks(flat, bounds), tie_breakers(flat, bounds))

    def short(self, counted: Bools, offsets: I64) -> tuple[I64, Bools]:
        """The distinct coins of each document and whether they are too few to judge."""
        coins = sums(counted, offsets).astype(np.int64)
        return coins, coins < self.min_tokens
