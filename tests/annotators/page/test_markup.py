"""Tags and attributes off the bytes of a page."""

from __future__ import annotations

import pytest

from provenance.annotators.page.markup import attributes, first_of, tag_name, words


@pytest.mark.parametrize(
    ("tag", "name"),
    [(b"<META a>", b"meta"), (b"<br/>", b"br"), (b"</p>", b""), (b"<x-y z>", b"x-y"), (b"", b"")],
)
def test_names_are_lower_case_and_of_opening_tags(tag: bytes, name: bytes) -> None:
    assert tag_name(tag) == name


def test_attributes_are_quoted_any_way_and_the_first_of_a_name_wins() -> None:
    values = attributes(b"<meta NAME='a' content = \"b\" x1=c y1 name=later>")
    assert values == {b"name": b"a", b"content": b"b", b"x1": b"c", b"y1": b""}
    assert first_of(values, b"property", b"y1", b"name") == b"a"
    assert first_of(values, b"property") == b""


def test_values_are_text_with_their_references_resolved() -> None:
    assert words(b" caf\xc3\xa9 &amp; caf&eacute; ") == "café & café"
    assert words(b"caf\xe9") == "caf\ufffd"
