"""Which strings a page holds."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provenance.annotators.page.pages import Pages
from provenance.annotators.page.search import SCANNED, search_page
from provenance.annotators.page.strings import MOST_PLACES, compile_strings

STRINGS = [b"abab", b"ababa", b"license", b"<x y", b"\xef\xbb\xbf\xf3z"]
LONG = [*STRINGS, b"license" + b"-" * 300 + b"abab"]


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


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([b" ", b"a", b"\xff", b"Licens"]), st.integers(0, 700), st.sampled_from(LONG)
        ),
        max_size=12,
    )
)
def test_the_same_is_found_where_only_stretches_with_a_probe_are_judged(
    parts: list[tuple[bytes, int, bytes]],
) -> None:
    page = b"".join(filler * times + string for filler, times, string in parts)
    probed = compile_strings(LONG, [b"cens", b"abab", b"<x y", b"\xbb\xbf\xf3z"])
    assert probed.find(page) == compile_strings(LONG).find(page)
    assert probed.find(page.upper()) == compile_strings(LONG).find(page.upper())


@pytest.mark.parametrize("probes", [[b"cens"], [b"cens", b"aba"]])
def test_every_string_needs_a_probe(probes: list[bytes]) -> None:
    with pytest.raises(ValueError, match="must hold a probe of 4 bytes"):
        compile_strings([b"license", b"ababa"], probes)


def test_only_so_many_places_of_a_string_are_kept() -> None:
    assert compile_strings([b"abc", b"xyz"]).find(b"abc" * 10_000 + b"xyz") == [
        list(range(0, 3 * MOST_PLACES, 3)),
        [30_000],
    ]


@pytest.mark.parametrize("strings", [[], [b"ab"]])
def test_what_cannot_be_compiled_is_refused(strings: list[bytes]) -> None:
    with pytest.raises(ValueError, match="at least three bytes"):
        compile_strings(strings)


def test_a_page_of_a_batch_is_searched_once() -> None:
    pages = Pages(pa.array([b"<meta a>", None, b"x<TIME b>", b""], pa.large_binary()))
    page = pages[2]
    assert page is not None and page.tags(b"time") == [(1, b"<TIME b>")]
    assert pages[2] is page
    assert pages[1] is None and pages[3] is None


def test_a_slice_of_a_column_has_its_own_pages() -> None:
    column = pa.array([b"<meta a>", b" <meta>"], pa.large_binary())
    page = Pages(column.slice(1))[0]
    assert page is not None and page.tags(b"meta") == [(1, b"<meta>")]


BODIES = [
    b"<h1>x</h1><script>var license</script>", None, b"", "<p>Опубликовано сегодня, наш корреспондент</p>".encode("cp1251"),
    "<title>é</title> license".encode(), "\ufeff<meta a>".encode(), "<p>é".encode("utf-16"), b"<p>\x1b$B$3$s\x1b(B", b"\xff<p>",
    b"license " * (MOST_PLACES + 1), b"<script>" * 50, b"<html><body><footer>", b"x" * (SCANNED + 1), b"<time>" * 2000,
]  # fmt: skip


@pytest.mark.parametrize("first", range(len(BODIES)))
def test_pages_searched_together_are_as_searched_alone(first: int) -> None:
    pages = Pages(pa.array(BODIES, pa.large_binary()).slice(first))
    for row, body in enumerate(BODIES[first:]):
        page, alone = pages[row], search_page(body) if body else None
        assert (page is None) == (alone is None)
        if page is not None and alone is not None:
            assert [column.tolist() for column in page.spans] == [column.tolist() for column in alone.spans]
            assert (page.content, page.places, page.named, page.cut) == (
                alone.content, alone.places, alone.named, alone.cut,
            )  # fmt: skip


def test_a_page_is_read_in_its_own_charset_and_handed_on_in_utf_8() -> None:
    russian = "<p>Опубликовано сегодня, наш корреспондент сообщает</p>"
    assert search_page(russian.encode("cp1251"), "windows-1251").content == russian.encode()
    assert search_page(russian.encode("utf-16")).content == russian.encode()
    assert search_page(russian.encode()).content == russian.encode()


def test_a_string_counts_where_it_stands_in_a_tag_or_in_a_script() -> None:
    page = search_page(b"license <a rel=license x=license> <!-- license --> <script>var license</script>")
    assert page.tags_with(b"license") == [(8, b"<a rel=license x=license>")]
    assert page.scripts_with(b"license") == [(b"<script>", b"var license")]
    assert len(page.spans_with(b"license")) == 3


def test_what_was_left_unread_is_said() -> None:
    assert not search_page(b"x" * SCANNED).cut
    assert search_page(b"x" * (SCANNED + 1)).cut
    assert search_page(b"license " * (MOST_PLACES + 1)).cut


def test_tags_that_hold_a_string_are_told_whatever_its_case_and_only_where_they_are_read() -> None:
    far = b"x" * 4_000
    page = search_page(
        b'<meta name=a><META name="BOT"><time bot><meta ' + far + b"bot><!-- <meta bot> --><meta botany>"
    )
    assert page.tags_holding(b"meta", compile_strings([b"bot"])) == [b'<META name="BOT">', b"<meta botany>"]
    assert not page.tags_holding(b"h1", compile_strings([b"bot"]))
