"""Which strings a page holds."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provenance.annotators.page.hints import MOST_PLACES, compile_hints

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
    assert compile_hints(STRINGS).find(page) == expected


def test_only_so_many_places_of_a_string_are_kept() -> None:
    assert compile_hints([b"abc", b"xyz"]).find(b"abc" * 10_000 + b"xyz") == [
        list(range(0, 3 * MOST_PLACES, 3)),
        [30_000],
    ]


@pytest.mark.parametrize("strings", [[], [b"ab"]])
def test_what_cannot_be_compiled_is_refused(strings: list[bytes]) -> None:
    with pytest.raises(ValueError, match="at least three bytes"):
        compile_hints(strings)
