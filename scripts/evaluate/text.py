"""Main text against the hand-made snippets of the development pages: F, precision, recall, ms a page.

Half of the pages (by hash of their group) tuned the rules; the other half says what the rules are worth.
Usage: python scripts/evaluate text [SHARED] [--trafilatura]
"""

from __future__ import annotations

import argparse
import hashlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from resiliparse.extract.html2text import extract_plain_text

from provenance.annotators.text import MainText
from provenance.annotators.text.charset import decode
from provenance.annotators.text.extraction import extract, extract_with_trafilatura
from provenance.schema import RECORDS


@dataclass(frozen=True)
class Labelled:
    """A page with snippets that its main text must and must not contain (whitespace-normalised)."""

    html: bytes
    wanted: list[str]
    unwanted: list[str]
    tuning: bool


@dataclass(frozen=True)
class Score:
    """Snippets found and missed, wanted and not."""

    hits: int
    misses: int
    intruders: int

    @property
    def f(self) -> float:
        """Harmonic mean of precision and recall over snippets."""
        return 2 * self.hits / max(1, 2 * self.hits + self.misses + self.intruders)


def squeeze(text: str) -> str:
    """One space for each run of white space."""
    return " ".join(text.split())


def load(shared: Path) -> list[Labelled]:
    """The pages that have snippets, in file order."""
    folder = shared / "data" / "web" / "pages"
    truth = {row["page_id"]: row for row in pq.read_table(folder / "truth.parquet").to_pylist()}
    pages = []
    for file in sorted(folder.glob("pages-*.parquet")):
        for row in pq.read_table(file, columns=["page_id", "html"]).to_pylist():
            known = truth[row["page_id"]]
            wanted, unwanted = known["expected_with"] or [], known["expected_without"] or []
            if wanted or unwanted:
                tuning = int(hashlib.sha1(str(known["group"]).encode()).hexdigest(), 16) % 2 == 0
                pages.append(
                    Labelled(row["html"], [*map(squeeze, wanted)], [*map(squeeze, unwanted)], tuning)
                )
    return pages


def score(pages: list[Labelled], texts: list[str]) -> Score:
    """Count the snippets in the texts of the pages."""
    hits = misses = intruders = 0
    for page, text in zip(pages, map(squeeze, texts), strict=True):
        found = sum(snippet in text for snippet in page.wanted)
        hits, misses = hits + found, misses + len(page.wanted) - found
        intruders += sum(snippet in text for snippet in page.unwanted)
    return Score(hits, misses, intruders)


def batch_of(pages: list[bytes]) -> pa.RecordBatch:
    """Records as a reader would yield them, of undeclared charset."""
    columns = {field.name: pa.nulls(len(pages), field.type) for field in RECORDS}
    columns["body"] = pa.array(pages, pa.large_binary())
    columns["mime"] = pa.array(["text/html"] * len(pages))
    return pa.RecordBatch.from_arrays([columns[field.name] for field in RECORDS], schema=RECORDS)


def main() -> None:
    """Print one row for each extractor."""
    parser = argparse.ArgumentParser(description=__doc__)
    default = os.environ.get("PROVENANCE_SHARED", Path(__file__).resolve().parents[3] / "shared")
    parser.add_argument("shared", nargs="?", type=Path, default=Path(default))
    parser.add_argument("--trafilatura", action="store_true", help="also measure trafilatura (slow)")
    arguments = parser.parse_args()
    pages = load(arguments.shared)
    halves = [[page for page in pages if page.tuning], [page for page in pages if not page.tuning]]

    def annotate(isolate: bool) -> Callable[[list[Labelled]], list[str]]:
        annotator = MainText(isolate=isolate)
        annotator.setup()

        def work(some: list[Labelled]) -> list[str]:
            return [
                text or ""
                for start in range(0, len(some), 16)
                for text in annotator(batch_of([page.html for page in some[start : start + 16]]))[
                    0
                ].to_pylist()
            ]

        work(pages[:2])
        return work

    def each(one: Callable[[str], str]) -> Callable[[list[Labelled]], list[str]]:
        return lambda some: [one(decode(page.html).text) for page in some]

    rows = {
        "resiliparse main_content": each(lambda page: extract_plain_text(page, main_content=True)),
        "extract (ours)": each(lambda page: extract(page).text),
        "MainText, in process": annotate(False),
        "MainText, guarded": annotate(True),
    }
    if arguments.trafilatura:
        rows["trafilatura"] = each(lambda page: extract_with_trafilatura(page).text)
    print(f"{len(halves[0])} tuning pages, {len(halves[1])} held-out pages")
    print(
        f"{'':26}{'F tuning':>9}{'F held':>8}{'missed':>8}{'intruded':>9}{'ms/page':>9}   (held-out counts, wall)"
    )
    for name, work in rows.items():
        seconds, scores = 0.0, []
        for half in halves:
            start = time.perf_counter()
            texts = work(half)
            seconds += time.perf_counter() - start
            scores.append(score(half, texts))
        held = scores[1]
        print(
            f"{name:26}{scores[0].f:9.3f}{held.f:8.3f}{held.misses:8}{held.intruders:9}{seconds / len(pages) * 1e3:9.2f}"
        )


if __name__ == "__main__":
    main()
