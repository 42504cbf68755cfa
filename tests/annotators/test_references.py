"""Character references become what they stand for."""

from __future__ import annotations

import html
import html.entities

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
    "&#8217;",
    "&#160;",
    "&#159;",
    "&#55295;",
    "&#55296;",
    "&#00233;",
    "&uuml;",
    "&thetasym;",
    "&hellip;",
    "&rsquo",
    "8217;",
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


def test_every_name_that_compiled_code_knows_is_the_librarys() -> None:
    known = 0
    for name in html.entities.html5:
        data = np.frombuffer(bytearray(f"a&{name}b".encode()), np.uint8)
        if are_usual(data):
            assert data[: resolve_usual(data)].tobytes().decode() == html.unescape(f"a&{name}b")
            known += 1
    assert known > 240


def test_every_number_that_compiled_code_knows_is_the_librarys() -> None:
    for point in (*range(0x300), *range(0xD7F0, 0xD810), *range(0xFDC0, 0xFDF0), 0xFFFE, 99999, 100000):
        data = np.frombuffer(bytearray(f"&#{point};&".encode()), np.uint8)[:-1]
        if are_usual(data):
            assert data[: resolve_usual(data)].tobytes().decode() == html.unescape(f"&#{point};")


def test_what_most_pages_write_is_usual_and_the_rest_is_left() -> None:
    usual, other = (
        np.frombuffer(text, np.uint8)
        for text in (b"R & D &amp; &quot;it&#x27;s&quot; &nbsp;&#8217;", b"&nbsp &#8217;")
    )
    assert are_usual(usual) and not are_usual(other)
