"""Lines of furniture: what the patterns find is not passed over by what saves asking them."""

from __future__ import annotations

import re
import string
from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provenance.annotators.text import furniture
from provenance.annotators.text.furniture import may_be_furniture

_PATTERNS = (furniture._HEADING, furniture._ACTION)
_ASCII = [chr(code) for code in range(128)]
_CATEGORIES = {codes.CATEGORY_DIGIT: r"\d", codes.CATEGORY_SPACE: r"\s", codes.CATEGORY_WORD: r"\w"}


def _characters(item: tuple[Any, Any]) -> list[str]:
    """What a single item of a pattern matches, of ASCII and what the pattern names."""
    code, value = item
    if code is codes.LITERAL:
        return [chr(value)]
    if code is codes.RANGE:
        return [chr(each) for each in range(value[0], value[1] + 1)]
    return [each for each in _ASCII if re.match(_CATEGORIES[value], each)]


def _beginnings(items: Any, before: set[str], most: int = 4) -> set[str]:
    """How what a pattern matches begins behind `before`, in at most four characters."""
    for code, value in items:
        done = {each for each in before if len(each) >= most}
        still = before - done
        if not still:
            break
        if code is codes.BRANCH:
            found = set[str]().union(*(_beginnings(branch, still) for branch in value[1]))
        elif code is codes.SUBPATTERN:
            found = _beginnings(value[3], still)
        elif code is codes.MAX_REPEAT:
            least, largest, inner = value
            found, repeated = (set(still) if least == 0 else set[str]()), still
            for number in range(1, min(largest, most) + 1):
                repeated = _beginnings(inner, repeated)
                found |= repeated if number >= least else set()
        elif code is codes.AT:
            found = still
        else:
            items_ = value if code is codes.IN else [(code, value)]
            each_of = _ASCII if code is codes.ANY else [c for item in items_ for c in _characters(item)]
            found = {begin + each for begin in still for each in each_of}
        before = done | found
    return before


@pytest.mark.parametrize("pattern", _PATTERNS)
def test_every_beginning_of_a_pattern_is_let_through(pattern: re.Pattern[str]) -> None:
    found = _beginnings(parser.parse(pattern.pattern, pattern.flags), {""})
    assert len(found) > 50
    assert [each for each in found if not may_be_furniture(each + "x" * (4 - len(each)))] == []
    assert [each for each in found if each.isascii() and not may_be_furniture(each.upper())] == []


@pytest.mark.parametrize("pattern", _PATTERNS)
def test_every_line_of_a_pattern_is_let_through(pattern: re.Pattern[str]) -> None:
    @settings(deadline=None)
    @given(st.from_regex(pattern, fullmatch=True))
    def check(line: str) -> None:
        assert may_be_furniture(line)

    check()


def test_most_lines_need_no_pattern() -> None:
    assert not may_be_furniture("Once upon a time there was a harbour.")
    assert (
        may_be_furniture("Tageslosung") and may_be_furniture("Über uns") and may_be_furniture("12 comments")
    )
    few = sum(may_be_furniture(a + b + "ow") for a in string.ascii_lowercase for b in string.ascii_lowercase)
    assert few < 10
