"""Batches of rows are bounded in rows and bytes."""

from __future__ import annotations

import io
import json

import pytest

from provenance.records import ReadOptions, read_records


def test_batches_are_bounded_in_rows_and_bytes() -> None:
    line = json.dumps({"text": "a" * 1000}).encode() + b"\n"
    sizes = [
        batch.num_rows for batch in read_records(io.BytesIO(line * 100), "x", ReadOptions(batch_bytes=10_000))
    ]
    assert sizes == [10] * 10
    with pytest.raises(ValueError, match="batch_rows"):
        ReadOptions(batch_rows=0)
    with pytest.raises(ValueError, match="unknown column"):
        ReadOptions(fields={"txt": "a"})
