"""The beginnings of sampled documents, kept in a sketch where they are asked for, so that a model can read them later.

Which documents are kept depends on their words alone, as topics' do; sketches of shards add up to the whole's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from provenance.audit.sketches.chosen import Chosen
from provenance.audit.sketches.stored import cut_texts, join_texts
from provenance.audit.sketches.topics import Document, document_keys, groups_of

#: Documents that are kept at most, and bytes of each: more than an encoder reads of one (`audit.encoder`).
CAPACITY, BYTES = 2_048, 1_024


def empty() -> Chosen[Document]:
    """A sample of nothing yet."""
    return Chosen(CAPACITY)


def add_passages(
    chosen: Chosen[Document],
    data: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    documents: NDArray[np.uint64],
    groups: NDArray[np.int64],
) -> None:
    """Sample texts (UTF-8 bytes and offsets) by the hashes of documents and their groups, shape (documents,) each."""
    keys = document_keys(documents, groups)
    for row in np.flatnonzero((keys <= chosen.last) & (np.diff(offsets) > 0)).tolist():
        text = data[offsets[row] : min(offsets[row + 1], offsets[row] + BYTES)].tobytes()
        chosen.add(int(keys[row]), (int(groups[row]), text))


def texts_of(chosen: Chosen[Document]) -> list[str]:
    """What is kept in the order of its hashes; a character that was cut in two is left out."""
    return [text.decode("utf-8", "ignore") for _, text in chosen.things()]


def arrays(chosen: Chosen[Document]) -> dict[str, NDArray[Any]]:
    """What is kept, by name, for a file."""
    things = chosen.things()
    return {
        "passage_level": np.array(chosen.level),
        "passage_keys": chosen.keys(),
        "passage_counts": chosen.counts(),
        "passage_groups": np.array([group for group, _ in things], np.int64),
    } | join_texts("passage_", [text for _, text in things])


def restore(stored: Mapping[str, NDArray[Any]], prefix: str) -> Chosen[Document] | None:
    """The sample of a file, None where it has none; raises ValueError where its arrays do not fit together."""
    if f"{prefix}passage_keys" not in stored:
        return None
    groups, cut = groups_of(stored, f"{prefix}passage_groups"), cut_texts(stored, f"{prefix}passage_")
    if len(cut) != len(groups) or not all(0 < len(text) <= BYTES for text in cut):
        raise ValueError("sampled texts have other lengths")
    chosen = empty()
    chosen.restore(stored, f"{prefix}passage_", [*zip(groups, cut)])
    return chosen
