"""Character references become what they stand for."""

from __future__ import annotations

import html

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from provenance.annotators.references import are_usual, resolve, resolve_usual

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


PIECES = [
    "&quot;",
    "&#x27;",
    "&#039;",
    "&amp;",
    "&lt;",
    "&gt;",
    "& ",
    "&",
    "&nbsp;",
    "&amp",
    "#",
    "x27;",
    "quot;",
    "a",
    " ",
    ";",
    "é",
]


@settings(deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_usual_references_are_resolved_in_compiled_code_as_by_the_library(text: str) -> None:
    data = np.frombuffer(bytearray(text.encode()), np.uint8)
    if are_usual(data):
        assert data[: resolve_usual(data)].tobytes().decode() == html.unescape(text)


def test_what_most_pages_write_is_usual_and_the_rest_is_left() -> None:
    usual, other = (
        np.frombuffer(text, np.uint8) for text in (b"R & D &amp; &quot;it&#x27;s&quot;", b"&nbsp;x")
    )
    assert are_usual(usual) and not are_usual(other)
