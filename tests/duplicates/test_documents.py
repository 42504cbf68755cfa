"""Which document of a cluster is kept follows from the configured preferences and the documents alone."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest

from provenance.duplicates.documents import keeper_keys
from provenance.schema import EVIDENCE, TIME

DOCUMENTS = {
    "old and synthetic": (datetime(2019, 1, 1, tzinfo=UTC), 3.0, 100, "b" * 32),
    "new and human": (datetime(2025, 1, 1, tzinfo=UTC), -3.0, 200, "a" * 32),
    "undated and long": (None, 0.0, 900, "c" * 32),
    "the same, later by its name": (None, 0.0, 900, "d" * 32),
}


def kept(keep: tuple[str, ...], *names: str) -> str:
    """The document of `names` that is kept under a preference."""
    rows = [DOCUMENTS[name] for name in names]
    table = pa.table(
        {
            "capture_time": pa.array([row[0] for row in rows], TIME),
            "evidence": pa.array(
                [[{"source": "s", "llr": row[1], "because": "b"}] for row in rows], EVIDENCE
            ),
            "word_count": pa.array([row[2] for row in rows], pa.int64()),
            "doc_id": [row[3] for row in rows],
        }
    )
    keys = keeper_keys(table, keep)
    assert keys.shape == (len(rows), len(keep) + 2)
    return names[int(np.lexsort(keys.T[::-1])[0])]


@pytest.mark.parametrize(
    ("keep", "expected"),
    [
        (("earliest", "human", "longest"), "old and synthetic"),
        (("human", "earliest", "longest"), "new and human"),
        (("longest",), "undated and long"),
        ((), "new and human"),  # the lowest doc_id decides
    ],
)
def test_the_first_preference_that_tells_them_apart_decides(keep: tuple[str, ...], expected: str) -> None:
    for names in (tuple(DOCUMENTS), tuple(reversed(DOCUMENTS))):
        assert kept(keep, *names) == expected


def test_a_document_without_a_time_is_later_than_any_other() -> None:
    assert kept(("earliest",), "undated and long", "new and human") == "new and human"


def test_what_no_preference_tells_apart_is_decided_by_the_lowest_doc_id() -> None:
    names = ("the same, later by its name", "undated and long")
    assert kept(("earliest", "human", "longest"), *names) == "undated and long"
