"""What a page declares about its own making and use: AI disclosures, reservations, licence.

Only declared markers of published conventions count (their sources stand beside the readers);
one compiled search finds the places to read. Chat residue and hidden payloads are other annotators'.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pyarrow as pa

from provenance.annotators.columns import read_column
from provenance.annotators.declarations import rights
from provenance.annotators.declarations.making import (
    MAGIC_BYTES,
    WEIGHTS,
    classify_source,
    decode_manifests,
    read_aigc,
    read_bylines,
    read_mode,
)
from provenance.annotators.declarations.rights import Signal
from provenance.annotators.page import markup
from provenance.annotators.page.places import SCANNED, Places, batch_places, find_places
from provenance.schema import EVIDENCE, SIGNALS

_LONGEST_SCRIPT = 200_000
_HEADER = re.compile(
    r"^(ai-disclosure|ai-generated|x-ai-generated|tdm-reservation|tdm-policy|x-robots-tag|content-usage|content-signal|link)"
    r"[ \t]*:[ \t]*([^\r\n]{0,2000}(?:\r?\n[ \t][^\r\n]{0,2000}){0,4})",
    re.IGNORECASE | re.MULTILINE,
)
_LINK = re.compile(
    r"<([^>]{0,1000})>((?:\s*;\s*[\w-]{1,30}\s*=\s*(?:\"[^\"]{0,200}\"|[^\s;,\"]{1,100})){1,10})"
)
_SCRIPT_END = re.compile(rb"</script", re.IGNORECASE)
#: Elements that hold the page's own text, whatever level of detail a site marks up.
_WHOLE = frozenset((b"html", b"body", b"main", b"article"))
_MEDIA = re.compile(
    r"(?:image|video|audio|media|3dmodel|photograph|musicrecording|sculpture|painting|logo)", re.IGNORECASE
)
_GENERATED_NAMES = frozenset(
    (
        "ai-generated",
        "ai-generated-content",
        "generated-by-ai",
        "aigenerated",
        "ai-content",
        "content-ai-generated",
    )
)
_DISCLOSURE_NAMES = frozenset(
    (
        "ai-disclosure",
        "aidisclosure",
        "ai-content-disclosure",
        "ai-use-disclosure",
        "ai-content-declaration",
        "ai-involvement",
    )
)
#: Names of `<meta>` elements worth a closer look; the sets above and below decide.
_META_HINT = re.compile(
    rb"[\"'= ](?:ai|aigc|aidis|content-[aus]|generated-by|tdm-|robots|x-robots|\w{2,10}bot\b|google-ext|anthropic|licen|dc|rights)"
    rb"|sourcetype",
)
_ROBOTS_NAMES = frozenset(
    ("robots", "googlebot", "bingbot", "gptbot", "ccbot", "google-extended", "anthropic-ai", "claudebot")
)
_LICENSE_NAMES = frozenset(
    (
        "license",
        "dc-license",
        "dcterms-license",
        "dc-rights-license",
        "dc-rights",
        "dcterms-rights",
        "rights-license",
    )
)


@dataclass
class Found:
    """What one document declares."""

    making: list[Signal] = field(default_factory=list)
    use: list[Signal] = field(default_factory=list)
    licenses: list[tuple[str, str]] = field(default_factory=list)

    def add_making(self, signal: Signal | None) -> None:
        """Keep a disclosure once."""
        if signal and signal not in self.making:
            self.making.append(signal)

    def add_use(self, signal: Signal | None) -> None:
        """Keep a rights signal once."""
        if signal and signal not in self.use:
            self.use.append(signal)


@dataclass(frozen=True)
class Disclosures:
    """Adds `disclosures`, `rights_signals`, `license`, `train_opt_out` and `disclosure_evidence`.

    The evidence holds at most one entry, the strongest: several marks of one page repeat each
    other. Its weights are bounded by policy, see `provenance.annotators.declarations.making.WEIGHTS`.
    """

    name: ClassVar[str] = "disclosures"
    version: ClassVar[str] = "1"
    schema: ClassVar[pa.Schema] = pa.schema(
        [
            ("disclosures", SIGNALS),
            ("rights_signals", SIGNALS),
            ("license", pa.string()),
            ("train_opt_out", pa.bool_()),
            ("disclosure_evidence", EVIDENCE),
        ]
    )

    def setup(self) -> None:
        """Nothing to load."""

    def __call__(self, batch: pa.RecordBatch) -> Sequence[pa.Array]:
        """Return the declarations of each row, from `url`, `http_headers`, `body` and `text`."""
        urls = read_column(batch, "url", pa.string()).to_pylist()
        headers = read_column(batch, "http_headers", pa.string()).to_pylist()
        pages = batch_places(read_column(batch, "body", pa.large_binary()))
        texts = read_column(batch, "text", pa.large_string())
        closed = [False] * batch.num_rows
        if "outcome" in batch.schema.names:
            closed = batch.column("outcome").is_valid().to_pylist()
        rows: list[list[Any]] = [[], [], [], [], []]
        for row in range(batch.num_rows):
            if closed[row]:
                for column in rows:
                    column.append(None)
                continue
            text = texts[row].as_py() or ""
            page = pages.page(row) or b""
            places = pages.places(row, page) if page else None
            found = find_declarations(urls[row] or "", headers[row] or "", page, text, places)
            rows[0].append([signal.as_dict() for signal in found.making])
            rows[1].append([signal.as_dict() for signal in found.use])
            rows[2].append(found.licenses[0][0] if found.licenses else None)
            rows[3].append(any(signal.signal == "optout" for signal in found.use))
            rows[4].append(weigh(found.making))
        return [pa.array(values, type_) for values, type_ in zip(rows, self.schema.types, strict=True)]


def find_declarations(url: str, headers: str, page: bytes, text: str, places: Places | None = None) -> Found:
    """Return what a document declares in its HTTP headers, its markup and its visible text.

    `places` are those of `page`, where they are known already.
    """
    found = Found()
    if headers:
        _read_headers(headers, url, found)
    page = page[:SCANNED]
    wrapped = False
    if page:
        places = find_places(page) if places is None else places
        _read_metas(page, places, url, found)
        _read_elements(page, places, found)
        _read_licenses(page, places, url, found)
        if places[b"digitalsourcetype"] or places[b"license"] or places[b"application/rsl+xml"]:
            _read_scripts(page, url, found)
        wrapped = bool(places[MAGIC_BYTES.lower()] or places[b"begin c2pa manifest"])
        start = max(0, page.find(b"<body"))
        if b"AIGC" in page[start : start + 4_000]:
            visible = markup.words(page[start : start + 4_000])
            found.add_making(read_aigc(visible, "front matter", in_text=True))
    for signal in decode_manifests(page if wrapped else b"", text):
        found.add_making(signal)
    if text:
        if "AIGC" in text[:500]:
            found.add_making(read_aigc(text[:1_000], "front matter", in_text=True))
        for signal in read_bylines(text):
            found.add_making(signal)
    return found


def weigh(making: list[Signal]) -> list[dict[str, Any]]:
    """Return the strongest of the disclosures as one row of evidence; none where they weigh nothing."""
    best = max(making, key=lambda signal: WEIGHTS.get((signal.signal, _kind(signal)), 0.0), default=None)
    weight = WEIGHTS.get((best.signal, _kind(best)), 0.0) if best else 0.0
    if not best or not weight:
        return []
    return [
        {
            "source": "disclosure",
            "llr": weight,
            "because": f"declared {best.signal} in {best.where}: {best.value[:100]}",
        }
    ]


def _kind(signal: Signal) -> str:
    return "visible" if signal.where == "visible text" else "machine"


def _read_headers(headers: str, url: str, found: Found) -> None:
    said: dict[str, str] = {}
    for name, value in _HEADER.findall(headers[:16_384]):
        key, value = name.lower(), " ".join(value.split())
        said[key] = f"{said[key]}, {value}" if key in said else value
    for key, value in said.items():
        where = f"http {key}"
        if key in ("ai-disclosure", "ai-generated", "x-ai-generated"):
            found.add_making(read_mode(value, where, yes_means_generated=key != "ai-disclosure"))
        elif key == "tdm-reservation":
            found.add_use(rights.read_reservation(value, said.get("tdm-policy", ""), where))
        elif key == "x-robots-tag":
            found.add_use(rights.read_robots(value, where))
        elif key in ("content-usage", "content-signal"):
            found.add_use(rights.read_preferences(value, where))
        elif key == "link":
            for target, parameters in _LINK.findall(value):
                relation = re.search(r"\brel\s*=\s*\"?([^\";]{1,200})", parameters, re.IGNORECASE)
                relations = relation[1].lower().split() if relation else []
                if "c2pa-manifest" in relations:
                    found.add_making(Signal("c2pa", target, where))
                if "license" in relations:
                    _add_license(target, url, where, found)


def _read_metas(page: bytes, places: Places, url: str, found: Found) -> None:
    said: dict[str, str] = {}
    for at in places[b"<meta"]:
        tag = markup.tag_at(page, at)
        if not _META_HINT.search(tag.lower()):
            continue
        values = markup.attributes(tag)
        raw = (
            values.get(b"name")
            or values.get(b"property")
            or values.get(b"http-equiv")
            or values.get(b"itemprop")
        )
        if raw:
            name = re.sub(r"[_:. ]", "-", raw[:60].decode("latin-1").lower())
            said.setdefault(name, markup.words(values.get(b"content", b"")[:2_000]))
    for name, value in said.items():
        where = f"meta {name}"
        if name in _GENERATED_NAMES or name in _DISCLOSURE_NAMES:
            found.add_making(read_mode(value, where, yes_means_generated=name in _GENERATED_NAMES))
        elif name == "aigc":
            found.add_making(read_aigc(value, where))
        elif name.endswith("digitalsourcetype"):
            found.add_making(classify_source(value, where))
        elif name == "tdm-reservation":
            found.add_use(rights.read_reservation(value, said.get("tdm-policy", ""), where))
        elif name in _ROBOTS_NAMES or name == "x-robots-tag":
            found.add_use(rights.read_robots(value, where))
        elif name in ("content-usage", "content-signal"):
            found.add_use(rights.read_preferences(value, where))
        elif name in _LICENSE_NAMES:
            _add_license(value, url, where, found)


def _read_elements(page: bytes, places: Places, found: Found) -> None:
    """Read `ai-disclosure` and `data-ai-generated` attributes; on part of a page they mean AI took part."""
    for needle in (b"ai-disclosure", b"aidisclosure", b"ai-generated"):
        for at in places[needle]:
            _, tag = markup.tag_around(page, at)
            element = markup.tag_name(tag)
            if not element or element == b"meta":
                continue
            values = markup.attributes(tag)
            raw = values.get(needle) if needle in values else values.get(b"data-" + needle)
            if raw is None:
                continue
            where = f"{element.decode('latin-1')}[{needle.decode()}]"
            signal = read_mode(markup.words(raw), where, yes_means_generated=needle == b"ai-generated")
            if signal and element not in _WHOLE:
                signal = Signal("ai-assisted", signal.value, where)
            found.add_making(signal)


def _read_licenses(page: bytes, places: Places, url: str, found: Found) -> None:
    """Read `<link rel=license>`, `<a rel=license>` and Creative Commons links in the footer; C2PA links on the way."""
    for needle in (b"c2pa-manifest", b"application/c2pa"):
        for at in places[needle]:
            _, tag = markup.tag_around(page, at)
            if markup.tag_name(tag) in (b"link", b"script"):
                target = markup.words(markup.attributes(tag).get(b"href", b""))
                found.add_making(Signal("c2pa", target, f"{markup.tag_name(tag).decode()} {needle.decode()}"))
    for at in places[b"license"]:
        _, tag = markup.tag_around(page, at)
        if markup.tag_name(tag) not in (b"a", b"link"):
            continue
        values = markup.attributes(tag)
        if b"license" in values.get(b"rel", b"").lower().split():
            element = markup.tag_name(tag).decode()
            _add_license(markup.words(values.get(b"href", b"")), url, f"{element} rel=license", found)
    links = [] if found.licenses else places[b"creativecommons.org/"]
    footer = page.rfind(b"<footer") if links else -1
    for at in links if footer >= 0 else ():
        _, tag = markup.tag_around(page, at) if at >= footer else (0, b"")
        target = (
            markup.words(markup.attributes(tag).get(b"href", b"")) if markup.tag_name(tag) == b"a" else ""
        )
        if (rights.name_license(target, url) or "").startswith("CC"):
            _add_license(target, url, "footer link", found)


def _add_license(value: str, url: str, where: str, found: Found) -> None:
    name = rights.name_license(value, url)
    if name:
        found.licenses.append((name, where))
        found.add_use(Signal("license", value, where))


def _read_scripts(page: bytes, url: str, found: Found) -> None:
    """Read JSON-LD (digitalSourceType, license), inline RSL and microdata."""
    sourced = b"igitalSourceType" in page or b"igitalsourcetype" in page
    licensed = b'"license"' in page and not found.licenses
    if sourced or licensed:
        for at in markup.places(page, b"application/ld+json"):
            for item in _objects(_script(page, at)):
                media = bool(_MEDIA.search(str(item.get("@type", ""))))
                for value in _strings(item.get("digitalSourceType", item.get("schema:digitalSourceType"))):
                    signal = classify_source(value, "json-ld digitalSourceType")
                    found.add_making(Signal("ai-media", value, signal.where) if signal and media else signal)
                if licensed and not media:
                    for value in _strings(item.get("license")):
                        _add_license(value, url, "json-ld license", found)
    if sourced:
        for needle in (b'"digitalSourceType"', b"'digitalSourceType'", b"digitalSourceType "):
            for at in markup.places(page, needle):
                start, tag = markup.tag_around(page, at)
                values = markup.attributes(tag)
                if b"igitalSourceType" in values.get(b"itemprop", b"") + values.get(b"property", b""):
                    value = markup.words(values.get(b"content") or values.get(b"href") or b"")
                    scope = page.rfind(b"itemtype", max(0, start - 4_000), start)
                    media = scope >= 0 and bool(_MEDIA.search(page[scope : scope + 80].decode("latin-1")))
                    signal = classify_source(value, "itemprop digitalSourceType")
                    found.add_making(Signal("ai-media", value, signal.where) if signal and media else signal)
    if b"rsl+xml" in page:
        for at in markup.places(page, b"application/rsl+xml"):
            found.add_use(rights.read_rsl(_script(page, at).decode("utf-8", "replace"), "inline RSL"))


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
