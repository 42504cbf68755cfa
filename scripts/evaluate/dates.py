"""Score days of publication on the development pages, by halves of the sites, and say what they cost.

    python scripts/evaluate dates [SHARED] [--errors]

The rules were set on half of the sites; the row `other sites` is what to expect of pages of unseen ones. Where two
annotators gave a page two days, either counts. Processor time, one thread, pages read before.
"""

from __future__ import annotations

import argparse
import datetime as dt
import hashlib
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pyarrow.parquet as pq

from provenance.annotators.dates.claim import Claim
from provenance.annotators.dates.published import Document, find_published
from provenance.annotators.page.search import Page, search_page

_NO_SITE = ("unknown.example", "web.archive.org")
_ROUNDS = 5


@dataclass(frozen=True)
class Dated:
    """A page, the days that people gave it, and whether its site is one that the rules were set on."""

    page_id: str
    url: str
    page: Page
    days: tuple[dt.date, ...]
    tuned: bool


def load(shared: Path) -> list[Dated]:
    """The pages with a day of publication."""
    folder = shared / "data" / "web" / "pages"
    truth = {
        row["page_id"]: row
        for row in map(json.loads, (folder / "truth.jsonl").read_text("utf-8").splitlines())
    }
    pages = []
    for path in sorted(folder.glob("pages-*.parquet")):
        for row in pq.read_table(path, columns=["page_id", "html"]).to_pylist():
            known = truth[row["page_id"]]
            given = [known["expected_date"], known["expected_date_alt"]]
            days = tuple(dt.date.fromisoformat(day[:10]) for day in given if day)
            if days:
                url = known["url"] or ""
                pages.append(
                    Dated(row["page_id"], url, search_page(row["html"]), days, _tuned(url, row["page_id"]))
                )
    return pages


def _tuned(url: str, page_id: str) -> bool:
    """Whether the page's site is of the half on which the rules were set."""
    host = urlsplit(url).hostname or ""
    site = page_id if host in _NO_SITE else ".".join(host.split(".")[-2:])
    return hashlib.sha1(site.encode()).digest()[0] % 2 == 0


def answers(pages: list[Dated]) -> list[Claim | None]:
    """What is believed of each page, without its capture and without a text made of it."""
    return [find_published(Document(page.url, page=page.page)) for page in pages]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = os.environ.get("PROVENANCE_SHARED", Path(__file__).resolve().parents[3] / "shared")
    parser.add_argument("shared", nargs="?", type=Path, default=Path(default))
    parser.add_argument(
        "--errors", action="store_true", help="list the pages of the tuned half that are wrong"
    )
    arguments = parser.parse_args()
    pages = load(arguments.shared)
    found = answers(pages)
    print("| sites | pages | exact day | within a day | no day |\n| --- | --- | --- | --- | --- |")
    for name, tuned in (("tuned on", True), ("other sites", False)):
        rows = [(page, claim) for page, claim in zip(pages, found, strict=True) if page.tuned == tuned]
        off = [_off(page, claim) for page, claim in rows]
        exact, near = sum(o == 0 for o in off), sum(o is not None and o <= 1 for o in off)
        print(
            f"| {name} | {len(off)} | {exact / len(off):.1%} | {near / len(off):.1%} | {off.count(None) / len(off):.1%} |"
        )
        if arguments.errors and tuned:
            for (page, claim), days in zip(rows, off, strict=True):
                if days != 0:
                    print(page.page_id, page.url[:110], [f"{day}" for day in page.days], claim)
    start = time.process_time()
    for _ in range(_ROUNDS):
        answers(pages)
    spent = (time.process_time() - start) / _ROUNDS / len(pages)
    print(f"\n{1000 * spent:.2f} ms of processor time a page")


def _off(page: Dated, claim: Claim | None) -> int | None:
    return min(abs((claim.day - day).days) for day in page.days) if claim else None


if __name__ == "__main__":
    main()
