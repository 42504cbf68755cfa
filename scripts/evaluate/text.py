"""Score main-text extraction on the development pages, one extractor a row, all in one run.

    python scripts/evaluate/text.py [SHARED] [--trafilatura] [--folds]

F, recall and precision over snippets that a page's main text must and must not hold (534 pages); F over the words of
whole articles (90 pages). The shipped trees were learned from these very pages, so their row flatters them: what to
expect of pages of other sites is the row of `--folds`, where each page is read by trees that saw nothing of its site.
trafilatura and resiliparse were developed with pages of this set too. Processor time, one thread.
"""

from __future__ import annotations

import argparse
import os
import re
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.parquet as pq
from resiliparse.extract.html2text import extract_plain_text

from provenance.annotators.text import MainText
from provenance.annotators.text.charset import decode
from provenance.annotators.text.extraction import extract, extract_blocks, extract_with_trafilatura
from provenance.schema import RECORDS

if TYPE_CHECKING:
    from scripts.train.text import Lesson

#: Hosts that say nothing about the site.
_NO_SITE = ("unknown.example", "web.archive.org")
_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Labelled:
    """A page with snippets that its main text must and must not contain, or all of its article (white space squeezed)."""

    page_id: str
    html: bytes
    text: str  # decoded
    wanted: list[str]
    unwanted: list[str]
    body: str | None
    group: str
    site: str

    @property
    def judged(self) -> bool:
        """Whether people said anything about its text."""
        return bool(self.wanted or self.unwanted or self.body)


@dataclass(frozen=True)
class Score:
    """Snippets found and missed, wanted and not, and the mean F over the words of articles."""

    hits: int
    misses: int
    intruders: int
    words: float

    @property
    def f(self) -> float:
        """Harmonic mean of precision and recall over snippets."""
        return 2 * self.hits / max(1, 2 * self.hits + self.misses + self.intruders)

    @property
    def recall(self) -> float:
        """Share of the wanted snippets that were found."""
        return self.hits / max(1, self.hits + self.misses)

    @property
    def precision(self) -> float:
        """Wanted among all snippets that were found."""
        return self.hits / max(1, self.hits + self.intruders)


def squeeze(text: str) -> str:
    """One space for each run of white space."""
    return " ".join(text.split())


def load(shared: Path) -> list[Labelled]:
    """The development pages, in file order."""
    folder = shared / "data" / "web" / "pages"
    truth = {row["page_id"]: row for row in pq.read_table(folder / "truth.parquet").to_pylist()}
    pages = []
    for file in sorted(folder.glob("pages-*.parquet")):
        for row in pq.read_table(file, columns=["page_id", "html"]).to_pylist():
            known = truth[row["page_id"]]
            pages.append(
                Labelled(
                    page_id=row["page_id"],
                    html=row["html"],
                    text=decode(row["html"]).text,
                    wanted=[*map(squeeze, known["expected_with"] or [])],
                    unwanted=[*map(squeeze, known["expected_without"] or [])],
                    body=squeeze(known["article_body"]) if known["article_body"] else None,
                    group=known["group"],
                    site=_site(known["url"] or "", known["group"]),
                )
            )
    return pages


def _site(url: str, group: str) -> str:
    host = urlsplit(url).hostname or ""
    return group if not host or host in _NO_SITE else ".".join(host.split(".")[-2:])


def score(pages: list[Labelled], texts: list[str]) -> Score:
    """Count the snippets in the texts of the pages, and compare the words of articles."""
    hits = misses = intruders = 0
    words = []
    for page, text in zip(pages, map(squeeze, texts), strict=True):
        found = sum(snippet in text for snippet in page.wanted)
        hits, misses = hits + found, misses + len(page.wanted) - found
        intruders += sum(snippet in text for snippet in page.unwanted)
        if page.body:
            words.append(_word_f(text, page.body))
    return Score(hits, misses, intruders, sum(words) / max(1, len(words)))


def _word_f(text: str, body: str) -> float:
    found, true = Counter(_WORD.findall(text)), Counter(_WORD.findall(body))
    return 2 * (found & true).total() / max(1, found.total() + true.total())


def print_scores(name: str, pages: list[Labelled], texts: list[str], seconds: float | None = None) -> None:
    """One row of the table; `seconds` of processor time for all pages."""
    found = score(pages, texts)
    time_spent = "" if seconds is None else f"{seconds / len(pages) * 1e3:9.2f}"
    print(
        f"{name:34}{found.f:8.3f}{found.recall:8.3f}{found.precision:8.3f}{found.words:10.3f}{time_spent}",
        flush=True,
    )


def texts_of_folds(lessons: list[Lesson]) -> list[str]:
    """The main text of each page by trees that saw nothing of its site."""
    from scripts.train.text import held_out

    trees = held_out(lessons)
    return [extract_blocks(lesson.blocks, trees[lesson.fold])[0] for lesson in lessons]


def batch_of(pages: list[bytes]) -> pa.RecordBatch:
    """Records as a reader would yield them, of undeclared charset."""
    columns = {field.name: pa.nulls(len(pages), field.type) for field in RECORDS}
    columns["body"] = pa.array(pages, pa.large_binary())
    columns["mime"] = pa.array(["text/html"] * len(pages))
    return pa.RecordBatch.from_arrays([columns[field.name] for field in RECORDS], schema=RECORDS)


def _annotated() -> Callable[[Labelled], str]:
    annotator = MainText()
    annotator.setup()
    return lambda page: annotator(batch_of([page.html]))[0][0].as_py() or ""


def main() -> None:
    """Print one row for each extractor."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = os.environ.get("PROVENANCE_SHARED", Path(__file__).resolve().parents[3] / "shared")
    parser.add_argument("shared", nargs="?", type=Path, default=Path(default))
    parser.add_argument("--trafilatura", action="store_true", help="also measure trafilatura (slow)")
    parser.add_argument("--folds", action="store_true", help="also learn without each page's site (minutes)")
    arguments = parser.parse_args()
    pages = [page for page in load(arguments.shared)]
    judged = [page for page in pages if page.judged]
    rows: dict[str, Callable[[Labelled], str]] = {
        "resiliparse main_content": lambda page: extract_plain_text(page.text, main_content=True),
        "extract (learned from these pages)": lambda page: extract(page.text.encode("utf-8", "replace")).text,
        "MainText": _annotated(),
    }
    if arguments.trafilatura:
        rows["trafilatura"] = lambda page: extract_with_trafilatura(page.text).text
    print(f"{len(judged)} judged pages, {len({page.site for page in judged})} sites")
    print(f"{'':34}{'F':>8}{'recall':>8}{'precis.':>8}{'F words':>10}{'ms/page':>9}")
    for name, work in rows.items():
        work(judged[0])
        start = time.process_time()
        texts = [work(page) for page in judged]
        print_scores(name, judged, texts, time.process_time() - start)
    if arguments.folds:
        from scripts.train.text import lessons

        some = lessons(pages)
        print_scores(
            "extract (site not learned from)", [lesson.page for lesson in some], texts_of_folds(some)
        )


if __name__ == "__main__":
    main()
