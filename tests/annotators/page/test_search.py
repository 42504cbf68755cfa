"""Which strings a page holds."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provenance.annotators.page.search import MOST_PLACES, SCANNED, Pages, compile_strings, search_page

STRINGS = [b"abab", b"ababa", b"license", b"<x y", b"\xef\xbb\xbf\xf3z"]


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from([*STRINGS, b"a", b"b", b"AB", b"LICENSE", b"licens", b"<", b"\xff", b"\x00"]),
        max_size=30,
    )
)
def test_exactly_the_strings_that_occur_are_found(parts: list[bytes]) -> None:
    page = b"".join(parts)
    lower = page.lower()
    expected = [[at for at in range(len(page)) if lower.startswith(string, at)] for string in STRINGS]
    assert compile_strings(STRINGS).find(page) == expected


def test_only_so_many_places_of_a_string_are_kept() -> None:
    assert compile_strings([b"abc", b"xyz"]).find(b"abc" * 10_000 + b"xyz") == [
        list(range(0, 3 * MOST_PLACES, 3)),
        [30_000],
    ]


@pytest.mark.parametrize("strings", [[], [b"ab"]])
def test_what_cannot_be_compiled_is_refused(strings: list[bytes]) -> None:
    with pytest.raises(ValueError, match="at least three bytes"):
        compile_strings(strings)


def test_a_page_of_a_batch_is_searched_once_and_only_when_asked_for() -> None:
    pages = Pages(pa.array([b"<meta a>", None, b"x<TIME>", b""], pa.large_binary()))
    page = pages[2]
    assert page == search_page(b"x<TIME>") and page is not None and page.places[b"<time"] == [1]
    assert pages[2] is page
    assert pages[1] is None and pages[3] is None


def test_a_slice_of_a_column_has_its_own_pages() -> None:
    column = pa.array([b"<meta a>", b" <meta>"], pa.large_binary())
    page = Pages(column.slice(1))[0]
    assert page is not None and page.places[b"<meta"] == [1]


def test_only_the_first_part_of_a_page_is_read() -> None:
    page = search_page(b" " * (SCANNED - 5) + b"<meta>")
    assert (len(page.content), page.places[b"<meta"]) == (SCANNED, [SCANNED - 5])
