"""RSL: a list of permissions without training forbids it, a prohibition outweighs, conditions and prices reserve."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.annotators.declarations.disclosures import find_declarations
from provenance.annotators.declarations.rsl import _without_comments, read_contents
from provenance.annotators.page.search import search_page

SEARCH, TRAIN = '<permits type="usage">search</permits>', '<permits type="usage">ai-train</permits>'


def said(licences: str) -> list[str]:
    document = f'<rsl xmlns="https://rslstandard.org/rsl"><content url="/">{licences}</content></rsl>'
    return [signal.signal for _, signal in read_contents(document, "here")]


@pytest.mark.parametrize(
    ("licences", "expected"),
    [
        (f"<license>{SEARCH}</license>", ["optout"]),
        ('<license><permits type="usage">ai-index ai-input</permits></license>', ["optout"]),
        ('<license><permits type="usage"/></license>', ["optout"]),
        (f"<license>{TRAIN}</license>", ["optin"]),
        ('<license><permits type="usage">all</permits></license>', ["optin"]),
        ('<license><permits type="usage">search, ai-all</permits></license>', ["optin"]),
        ('<license><permits type="usage">all</permits><prohibits type="usage">ai-train</prohibits></license>', ["optout"]),
        ('<license><prohibits type="usage">search</prohibits></license>', []),
        (f"<license>{SEARCH}</license><license>{TRAIN}</license>", ["optin"]),
        (f'<license>{TRAIN}</license><license><prohibits type="usage">all</prohibits></license>', ["optout"]),
        (f'<license>{TRAIN}<payment type="training"><amount currency="USD">9</amount></payment></license>', ["optout"]),
        (f'<license>{TRAIN}<payment type="attribution"/></license>', ["optin"]),
        ('<license><payment type="crawl"/></license>', ["optout"]),
        ('<license><payment type="free"/></license>', ["optin"]),
        (f'<license>{TRAIN}<permits type="user">education non-commercial</permits></license>', ["optout"]),
        (f'<license>{TRAIN}<permits type="user">commercial</permits></license>', ["optin"]),
        (f'<license>{TRAIN}<permits type="geo">US</permits></license>', ["optout"]),
        ("<license><legal type='disclaimer'>as-is</legal></license>", []),
        (f"<!-- <license>{TRAIN}</license> --><license>{SEARCH}</license>", ["optout"]),
        (f'<license><x:note xmlns:x="https://other.example/">{TRAIN}</x:note>{SEARCH}</license>', ["optout"]),
        (f"<license>{SEARCH}</license><broken", ["optout"]),
    ],
)  # fmt: skip
def test_terms_say_whether_training_is_reserved(licences: str, expected: list[str]) -> None:
    assert said(licences) == expected


def test_a_licence_server_has_to_be_asked() -> None:
    document = (
        f'<rsl><content url="/" server="https://s.example/api"><license>{TRAIN}</license></content></rsl>'
    )
    ((_, signal),) = read_contents(document, "here")
    assert signal.signal == "optout" and signal.value == "permits ai-train; of a licence server"


@pytest.mark.parametrize(
    ("address", "expected"),
    [("", "optout"), ("/news/", "optout"), ("/shop/", None), ("https://b.example/", None)],
)
def test_an_inline_document_is_about_the_page_where_it_says_so(address: str, expected: str | None) -> None:
    html = f'<script type="application/rsl+xml"><rsl><content url="{address}"><license>{SEARCH}</license></content></rsl></script>'
    declared = find_declarations(
        "https://a.example/news/1", headers="", page=search_page(html.encode()), text=""
    )
    assert [signal.signal for signal in declared.use] == ([expected] if expected else [])


def test_an_address_of_terms_is_a_licence_only_where_no_other_is_named() -> None:
    link = '<link rel="license" type="application/rsl+xml" href="/royalty.xml">'
    free = '<a rel="license" href="https://creativecommons.org/licenses/by/4.0/">'
    for html, expected in ((link, "https://a.example/royalty.xml"), (link + free, "CC-BY-4.0")):
        declared = find_declarations(
            "https://a.example/", headers="", page=search_page(html.encode()), text=""
        )
        assert declared.license == expected
        assert declared.use[0].where == "link rel=license (RSL)"


@given(st.text(max_size=200))
def test_any_text_is_read_without_an_error(text: str) -> None:
    list(read_contents(f"<rsl>{text}", "here"))


@given(st.lists(st.sampled_from(["<!--", "-->", "<!-->", "--", "<!", "x"]), max_size=12).map("".join))
def test_comments_end_where_a_pattern_says_that_they_do(text: str) -> None:
    assert _without_comments(text) == re.sub("<!--.*?-->", " ", text, flags=re.DOTALL)


def test_comments_that_do_not_end_cost_linear_time() -> None:
    """Half a megabyte of them took minutes, on a page or in a file of its host."""
    started = time.process_time()
    assert list(read_contents("<rsl>" + "<!--" * (128 << 10), "here")) == []
    assert time.process_time() - started < 1
