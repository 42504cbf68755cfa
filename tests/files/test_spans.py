"""Where files are cut: by size and name alone, so that every call and every worker cuts alike."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from provenance.files.spans import WHOLE, input_of, plan_spans, span_name


@given(st.integers(0, 1 << 40), st.integers(1 << 32, 1 << 36))
def test_spans_cover_a_file_without_a_gap_and_none_is_too_large(size: int, span_bytes: int) -> None:
    spans = plan_spans("a.warc.gz", size, span_bytes)
    assert spans[0].start == 0 and spans[-1].end == size and spans[-1].is_last
    assert all(left.end == right.start for left, right in pairwise(spans))
    assert len(spans) == 1 or max(span.size for span in spans) <= span_bytes
    assert (len(spans) == 1) == (size <= WHOLE * span_bytes)


def test_what_can_only_be_read_from_its_beginning_is_one_span() -> None:
    for name in ("a.jsonl.gz", "b/c.ndjson.zst", "C4.00000.JSON.GZ", "array.json"):
        assert len(plan_spans(name, 1 << 40, 1 << 20)) == 1
    for name in ("a.jsonl", "a.parquet", "a.warc", "a.warc.gz", "a.arc.gz", "a.warc.wet.zst", "a"):
        assert len(plan_spans(name, 1 << 30, 1 << 20)) == 1024


def test_a_shard_is_called_by_its_input_and_its_number() -> None:
    whole, *rest = plan_spans("a.warc", 100, 10)
    assert span_name("a.warc", whole) == "a.warc"
    names = {span_name("a.warc", span) for span in rest}
    assert len(names) == 9 and {input_of(name) for name in names} == {"a.warc"}
