"""What a page is not asked for must be what it does not have: extraction with and without the mask is the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.annotators.text import selectors
from provenance.annotators.text.charset import decode
from provenance.annotators.text.extraction import extract
from provenance.annotators.text.structure import measure
from scripts.evaluate.text import load

TEXT = (
    "The ferry to the island leaves twice a day, and the crossing takes about forty minutes in calm weather. "
)
ELEMENTS = (
    "<div class='{}'>",
    '<div class="x {} y">',
    "<div class={}>",
    "<div\nclass\t=\n'{}'>",
    "<DIV CLASS='{}'>",
    "<div a=''class='{}'>",
    "<div a=b/c class='{}'>",
    "<div title='>' id='{}'>",
    "<p itemprop='{}'>",
    "<section property='{}'>",
    "<{}>",
    "<svg><text class='{}'>",
    "<!-- x --!><div class='{}'>",
    "<!--> <div class='{}'>",
    "<textarea></textarea><div class='{}'>",
    "<script>'</div>'</script><div class='{}'>",
)
NAMES = [hint.strip("<") for row in (*selectors.SKIPPED, *sum(selectors.NAMED, ())) for hint in row.hints]


def held(page: str) -> set[str]:
    mask = measure(page.encode()).held
    return {hint for bit, hint in enumerate(selectors.HINTS) if mask >> bit & 1}


def test_a_mask_fits_its_message() -> None:
    assert len(selectors.HINTS) <= 64


@pytest.mark.parametrize("element", [row for row in ELEMENTS if row != "<{}>"])
def test_hints_are_found_however_an_attribute_is_written(element: str) -> None:
    for row in (*selectors.SKIPPED, *sum(selectors.NAMED, ())):
        for hint in row.hints:
            if not hint.startswith("<"):
                assert hint.lower() in held(element.format(hint)), (element, hint)


def test_hints_are_not_found_in_text_scripts_and_comments() -> None:
    words = " ".join(NAMES)
    assert (
        held(f"<p title='{words}'>{words}</p><script>{words}<form></script><!-- <form class='{words}'> -->")
        == set()
    )
    assert held("<form><FIGCAPTION><article x>") == {"<form", "<figcaption", "<article"}


@given(st.lists(st.tuples(st.sampled_from(ELEMENTS), st.sampled_from(NAMES), st.integers(0, 4)), max_size=8))
def test_the_mask_never_changes_a_text(parts: list[tuple[str, str, int]]) -> None:
    page = "<html><body>" + "".join(
        element.format(name) + f"<p>{number}. {TEXT * length}</p>" + "</div>" * (number % 2)
        for number, (element, name, length) in enumerate(parts)
    )
    assert extract(page, measure(page.encode()).held) == extract(page)


def test_the_mask_never_changes_the_text_of_a_development_page(shared: Path) -> None:
    for page in load(shared)[::4]:
        text = decode(page.html).text
        assert extract(text, measure(text.encode("utf-8", "replace")).held) == extract(text)
