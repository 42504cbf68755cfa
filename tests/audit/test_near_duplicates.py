"""Near-duplicates are looked for in a fair, bounded sample."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from provenance.audit import near_duplicates as module
from provenance.audit.near_duplicates import Sample, near_duplicates
from tests.audit.made import documents


def test_near_duplicates_are_counted_once_for_each_extra_copy() -> None:
    texts = [text.encode() for text in documents(60, 5)]
    assert near_duplicates(texts) == 0
    assert near_duplicates(texts + texts[:20]) == 20


def test_sample_is_bounded_seeded_and_fair(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SAMPLE", 500)
    first, again = Sample(), Sample()
    texts = pa.array([str(i) for i in range(5000)])
    first.add(texts)
    again.add(texts.slice(0, 1234))
    again.add(texts.slice(1234))
    assert first.documents() == again.documents()
    assert len(first.documents()) == 500
    assert abs(np.mean([int(text) for text in first.documents()]) - 2500) < 250
