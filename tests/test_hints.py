"""Which strings a page holds."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provenance.hints import compile_hints

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
    expected = sum(1 << number for number, string in enumerate(STRINGS) if string in page.lower())
    assert compile_hints(STRINGS).search(page) == expected


@pytest.mark.parametrize("strings", [[], [b"abc"], [b"abcd"] * 65])
def test_what_cannot_be_compiled_is_refused(strings: list[bytes]) -> None:
    with pytest.raises(ValueError, match="at least four bytes"):
        compile_hints(strings)
