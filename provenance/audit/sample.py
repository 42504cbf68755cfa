"""Documents of a release to be labelled by people, drawn so that few labels bound its synthetic share.

Strata are ranges of the synthetic probability. Within one, documents are drawn with replacement and with
probability in proportion to their tokens, so each label is one trial whose chance is the stratum's share of tokens.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from provenance.errors import UsageError
from provenance.files.storage import Storage, join
from provenance.release.layout import data_files
from provenance.release.manifest import read_manifest

#: Edges of the strata; low ones are narrow, because a small share of much text is what a cap depends on.
EDGES = (0.0, 0.02, 0.1, 0.3, 0.6, 1.0)
#: Least standard deviation of a stratum for the allocation: probabilities may be wrong where they are extreme.
_LEAST_DEVIATION = 0.1
#: Documents drawn of each stratum that holds any.
_FEWEST = 3
#: Characters of a document that a person is shown.
SHOWN = 6000


@dataclass(frozen=True)
class Sample:
    """What was drawn: `strata` say how, `documents` are in a seeded order and hide their probability."""

    strata: list[dict[str, Any]]
    documents: list[dict[str, Any]]

    def as_json(self) -> dict[str, Any]:
        """Everything that `certify` needs beside the labels."""
        return {"strata": self.strata, "documents": self.documents}


def draw_sample(storage: Storage, release: str, size: int, seed: int = 0) -> Sample:
    """Draw `size` documents (with replacement: one may come up more than once) of a finished release.

    Raises:
        UsageError: where the release holds no document, or `size` is less than there are strata with documents.
        ReleaseError: where `release` is not a finished release.
    """
    probability, tokens, where = _columns(storage, release)
    if not tokens.sum():
        raise UsageError(f"{release}: holds no documents to draw from")
    stratum = np.clip(np.searchsorted(EDGES, probability, side="right") - 1, 0, len(EDGES) - 2)
    weight = np.bincount(stratum, weights=tokens, minlength=len(EDGES) - 1)
    draws = allocate(probability, tokens, stratum, size)
    random = np.random.RandomState(seed % 2**32)
    chosen: dict[int, int] = {}
    strata = []
    for k in np.flatnonzero(weight):
        rows = np.flatnonzero(stratum == k)
        at = np.searchsorted(
            np.cumsum(tokens[rows]), random.randint(0, int(weight[k]), draws[k]), side="right"
        )
        for row in rows[at].tolist():
            chosen[row] = chosen.get(row, 0) + 1
        strata.append(
            {
                "from": EDGES[k],
                "to": EDGES[k + 1],
                "documents": len(rows),
                "tokens": int(weight[k]),
                "expected": float((probability[rows] * tokens[rows]).sum() / weight[k]),
                "draws": int(draws[k]),
            }
        )
    order = random.permutation(sorted(chosen))
    numbers = {int(k): i for i, k in enumerate(np.flatnonzero(weight))}
    facts = _texts(storage, where, order)
    documents = [
        {**facts[row], "stratum": numbers[int(stratum[row])], "draws": chosen[row]} for row in order.tolist()
    ]
    return Sample(strata, documents)


def allocate(
    probability: NDArray[np.float64], tokens: NDArray[np.int64], stratum: NDArray[np.int64], size: int
) -> NDArray[np.int64]:
    """Draws of each stratum (Neyman): in proportion to its tokens times the deviation of a label in it.

    Raises:
        UsageError: where `size` is too small to draw `_FEWEST` of each stratum with documents.
    """
    weight = np.bincount(stratum, weights=tokens, minlength=len(EDGES) - 1)
    mean = np.bincount(stratum, weights=tokens * probability, minlength=len(weight)) / np.maximum(weight, 1)
    wanted = weight * np.maximum(np.sqrt(mean * (1 - mean)), _LEAST_DEVIATION)
    present = weight > 0
    least = _FEWEST * int(present.sum())
    if size < least:
        raise UsageError(
            f"--size {size}: at least {least} are needed, {_FEWEST} of each range of probabilities"
        )
    exact = wanted / wanted.sum() * (size - least)
    draws = np.floor(exact).astype(np.int64) + _FEWEST * present
    rest = np.argsort(-(exact - np.floor(exact)), kind="stable")[: size - int(draws.sum())]
    draws[rest] += 1
    return np.asarray(draws)


def _files(storage: Storage, release: str) -> Iterator[str]:
    for item in data_files(read_manifest(storage, release)):
        yield join(release, item["path"])


def _columns(
    storage: Storage, release: str
) -> tuple[NDArray[np.float64], NDArray[np.int64], list[tuple[str, int, int]]]:
    """(probability, tokens, file and rows of each) of all published documents."""
    tables, where = [], []
    first = 0
    for path in _files(storage, release):
        with storage.open(path) as file:
            tables.append(pq.read_table(file, columns=["synthetic_probability", "token_count"]))
        where.append((path, first, first + len(tables[-1])))
        first += len(tables[-1])
    if not tables:
        return np.zeros(0), np.zeros(0, np.int64), where
    table = pa.concat_tables(tables)
    probability = np.asarray(table["synthetic_probability"], float)
    return probability, np.asarray(table["token_count"].fill_null(0)).astype(np.int64), where


def _texts(
    storage: Storage, where: list[tuple[str, int, int]], rows: NDArray[np.int64]
) -> dict[int, dict[str, Any]]:
    """doc_id, address and the beginning of the text of some documents, by row; row groups without any are not read."""
    found: dict[int, dict[str, Any]] = {}
    for path, first, end in where:
        wanted = np.sort(rows[(rows >= first) & (rows < end)]) - first
        if not len(wanted):
            continue
        with storage.open(path) as file:
            parquet = pq.ParquetFile(file, pre_buffer=False)
            start = 0
            for group in range(parquet.num_row_groups):
                stop = start + parquet.metadata.row_group(group).num_rows
                here = wanted[(wanted >= start) & (wanted < stop)]
                if len(here):
                    table = parquet.read_row_group(group, columns=["doc_id", "url", "language", "text"])
                    for row, item in zip(
                        here.tolist(), table.take(pa.array(here - start)).to_pylist(), strict=True
                    ):
                        found[first + row] = {**item, "text": item["text"][:SHOWN]}
                start = stop
    return found
