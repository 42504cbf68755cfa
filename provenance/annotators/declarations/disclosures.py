"""What a document declares about its own making and use: AI disclosures, reservations, licence.

Only declared markers of published conventions count (their sources stand beside the readers). Chat residue and
hidden payloads are another annotator's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import pyarrow as pa

from provenance.annotators.columns import open_rows, read_column
from provenance.annotators.declarations.bylines import may_have_bylines, read_bylines
from provenance.annotators.declarations.declared import Declared, Signal
from provenance.annotators.declarations.elements import read_attributes, read_links, read_metas
from provenance.annotators.declarations.headers import may_declare, read_headers
from provenance.annotators.declarations.linked_data import read_json_ld, read_microdata, read_rsl
from provenance.annotators.declarations.making import (
    WEIGHTS,
    may_have_wrapper,
    read_aigc,
    read_manifests,
    read_wrapper,
)
from provenance.annotators.page import markup
from provenance.annotators.page.pages import Pages, batch_pages
from provenance.annotators.page.search import SILENT_PAGE, WRAPPER, Page
from provenance.schema import EVIDENCE, SIGNALS

#: Characters of a text, and bytes from the body's start, in which AIGC front matter can stand.
_FRONT_OF_TEXT, _FRONT_OF_BODY = 500, 4_000
#: Of documents that declare nothing.
_NOTHING = Declared()


@dataclass(frozen=True)
class Disclosures:
    """Adds `disclosures`, `rights_signals`, `license`, `train_opt_out` and `disclosure_evidence`.

    Of a page that was not read whole, what was not found is null: unknown, not absent.
    The evidence holds at most one entry, the strongest: several marks of one page repeat each
    other. Its weights are bounded by policy, see `provenance.annotators.declarations.making.WEIGHTS`.
    """

    name: ClassVar[str] = "disclosures"
    version: ClassVar[str] = "4"
    schema: ClassVar[pa.Schema] = pa.schema(
        [
            ("disclosures", SIGNALS),
            ("rights_signals", SIGNALS),
            ("license", pa.string()),
            ("train_opt_out", pa.bool_()),
            ("disclosure_evidence", EVIDENCE),
        ]
    )

    def setup(self) -> None:
        """Nothing to load."""

    def __call__(self, batch: pa.RecordBatch) -> Sequence[pa.Array]:
        """Return the declarations of each row, from `url`, `http_headers`, `body` and `text`."""
        return self.read(batch, batch_pages(batch))

    def read(self, batch: pa.RecordBatch, pages: Pages) -> Sequence[pa.Array]:
        """Return the declarations of each row, whose page is in `pages`."""
        urls = read_column(batch, "url", pa.string()).to_pylist()
        headers = read_column(batch, "http_headers", pa.string())
        texts = read_column(batch, "text", pa.large_string())
        by_answer = may_declare(headers).tolist()
        by_text = (may_have_bylines(texts) | may_have_wrapper(texts)).tolist()

        def find(row: int) -> Declared:
            page = pages[row]
            if page is SILENT_PAGE and not by_text[row] and not by_answer[row]:
                return _NOTHING
            answer = headers[row].as_py() if by_answer[row] else ""
            text = texts[row].as_py() if by_text[row] else ""
            return find_declarations(urls[row] or "", headers=answer, page=page, text=text or "")

        rows = [find(row) if is_open else None for row, is_open in enumerate(open_rows(batch).to_pylist())]
        columns: dict[str, list[Any]] = {
            "disclosures": [row and row.rows(row.making) for row in rows],
            "rights_signals": [row and row.rows(row.use) for row in rows],
            "license": [row and row.license for row in rows],
            "train_opt_out": [row and row.train_opt_out for row in rows],
            "disclosure_evidence": [row and weigh(row.making) for row in rows],
        }
        return [pa.array(columns[field.name], field.type) for field in self.schema]


def find_declarations(url: str, *, headers: str, page: Page | None, text: str) -> Declared:
    """Return what the document at `url` declares in its HTTP headers, its markup and its visible text."""
    declared = Declared(cut=bool(page and page.cut))
    if headers:
        read_headers(headers, url, declared)
    if page:
        read_metas(page, url, declared)
        if page.marked:
            _read_marked(page, url, declared)
    if text:
        _read_text(text, page, declared)
    return declared


def _read_marked(page: Page, url: str, declared: Declared) -> None:
    """Add what is read around strings that were searched for; most pages have none of them."""
    read_attributes(page, declared)
    read_links(page, url, declared)
    read_json_ld(page, url, declared)
    read_microdata(page, declared)
    read_rsl(page, url, declared)
    declared.add_making(_front_matter(page))
    for signal in read_manifests(page):
        declared.add_making(signal)


def weigh(making: list[Signal]) -> list[dict[str, Any]]:
    """Return the strongest of the disclosures as one row of evidence; none where they weigh nothing."""
    best = max(making, key=_weight, default=None)
    if not best or not _weight(best):
        return []
    because = f"declared {best.signal} in {best.where}: {best.value[:100]}"
    return [{"source": "disclosure", "llr": _weight(best), "because": because}]


def _weight(signal: Signal) -> float:
    kind = "visible" if signal.where == "visible text" else "machine"
    return WEIGHTS.get((signal.signal, kind), 0.0)


def _front_matter(page: Page) -> Signal | None:
    """The AIGC label at the start of a page's body."""
    if not page.places[b"aigc"]:
        return None
    body = page.first(b"body")
    start = body[0] if body else 0
    head = markup.words(page.content[start : start + _FRONT_OF_BODY])
    return read_aigc(head, "front matter", in_text=True)


def _read_text(text: str, page: Page | None, declared: Declared) -> None:
    """Add what the visible text says; a manifest in the source of the page is whole there, and read there."""
    if not (page and page.places[WRAPPER]):
        for signal in read_wrapper(text):
            declared.add_making(signal)
    if "AIGC" in text[:_FRONT_OF_TEXT]:
        declared.add_making(read_aigc(text[: 2 * _FRONT_OF_TEXT], "front matter", in_text=True))
    for signal in read_bylines(text):
        declared.add_making(signal)
