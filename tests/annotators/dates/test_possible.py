"""A stretch without a possible day has none: the pass that clears pages may only err by reading on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provenance.annotators.dates.headline import find_headline
from provenance.annotators.dates.machine import _MAY_BE_A_DAY
from provenance.annotators.dates.months import MONTHS
from provenance.annotators.dates.possible import MONTH_KEYS, holds_day, may_have_day, state_days
from provenance.annotators.dates.readable import near_headline
from provenance.annotators.dates.written import find_dates
from provenance.annotators.page.search import search_page
from provenance.annotators.page.strings import compile_strings
from provenance.annotators.references import resolve

PARTS = [
    *("12", "4", "2", "2004", "1999", "20", "04", "19", "4th", "3.", "May", "mai", "SEPTEMBER", "agosto", "märz", "мая"),
    *(" ", " ", " ", ".", ". ", "-", "/", ",", ", ", "de ", "of ", "d'", "m. ", "年", "月", "日", "\u00a0", "\u00ad"),
    *("&nbsp;", "&#32;", "&#50;", "&#x30;", "&amp;", "&#x27;", "&quot;", "&period;", "&sol;", "&", "٢", "０", "x", "word "),
]  # fmt: skip
WORDS = compile_strings((b"date", b"posted"))


def holds(raw: str) -> bool:
    return bool(holds_day(np.frombuffer(raw.encode(), np.uint8), MONTH_KEYS))


@settings(deadline=None, max_examples=500)
@given(st.lists(st.sampled_from(PARTS), max_size=14).map("".join))
def test_no_text_is_cleared_in_which_a_day_is_found(raw: str) -> None:
    found = [day for order in ("day", "month", "year") for day in find_dates(resolve(raw), order)]  # type: ignore[arg-type]
    assert holds(raw) or not found


@pytest.mark.parametrize(
    "form", ["12 {} 2004", "12th{} 2004", "{}. 12th, 2004", "2004 m. {} 12", "4 d&#x27;{} de 2004"]
)
def test_each_month_is_known_in_each_form(form: str) -> None:
    names = [name for name in MONTHS if name.isascii()]
    assert [name for name in names if not holds(form.format(name))] == []
    assert not holds(form.format("word"))


@pytest.mark.parametrize(
    "raw",
    [
        "In 2004 we were 12 people",
        "It&#x27;s from 1999 &amp; older",
        "call 1234567",
        "a &quot;2001&quot; film",
    ],
)
def test_numbers_and_years_alone_are_cleared(raw: str) -> None:
    assert not holds(raw)


VALUES = [
    *(b"=", b'="', b"='", b'"', b" ", b"\t", b"1", b"2", b"9", b".", b",", b"-", b"/", b"th", b"Mar", b"Monday", b"a"),
    *(b"letterless", b"\xc3", b"\xd9", b"\xf0", b"\x0b", b"2021", b"12"),
]  # fmt: skip


@settings(deadline=None, max_examples=500)
@given(st.lists(st.sampled_from(VALUES), max_size=10).map(lambda parts: b"<meta content=" + b"".join(parts)))
def test_no_element_is_cleared_whose_value_may_begin_with_a_day(tag: bytes) -> None:
    told = np.zeros(1, np.bool_)
    state_days(np.frombuffer(tag, np.uint8), np.zeros(1, np.int64), np.array([len(tag)]), told)
    assert told[0] or not _MAY_BE_A_DAY.search(tag)


def test_a_tag_named_for_a_day_is_never_cleared_and_its_name_in_the_text_is() -> None:
    tag, text = (search_page(page) for page in (b"<h1>A</h1><p class=date>x", b"<h1>A</h1><p>up to date"))
    assert may_have_day(tag, WORDS, 0, 0, 1000)
    assert not may_have_day(text, WORDS, 0, 0, 1000)


def test_a_day_before_the_headline_or_at_the_end_of_the_stretch_is_seen() -> None:
    page = search_page(
        b"<p>3 May 2004</p>" + b"<p>x</p>" * 50 + b"<h1>A</h1>" + b"<p>y</p>" * 50 + b"<p>5 May 2004"
    )
    assert [str(claim.day) for claim in near_headline(page, "day", find_headline(page), set())] == [
        "2004-05-05",
        "2004-05-03",
    ]
    assert not may_have_day(page, WORDS, 20, 40, len(page.content) - 10)
