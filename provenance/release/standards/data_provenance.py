"""`data_provenance.json`: OASIS Data Provenance Metadata 1.0 (Committee Specification Draft 01, 7 May 2026), JSON encoding.

The four groups of the standard (set, source, provenance, use) from the manifest. Where the standard requires what a crawl
does not tell, such as the country of collection, the file says that it is not recorded.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from provenance.release.layout import is_data, is_ledger
from provenance.release.standards.origin import (
    PROGRAM,
    day_of,
    describe,
    limits,
    release_id,
    sources_of,
    version_of,
)

DATA_PROVENANCE = "data_provenance.json"
SCHEMA = "https://docs.oasis-open.org/dps/prov-meta/v1.0/schema/data-provenance.json"
_UNKNOWN = "not stated"
#: What the schema of the draft requires, by the place of the object (section 7.1 of the draft, and its schema file).
_REQUIRED = {
    "": ("$schema", "set", "source", "provenance", "use"),
    "set": ("category", "schema-version", "publisher", "label", "tracking"),
    "set.publisher": ("name", "namespace"),
    "set.tracking": (
        "current-release-date",
        "id",
        "initial-release-date",
        "revision-history",
        "status",
        "version",
    ),
    "source": ("about", "id", "issuer", "location", "name", "data-version"),
    "source.about": ("content", "purpose"),
    "provenance": ("origin-geography", "date", "generation-method"),
    "use": ("intended-purpose",),
}
_TEXT = re.compile(r".+", re.DOTALL)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})")
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_TAG = r"(0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*)"
#: A whole number or a semantic version.
_VERSION = re.compile(
    rf"(0|[1-9]\d*)(\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-{_TAG}(\.{_TAG})*)?(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?)?"
)
#: How the values of the schema's members read, by their place; what is in a list is read one by one.
_READS = {
    "set.category": re.compile(r"[^\s\-_.](.*[^\s\-_.])?"),
    "set.publisher.namespace": _URI,
    "set.label": _TEXT,
    "set.tracking.current-release-date": _TIME,
    "set.tracking.initial-release-date": _TIME,
    "set.tracking.id": re.compile(r"\S(.*\S)?"),
    "set.tracking.status": re.compile("draft|final|interim"),
    "set.tracking.version": _VERSION,
    "set.tracking.generator.engine.name": _TEXT,
    "set.tracking.generator.engine.version": _VERSION,
    "set.tracking.revision-history.date": _TIME,
    "set.tracking.revision-history.number": _VERSION,
    "set.tracking.revision-history.summary": _TEXT,
    "source.about.content": _TEXT,
    "source.about.purpose": _TEXT,
    "source.id.uuids": _UUID,
    "source.id.hashes.path": _TEXT,
    "source.id.hashes.tree-hashes.value": re.compile("[0-9a-fA-F]{32,}"),
    "source.issuer.legal-name": _TEXT,
    "source.location": _TEXT,
    "source.data-version": _VERSION,
    "provenance.origin-geography.country": _TEXT,
    "provenance.date": _DAY,
    "provenance.generation-method.code": _TEXT,
    "provenance.generation-period.start": _TIME,
    "provenance.generation-period.end": _TIME,
    "provenance.source": _URI,
    "use.classification.regulation.code": _TEXT,
    "use.intended-purpose.code": _TEXT,
    "use.intended-purpose.description": _TEXT,
    "use.license": _TEXT,
    "use.copyright": _TEXT,
}


def build_data_provenance(manifest: dict[str, Any]) -> bytes:
    """The file."""
    about, id_ = manifest["configuration"]["about"], release_id(manifest)
    namespace = about["url"] or f"urn:uuid:{id_}"
    found = {
        "$schema": SCHEMA,
        "set": {
            "category": "training-data",
            "language": "en",
            "schema-version": "1.0",
            "publisher": {"name": about["publisher"] or _UNKNOWN, "namespace": namespace}
            | ({"contact-details": about["contact"]} if about["contact"] else {}),
            "label": f"{about['title']}, version {about['version']}",
            "tracking": _tracking(manifest, id_),
        },
        "source": {
            "about": {
                "content": describe(manifest),
                "purpose": "Training and study of language models.",
                "scope": " ".join(limits(manifest)),
            },
            "id": {
                "uuids": [id_],
                "hashes": [
                    {
                        "path": item["path"],
                        "tree-hashes": [{"algorithm": "sha256", "value": item["sha256"]}],
                    }
                    for item in manifest["files"]
                    if is_data(item["path"]) or is_ledger(item["path"])
                ],
            },
            "issuer": [{"legal-name": about["publisher"] or _UNKNOWN}],
            "location": namespace,
            "name": about["title"],
            "data-version": about["version"],
        },
        "provenance": _provenance(manifest),
        "use": _use(manifest),
    }
    return (json.dumps(found, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode("utf-8", "replace")


def check_data_provenance(data: bytes) -> Iterator[str]:
    """What the draft's schema requires and the file lacks, one sentence each."""
    try:
        found = json.loads(data)
    except ValueError as error:
        yield f"is no JSON: {error}"
        return
    for place, names in _REQUIRED.items():
        part = found
        for step in filter(None, place.split(".")):
            part = part.get(step) if isinstance(part, dict) else None
        missing = [
            name for name in names if not isinstance(part, dict) or part.get(name) in (None, "", [], {})
        ]
        if missing:
            yield f"lacks {', '.join(missing)} in {place or 'the whole'}, which the standard requires"
            return
    if found["$schema"] != SCHEMA or found["set"]["schema-version"] != "1.0":
        yield "is not of version 1.0 of the standard"
    for place, reads in _READS.items():
        for value in _values(found, place.split(".")):
            if not isinstance(value, str) or not reads.fullmatch(value):
                yield f"its {place} {value!r} is not as the standard's schema has it"
                break


def _values(part: Any, steps: list[str]) -> Iterator[Any]:
    """What stands at a place, in each item of the lists on the way; nothing where there is no such member."""
    if isinstance(part, list):
        for item in part:
            yield from _values(item, steps)
    elif not steps:
        yield part
    elif isinstance(part, dict) and steps[0] in part:
        yield from _values(part[steps[0]], steps[1:])


def _tracking(manifest: dict[str, Any], id_: str) -> dict[str, Any]:
    at = f"{day_of(manifest)}T00:00:00Z"
    stated = manifest["configuration"]["about"]["date"] is not None
    how = "dated by its publisher" if stated else "dated by its latest capture, as no clock is read"
    version = manifest["configuration"]["about"]["version"]
    return {
        "current-release-date": at,
        "initial-release-date": at,
        "id": id_,
        "status": "final",
        "version": version,
        "generator": {"engine": {"name": PROGRAM, "version": version_of(manifest)}},
        "revision-history": [{"date": at, "number": version, "summary": f"This release, {how}."}],
    }


def _provenance(manifest: dict[str, Any]) -> dict[str, Any]:
    sources = sources_of(manifest)
    addresses = [item["url"] for item in sources if item["url"]]
    captured = manifest["contents"]["records"]["captured"]
    period = {}
    if captured["first"]:
        period = {
            "generation-period": {
                "start": f"{captured['first']}T00:00:00Z",
                "end": f"{captured['last']}T23:59:59Z",
            }
        }
    told = "; ".join(f"{item['name']} ({item['records']:,} records)" for item in sources)
    return {
        "origin-geography": [{"country": "not recorded: pages of the web, whose servers may stand anywhere"}],
        "date": day_of(manifest),
        "generation-method": [
            {"code": "web-scraping-crawling", "description": f"Records of web crawls: {told}."},
            {
                "code": "other",
                "description": "Curated: main text extracted, near-duplicates dropped, filtered and capped as manifest.json says.",
            },
        ],
        "format": ["application/vnd.apache.parquet", "text/plain"],
        **({"source": addresses[0]} if addresses else {}),
        **period,
    }


def _use(manifest: dict[str, Any]) -> dict[str, Any]:
    configuration = manifest["configuration"]
    personal = {kind: policy for kind, policy in configuration["personal_data"].items() if policy != "ignore"}
    declared = manifest["license"]
    compiled = configuration["about"]["license"]
    licences = [f"compilation: {compiled}"] if compiled else []
    licences.append(
        f"texts: {declared['expression']} (declared by pages: {declared['declared']}; {declared['documents_without']:,} documents declare none)"
    )
    found: dict[str, Any] = {
        "classification": [
            {
                "regulation": {
                    "code": "pi",
                    "description": "personal information: looked for as "
                    + ", ".join(f"{k}: {v}" for k, v in personal.items())
                    if personal
                    else "personal information: not looked for",
                },
                "evaluated": bool(personal),
                "tool": PROGRAM,
            }
        ],
        "license": licences,
        "copyright": ["The texts belong to their authors; what each page declares is in its record."],
        "intended-purpose": [
            {"code": "pre-training", "description": "Training and study of language models."}
        ],
    }
    treated = [kind for kind, policy in personal.items() if policy in ("mask", "drop")]
    if treated:
        found["privacy-enhancing"] = [
            {
                "tool-category": {"code": "data-masking"},
                "tool-used": f"{PROGRAM} {version_of(manifest)}",
                "parameters": [f"{kind}: {personal[kind]}" for kind in treated],
            }
        ]
    return found
