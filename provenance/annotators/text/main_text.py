"""The main-text annotator: from the bytes of a record to the text that will be published.

Each row ends with a text or with one reason why not; a hostile page costs bounded time and memory and
at worst its own row (promise 1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from provenance.annotators.columns import ByteRows, byte_rows
from provenance.annotators.text.charset import decode, utf8_rows
from provenance.annotators.text.choice import FALLBACK
from provenance.annotators.text.extraction import extract, extract_all
from provenance.annotators.text.guard import Extraction, GuardedExtractor, Limits
from provenance.annotators.text.lines import clean, tidy
from provenance.annotators.text.structure import measure, strip
from provenance.annotators.text.together import count_openings

_HTML = frozenset({"text/html", "application/xhtml+xml"})
_SCHEMA = pa.schema(
    [
        ("text", pa.large_string()),
        ("title", pa.string()),
        ("text_outcome", pa.string()),
        ("text_detail", pa.string()),
        ("html_lang", pa.string()),
        ("text_source", pa.string()),
    ]
)
#: The name of our own extractor, which needs no process of its own: it costs no more than the bytes of a page.
BUILT_IN = "built-in"
#: Beyond these a parser costs more than linear time, and our own extractor more memory than a page is worth; such pages get
#: all their text by one linear pass. Real pages of the development set stay below half of each (DATA.md, 842 pages).
_MAX_ATTRIBUTES = 1000  # of one tag
_MAX_FORMATTING = 200  # formatting elements open at once
_MAX_PARSED = 4 << 20  # bytes
_MAX_TAGS = 100_000


class _Record(NamedTuple):
    """What decides how a record is read."""

    text: str | None
    charset: str | None
    mime: str | None
    closed: bool
    has_body: bool

    @property
    def is_html(self) -> bool:
        return self.mime is None or self.mime in _HTML


@dataclass
class MainText:
    """Adds `text`, `title`, `text_outcome`, `text_detail`, `html_lang` and `text_source`.

    Rows that carry text keep it, tidied; HTML is extracted; other textual types are decoded as they are.
    `text_outcome` is null or one of empty, extraction_timeout, extraction_failed, too_large.
    """

    #: Or "trafilatura" (an extra; fifty times slower), "module:function" for one of your own.
    extractor: str = BUILT_IN
    max_seconds: float = 5.0  # CPU time a page may cost another extractor
    max_memory: int = 1 << 30  # bytes a page may cost it
    max_depth: int = 512  # elements open at once; it does not see deeper pages
    max_bytes: int = 32 << 20  # of a decoded body; larger ones are too_large
    min_chars: int = 1  # shorter texts are empty
    name: str = field(default="main_text", init=False)
    version: str = field(default="4", init=False)
    schema: pa.Schema = field(default=_SCHEMA, init=False, repr=False)

    def __post_init__(self) -> None:
        if self.extractor not in (BUILT_IN, "trafilatura") and ":" not in self.extractor:
            raise ValueError(f"extractor {self.extractor!r} is unknown: use {BUILT_IN!r} or 'trafilatura'")
        self._guard = GuardedExtractor(Limits(self.extractor, self.max_seconds, self.max_memory))

    def setup(self) -> None:
        """Compile the kernels, so that the first page does not pay for them."""
        measure(b"<p>x</p>")
        strip(b"<p>x</p>")
        extract(b"<p>x</p>")

    def __call__(self, batch: pa.RecordBatch) -> Sequence[pa.Array]:
        """One row for each record; rows with an outcome get nulls."""
        bodies = byte_rows(batch["body"].cast(pa.large_binary()))
        columns = (batch[name].to_pylist() for name in ("text", "charset", "mime"))
        closed, known = np.asarray(batch["outcome"].is_valid()), np.asarray(batch["body"].is_valid())
        records = [_Record(*values) for values in zip(*columns, closed.tolist(), known.tolist(), strict=True)]
        rows = [_NULL] * len(records)
        for first, part in bodies.parts():
            self._read_part(records[first : first + len(part.starts)], part, rows, first)
        return [
            pa.array([row[column] for row in rows], field.type) for column, field in enumerate(self.schema)
        ]

    def _read_part(self, records: Sequence[_Record], bodies: ByteRows, rows: list[_Row], first: int) -> None:
        """Fill the rows from number `first` on."""
        pages, openings = self._pages(records, bodies)
        found = extract_all(bodies.take(pages), openings)
        for row, page in zip(np.flatnonzero(pages).tolist(), found, strict=True):
            if page.source is not None:
                read = Extraction(page.text, page.title, page.lang, source=page.source)
            else:  # no tag at all
                read = _as_it_is(bodies.row(row).decode())
            rows[first + row] = self._outcome(read)
        for row in np.flatnonzero(~pages).tolist():
            if not records[row].closed:
                rows[first + row] = self._row(records[row], bodies, row)

    def _pages(
        self, records: Sequence[_Record], bodies: ByteRows
    ) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
        """Which rows are pages that our own extractor reads together, and how many `<` each of these has."""
        if self.extractor != BUILT_IN:
            return np.zeros(len(records), np.bool_), np.zeros(0, np.int64)
        html = [
            record.has_body and not record.closed and record.text is None and record.is_html
            for record in records
        ]
        pages = np.array(html, np.bool_) & (bodies.stops - bodies.starts <= self.max_bytes)
        pages[pages] = utf8_rows(bodies.take(pages))
        openings = count_openings(bodies.take(pages))
        pages[pages] = openings <= _MAX_TAGS
        return pages, openings[openings <= _MAX_TAGS]

    @property
    def child(self) -> int | None:
        """Process number of the extraction child, where one runs."""
        return self._guard.child

    def close(self) -> None:
        """End the child process."""
        self._guard.close()

    def _row(self, record: _Record, bodies: ByteRows, row: int) -> _Row:
        """What a record alone gives: one with a text, of another type or charset, or beyond what is read."""
        if record.text is not None:
            return self._outcome(Extraction(clean(record.text), "", None))
        if not record.has_body:
            return _NULL
        size = int(bodies.stops[row] - bodies.starts[row])
        if size > self.max_bytes:
            return None, None, "too_large", f"{size} bytes, {self.max_bytes} allowed", None, None
        return self._outcome(self._extract(bodies.row(row), record.charset, record.mime))

    def _extract(self, body: bytes, charset: str | None, mime: str | None) -> Extraction:
        decoded = decode(body, charset)
        if mime is not None and mime not in _HTML:
            if mime.endswith(("/xml", "+xml")):
                feed = decoded.text.replace("<![CDATA[", " ").replace("]]>", " ")
                return Extraction(tidy(strip(feed.encode("utf-8", "replace"))), "", None)
            return Extraction(clean(decoded.text), "", None)
        page_bytes = body if decoded.codec == "utf-8" else decoded.text.encode("utf-8", "replace")
        return self._extract_page(page_bytes, decoded.text)

    def _extract_page(self, page_bytes: bytes, text: str) -> Extraction:
        """The text of a page in UTF-8; `text` is all of it, for a page without any tag."""
        if page_bytes.count(b"<") > _MAX_TAGS:
            return _all_text(page_bytes)
        if self.extractor == BUILT_IN:
            page = extract(page_bytes)
            if page.source is None:  # no tag at all
                return _as_it_is(text)
            return Extraction(page.text, page.title, page.lang, source=page.source)
        found = measure(page_bytes)
        if not found.tags:
            return _as_it_is(text)
        if (
            found.depth > self.max_depth
            or found.attributes > _MAX_ATTRIBUTES
            or found.formatting > _MAX_FORMATTING
            or len(page_bytes) > _MAX_PARSED
        ):
            return _all_text(page_bytes)
        return self._guard(page_bytes)

    def _outcome(self, found: Extraction) -> _Row:
        if found.outcome is not None:
            return None, found.title or None, found.outcome, found.detail, found.lang, None
        if len(found.text) < max(self.min_chars, 1) or not found.text.strip():
            detail = f"{len(found.text)} characters of text"
            return None, found.title or None, "empty", detail, found.lang, None
        return found.text, found.title or None, None, found.detail, found.lang, found.source


def _as_it_is(text: str) -> Extraction:
    return Extraction(clean(text), "", None)


def _all_text(page: bytes) -> Extraction:
    detail = "all text: the markup is beyond what is read"
    return Extraction(tidy(strip(page)), "", None, detail=detail, source=FALLBACK)


_Row = tuple[str | None, str | None, str | None, str | None, str | None, str | None]
_NULL: _Row = (None, None, None, None, None, None)
