"""Pages as site builders lay them out: all of the author's sentences come out, and of the rest next to nothing."""

from __future__ import annotations

import pytest

from provenance.annotators.text.extraction import extract
from tests.annotators.text.layouts import Layout, layouts

#: What is still kept though it stands around the text: what there is to win, and what must not grow.
KEPT = {
    "Substack": {"reader-supported"},
    "Medium": {"min read"},
    "Blogger": {"il était temps"},
    "from right to left": {"ليلى حداد"},
    "a static generator": {"Newer: Salt"},
    "a newspaper": {"Seven ways", "on Tuesday"},
    "an article given twice": {"2024-03-12T"},
    "Next.js": {"which ones to accept"},
}


@pytest.mark.parametrize("layout", layouts(), ids=lambda layout: layout.name)
def test_the_authors_sentences_are_kept_and_what_is_around_them_is_not(layout: Layout) -> None:
    text = extract(layout.page.encode()).text
    assert [sentence for sentence in layout.wanted if sentence not in text] == []
    assert {words for words in layout.unwanted if words in text} <= KEPT.get(layout.name, set())


def test_an_article_that_a_page_gives_twice_comes_once() -> None:
    page = next(layout for layout in layouts() if layout.name == "an article given twice")
    text = extract(page.page.encode()).text
    assert [text.count(sentence) for sentence in page.wanted] == [1] * len(page.wanted)
