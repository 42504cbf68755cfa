"""Character references become what they stand for."""

from __future__ import annotations

import html

from hypothesis import given
from hypothesis import strategies as st

from provenance.annotators.references import resolve

PARTS = [
    "&",
    "#",
    "x",
    "1",
    "39",
    "8203",
    ";",
    "amp",
    "lt",
    " ",
    "notit",
    "&#0;",
    "&#xD800;",
    "&#1114112",
    "é",
    "&#x27;",
]


@given(st.lists(st.sampled_from(PARTS), max_size=12).map("".join))
def test_references_are_resolved_as_the_standard_library_does(text: str) -> None:
    assert resolve(text) == html.unescape(text)


def test_a_reference_is_resolved_once() -> None:
    assert resolve("&amp;lt; &copy &copycat") == "&lt; © ©cat"
