"""What a crawl says of the rows of one shard, in numbers and as pieces of evidence that say why.

The numbers alone are what sites are counted by; pieces are made once, when a shard is judged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from provenance import schema
from provenance.decisions.sites import SITE_SOURCE
from provenance.detectors.embedded.calibration import rows_by
from provenance.detectors.reading import Reading
from provenance.evidence import at_most_one

#: Source of the piece of evidence that takes back what the crawl's own humans do not allow.
LIMIT_SOURCE = "detector:crawl"
#: Source of the piece that moves all ratios of a language to the level of the crawl's own humans.
LEVEL_SOURCE = "detector:level"
#: Source of the piece by which the second reading of the crawl's scores moves the first.
KINDS_SOURCE = "detector:kinds"


@dataclass(frozen=True)
class Weighed:
    """What a crawl says of the rows of one shard before their sites are known, each of shape (rows,)."""

    prior: NDArray[np.float32]  # log-odds
    deviation: NDArray[np.float32]  # of the prior, nats
    because: pa.DictionaryArray  # where the prior comes from
    level: NDArray[np.float64]  # nats that move a ratio to the level of the crawl's own humans
    kinds: NDArray[np.float64]  # nats by which the second reading of the crawl's scores moves it
    excess: NDArray[np.float32]  # nats that the crawl's own humans take back, not positive
    at_least: NDArray[np.int64]  # humans that score as high,
    total: NDArray[np.int64]  # of so many,
    most: NDArray[np.float64]  # which allow so many nats
    base: NDArray[np.float64]  # nats of the evidence as annotated

    @property
    def ratio(self) -> NDArray[np.float64]:
        """All evidence but the site's, nats."""
        return np.asarray(self.base + self.level + self.kinds + self.excess)


def level_pieces(found: Weighed, languages: pa.Array, documents: Mapping[str, int]) -> pa.ListArray:
    """The evidence of the level, where it moves a ratio; `documents` of a language say so."""
    behind = np.zeros(len(found.level), np.int64)
    for name, rows in rows_by(languages).items():
        behind[rows] = documents.get(name, 0)
    moved = found.level != 0
    counts, number = np.unique(behind[moved], return_inverse=True)
    because = [
        f"{count:,} documents of this crawl from before 2022-11-30 in this language have a mean ratio that says so"
        for count in counts.tolist()
    ]
    reasons = pa.array(because, pa.string()).take(pa.array(number))
    return at_most_one(_pieces(LEVEL_SOURCE, found.level[moved], reasons), moved, schema.EVIDENCE)


def kinds_pieces(found: Weighed, languages: pa.Array, readings: Mapping[str, Reading]) -> pa.ListArray:
    """The evidence of the second reading, where it moves a row."""
    number, because = np.zeros(len(found.kinds), np.int64), [""]
    for name, rows in rows_by(languages).items():
        if name in readings:
            number[rows] = len(because)
            because.append(
                f"half of the way to what the kinds of text say that explain the scores of {readings[name].documents:,} "
                "documents of this crawl in this language"
            )
    moved = found.kinds != 0
    reasons = pa.array(because, pa.string()).take(pa.array(number[moved]))
    return at_most_one(_pieces(KINDS_SOURCE, found.kinds[moved], reasons), moved, schema.EVIDENCE)


def site_pieces(
    nats: NDArray[np.float32], machine: NDArray[np.int64], judged: NDArray[np.int64], told: NDArray[np.bool_]
) -> pa.ListArray:
    """The evidence of its site for each row that is `told`: so many of its other judged documents look machine-written."""
    counts, number = np.unique(machine << 32 | judged, return_inverse=True)
    because = [
        f"{count >> 32:,} of {count & 0xFFFFFFFF:,} other judged documents of its site look machine-written"
        if count
        else "no other document of its site was judged, and sites of this crawl differ"
        for count in counts.tolist()
    ]
    reasons = pa.array(because, pa.string()).take(pa.array(number))
    return at_most_one(_pieces(SITE_SOURCE, nats, reasons), told, schema.EVIDENCE)


def limit_pieces(found: Weighed, counted: NDArray[np.bool_]) -> pa.ListArray:
    """The evidence that takes back what is too much; `counted` rows are among the humans themselves."""
    limited = found.excess < 0
    rows = np.flatnonzero(limited)
    because = [
        f"{k:,} of {n:,} {other}documents of this crawl from before 2022-11-30 in this language and length "
        f"score as high: at most {top:+.2f} together"
        for k, n, other, top in zip(
            found.at_least[rows].tolist(),
            found.total[rows].tolist(),
            np.where(counted[rows], "other ", "").tolist(),
            found.most[rows].tolist(),
            strict=True,
        )
    ]
    pieces = _pieces(LIMIT_SOURCE, found.excess[rows], pa.array(because, pa.string()))
    return at_most_one(pieces, limited, schema.EVIDENCE)


def _pieces(source: str, nats: NDArray[Any], because: pa.Array) -> pa.StructArray:
    """Pieces of evidence of one source."""
    columns = [pa.repeat(pa.scalar(source), len(because)), pa.array(nats.astype(np.float32)), because]
    return pa.StructArray.from_arrays(columns, fields=list(schema.EVIDENCE.value_type))
