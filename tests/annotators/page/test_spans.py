"""Where a page is markup and where it is text, as a browser would divide it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provenance.annotators.page.spans import CLOSING, COMMENT, RAW, SCRIPT, TAG, divide, visible


def spans(page: bytes) -> list[tuple[int, bytes]]:
    found = divide(page)
    return [
        (int(kind), page[start:end])
        for start, end, kind in zip(found.starts, found.ends, found.kinds, strict=True)
    ]


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        (b'<a href="x>y">t</a>', [(TAG, b'<a href="x>y">'), (CLOSING, b"</a>")]),
        (b"<a href='\"'>", [(TAG, b"<a href='\"'>")]),
        (b"a < b <br/>", [(TAG, b"<br/>")]),
        (b"<!doctype html><p>", [(COMMENT, b"<!doctype html>"), (TAG, b"<p>")]),
        (b"<!-- <b> --><p>", [(COMMENT, b"<!-- <b> -->"), (TAG, b"<p>")]),
        (b"<!--><p>", [(COMMENT, b"<!-->"), (TAG, b"<p>")]),
        (b"<!-- x --!><p>", [(COMMENT, b"<!-- x --!>"), (TAG, b"<p>")]),
        (b"<!-- no end <p>", [(COMMENT, b"<!-- no end <p>")]),
        (b"<script>'<b>'</SCRIPT >", [(TAG, b"<script>"), (SCRIPT, b"'<b>'"), (CLOSING, b"</SCRIPT >")]),
        (b"<style>a<b</style>", [(TAG, b"<style>"), (RAW, b"a<b"), (CLOSING, b"</style>")]),
        (b"<textarea><p></textareas></textarea>", [(TAG, b"<textarea>"), (RAW, b"<p></textareas>"), (CLOSING, b"</textarea>")]),
        (b"<template><p></template><p>", [(TAG, b"<template>"), (RAW, b"<p>"), (CLOSING, b"</template>"), (TAG, b"<p>")]),
        (b"<iframe srcdoc='<p>'></iframe>", [(TAG, b"<iframe srcdoc='<p>'>"), (RAW, b""), (CLOSING, b"</iframe>")]),
        (b"<p title='no end><b>", [(TAG, b"<p title='no end>"), (TAG, b"<b>")]),
        (b"<", []),
        (b"</", []),
        (b"<p", [(TAG, b"<p")]),
    ],
)  # fmt: skip
def test_a_page_is_divided(page: bytes, expected: list[tuple[int, bytes]]) -> None:
    assert spans(page) == expected


def test_what_can_be_read_has_one_space_for_markup_and_white_space() -> None:
    page = b"<p>12.\n  <b>May</b> <script>1</script>2020</p>"
    assert visible(page, divide(page), 0, len(page)) == b"12. May 2020 "
    assert visible(page, divide(page), 5, 10_000) == b". May 2020 "


def test_a_border_stands_where_markup_was() -> None:
    page = b"<p>12.\n  May <b>2020</b></p> <p>x"
    assert visible(page, divide(page), 0, len(page), b"|") == b"12. May|2020|x"


PIECES = [b"<", b">", b"!", b"-", b"/", b"'", b'"', b"=", b"a", b" ", b"script", b"template", b"<!--", b"-->", b"</script>", b"?"]  # fmt: skip


@settings(deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=40))
def test_spans_of_any_page_are_in_order_and_apart(parts: list[bytes]) -> None:
    page = b"".join(parts)
    found = divide(page)
    bounds = [bound for pair in zip(found.starts, found.ends, strict=True) for bound in pair]
    assert bounds == sorted(bounds)
    assert not bounds or (bounds[0] >= 0 and bounds[-1] <= len(page))
    assert len(visible(page, found, 0, len(page))) <= len(page) + 1


@pytest.mark.parametrize(
    "unit", [b"<", b"<a href='", b'<a "', b"<!--", b"<!", b"</", b"<script>", b"<template>", b"<title>"]
)
def test_a_page_of_one_piece_is_divided_in_linear_time(unit: bytes) -> None:
    divide(unit * (2_000_000 // len(unit)))
