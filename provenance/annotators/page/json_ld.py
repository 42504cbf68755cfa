"""JSON-LD as pages hold it: wrapped in comments, with trailing commas, raw line ends or several objects in one script.

Source: JSON-LD 1.1, section 7 (embedding in HTML). What is still no JSON after these repairs gives nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from provenance.annotators.references import resolve

#: Bytes of one script that are read.
_LONGEST = 400_000
_OPENING = re.compile(r"(?:(?://|/\*)\s{0,9})?<!\[CDATA\[(?:\s{0,9}\*/)?|<!--")
_CLOSING = re.compile(r"(?:(?://|/\*)\s{0,9})?(?:\]\]>(?:\s{0,9}\*/)?|-->)\Z")
_CLOSING_LENGTH = 40
_TRAILING_COMMA = re.compile(r",(?=\s{0,200}[}\]])")
#: A string, which is kept, or a comment of JavaScript; and an apostrophe that needed no backslash.
_COMMENT = re.compile(r'("(?:[^"\\]|\\.)*+(?:"|\Z))|//[^\n]*|/\*.*?(?:\*/|\Z)', re.DOTALL)
_APOSTROPHE = re.compile(r"(?<!\\)\\'")
#: What holds other values: most strings and numbers are looked at by nobody.
_NESTING = (dict, list)
_BETWEEN = re.compile(r"[\s;,]*")
_WITH_ADDRESS = re.compile(r"[/#:]")
_DECODER = json.JSONDecoder(strict=False)  # raw line ends inside strings are read


def objects(script: bytes) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield every object of a JSON-LD script with the key it is the value of ("" for the outermost), parents first."""
    stack: list[tuple[Any, str]] = [(value, "") for value in reversed(_values(script))]
    while stack:
        value, key = stack.pop()
        if isinstance(value, dict):
            yield value, key
            stack += [(item, name) for name, item in reversed(value.items()) if isinstance(item, _NESTING)]
        elif isinstance(value, list):
            stack += [(item, key) for item in reversed(value) if isinstance(item, _NESTING)]


def types(item: dict[str, Any]) -> set[str]:
    """The names of an object's types, without their address."""
    kinds = item.get("@type", ())
    kinds = kinds if isinstance(kinds, list) else [kinds]
    return {_WITH_ADDRESS.split(kind)[-1] for kind in kinds if isinstance(kind, str)}


def strings(value: Any) -> Iterator[str]:
    """Yield the strings of a value: itself, its items, or their @id, @value or url."""
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, dict):
            item = item.get("@value") or item.get("@id") or item.get("url")
        if isinstance(item, str):
            yield item


def _values(script: bytes) -> list[Any]:
    text = script[:_LONGEST].decode("utf-8", "replace").strip("\ufeff \t\r\n")
    opening = _OPENING.match(text)
    if opening:
        text = text[opening.end() :]
        closing = _CLOSING.search(text, max(0, len(text) - _CLOSING_LENGTH))
        text = text[: closing.start()] if closing else text
    if text.lstrip()[:7] in ("{&quot;", "[{&quot"):
        text = resolve(text)
    found = _decode(text)
    return found if found is not None else _decode(_mended(text)) or []


def _mended(text: str) -> str:
    """The text without commas, comments and backslashes that JSON does not have."""
    plain = _APOSTROPHE.sub("'", _TRAILING_COMMA.sub("", text))
    return _COMMENT.sub(lambda match: match[1] or "", plain) if "//" in plain or "/*" in plain else plain


def _decode(text: str) -> list[Any] | None:
    """The JSON values of `text`, one after the other; None where it does not begin with one."""
    found: list[Any] = []
    at = _end_of(text, 0)
    while at < len(text):
        try:
            value, at = _DECODER.raw_decode(text, at)
        except (ValueError, RecursionError):
            return found or None
        found.append(value)
        at = _end_of(text, at)
    return found


def _end_of(text: str, at: int) -> int:
    match = _BETWEEN.match(text, at)
    return match.end() if match else at
