"""What data inside a page declares: digital source types and licences in JSON-LD and microdata, and inline RSL.

Sources: schema.org `digitalSourceType` and `license`; Really Simple Licensing 1.0.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from provenance.annotators.declarations import rights
from provenance.annotators.declarations.declared import Declared, Signal
from provenance.annotators.declarations.making import classify_source
from provenance.annotators.page import markup
from provenance.annotators.page.search import Page

_LONGEST_SCRIPT = 200_000
_SCRIPT_END = re.compile(rb"</script", re.IGNORECASE)
_MEDIA = re.compile(
    r"(?:image|video|audio|media|3dmodel|photograph|musicrecording|sculpture|painting|logo)", re.IGNORECASE
)


def read_json_ld(page: Page, url: str, declared: Declared) -> None:
    """Add the digital source types of JSON-LD, and its licence where none was found before."""
    licensed = not declared.licenses and _names_license(page)
    if not licensed and not page.places[b"digitalsourcetype"]:
        return
    for at in page.places[b"application/ld+json"]:
        for item in _objects(_script(page.content, at)):
            media = bool(_MEDIA.search(str(item.get("@type", ""))))
            for value in _strings(item.get("digitalSourceType", item.get("schema:digitalSourceType"))):
                declared.add_making(_source(value, "json-ld digitalSourceType", media))
            if licensed and not media:
                for value in _strings(item.get("license")):
                    declared.add_license(value, rights.name_license(value, url), "json-ld license")


def read_microdata(page: Page, declared: Declared) -> None:
    """Add digital source types of elements with such an itemprop (or RDFa property)."""
    for at in page.places[b"digitalsourcetype"]:
        start, tag = markup.tag_around(page.content, at)
        values = markup.attributes(tag)
        names = values.get(b"itemprop", b"").split() + values.get(b"property", b"").split()
        if b"digitalSourceType" in names:
            value = markup.words(values.get(b"content") or values.get(b"href") or b"")
            scope = page.content.rfind(b"itemtype", max(0, start - markup.LONGEST_TAG), start)
            kind = page.content[scope : scope + 80].decode("latin-1") if scope >= 0 else ""
            declared.add_making(_source(value, "itemprop digitalSourceType", bool(_MEDIA.search(kind))))


def read_rsl(page: Page, declared: Declared) -> None:
    """Add what inline RSL documents permit or prohibit."""
    for at in page.places[b"application/rsl+xml"]:
        document = _script(page.content, at).decode("utf-8", "replace")
        declared.add_use(rights.read_rsl(document, "inline RSL"))


def _source(value: str, where: str, media: bool) -> Signal | None:
    """A digital source type: of a picture or recording on the page it is `ai-media`, which says nothing of the text."""
    signal = classify_source(value, where)
    return Signal("ai-media", value, where) if signal and media else signal


def _names_license(page: Page) -> bool:
    return any(page.content[at - 1 : at + 8] == b'"license"' for at in page.places[b"license"])


def _script(page: bytes, at: int) -> bytes:
    """Return the content of the script element whose opening tag holds offset `at`; empty for other elements."""
    start, tag = markup.tag_around(page, at)
    if markup.tag_name(tag) != b"script":
        return b""
    start += len(tag)
    end = _SCRIPT_END.search(page, start, start + _LONGEST_SCRIPT)
    return page[start : end.start()] if end else b""


def _objects(script: bytes) -> Iterator[dict[str, Any]]:
    """Yield every object of a JSON document, outermost first; nothing if it is not JSON."""
    try:
        stack: list[Any] = [json.loads(script)] if script else []
    except (ValueError, RecursionError):
        return
    while stack:
        value = stack.pop()
        if isinstance(value, dict):
            yield value
            stack.extend(value.values())
        elif isinstance(value, list):
            stack.extend(value)


def _strings(value: Any) -> Iterator[str]:
    """Yield the strings of a JSON-LD value: itself, its items, or their @id or url."""
    for item in value if isinstance(value, list) else [value]:
        item = item.get("@id") or item.get("url") if isinstance(item, dict) else item
        if isinstance(item, str):
            yield item
