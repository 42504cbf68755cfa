"""What a page says about its own use: reservations against training, permissions, and its licence.

Sources: W3C TDM Reservation Protocol; robots directives noai, noimageai and noml (X-Robots-Tag and
meta); IETF AI preferences (Content-Usage) and Content-Signal; rel=license.
"""

from __future__ import annotations

import re
from urllib.parse import urljoin

from provenance.annotators.declarations.declared import Signal

#: Keys that speak of training, the most specific first (draft-ietf-aipref-vocab and its ancestors, Content-Signal).
_TRAINING_KEYS = (
    "train-ai", "ai-train", "train-genai", "genai", "ai", "tdm", "automated-processing", "bots", "all",
)  # fmt: skip
_ROBOTS_OPT_OUT = re.compile(r"(?<![\w-])(?:noai|noml)(?![\w-])", re.IGNORECASE)
_CC = re.compile(
    r"creativecommons\.org/(?:licenses/([a-z+-]{2,12})/(\d\.\d)(?:/([a-z]{2,3})(?![a-z]))?|publicdomain/(zero|mark)/(\d\.\d))",
    re.I,
)
_NAMED = (
    (re.compile(r"spdx\.org/licenses/([A-Za-z0-9.+-]{2,40}?)(?:\.html)?$"), None),
    (re.compile(r"opensource\.org/licenses?/([A-Za-z0-9.-]{2,30}?)(?:\.php|\.html|/)?$"), "OSI"),
    (re.compile(r"apache\.org/licenses/LICENSE-2\.0"), "Apache-2.0"),
    (re.compile(r"gnu\.org/(?:licenses|copyleft)/(?:old-licenses/)?(?:gpl|lgpl|agpl|fdl)-(\d\.\d)"), "GNU"),
)
_SLUG_VERSION = re.compile(r"-(\d)-(\d)$")
#: Names of SPDX for the licences that pages link to there.
_SLUGS = {
    name.lower(): name
    for name in (
        "MIT MIT-0 ISC 0BSD BSD-2-Clause BSD-3-Clause Apache-2.0 MPL-2.0 EPL-2.0 Unlicense GPL-2.0 "
        "GPL-3.0 LGPL-2.1 LGPL-3.0 AGPL-3.0 Artistic-2.0 EUPL-1.2 Zlib BSL-1.0"
    ).split()
}
_KEY_VALUE = re.compile(r"(?<![\w-])([a-z][a-z-]{0,30})\s{0,3}=\s{0,3}[\"?]?([a-z0-9]{1,10})", re.IGNORECASE)
_YES = frozenset(("y", "yes", "1", "allow", "true"))
_NO = frozenset(("n", "no", "0", "disallow", "false"))


def read_reservation(value: str, policy: str, where: str) -> Signal | None:
    """Return the opt-out that tdm-reservation 1 is; 0 reserves nothing (TDMRep, section 4)."""
    if value.strip(" \"'") != "1":
        return None
    return Signal("optout", f"1; policy={policy}" if policy else "1", where)


def read_robots(value: str, where: str) -> Signal | None:
    """Return the opt-out of a robots directive list. noimageai alone speaks of images, not of the text."""
    return Signal("optout", value, where) if _ROBOTS_OPT_OUT.search(value) else None


def read_preferences(value: str, where: str) -> Signal | None:
    """Return opt-out or opt-in from a dictionary such as `train-ai=n, search=y`; its most specific key decides."""
    said = {key.lower(): answer.lower() for key, answer in _KEY_VALUE.findall(value)}
    for key in _TRAINING_KEYS:
        if said.get(key) in _NO:
            return Signal("optout", value, where)
        if said.get(key) in _YES:
            return Signal("optin", value, where)
    return None


def name_license(value: str, base: str) -> str | None:
    """Return the SPDX identifier of a licence URL or name where there is one, else the absolute URL, else None."""
    value = value.strip()[:300]
    match = _CC.search(value)
    if match:
        if match[4]:
            return f"CC0-{match[5]}" if match[4].lower() == "zero" else f"CC-PDM-{match[5]}"
        return "-".join(part.upper() for part in ("CC", match[1], match[2], match[3]) if part)
    for pattern, name in _NAMED:
        match = pattern.search(value)
        if match and name == "GNU":
            family = re.search(r"(agpl|lgpl|gpl|fdl)-", match[0])
            prefix = family[1].upper() if family else ""
            return f"{'GFDL' if prefix == 'FDL' else prefix}-{match[1]}"
        if match and name == "OSI":
            return _by_slug(match[1])
        if match:
            return name or match[1]
    if re.fullmatch(r"(?:CC0|CC-BY|MIT|Apache|GPL|LGPL|AGPL|BSD|GFDL|MPL)[A-Za-z0-9.+-]{0,20}", value):
        return value
    spelled = re.fullmatch(r"CC[ -](BY(?:-(?:NC|SA|ND))*)[ -](\d\.\d)", value, re.IGNORECASE)
    if spelled:
        return f"CC-{spelled[1].upper()}-{spelled[2]}"
    if re.match(r"https?://|/(?!/)", value):
        try:
            return urljoin(base, value)[:300]
        except ValueError:
            return None
    return None


def _by_slug(slug: str) -> str:
    """The SPDX identifier behind the name that opensource.org gives a page, `apache-2-0` since 2023, `Apache-2.0` before."""
    name = _SLUG_VERSION.sub(r"-\1.\2", slug)
    return _SLUGS.get(name.lower(), name)
