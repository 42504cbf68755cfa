"""Where dates can stand in a text."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from provenance.annotators.dates.anchors import ANCHOR, find_anchors

PARTS = [*"0123456789", "19", "20", "201", "1.", "3.", "-", "/", " ", ". ", ".", "é", "漆", "\n", "a"]
#: What makes a text long enough for the compiled pass, and holds no anchor.
LONG = "ж " * 40


@settings(deadline=None)
@given(st.lists(st.sampled_from(PARTS), max_size=16).map("".join))
def test_the_compiled_pass_finds_what_the_pattern_finds(text: str) -> None:
    for whole in (text, LONG + text):
        assert find_anchors(whole) == [match.span() for match in ANCHOR.finditer(whole)]


def test_places_count_characters_not_bytes() -> None:
    text = LONG + "漆 am 3.4.2020, 1.5.20 und 2021"
    assert [text[start:end] for start, end in find_anchors(text)] == ["3.4.20", "1.5.20", "2021"]
