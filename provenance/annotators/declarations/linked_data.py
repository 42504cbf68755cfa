"""What data inside a page declares: digital source types and licences in JSON-LD and microdata, and inline RSL.

Sources: schema.org `digitalSourceType` and `license`; Really Simple Licensing 1.0.
"""

from __future__ import annotations

import re

from provenance.annotators.declarations import rights
from provenance.annotators.declarations.declared import Declared, Signal
from provenance.annotators.declarations.making import classify_source
from provenance.annotators.declarations.paths import matches, path_of, pattern_on
from provenance.annotators.declarations.rsl import read_contents
from provenance.annotators.page import json_ld, markup
from provenance.annotators.page.search import Page

#: Bytes of an RSL document that are read, and before an element in which the type of its scope is looked for.
_LONGEST_DOCUMENT = 200_000
_SCOPE = 4_000
#: Keys of an object inside another that is not the page's text, and types that never are.
_OTHER = re.compile(
    r"(?i)^(?:schema:)?(?:comments?|answers?|suggestedanswer|acceptedanswer|mentions|citation|items?|itemlistelement|isbasedon|isrelatedto|relatedlink|"
    r"review|reviews|itemreviewed|blogposts?|author|creator|publisher|ispartof|subjectof|hasvariant|offers)$"
)
_MEDIA = re.compile(
    r"(?:image|video|audio|media|3dmodel|photograph|musicrecording|sculpture|painting|logo)", re.IGNORECASE
)


def read_json_ld(page: Page, url: str, declared: Declared) -> None:
    """Add the digital source types of JSON-LD, and its licence where none was found before."""
    licensed = not declared.licenses and _names_license(page)
    if not licensed and not page.places[b"digitalsourcetype"]:
        return
    for tag, script in page.scripts_with(b"application/ld+json"):
        for item, parent in json_ld.objects(script) if b"ld+json" in tag.lower() else ():
            if _OTHER.search(parent):
                continue
            media = bool(_MEDIA.search(str(item.get("@type", ""))))
            for value in json_ld.strings(item.get("digitalSourceType", item.get("schema:digitalSourceType"))):
                declared.add_making(_source(value, "json-ld digitalSourceType", media))
            if licensed and not media:
                for value in json_ld.strings(item.get("license")):
                    declared.add_license(value, rights.name_license(value, url), "json-ld license")


def read_microdata(page: Page, declared: Declared) -> None:
    """Add digital source types of elements with such an itemprop (or RDFa property)."""
    for start, tag in page.tags_with(b"digitalsourcetype"):
        values = markup.attributes(tag)
        names = values.get(b"itemprop", b"").split() + values.get(b"property", b"").split()
        if b"digitalSourceType" in names:
            value = markup.words(values.get(b"content") or values.get(b"href") or b"")
            scope = page.content.rfind(b"itemtype", max(0, start - _SCOPE), start)
            kind = page.content[scope : scope + 80].decode("latin-1") if scope >= 0 else ""
            declared.add_making(_source(value, "itemprop digitalSourceType", bool(_MEDIA.search(kind))))


def read_rsl(page: Page, url: str, declared: Declared) -> None:
    """Add what inline RSL documents say of training on the page that holds them; of several parts that are about it the nearest."""
    for tag, script in page.scripts_with(b"application/rsl+xml"):
        if b"rsl+xml" in tag.lower():
            document = script[:_LONGEST_DOCUMENT].decode("utf-8", "replace")
            found = [
                (len(pattern), signal.signal == "optout", signal)
                for address, signal in read_contents(document, "inline RSL")
                if (pattern := pattern_on(url, address)) is not None and matches(pattern, path_of(url))
            ]
            if found:
                declared.add_use(max(found, key=lambda item: item[:2])[2])


def _source(value: str, where: str, media: bool) -> Signal | None:
    """A digital source type: of a picture or recording on the page it is `ai-media`, which says nothing of the text."""
    signal = classify_source(value, where)
    return Signal("ai-media", value, where) if signal and media else signal


def _names_license(page: Page) -> bool:
    return any(page.content[at - 1 : at + 8] == b'"license"' for at in page.places[b"license"])
