"""The vocabularies in which pages declare how they were made, each read by one function.

Sources: draft-abaris-aicdh (AI-Disclosure header), the ai-disclosure HTML explainer of the W3C community
group, IPTC digital source type (and its schema.org and C2PA forms), GB 45438-2025 (AIGC), C2PA 2.x.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from provenance.annotators.columns import text_buffers
from provenance.annotators.declarations.declared import Signal
from provenance.annotators.page.search import WRAPPER, Page

#: Log-likelihood ratios in nats, bounded by policy, not measured: nobody has labelled enough disclosing
#: pages. An explicit machine-readable mark counts +4 (odds times 55), so that a strong contrary prior can still
#: outweigh a forged or site-wide one; assistance is compatible with mostly human text; a manifest alone says nothing.
WEIGHTS: dict[tuple[str, str], float] = {
    ("ai-generated", "machine"): 4.0,
    ("ai-generated", "visible"): 2.5,
    ("ai-suspected", "machine"): 1.0,
    ("ai-assisted", "machine"): 1.0,
    ("ai-assisted", "visible"): 0.5,
}

#: Modes of the AI-Disclosure header and values of the ai-disclosure meta element and attribute.
_GENERATED = frozenset(
    (
        "ai-originated",
        "machine-generated",
        "ai-generated",
        "autonomous",
        "fully-ai-generated",
        "generated",
        "full",
        "fully",
    )
)
_ASSISTED = frozenset(
    (
        "ai-modified",
        "ai-assisted",
        "mixed",
        "assisted",
        "modified",
        "ai-edited",
        "ai-enhanced",
        "ai-augmented",
        "partial",
        "partially",
        "some",
    )
)
_TRUE = frozenset(("true", "yes", "1", "?1", "y", "on"))
_MODE = re.compile(r"(?:^|[,;\s])mode\s*=\s*\"?([\w-]{1,40})", re.IGNORECASE)
#: Terms of the IPTC vocabulary that mean generative AI. algorithmicMedia and dataDrivenMedia are made by programs
#: without training data, algorithmicallyEnhanced is a filter: none of them says that a model wrote the text.
_SOURCES = {
    "trainedalgorithmicmedia": "ai-generated",
    "trainedalgorithmicdata": "ai-generated",
    "compositewithtrainedalgorithmicmedia": "ai-assisted",
    "compositesynthetic": "ai-assisted",
}
_AIGC_LABELS = {"1": "ai-generated", "2": "ai-generated", "3": "ai-suspected"}
_AIGC_LABEL = re.compile(r"[\"']?\bLabel[\"']?\s{0,5}:\s{0,5}[\"']?([123])(?!\d)", re.IGNORECASE)
_AIGC_FRONT = re.compile(
    r"---\s{0,20}AIGC\s{0,5}:[\s{]{0,20}(?:[A-Za-z0-9]{1,20}\s{0,5}:[^\n]{0,200}\n\s{0,20}){0,3}"
)

_MAGIC = WRAPPER.decode()
_SELECTORS = re.compile("\ufeff([\ufe00-\ufe0f\U000e0100-\U000e01ef]{13,200000})")
_LONGEST_WRAPPER = 800_000  # bytes of UTF-8; a selector takes three or four
_ARMOUR = re.compile(rb"<!--[^>]{0,40}-----BEGIN C2PA MANIFEST-----\s{0,9}([^\s>]{0,300})")


def read_mode(value: str, where: str, *, yes_means_generated: bool) -> Signal | None:
    """Return the signal of a disclosure's mode or value, None for `none`, `false` and words of no vocabulary.

    `yes_means_generated`: the name itself says "AI generated", so plain true is an answer.
    """
    match = _MODE.search(value)
    mode = (
        (match[1] if match else re.split(r"[;,]", value)[0])
        .strip(" \"'")
        .lower()
        .replace("_", "-")
        .replace(" ", "-")
    )
    if mode in _GENERATED or (yes_means_generated and mode in _TRUE):
        return Signal("ai-generated", value, where)
    return Signal("ai-assisted", value, where) if mode in _ASSISTED else None


def classify_source(value: str, where: str) -> Signal | None:
    """Return the signal of an IPTC digital source type: a URI of IPTC, C2PA or schema.org, a QCode or the bare term."""
    term = re.split(r"[/#:]", value.strip().rstrip("/"))[-1].lower().removesuffix("digitalsource")
    signal = _SOURCES.get(term)
    return Signal(signal, value, where) if signal else None


def read_aigc(value: str, where: str, *, in_text: bool = False) -> Signal | None:
    """Return the signal of an AIGC label: 1 is generated, 2 declared by the user, 3 suspected by the platform.

    `in_text` wants the label in YAML front matter, as the standard's text form has it; an
    example in running text is not one.
    """
    start = 0
    if in_text:
        front = _AIGC_FRONT.search(value)
        if not front:
            return None
        start = max(0, front.start())
    label = _AIGC_LABEL.search(value, start, start + 600)
    return Signal(_AIGC_LABELS[label[1]], label[0], where) if label else None


def may_have_wrapper(texts: pa.LargeStringArray) -> NDArray[np.bool_]:
    """Whether `read_wrapper` may yield something of each text: those without the first byte of a wrapper are cleared."""
    data, offsets = text_buffers(texts)
    found = np.zeros(len(offsets) - 1, np.bool_)
    places = np.flatnonzero(data[offsets[0] : offsets[-1]] == WRAPPER[0]) + offsets[0]
    found[np.searchsorted(offsets, places, "right") - 1] = True
    return found


def read_wrapper(text: str) -> Iterator[Signal]:
    """Yield `c2pa` for each manifest wrapped in `text`, and what its digital source type declares.

    The wrapper (C2PA 2.x, "Embedding manifests into unstructured text") is U+FEFF and variation selectors, one a
    byte: magic, version, length, manifest store. Signatures are not verified here.
    """
    at = text.find(_MAGIC)
    for run in _SELECTORS.findall(text[at:])[:4] if at >= 0 else ():
        data = bytes(ord(c) - 0xFE00 if ord(c) < 0xFE10 else ord(c) - 0xE0100 + 16 for c in run)
        length = int.from_bytes(data[9:13], "big")
        if not data.startswith(b"C2PATXT\0"):
            continue
        whole = "" if length == len(data) - 13 else f" ({len(data) - 13} present)"
        yield Signal("c2pa", f"version {data[8]}, {length} bytes{whole}", "text wrapper")
        for term in re.findall(rb"digitalsourcetype/(\w{5,60})", data)[:4]:
            signal = classify_source(term.decode("ascii", "replace"), "c2pa text wrapper")
            if signal:
                yield signal


def read_manifests(page: Page) -> Iterator[Signal]:
    """Yield what the manifests in the source of a page declare: wrapped in its text, or armoured in a comment."""
    for at in page.places[WRAPPER][:1]:
        yield from read_wrapper(page.content[at : at + _LONGEST_WRAPPER].decode("utf-8", "ignore"))
    for number in page.spans_with(b"begin c2pa manifest"):
        start = int(page.spans.starts[number])
        armour = _ARMOUR.match(page.content, start, start + 500)
        if armour:
            yield Signal("c2pa", armour[1].decode("latin-1"), "comment")
            return
