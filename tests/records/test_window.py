"""A window on the stream: where its reads fall changes nothing."""

from __future__ import annotations

import pytest

from provenance.records import read_records
from tests.records.archives import ENCODERS, PAGE, URLS, Pipe, read_archive, record


@pytest.mark.parametrize("codec", ENCODERS)
@pytest.mark.parametrize("whole", [False, True])
def test_where_the_reads_fall_changes_nothing(codec: str, whole: bool) -> None:
    """A block that ends just where the data at hand ends was read as empty once."""
    records = [record(url, PAGE[: 40 + 37 * index]) for index, url in enumerate(URLS)]
    encode = ENCODERS[codec]
    data = encode(b"".join(records)) if whole else b"".join(map(encode, records))
    expected = read_archive(data)
    assert len(expected) == 4 and all(row["body"] for row in expected)
    for step in [*range(1, 40), *range(40, len(data), 7)]:
        rows = [row for batch in read_records(Pipe(data, step), "x.warc.gz") for row in batch.to_pylist()]
        assert rows == expected, f"in steps of {step} bytes"
