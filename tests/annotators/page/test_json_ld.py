"""JSON-LD as pages hold it, with the mistakes that they make."""

from __future__ import annotations

import pytest

from provenance.annotators.page.json_ld import objects, strings, types

PLAIN = '{"@type": "Article", "x": 1}'


@pytest.mark.parametrize(
    "script",
    [
        PLAIN,
        f"  {PLAIN} ;",
        PLAIN[:-1] + ",}",
        f"//<![CDATA[\n{PLAIN}\n//]]>",
        f"/*<![CDATA[*/ {PLAIN} /*]]>*/",
        f"<!-- {PLAIN} -->",
        PLAIN.replace('"', "&quot;"),
        '{"@type": "Article", "x": 1, "text": "two\nlines"}',
        f"\ufeff{PLAIN}",
        f"/* for engines */ {PLAIN[:-1]} // the end\n}}",
        '{"@type": "Article", /* "x": 2, */ "x": 1, "text": "it\\\'s at https://a.example/* no comment"}',
    ],
)
def test_common_mistakes_are_read_over(script: str) -> None:
    (found,) = [item for item, _ in objects(script.encode())]
    assert (types(found), found["x"]) == ({"Article"}, 1)


def test_several_objects_in_one_script_are_all_read() -> None:
    assert [item["a"] for item, _ in objects(b'{"a": 1} {"a": 2}\n,{"a": 3}')] == [1, 2, 3]
    assert [item["a"] for item, _ in objects(b'{"a": 1} {"a": ')] == [1]


def test_objects_come_parents_first_with_the_key_that_holds_them() -> None:
    script = b'{"image": {"n": 2}, "@graph": [{"n": 3}, {"n": 4}]}'
    assert [(item.get("n"), key) for item, key in objects(script)] == [
        (None, ""),
        (2, "image"),
        (3, "@graph"),
        (4, "@graph"),
    ]


@pytest.mark.parametrize(
    "script",
    [
        b"",
        b"no json",
        b"[" * 100_000,
        b'"text"',
        b"{",
        b"{/*" * 100_000,
        b'{//"' + b'\\"' * 100_000,
        b"{//" * 100_000,
    ],
)
def test_what_is_no_json_gives_nothing(script: bytes) -> None:
    assert list(objects(script)) == []


def test_types_and_values_have_several_spellings() -> None:
    assert types({"@type": ["http://schema.org/NewsArticle", "schema:WebPage", 3]}) == {
        "NewsArticle",
        "WebPage",
    }
    assert list(strings(["a", {"@id": "b"}, {"@value": "c"}, 4])) == ["a", "b", "c"]
