"""Which field of a JSON line or of a Parquet row holds what: usual names, presets of known datasets, dotted paths.

Only a name that can mean nothing but the time of a fetch proves a capture; what may as well be a publisher's own
date is a claim (time is proven by captures only). Presets say what the dates of one dataset mean.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

#: Column of a row -> names tried in this order, in JSON lines and in Parquet, row by row: the first that holds something.
DEFAULT_FIELDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "text": ("text", "content", "raw_content", "document", "body_text"),
        "body": (),
        "url": (
            *("url", "uri", "warc_target_uri", "WARC-Target-URI", "target_uri", "source_url", "link"),
            *("warc_headers.warc-target-uri", "metadata.url", "meta.url", "metadata.warc_url"),
        ),
        "id": (
            *("id", "record_id", "doc_id", "warc_record_id", "WARC-Record-ID", "uuid", "_id"),
            *("warc-record-id", "warc_headers.warc-record-id"),
        ),
        "capture_time": (
            *(
                "capture_time",
                "warc_date",
                "WARC-Date",
                "warc-date",
                "crawl_date",
                "crawl_time",
                "crawl_timestamp",
            ),
            *("crawled_at", "fetch_time", "fetched_at", "date_download", "download_date", "retrieved_at"),
            *("warc_headers.warc-date", "metadata.warc_date", "meta.warc_date", "metadata.crawl_date"),
        ),
        "published_time": (
            *(
                "published_time",
                "date_published",
                "datePublished",
                "date_publish",
                "published",
                "published_at",
            ),
            *("publication_date", "publish_date", "pub_date", "date", "timestamp", "created", "created_at"),
            *("metadata.date", "meta.date", "metadata.timestamp", "meta.timestamp"),
        ),
        "source": ("source", "dataset", "dump", "isPartOf"),
    }
)


@dataclass(frozen=True)
class Preset:
    """Where one known dataset keeps what.

    Attributes:
        fields: as `DEFAULT_FIELDS`, all columns.
        dates: what its dates mean, for a person.
        claims_with: paths; a row that has one of them has only claims of time.
    """

    fields: Mapping[str, tuple[str, ...]]
    dates: str
    claims_with: tuple[str, ...] = ()


def _preset(dates: str, claims_with: tuple[str, ...] = (), **fields: tuple[str, ...]) -> Preset:
    return Preset({name: fields.get(name, ()) for name in DEFAULT_FIELDS}, dates, claims_with)


#: The layouts as their makers document them (docs/configuration.md names the sources).
PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "fineweb": _preset(
            "`date` is the time of Common Crawl's fetch",
            text=("text",),
            url=("url", "metadata.url"),
            id=("id",),
            capture_time=("date", "metadata.date"),
            source=("dump", "metadata.dump"),
        ),
        "c4": _preset(
            "`timestamp` is the time of Common Crawl's fetch",
            text=("text",),
            url=("url",),
            capture_time=("timestamp",),
            source=("source",),
        ),
        "cc_news": _preset(
            "`date_download` is the time of the fetch; `date_publish` and `date` are what the publisher says",
            text=("text", "maintext"),
            url=("url",),
            capture_time=("date_download",),
            published_time=("date_publish", "date"),
        ),
        "trafilatura": _preset(
            "`filedate` is the day on which the page was read; `date` is what the page says",
            text=("text", "raw_text"),
            url=("source", "url"),
            id=("id",),
            capture_time=("filedate",),
            published_time=("date",),
        ),
        "oscar": _preset(
            "`warc-date` is the time of Common Crawl's fetch",
            text=("content", "text"),
            url=(
                "warc_headers.warc-target-uri",
                "meta.warc_headers.warc-target-uri",
                "meta.headers.warc-target-uri",
            ),
            id=(
                "warc_headers.warc-record-id",
                "meta.warc_headers.warc-record-id",
                "meta.headers.warc-record-id",
                "id",
            ),
            capture_time=(
                "warc_headers.warc-date",
                "meta.warc_headers.warc-date",
                "meta.headers.warc-date",
            ),
        ),
        "redpajama": _preset(
            "`date_download` and `meta.timestamp` are times of the fetch or of the dump; of arXiv it is the paper's own",
            claims_with=("meta.arxiv_id", "meta.yymm"),
            text=("text", "raw_content"),
            url=("meta.url", "url"),
            id=("digest",),
            capture_time=("date_download", "meta.timestamp"),
            source=("meta.source", "red_pajama_subset"),
        ),
        "dolma": _preset(
            "`metadata.warc_date` is the time of the crawl's file, `added` the time at which the text was acquired; "
            "`created` is a best guess or the server's own clock",
            text=("text",),
            url=("metadata.warc_url", "metadata.url", "url"),
            id=("id",),
            capture_time=("metadata.warc_date", "added"),
            published_time=("created",),
            source=("source",),
        ),
    }
)


def lookup(value: Mapping[str, Any], path: str) -> Any:
    """What a row holds at a name or a dotted path (`warc_headers.warc-date`); None where it holds nothing.

    A name that has dots itself goes before a path; JSON in a string is looked into.
    """
    found = value.get(path)
    if found is not None or "." not in path:
        return found
    at = path.find(".")
    while at >= 0:
        inner = value.get(path[:at])
        if isinstance(inner, str) and inner[:1] == "{":
            inner = _parsed(inner)
        if isinstance(inner, Mapping):
            found = lookup(inner, path[at + 1 :])
            if found is not None:
                return found
        at = path.find(".", at + 1)
    return None


def paths_of(value: Mapping[str, Any], prefix: str = "", depth: int = 3) -> list[str]:
    """Every name and dotted path at which a row holds something, in its order, for messages."""
    found = []
    for name, inner in value.items():
        if isinstance(inner, str) and inner[:1] == "{":
            inner = _parsed(inner)
        if isinstance(inner, Mapping) and depth > 1:
            found += paths_of(inner, f"{prefix}{name}.", depth - 1)
        elif inner is not None:
            found.append(f"{prefix}{name}")
    return found


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
