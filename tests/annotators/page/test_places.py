"""Places found for one annotator serve the next, and never another batch."""

from __future__ import annotations

import gc

import pyarrow as pa

from provenance.annotators.dates.published import Dates
from provenance.annotators.declarations.disclosures import Disclosures
from provenance.annotators.page.places import batch_places, find_places


def column(*pages: bytes | None) -> pa.Array:
    return pa.array(pages, pa.large_binary())


def test_the_same_column_is_searched_once_and_another_anew() -> None:
    first = column(b"<meta a>", None, b"x<TIME>")
    known = batch_places(first)
    found = known.places(2, known.page(2) or b"")
    assert found == find_places(b"x<TIME>") and found[b"<time"] == [1]
    assert batch_places(first).places(2, b"") is found
    assert known.page(1) is None
    assert batch_places(first.slice(1)) is not known
    assert batch_places(column(b"<meta a>", None, b"x<TIME>")) is not known


def test_a_column_at_the_address_of_a_former_one_is_another() -> None:
    """Columns that come and go reuse memory: what was found in one must not be told of the next."""
    for number in range(200):
        page = b" " * (number % 7) + b"<meta>"
        pages = batch_places(column(page))
        assert pages.places(0, pages.page(0) or b"")[b"<meta"] == [number % 7]
        del pages
        gc.collect(0)


def test_annotators_say_the_same_in_either_order() -> None:
    rows = [
        b'<html><meta name="date" content="2019-04-05"><meta name="ai-generated" content="true"><body>x',
        b'<meta name="robots" content="noai"><time datetime="2018-01-02">',
        None,
    ]

    def batch() -> pa.RecordBatch:
        return pa.record_batch({"body": column(*rows), "text": pa.array(["x", "y", "z"], pa.large_string())})

    one, other = batch(), batch()
    dates, said = Dates()(one), Disclosures()(one)
    said_first, dates_then = Disclosures()(other), Dates()(other)
    assert [a.to_pylist() for a in (*dates, *said)] == [a.to_pylist() for a in (*dates_then, *said_first)]
    assert dates[0].to_pylist()[0] is not None and said[2].null_count == 3
