"""One annotator for what a document claims: the same answers as its two readers give, in one search of a page."""

from __future__ import annotations

import pyarrow as pa

from provenance.annotators.annotator import Annotator
from provenance.annotators.claims import Claims
from provenance.annotators.dates.published import Dates
from provenance.annotators.declarations.disclosures import Disclosures

PAGES = [
    b'<html><meta name="date" content="2019-04-05"><meta name="ai-generated" content="true"><body>x',
    b'<meta name="robots" content="noai"><time datetime="2018-01-02">',
    None,
]


def test_claims_are_those_of_the_two_readers() -> None:
    texts = pa.array(["x", "y", "z"], pa.large_string())
    batch = pa.record_batch({"body": pa.array(PAGES, pa.large_binary()), "text": texts})
    annotator: Annotator = Claims()
    annotator.setup()
    found = pa.record_batch(list(annotator(batch)), schema=annotator.schema).to_pylist()
    apart = pa.record_batch([*Dates()(batch), *Disclosures()(batch)], schema=annotator.schema).to_pylist()
    assert found == apart
    assert [row["published_evidence"] for row in found] == ["meta date", "time[datetime]", None]
    assert [row["train_opt_out"] for row in found] == [False, True, False]
