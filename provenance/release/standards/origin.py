"""Which release it is, of which day, by whom and from what: what all standards' files say alike.

Nothing here reads a clock: a release is dated by its publisher or by its latest capture, and named by its fingerprint (promise 5).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from uuid import NAMESPACE_URL, uuid5

#: Names the program where a standard asks for a URI; it is the address of nothing.
HOME = "urn:provenance-pipelines"
PROGRAM = "provenance-pipelines"
#: Dates a release of which no capture has a time and of which the publisher says none.
_NO_DAY = "1970-01-01"
_COMMON_CRAWL = re.compile(r"CC-MAIN-\d{4}-\d{2,3}")


def run_id(stage: str, fingerprint: str) -> str:
    """UUID (version 5) of a stage's run: the same work has the same name, wherever and whenever it is done."""
    return str(uuid5(NAMESPACE_URL, f"{HOME}#{stage}/{fingerprint}"))


def release_id(manifest: dict[str, Any]) -> str:
    """UUID of the release."""
    return run_id("release", manifest["fingerprint"])


def day_of(manifest: dict[str, Any]) -> str:
    """The day that dates the release, YYYY-MM-DD: the publisher's, else that of the latest capture."""
    stated = manifest["configuration"]["about"]["date"]
    return str(stated or manifest["contents"]["records"]["captured"]["last"] or _NO_DAY)


def who_answers(manifest: dict[str, Any], quoted: Callable[[str], str] = str) -> str:
    """One or two sentences: version and day, who publishes it and where, and who answers questions; `quoted` writes what is stated."""
    about = manifest["configuration"]["about"]
    publisher, contact, url = (
        quoted(about[name]) if about[name] else "" for name in ("publisher", "contact", "url")
    )
    dated = "" if about["date"] else "dated by its latest capture, "
    found = f"Version {quoted(about['version'])}, {dated}{day_of(manifest)}"
    if publisher or url:
        found += f", published{f' by {publisher}' if publisher else ''}{f' at {url}' if url else ''}"
    if contact:
        return f"{found}. Questions and requests for removal: {contact}."
    missing = (
        "to whom requests for removal go"
        if publisher
        else "who publishes it and to whom requests for removal go"
    )
    return f"{found}. It is not stated {missing}."


def version_of(manifest: dict[str, Any]) -> str:
    """Version of this program that wrote the release."""
    return str(manifest["versions"][PROGRAM])


def sources_of(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    """The crawls that were read: name, documents published of it (all sources: at most a hundred), and address where known.

    An address is the publisher's (`about.sources`) or that of Common Crawl's own page of a crawl.
    """
    stated = manifest["configuration"]["about"]["sources"]
    found = []
    for row in manifest["contents"]["records"]["sources"]:
        name = row["value"]
        address = stated.get(name or "")
        if address is None and name and _COMMON_CRAWL.fullmatch(name):
            address = f"https://data.commoncrawl.org/crawl-data/{name}/index.html"
        found.append({"name": name or "inputs without a name", "url": address, "records": row["documents"]})
    return found


def describe(manifest: dict[str, Any]) -> str:
    """One paragraph on what the release is."""
    counts, synthetic = manifest["counts"], manifest["synthetic"]
    captured = manifest["contents"]["records"]["captured"]
    when = f", captured from {captured['first']} to {captured['last']}" if captured["first"] else ""
    return (
        f"{counts['kept']:,} documents ({counts['tokens']:,} tokens) of {counts['records']:,} records of web crawls{when}: "
        "main text with source, dates, declarations, a calibrated probability that a machine wrote it, and one ledger row for each record "
        f"that was read. Expected synthetic share of the tokens: {synthetic['fractions']['expected']['tokens']:.4f}."
    )


def limits(manifest: dict[str, Any]) -> list[str]:
    """What a user of the release should know before relying on it."""
    return [
        "Probabilities are as good as the detector: none finds all synthetic text, and it abstains on short texts and on languages that "
        "it does not know; there the prior alone speaks.",
        f"What holds of the synthetic share: {manifest['synthetic']['note']}.",
        "A page's own claims (dates, licence, disclosures, reservations) are recorded, not checked.",
        "Languages, sites and years are represented as they were crawled and filtered, not as they are written or read.",
    ]
