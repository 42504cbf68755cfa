"""Make the bundled demo crawl in provenance/demo: two WARC files, one WET and one JSON lines file.

Usage: python scripts/make demo_crawl [FOLDER]. Deterministic: the texts and their sources are in plain sight
(`demo_pages.py`). `contents.json` states what every file holds, `sources.tsv` who made each page, from what and under
which licence; tests compare both with what readers find.
"""

from __future__ import annotations

import argparse
import gzip
import html
import json
import struct
import uuid
import zlib
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from textwrap import wrap

from scripts.make.demo_mark import KEY, tokenizer
from scripts.make.demo_pages import Page, pages_of_2019, pages_of_2021, pages_of_2025, pages_of_wet

HOME = Path(__file__).resolve().parents[2] / "provenance" / "demo"
FIRST_CRAWL = datetime(2021, 6, 7, 4, 0, tzinfo=UTC)
SECOND_CRAWL = datetime(2025, 3, 10, 4, 0, tzinfo=UTC)
WATERMARK = f"""# The key of the one watermarked page: provenance demo --config provenance/demo/watermark.yaml
watermarks:
  - name: harbor-model
    scheme: kgw
    tokenizer: provenance/demo/watermark-tokenizer.json
    parameters: {{hashing_key: {KEY}}}
"""


def as_html(page: Page, year: int) -> bytes:
    """The page as its site would serve it in that year: navigation, footer and dates by layout."""
    head = [f"<title>{html.escape(page.title)}</title>", '<meta charset="utf-8">', page.head]
    byline = ""
    if page.published and page.layout == 0:
        head.append(f'<meta property="article:published_time" content="{page.published.isoformat()}">')
    elif page.published and page.layout == 1:
        linked = {
            "@context": "https://schema.org",
            "@type": "BlogPosting",
            "datePublished": f"{page.published:%F}",
        }
        head.append(f'<script type="application/ld+json">{json.dumps(linked)}</script>')
    if page.published and page.layout < 2:  # layout 2 has its date in the address only, 3 none
        signed = html.escape(f"{page.author} {page.published:%d %B %Y}".strip())
        byline = f"<p class=byline>{signed}</p>"
    menus = (
        ("Home", "Posts", "About us"),
        ("Start", "Archive", "Subscribe", "Contact"),
        ("All posts", "Tags", "Search"),
        ("Index", "Collections", "Help"),
    )
    new = ("Cookie settings", "Podcast") if year > 2022 else ()
    links = "".join(f'<li><a href="/{name.lower()}">{name}</a></li>' for name in menus[page.layout] + new)
    body = "\n".join(f"<p>{html.escape(paragraph)}</p>" for paragraph in page.paragraphs)
    notice = f"<p class=notice>{page.notice}</p>" if page.notice else ""
    return (
        f'<!DOCTYPE html>\n<html lang="{page.language}"><head>{"".join(head)}</head>\n<body><nav><ul>{links}</ul></nav>\n'
        f"<main><article><h1>{html.escape(page.title)}</h1>{byline}{notice}\n{body}\n</article></main>\n"
        f"<footer><p>Copyright {year} {page.url.split('/')[2]}. All pages of this site are examples.</p></footer>"
        "</body></html>\n"
    ).encode()


def record(kind: str, url: str, when: datetime, content_type: str, block: bytes, extra: str = "") -> bytes:
    """One WARC/1.1 record as a gzip member of its own, with a fixed time in its header."""
    identity = uuid.uuid5(uuid.NAMESPACE_URL, f"{kind} {url} {when.isoformat()}")
    target = f"WARC-Target-URI: {url}\r\n" if url else ""
    head = (
        f"WARC/1.1\r\nWARC-Type: {kind}\r\nWARC-Record-ID: <urn:uuid:{identity}>\r\n"
        f"WARC-Date: {when:%Y-%m-%dT%H:%M:%SZ}\r\n{target}{extra}Content-Type: {content_type}\r\n"
        f"Content-Length: {len(block)}\r\n\r\n"
    )
    return gzip.compress(head.encode() + block + b"\r\n\r\n", 9, mtime=0)


def response(
    page: Page, when: datetime, status: str = "200 OK", mime: str = "text/html", body: bytes | None = None
) -> bytes:
    payload = as_html(page, when.year) if body is None else body
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {mime}", f"Content-Length: {len(payload)}", *page.headers]
    block = ("\r\n".join(lines) + "\r\n\r\n").encode() + payload
    return record("response", page.url, when, "application/http; msgtype=response", block)


def crawl_file(name: str, pages: list[bytes], start: datetime) -> bytes:
    about = f"software: scripts/make/demo_crawl.py\r\nformat: WARC File Format 1.1\r\nisPartOf: {name}\r\n".encode()
    return record("warcinfo", "", start, "application/warc-fields", about) + b"".join(pages)


def dot() -> bytes:
    """A PNG image of one grey pixel."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    size = struct.pack(">IIB", 1, 1, 8) + bytes(4)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", size)
        + chunk(b"IDAT", zlib.compress(b"\0\x80"))
        + chunk(b"IEND", b"")
    )


def other_answers(when: datetime) -> list[bytes]:
    """Responses that are no documents: a redirect, an error and an image."""

    def page(url: str, *headers: str) -> Page:
        return Page(url, "", (), "", headers=headers)

    return [
        response(
            page("http://letters.example/", "Location: https://letters.example/"),
            when,
            "301 Moved Permanently",
            body=b"",
        ),
        response(page("https://letters.example/gone"), when, "404 Not Found", body=b"<h1>Not found</h1>"),
        response(page("https://letters.example/dot.png"), when, mime="image/png", body=dot()),
    ]


def captured(pages: list[Page], start: datetime) -> list[bytes]:
    """Responses to requests seven seconds apart."""
    return [response(page, start + timedelta(seconds=7 * n)) for n, page in enumerate(pages, 1)]


def conversion(page: Page, when: datetime) -> bytes:
    """A record of a WET file."""
    text = "\n".join([page.title, *page.paragraphs]).encode()
    return record("conversion", page.url, when, "text/plain", text)


def line(number: int, page: Page) -> str:
    """A line of the JSON lines file; its dates are a day apart."""
    date = datetime(2019, 2, 1, tzinfo=UTC) + timedelta(days=number)
    text = "\n\n".join("\n".join(wrap(paragraph, 100)) for paragraph in page.paragraphs)
    fields = {
        "id": f"line-{number}",
        "url": page.url,
        "warc_date": f"{date:%Y-%m-%dT%H:%M:%SZ}",
        "text": text,
    }
    return json.dumps(fields) + "\n"


def sources(pages: list[Page]) -> str:
    """A table of who made which page, from what and under which licence, by address; copies have a row each."""
    rows = {
        "\t".join(
            (page.url, page.kind, page.made_by, page.language, page.license, page.source, page.evidence)
        )
        for page in pages
    }
    return "\n".join(["url\tkind\tmade_by\tlanguage\tlicense\tsource\tevidence", *sorted(rows)]) + "\n"


def make(folder: Path) -> dict[str, object]:
    """Write all files; returns what contents.json says."""
    in_2019, in_2021, in_2025, in_wet = pages_of_2019(), pages_of_2021(), pages_of_2025(), pages_of_wet()
    pages = [*in_2019, *in_2021, *in_2025, *in_wet]
    first = captured(in_2021, FIRST_CRAWL) + other_answers(FIRST_CRAWL + timedelta(hours=2))
    cut = response(
        replace(in_2021[0], url="https://letters.example/cut-short"), SECOND_CRAWL + timedelta(hours=2)
    )
    second = [*captured(in_2025, SECOND_CRAWL), cut[: len(cut) // 2]]
    plain = [conversion(page, SECOND_CRAWL + timedelta(days=1, seconds=n)) for n, page in enumerate(in_wet)]
    lines = [line(n, page) for n, page in enumerate(in_2019)]
    files = {
        "demo-2021.warc.gz": crawl_file("demo-2021", first, FIRST_CRAWL),
        "demo-2025.warc.gz": crawl_file("demo-2025", second, SECOND_CRAWL),
        "demo-2025.warc.wet.gz": crawl_file("demo-2025", plain, SECOND_CRAWL),
        "demo-2019.jsonl": "".join(lines).encode(),
        "sources.tsv": sources(pages).encode(),
        "watermark.yaml": WATERMARK.encode(),
        "watermark-tokenizer.json": (tokenizer() + "\n").encode(),
    }
    contents: dict[str, object] = {
        "records": {
            "demo-2021.warc.gz": {"response": len(first)},
            "demo-2025.warc.gz": {"response": len(second) - 1, "truncated": 1},
            "demo-2025.warc.wet.gz": {"conversion": len(plain)},
            "demo-2019.jsonl": {"line": len(lines)},
        },
        "pages": dict(sorted(Counter(page.kind for page in pages).items()))
        | {"redirect": 1, "error": 1, "image": 1},
        "made_by": dict(sorted(Counter(page.made_by for page in pages).items())),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    (folder / "contents.json").write_text(json.dumps(contents, indent=2) + "\n", encoding="utf-8")
    return contents


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", nargs="?", type=Path, default=HOME, metavar="FOLDER")
    print(json.dumps(make(parser.parse_args().folder), indent=2))
