"""What the HTTP headers of an answer declare: AI disclosures, reservations, preferences and links.

Reads the header block as it was sent (at most 16 KiB); a header that is given twice is read as one list.
"""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from provenance.annotators.declarations import rights
from provenance.annotators.declarations.declared import Declared, Signal
from provenance.annotators.declarations.making import read_mode

_LONGEST = 16_384
_HEADER = re.compile(
    r"^(ai-disclosure|ai-generated|x-ai-generated|tdm-reservation|tdm-policy|x-robots-tag|content-usage|content-signal|link)"
    r"[ \t]*:[ \t]*([^\r\n]{0,2000}(?:\r?\n[ \t][^\r\n]{0,2000}){0,4})",
    re.IGNORECASE | re.MULTILINE,
)
#: What each of these names begins with; a letter beyond ASCII may be one of theirs (the sign for kelvin is a k).
_MAYBE = r"(?i)(?:ai-|tdm-|x-robots|content-usage|content-signal|link)|[^\x00-\x7f]"
_LINK = re.compile(
    r"<([^>]{0,1000})>((?:\s*;\s*[\w-]{1,30}\s*=\s*(?:\"[^\"]{0,200}\"|[^\s;,\"]{1,100})){1,10})"
)


def may_declare(headers: pa.StringArray) -> NDArray[np.bool_]:
    """Whether `read_headers` may add something of each answer: one pass clears most."""
    return np.asarray(pc.match_substring_regex(headers, _MAYBE).fill_null(False))


def read_headers(headers: str, url: str, declared: Declared) -> None:
    """Add what `headers` declare about the document at `url`."""
    said: dict[str, str] = {}
    for name, value in _HEADER.findall(headers[:_LONGEST]):
        key, value = name.lower(), " ".join(value.split())
        said[key] = f"{said[key]}, {value}" if key in said else value
    for key, value in said.items():
        where = f"http {key}"
        if key in ("ai-disclosure", "ai-generated", "x-ai-generated"):
            declared.add_making(read_mode(value, where, yes_means_generated=key != "ai-disclosure"))
        elif key == "tdm-reservation":
            declared.add_use(rights.read_reservation(value, said.get("tdm-policy", ""), where))
        elif key == "x-robots-tag":
            declared.add_use(rights.read_robots(value, where))
        elif key in ("content-usage", "content-signal"):
            declared.add_use(rights.read_preferences(value, where))
        elif key == "link":
            _read_links(value, where, url, declared)


def _read_links(value: str, where: str, url: str, declared: Declared) -> None:
    for target, parameters in _LINK.findall(value):
        relation = re.search(r"\brel\s*=\s*\"?([^\";]{1,200})", parameters, re.IGNORECASE)
        relations = relation[1].lower().split() if relation else []
        if "c2pa-manifest" in relations:
            declared.add_making(Signal("c2pa", target, where))
        if "license" in relations and "rsl+xml" in parameters.lower():
            declared.add_terms(target, rights.name_license(target, url), f"{where} (RSL)")
        elif "license" in relations:
            declared.add_license(target, rights.name_license(target, url), where)
