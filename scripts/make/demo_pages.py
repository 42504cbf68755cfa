"""The pages of the demo crawl: by people (demo/passages.jsonl), by a machine (demo_articles, demo/*.txt), and copies.

Who made a page, from what and under which licence stands with it, and goes into sources.tsv beside the crawl.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from scripts.make.demo_articles import ASSISTANT, SUBJECTS
from scripts.make.demo_mark import marked_text

TEXTS = Path(__file__).resolve().parent / "demo"
OUR_LICENCE = "Apache-2.0"
#: Sites that state when a post was published: in a meta tag, in JSON-LD, or in the address only.
_LAYOUTS = {"office": 0, "government": 1, "letters": 1, "journal": 0, "harbor-news": 1, "trends": 2}
_NO_DATE = 3


@dataclass(frozen=True)
class Page:
    """One page to be put into a record."""

    url: str
    title: str
    paragraphs: tuple[str, ...]
    kind: str  # what it demonstrates; counted in contents.json
    made_by: str = "machine"
    source: str = "written for this project"
    license: str = OUR_LICENCE
    evidence: str = ""
    language: str = "en"
    published: datetime | None = None
    author: str = ""
    layout: int = _NO_DATE
    head: str = ""
    notice: str = ""
    headers: tuple[str, ...] = field(default=())


def slug(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


def passages() -> Iterator[tuple[str, Page]]:
    """Texts by people, each with the file of the crawl that it is for."""
    for line in (TEXTS / "passages.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        date = datetime.fromisoformat(f"{row['date']}T09:00:00+00:00") if row["date"] else None
        path = f"{date:%Y/%m/%d}/{row['slug']}" if date else row["slug"]
        words = row["slug"].replace("-", " ")
        yield (
            row["file"],
            Page(
                url=f"https://{row['site']}.example/{path}",
                title=words[:1].upper() + words[1:],
                paragraphs=tuple(row["text"].split("\n")),
                kind="by people",
                made_by="people",
                source=row["source"],
                license=row["license"],
                evidence=f"{row['evidence']}; split {row['split']}",
                language=row["language"],
                published=date,
                layout=_LAYOUTS.get(row["site"], _NO_DATE),
            ),
        )


def grouped(sentences: tuple[str, ...], size: int = 3) -> tuple[str, ...]:
    """Sentences as paragraphs."""
    return tuple(" ".join(sentences[start : start + size]) for start in range(0, len(sentences), size))


def articles() -> Iterator[Page]:
    """Pages in the manner of people that a machine wrote and nobody says so, half of them on a site of people."""
    for number, (subject, (author, sentences)) in enumerate(SUBJECTS.items()):
        site = ("letters", "kitchen")[number % 2]
        published = datetime(2023 + number % 2, 1 + number * 5 % 12, 3 + number, 9, tzinfo=UTC)
        yield Page(
            url=f"https://{site}.example/{published:%Y/%m/%d}/{slug(subject)}",
            title=subject,
            paragraphs=grouped(sentences),
            kind="machine-written",
            published=published,
            author=author,
            layout=_LAYOUTS.get(site, _NO_DATE),
        )


def written_by_a_machine() -> Iterator[Page]:
    """The pages of demo/machine.txt: `== address | title`, then paragraphs."""
    for number, part in enumerate((TEXTS / "machine.txt").read_text(encoding="utf-8").split("== ")[1:]):
        head, *paragraphs = [block for block in part.strip().split("\n") if block]
        address, title = head.split(" | ")
        site = address.split(".")[0]
        yield Page(
            url=f"https://{address}",
            title=title,
            paragraphs=tuple(paragraphs),
            kind="machine-written",
            published=datetime(2023, 2, 6, 8, tzinfo=UTC) + timedelta(days=17 * number),
            layout=_LAYOUTS.get(site, _NO_DATE),
        )


def marked() -> Page:
    """A page whose words were chosen by the key of watermark.yaml."""
    return Page(
        url="https://model.example/stories/the-harbor-clock",
        title="The harbor clock",
        paragraphs=grouped(tuple(marked_text()), 4),
        kind="watermarked",
    )


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
        for part, (kind, head, notice) in enumerate(marks):
            chosen = list(sentences[part:] + sentences[:part])[: 7 if part else 8]
            random.Random(f"{title}{part}").shuffle(chosen)
            published = datetime(2023 + part % 2, 1 + number, 10 + part, 8, tzinfo=UTC)
            yield Page(
                url=f"https://{('tips', 'daily', 'insight')[part]}.example/{published:%Y/%m}/{slug(title)}",
                title=title,
                paragraphs=grouped(tuple(chosen), 2),
                kind=kind,
                published=published,
                layout=part,
                head=head,
                notice=notice,
            )
        residue = (
            f"Certainly! Here is a well-structured article on {title.lower()}:",
            *grouped(tuple(reversed(sentences))),
            "As an AI language model, I do not have personal experience. Let me know if you would like me to "
            "make it shorter or change the tone.",
        )
        yield Page(f"https://content.example/{slug(title)}", title, residue, "chat residue", layout=1)


def copies(old: list[Page]) -> Iterator[Page]:
    """Pages of the first crawl again: later, on another host, in another layout, and with 2 % of the words changed."""
    english = [page for page in old if page.language == "en"]
    for page in english[:10] + english[60:70]:
        yield replace(page, kind="recrawl")
    for page in english[10:18]:
        host = page.url.split("/")[2]
        yield replace(page, kind="exact copy", url=page.url.replace(host, f"mirror-{host}"))
    for number, page in enumerate(english[18:26]):
        url = f"https://digest.example/{number}"
        yield replace(page, kind="copy in another layout", layout=2, published=None, url=url)
    for number, page in enumerate(english[70:82]):
        url = f"https://rewrite.example/{number}"
        yield replace(page, kind="edited copy", paragraphs=edited(page, 0.02), url=url)


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


def opt_out(page: Page) -> Page:
    """A page whose owner says in three ways that it is not for training."""
    return replace(
        page,
        kind="opt-out",
        published=None,
        head='<meta name="robots" content="noai, noimageai">',
        headers=("X-Robots-Tag: noai",),
    )


def pages_of_2021() -> list[Page]:
    """What the first crawl met, in the order of a crawl."""
    pages = [page for file, page in passages() if file == "2021"]
    random.Random(2021).shuffle(pages)
    return pages


def pages_of_2025() -> list[Page]:
    """Old pages again, copied and edited, and what came since, in the order of a crawl."""
    new = [page for file, page in passages() if file == "2025"]
    machine = [page for page in written_by_a_machine() if "answers.example" not in page.url]
    old = [page for file, page in passages() if file == "2021"]
    pages = [
        *copies(old),
        *new,
        *articles(),
        *machine[:-1],
        marked(),
        *assistant_pages(),
        opt_out(machine[-1]),
    ]
    random.Random(2025).shuffle(pages)
    return pages


def pages_of_wet() -> list[Page]:
    """What the second crawl has as extracted text only."""
    pages = [page for file, page in passages() if file == "wet"]
    pages += [page for page in written_by_a_machine() if "answers.example" in page.url]
    random.Random(2026).shuffle(pages)
    return pages


def pages_of_2019() -> list[Page]:
    """What the JSON lines file holds."""
    pages = [page for file, page in passages() if file == "2019"]
    random.Random(2019).shuffle(pages)
    return pages
