"""Make the bundled demo crawl in provenance/demo: two WARC files, one WET and one JSON lines file.

Usage: python scripts/make demo_crawl [FOLDER]. Deterministic for one version of Python, since the texts
are our own articles (`demo_articles.py`), `pydoc_data.topics` and standard-library docstrings, all three in
plain sight. `contents.json` states what every file holds; a test compares it with what readers find.
"""

from __future__ import annotations

import gzip
import hashlib
import html
import importlib
import inspect
import json
import random
import re
import struct
import sys
import uuid
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from pydoc_data.topics import topics
from textwrap import wrap

from scripts.make.demo_articles import ASSISTANT, SUBJECTS

HOME = Path(__file__).resolve().parents[2] / "provenance" / "demo"
FIRST_CRAWL = datetime(2021, 6, 7, 4, 0, tzinfo=UTC)
SECOND_CRAWL = datetime(2025, 3, 10, 4, 0, tzinfo=UTC)
MODULES = (
    "argparse ast asyncio base64 bisect calendar cmd codecs collections configparser contextlib copy csv "
    "ctypes datetime decimal difflib dis email enum fractions functools getpass gettext glob gzip hashlib "
    "heapq hmac imaplib inspect io ipaddress itertools json locale logging lzma mailbox mimetypes optparse os "
    "pathlib pdb pickle pickletools platform pprint profile queue random re sched secrets selectors shelve "
    "shlex shutil smtplib socket sqlite3 ssl statistics string struct subprocess tarfile tempfile textwrap "
    "threading timeit tokenize traceback turtle types typing unittest urllib.parse urllib.request uuid weakref "
    "xml.dom.minidom xml.etree.ElementTree zipfile zlib"
).split()


@dataclass(frozen=True)
class Page:
    """One page to be put into a record."""

    url: str
    title: str
    paragraphs: tuple[str, ...]
    kind: str  # what it demonstrates; counted in contents.json
    published: datetime | None = None
    author: str = ""
    layout: int = 0
    head: str = ""
    notice: str = ""
    headers: tuple[str, ...] = field(default=())


def sentences_to_paragraphs(sentences: list[str], size: int = 3) -> tuple[str, ...]:
    return tuple(" ".join(sentences[start : start + size]) for start in range(0, len(sentences), size))


def tidy(text: str, limit: int) -> tuple[str, ...]:
    """Paragraphs of reStructuredText as plain paragraphs, whole ones up to `limit` characters."""
    text = re.sub(r"\*{2,}\n|^[*=~^\"-]{3,}$", "", text, flags=re.M)
    paragraphs: list[str] = []
    length = 0
    for block in re.split(r"\n\s*\n", text):
        paragraph = " ".join(block.split())
        if not paragraph:
            continue
        if paragraphs and length + len(paragraph) > limit:
            break
        paragraphs.append(paragraph)
        length += len(paragraph)
    return tuple(paragraphs)


def articles() -> list[Page]:
    """Three pages of each subject, made of different sentences; the third is a little longer."""
    pages = []
    for number, (subject, (author, sentences)) in enumerate(SUBJECTS.items()):
        slug = re.sub(r"[^a-z0-9]+", "-", subject.lower()).strip("-")
        for part, chosen in enumerate(
            (sentences[0:8:1], sentences[4:12], sentences[0:12:2] + sentences[1:12:5])
        ):
            published = datetime(
                2012 + number % 9, 1 + (number * 5 + part * 3) % 12, 3 + number, 9, tzinfo=UTC
            )
            pages.append(
                Page(
                    url=f"https://letters{part + 1}.example/{published:%Y/%m/%d}/{slug}",
                    title=(subject, f"{subject}, continued", f"{subject}: looking back")[part],
                    paragraphs=sentences_to_paragraphs(list(chosen)),
                    kind="article",
                    published=published,
                    author=author,
                    layout=part,
                )
            )
    return pages


def reference() -> list[Page]:
    """Python's help topics."""
    pages = []
    for name in sorted(topics):
        paragraphs = tidy(topics[name], 3500)
        if sum(map(len, paragraphs)) >= 500:
            pages.append(
                Page(f"https://reference.example/topics/{name}", name, paragraphs, "reference", layout=3)
            )
    return pages


def docstrings() -> list[Page]:
    """Docstrings of modules, classes and functions of the standard library, long ones only."""
    found: dict[str, Page] = {}
    for module_name in MODULES:
        module = importlib.import_module(module_name)
        members = [(module_name, module)] + [
            (f"{module_name}.{name}", value)
            for name, value in sorted(vars(module).items())
            if not name.startswith("_") and getattr(value, "__module__", None) == module_name
        ]
        for name, value in members:
            paragraphs = tidy(inspect.cleandoc(getattr(value, "__doc__", None) or ""), 3000)
            key = hashlib.sha256("\n".join(paragraphs).encode()).hexdigest()
            if sum(map(len, paragraphs)) >= 450:
                url = f"https://library.example/{name.replace('.', '/')}"
                found.setdefault(key, Page(url, name, paragraphs, "docstring", layout=3))
    return sorted(found.values(), key=lambda page: page.url)


def assistant_pages() -> Iterator[Page]:
    """Pages in an assistant's manner: declared by metadata, declared in words, or with residue of the chat."""
    trained = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
    marks = (
        (
            "declared in JSON-LD",
            f'<script type="application/ld+json">{{"@context": "https://schema.org", "@type": "Article", '
            f'"digitalSourceType": "{trained}"}}</script>',
            "",
        ),
        ("declared in meta", '<meta name="ai-disclosure" content="ai-generated">', ""),
        ("declared in words", "", "This article was generated by artificial intelligence."),
    )
    for number, (title, sentences) in enumerate(ASSISTANT.items()):
        slug = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
        for part, (kind, head, notice) in enumerate(marks):
            chosen = list(sentences[part:] + sentences[:part])[: 7 if part else 8]
            random.Random(f"{title}{part}").shuffle(chosen)
            published = datetime(2023 + part % 2, 1 + number, 10 + part, 8, tzinfo=UTC)
            yield Page(
                url=f"https://{('tips', 'daily', 'insight')[part]}.example/{published:%Y/%m}/{slug}",
                title=title,
                paragraphs=sentences_to_paragraphs(chosen, 2),
                kind=kind,
                published=published,
                layout=part,
                head=head,
                notice=notice,
            )
        residue = (
            f"Certainly! Here is a well-structured article on {title.lower()}:",
            *sentences_to_paragraphs(list(reversed(sentences)), 3),
            "As an AI language model, I do not have personal experience. Let me know if you would like me to "
            "make it shorter or change the tone.",
        )
        yield Page(f"https://content.example/{slug}", title, residue, "chat residue", layout=1)


def edited(page: Page, share: float) -> tuple[str, ...]:
    """The same paragraphs with this share of the longer words replaced by their neighbour in the text."""
    choose = random.Random(page.url)
    out = []
    for paragraph in page.paragraphs:
        words = paragraph.split()
        for index in range(len(words) - 1):
            if choose.random() < share:
                words[index] = words[index + 1].lower()
        out.append(" ".join(words))
    return tuple(out)


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
    if page.published and page.layout != 2:  # layout 2 has its date in the address only
        byline = f"<p class=byline>{html.escape(page.author)} {page.published:%d %B %Y}</p>"
    menus = (
        ("Home", "Letters", "About the writers"),
        ("Start", "Archive", "Subscribe", "Contact"),
        ("All posts", "Tags", "Search"),
        ("Index", "Modules", "Glossary", "Download"),
    )
    new = ("Cookie settings", "Podcast") if year > 2022 else ()
    links = "".join(f'<li><a href="/{name.lower()}">{name}</a></li>' for name in menus[page.layout] + new)
    body = "\n".join(f"<p>{html.escape(paragraph)}</p>" for paragraph in page.paragraphs)
    notice = f"<p class=notice>{page.notice}</p>" if page.notice else ""
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head>{"".join(head)}</head>\n<body><nav><ul>{links}</ul></nav>\n'
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
    about = f"software: make_demo_crawl.py\r\nformat: WARC File Format 1.1\r\nisPartOf: {name}\r\n".encode()
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
            page("http://letters1.example/", "Location: https://letters1.example/"),
            when,
            "301 Moved Permanently",
            body=b"",
        ),
        response(page("https://letters1.example/gone"), when, "404 Not Found", body=b"<h1>Not found</h1>"),
        response(page("https://letters1.example/dot.png"), when, mime="image/png", body=dot()),
    ]


def opt_out(paragraphs: tuple[str, ...]) -> Page:
    """A page whose owner says in three ways that it is not for training."""
    return Page(
        url="https://private.example/essay",
        title="Please read this yourself",
        paragraphs=(*paragraphs, "This page may be read by people and may not be used to train machines."),
        kind="opt-out",
        head='<meta name="robots" content="noai, noimageai">',
        headers=("X-Robots-Tag: noai",),
    )


def pages_of_2021(own: list[Page], help_pages: list[Page], library: list[Page]) -> list[Page]:
    """What the first crawl met, in the order of a crawl."""
    pages = own + help_pages + library[0::3]
    random.Random(2021).shuffle(pages)
    return pages


def pages_of_2025(own: list[Page], help_pages: list[Page]) -> list[Page]:
    """Old pages again, copied and edited, and the new ones, in the order of a crawl."""
    recrawled = [replace(page, kind="recrawl") for page in own[:10] + help_pages[:10]]
    mirrored = [
        replace(page, kind="exact copy", url=page.url.replace("letters", "mirror")) for page in own[10:18]
    ]
    new_frame = [
        replace(
            page, kind="copy in another layout", layout=2, published=None, url=f"https://digest.example/{n}"
        )
        for n, page in enumerate(help_pages[10:18])
    ]
    changed = [
        replace(page, kind="edited copy", paragraphs=edited(page, 0.02), url=f"https://rewrite.example/{n}")
        for n, page in enumerate(help_pages[20:32])
    ]
    private = opt_out(own[20].paragraphs[::-1])
    pages = [*recrawled, *mirrored, *new_frame, *changed, *assistant_pages(), private]
    random.Random(2025).shuffle(pages)
    return pages


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
        "id": f"library-{number}",
        "url": page.url,
        "warc_date": f"{date:%Y-%m-%dT%H:%M:%SZ}",
        "text": text,
    }
    return json.dumps(fields) + "\n"


def make(folder: Path) -> dict[str, object]:
    """Write all files; returns what contents.json says."""
    own, help_pages, library = articles(), reference(), docstrings()
    in_first, in_second = pages_of_2021(own, help_pages, library), pages_of_2025(own, help_pages)
    first = captured(in_first, FIRST_CRAWL) + other_answers(FIRST_CRAWL + timedelta(hours=2))
    cut = response(
        replace(own[0], url="https://letters1.example/cut-short"), SECOND_CRAWL + timedelta(hours=2)
    )
    second = [*captured(in_second, SECOND_CRAWL), cut[: len(cut) // 2]]
    plain = [
        conversion(page, SECOND_CRAWL + timedelta(days=1, seconds=n)) for n, page in enumerate(library[1::3])
    ]
    lines = [line(n, page) for n, page in enumerate(library[2::3])]
    files = {
        "demo-2021.warc.gz": crawl_file("demo-2021", first, FIRST_CRAWL),
        "demo-2025.warc.gz": crawl_file("demo-2025", second, SECOND_CRAWL),
        "demo-2025.warc.wet.gz": crawl_file("demo-2025", plain, SECOND_CRAWL),
        "demo-2019.jsonl": "".join(lines).encode(),
    }
    texts = "\n".join(text for page in help_pages + library for text in page.paragraphs)
    kinds: Counter[str] = Counter(page.kind for page in [*in_first, *in_second])
    contents: dict[str, object] = {
        "python": ".".join(map(str, sys.version_info[:3])),
        "python_texts": hashlib.sha256(texts.encode()).hexdigest(),
        "records": {
            "demo-2021.warc.gz": {"response": len(first)},
            "demo-2025.warc.gz": {"response": len(second) - 1, "truncated": 1},
            "demo-2025.warc.wet.gz": {"conversion": len(plain)},
            "demo-2019.jsonl": {"line": len(lines)},
        },
        "pages": dict(sorted(kinds.items())) | {"redirect": 1, "error": 1, "image": 1},
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    (folder / "contents.json").write_text(json.dumps(contents, indent=2) + "\n", encoding="utf-8")
    return contents


if __name__ == "__main__":
    print(json.dumps(make(Path(sys.argv[1]) if len(sys.argv) > 1 else HOME), indent=2))
