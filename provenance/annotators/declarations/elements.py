"""What elements of a page declare: `<meta>`, attributes of any element, and links to a licence or a manifest.

Only tags that a browser would make elements of are read: none in comments, scripts, templates or attributes.
"""

from __future__ import annotations

import re
from typing import Final

from provenance.annotators.declarations import rights
from provenance.annotators.declarations.declared import Declared, Signal
from provenance.annotators.declarations.making import classify_source, read_aigc, read_mode
from provenance.annotators.page import markup
from provenance.annotators.page.search import Page
from provenance.annotators.page.strings import compile_strings

#: Elements that hold the page's own text, whatever level of detail a site marks up.
_WHOLE = frozenset((b"html", b"body", b"main", b"article"))
_GENERATED_NAMES = frozenset(
    "ai-generated ai-generated-content generated-by-ai aigenerated ai-content content-ai-generated".split()
)
_DISCLOSURE_NAMES = frozenset(
    "ai-disclosure aidisclosure ai-content-disclosure ai-use-disclosure ai-content-declaration ai-involvement".split()
)
_ROBOTS_NAMES = frozenset(
    "robots googlebot bingbot gptbot ccbot google-extended anthropic-ai claudebot x-robots-tag".split()
)
_LICENSE_NAMES = frozenset(
    "license dc-license dcterms-license dc-rights-license dc-rights dcterms-rights rights-license".split()
)
#: Names of `<meta>` elements worth a closer look; the sets above decide.
_META_HINT = re.compile(
    rb"[\"'= ](?:ai|aigc|aidis|content-[aus]|generated-by|tdm-|robots|x-robots|\w{2,10}bot\b|google-ext|anthropic|licen|dc|rights)"
    rb"|sourcetype",
)
#: One of these stands in each of them: a compiled pass over a page's `<meta>` elements tells most that hold none.
DECLARING: Final = compile_strings(
    [mark + name for mark in (b'"', b"'", b"=", b" ") for name in (b"ai", b"dc")]
    + b"content-a content-s content-u generated-by tdm- bot google-ext anthropic licen rights sourcetype".split()
)
_LONGEST_VALUE = 2_000


def read_metas(page: Page, url: str, declared: Declared) -> None:
    """Add what `<meta>` elements declare; of several of one name the first counts."""
    said: dict[str, str] = {}
    for tag in page.tags_holding(b"meta", DECLARING):
        if not _META_HINT.search(tag.lower()):
            continue
        values = markup.attributes(tag)
        raw = markup.first_of(values, b"name", b"property", b"http-equiv", b"itemprop")
        if raw:
            name = re.sub(r"[_:. ]", "-", markup.words(raw[:60]).lower())
            said.setdefault(name, markup.words(values.get(b"content", b"")[:_LONGEST_VALUE]))
    for name, value in said.items():
        where = f"meta {name}"
        if name in _GENERATED_NAMES or name in _DISCLOSURE_NAMES:
            declared.add_making(read_mode(value, where, yes_means_generated=name in _GENERATED_NAMES))
        elif name == "aigc":
            declared.add_making(read_aigc(value, where))
        elif name.endswith("digitalsourcetype"):
            declared.add_making(classify_source(value, where))
        elif name == "tdm-reservation":
            declared.add_use(rights.read_reservation(value, said.get("tdm-policy", ""), where))
        elif name in _ROBOTS_NAMES:
            declared.add_use(rights.read_robots(value, where))
        elif name in ("content-usage", "content-signal"):
            declared.add_use(rights.read_preferences(value, where))
        elif name in _LICENSE_NAMES:
            declared.add_license(value, rights.name_license(value, url), where)


def read_attributes(page: Page, declared: Declared) -> None:
    """Add `ai-disclosure` and `data-ai-generated` attributes; on part of a page they mean AI took part."""
    for needle in (b"ai-disclosure", b"aidisclosure", b"ai-generated"):
        for _, tag in page.tags_with(needle):
            element = markup.tag_name(tag)
            if element == b"meta":
                continue
            values = markup.attributes(tag)
            raw = values.get(needle) if needle in values else values.get(b"data-" + needle)
            if raw is None:
                continue
            where = f"{element.decode('latin-1')}[{needle.decode()}]"
            signal = read_mode(markup.words(raw), where, yes_means_generated=needle == b"ai-generated")
            if signal and element not in _WHOLE:
                signal = Signal("ai-assisted", signal.value, where)
            declared.add_making(signal)


def read_links(page: Page, url: str, declared: Declared) -> None:
    """Add `<link>` to a C2PA manifest, `rel=license`, and Creative Commons links in the footer."""
    for needle in (b"c2pa-manifest", b"application/c2pa"):
        for _, tag in page.tags_with(needle):
            if markup.tag_name(tag) in (b"link", b"script"):
                where = f"{markup.tag_name(tag).decode()} {needle.decode()}"
                declared.add_making(Signal("c2pa", _target(tag), where))
    for _, tag in page.tags_with(b"license"):
        element = markup.tag_name(tag)
        if element in (b"a", b"link") and b"license" in _relations(tag):
            where = f"{element.decode()} rel=license"
            if b"rsl+xml" in markup.attributes(tag).get(b"type", b"").lower():
                declared.add_terms(_target(tag), rights.name_license(_target(tag), url), f"{where} (RSL)")
                continue
            declared.add_license(_target(tag), rights.name_license(_target(tag), url), where)
    footers = [] if declared.licenses else page.tags(b"footer")
    for start, tag in page.tags_with(b"creativecommons.org/") if footers else ():
        in_footer = start >= footers[-1][0] and markup.tag_name(tag) == b"a"
        target = _target(tag) if in_footer else ""
        name = rights.name_license(target, url)
        if name and name.startswith("CC"):
            declared.add_license(target, name, "footer link")


def _target(tag: bytes) -> str:
    return markup.words(markup.attributes(tag).get(b"href", b""))


def _relations(tag: bytes) -> list[bytes]:
    return markup.attributes(tag).get(b"rel", b"").lower().split()
