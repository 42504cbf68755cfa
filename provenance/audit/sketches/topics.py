"""What documents are about: clusters of hashed TF-IDF of a bounded sample, made of the baseline alone.

A sketch keeps hashed counts of words of sampled documents, which add up; clusters are made when two sketches are compared,
from the baseline's documents and a fixed seed, so any two versions are compared by the same topics.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.cluster.vq import kmeans2

from provenance.annotators.hashing import GOLDEN
from provenance.annotators.kernel import kernel
from provenance.audit.sketches.chosen import Chosen
from provenance.audit.sketches.stored import table
from provenance.audit.sketches.types import GROUPS, type_key
from provenance.duplicates.words import character_table, scan

Floats = NDArray[np.float64]

#: Documents that are kept, of a whole dataset and of one of its strata.
CAPACITY, STRATUM_CAPACITY = 4_096, 512
#: Places into which the words of a document are hashed.
PLACES = 512
#: Topics at most, sampled documents for each, and the fewest of either hash that anything is said of.
TOPICS, _DOCUMENTS_OF_TOPIC, _FEWEST = 64, 20, 100
_SEED, _ROUNDS = 20221130, 15

#: A document's group of sites, and how often (at most 255) its words fall into each place.
Document = tuple[int, bytes]


def add_documents(
    chosen: Chosen[Document],
    data: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    documents: NDArray[np.uint64],
    groups: NDArray[np.int64],
) -> None:
    """Sample texts (UTF-8 bytes and offsets) by the hashes of documents and their groups, shape (documents,) each."""
    keys = document_keys(documents, groups)
    rows = np.flatnonzero((keys <= chosen.last) & (np.diff(offsets) > 0))
    if not len(rows):
        return
    longest = int(np.diff(offsets).max())
    places = np.zeros((len(rows), PLACES), np.uint8)
    buffers = character_table(), np.empty(longest + 1, np.uint64), np.empty(0, np.uint8)
    _count_places(data, offsets, rows, buffers, places)
    for row, key, counted in zip(rows.tolist(), keys[rows].tolist(), places, strict=True):
        chosen.add(key, (int(groups[row]), counted.tobytes()))


def arrays(chosen: Chosen[Document]) -> dict[str, NDArray[Any]]:
    """What is kept, by name, for a file."""
    whole = _matrix(chosen)
    return {
        "topic_level": np.array(chosen.level),
        "topic_keys": chosen.keys(),
        "topic_counts": chosen.counts(),
        "topic_groups": whole.groups,
        "topic_places": whole.places.astype(np.uint8),
    }


def restore(chosen: Chosen[Document], stored: Mapping[str, NDArray[Any]], prefix: str) -> None:
    """Fill an empty sample from the arrays of a file; raises ValueError where they do not fit together."""
    groups = groups_of(stored, f"{prefix}topic_groups")
    places = table(stored, f"{prefix}topic_places", np.uint8, (len(groups), PLACES))
    chosen.restore(stored, f"{prefix}topic_", [*zip(groups, (row.tobytes() for row in places))])


def groups_of(stored: Mapping[str, NDArray[Any]], name: str) -> list[int]:
    """Groups of documents from a file; raises ValueError where there are no such groups."""
    groups = table(stored, name, np.int64, (None,))
    if (groups >= GROUPS).any():
        raise ValueError(f"`{name}` holds groups that there are not")
    return [int(group) for group in groups]


def topic_counts(dataset: Chosen[Document], baseline: Chosen[Document]) -> tuple[Floats, Floats] | None:
    """Documents by topic of the baseline and by group, shape (topics, GROUPS), of either side; None where there are too few.

    Topics are made of the baseline's documents with odd hashes, those with even ones are counted, as many of both sides:
    what clusters were fitted to lies nearer to them than new documents do (coverage of a random half was 6 to 13% lower).
    """
    made = _matrix(baseline, odd=True)
    own, other = (_matrix(side, odd=False) for side in (dataset, baseline))
    equal = min(len(own.groups), len(other.groups), len(made.groups))
    if equal < _FEWEST:
        return None
    frequency = (made.places > 0).sum(axis=0)
    weight = np.log((1 + len(made.groups)) / (1 + frequency))
    topics = min(TOPICS, equal // _DOCUMENTS_OF_TOPIC)
    fitted = _unit(np.log1p(made.places) * weight)
    centres, _ = kmeans2(fitted, topics, iter=_ROUNDS, minit="++", seed=_SEED)
    found = []
    for side in (own, other):
        points = _unit(np.log1p(side.places[:equal]) * weight)
        nearest = np.argmax(points @ centres.T - (centres**2).sum(axis=1) / 2, axis=1)
        table = np.zeros((topics, GROUPS))
        np.add.at(table, (nearest, side.groups[:equal]), side.counts[:equal])
        found.append(table)
    return found[0], found[1]


def weigh(dataset: Chosen[Document], baseline: Chosen[Document]) -> tuple[Matrix, Matrix]:
    """As many sampled documents of both with unit vectors of hashed TF-IDF as `places`.

    Words weigh as they do in both together: with weights of one side its documents lay farther apart than new ones of its
    kind, by 1.2% in their Vendi score.
    """
    sides = _matrix(dataset), _matrix(baseline)
    equal = min(len(side.groups) for side in sides)
    own, other = (Matrix(side.groups[:equal], side.places[:equal], side.counts[:equal]) for side in sides)
    joint = (own.places > 0).sum(axis=0) + (other.places > 0).sum(axis=0)
    weight = np.log((1 + 2 * equal) / (1 + joint))
    first, second = (side._replace(places=_unit(np.log1p(side.places) * weight)) for side in (own, other))
    return first, second


def coverage(topics: Floats, reference: Floats) -> Floats:
    """Share of a reference's documents whose topic has as large a share here, of (topics, replicates) each."""
    own, other = (part / np.maximum(part.sum(axis=0), 1) for part in (topics, reference))
    return np.asarray(np.minimum(own, other).sum(axis=0))


class Matrix(NamedTuple):
    """Sampled documents in the order of their hashes."""

    groups: NDArray[np.int64]
    places: Floats  # (documents, PLACES)
    counts: NDArray[np.int64]


def _matrix(chosen: Chosen[Document], odd: bool | None = None) -> Matrix:
    """All documents, or those with odd or with even hashes."""
    keys = chosen.keys()
    rows = np.flatnonzero(keys % np.uint64(2) == odd) if odd is not None else np.arange(len(keys))
    things = chosen.things()
    places = np.frombuffer(b"".join(things[row][1] for row in rows), np.uint8).reshape(-1, PLACES)
    groups = np.array([things[row][0] for row in rows], np.int64)
    return Matrix(groups, places.astype(float), chosen.counts()[rows])


def _unit(vectors: Floats) -> Floats:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9))


@kernel
def _key(document, group):  # type: ignore[no-untyped-def]
    return type_key(document * GOLDEN + np.uint64(group))


@njit(cache=True, nogil=True)
def document_keys(documents, groups):  # type: ignore[no-untyped-def]
    """Hashes by which documents are chosen (uint64, shape (documents,)): of their words and their group."""
    keys = np.empty(len(documents), np.uint64)
    for row in range(len(documents)):
        keys[row] = _key(documents[row], groups[row])
    return keys


@njit(cache=True, nogil=True)
def _count_places(data, offsets, rows, buffers, places):  # type: ignore[no-untyped-def]
    """Count the words of some documents by their hash."""
    table, hashes, unwanted = buffers
    for number in range(len(rows)):
        row = rows[number]
        count, _, _ = scan(data, offsets[row], offsets[row + 1], table, hashes=hashes, stream=unwanted)
        for i in range(count):
            place = type_key(hashes[i]) % np.uint64(PLACES)
            if places[number, place] < 255:
                places[number, place] += 1
