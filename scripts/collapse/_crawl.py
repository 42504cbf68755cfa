"""The web of the collapse experiment: pages of people and of models on sites with dates, written as a WARC file.

People's pages stay from generation to generation, as the web's do; a third of them was captured before language models, and each crawl
captures the others in the month of what machines wrote, so that no date tells people from machines.
Most of a model's pages stand on sites of its own, one in ten on a site of people. Times and identifiers are made from
numbers, never from a clock, so that a crawl has the same bytes each time.
"""

from __future__ import annotations

import html
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

#: Documents of a model's site, and share of its documents that stand on sites of people.
MILL_DOCUMENTS, STRAY = 30, 0.1
#: Share of people's pages that a capture proves to be older than language models in use.
OLD = 1 / 3
#: When people's other pages are captured before there is a first generation.
_FIRST = "2024-12-01T00:00:00Z"


@dataclass(frozen=True)
class Page:
    """One page of the crawl; `machine` is the truth, which only the oracle and the tables see."""

    url: str
    text: str
    captured: str
    machine: bool


def people(passages: pd.DataFrame, seed: int) -> list[Page]:
    """Passages (text, domain) as pages on sites, a site for each domain."""
    random = np.random.default_rng([seed, 1])
    old = random.random(len(passages)) < OLD
    years = random.integers(2014, 2022, len(old))
    captured = [
        f"{year}-06-01T00:00:00Z" if before else _FIRST for year, before in zip(years, old, strict=True)
    ]
    sites = [str(domain).replace("/", "-").replace("_", "-").lower() for domain in passages.domain]
    return [
        Page(f"https://{site}.example/{place}", text, when, False)
        for place, (site, text, when) in enumerate(zip(sites, passages.text, captured, strict=True))
    ]


def capture_again(pages: Sequence[Page], generation: int) -> list[Page]:
    """People's pages as the crawl of a generation finds them: those that no old capture proves have its month."""
    return [replace(page, captured=_month(generation)) if page.captured == _FIRST else page for page in pages]


def _month(generation: int) -> str:
    return f"{2025 + generation // 12}-{1 + generation % 12:02d}-01T00:00:00Z"


def mills(texts: Sequence[str], beside: Sequence[Page], generation: int, seed: int) -> list[Page]:
    """What a model wrote, as pages of a month of 2025 or later; some stand on the sites of `beside`."""
    random = np.random.default_rng([seed, generation, 2])
    hosts = sorted({page.url.split("/")[2] for page in beside})
    stray = random.random(len(texts)) < STRAY
    guest = random.integers(0, len(hosts), len(texts))
    pages = []
    for place, text in enumerate(texts):
        host = hosts[guest[place]] if stray[place] else f"mill{generation}-{place // MILL_DOCUMENTS}.example"
        pages.append(Page(f"https://{host}/g{generation}/{place}", text, _month(generation), True))
    return pages


def write_crawl(path: Path, pages: Sequence[Page]) -> None:
    """One WARC file of the pages, in the order of their addresses."""
    with path.open("wb") as file:
        writer = WARCWriter(file, gzip=False)
        for page in sorted(pages, key=lambda item: item.url):
            body = "".join(f"<p>{html.escape(line)}</p>\n" for line in page.text.split("\n") if line.strip())
            whole = f'<!doctype html>\n<html><head><meta charset="utf-8"></head><body>\n<article>\n{body}</article>\n</body></html>\n'
            headers = StatusAndHeaders(
                "200 OK", [("Content-Type", "text/html; charset=utf-8")], protocol="HTTP/1.1"
            )
            record = writer.create_warc_record(
                page.url,
                "response",
                payload=BytesIO(whole.encode()),
                http_headers=headers,
                warc_headers_dict={
                    "WARC-Date": page.captured,
                    "WARC-Record-ID": f"<urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, page.url)}>",
                },
            )
            writer.write_record(record)
