"""The main-text annotator: from the bytes of a record to the text that will be published.

Each row ends with a text or with one reason why not; a hostile page costs bounded time and memory and
at worst its own row (promise 1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from provenance.annotators.text.charset import decode
from provenance.annotators.text.extraction import Page, extract, extract_with_trafilatura
from provenance.annotators.text.guard import Extraction, GuardedExtractor, Limits
from provenance.annotators.text.lines import clean, tidy
from provenance.annotators.text.structure import measure, strip

_HTML = frozenset({"text/html", "application/xhtml+xml"})
_SCHEMA = pa.schema(
    [
        ("text", pa.large_string()),
        ("title", pa.string()),
        ("text_outcome", pa.string()),
        ("text_detail", pa.string()),
        ("html_lang", pa.string()),
    ]
)
#: Beyond these a parser costs more than linear time; such pages get all their text by one linear pass.
#: Real pages of the development set stay below half of each (DATA.md, 842 pages).
_MAX_ATTRIBUTES = 1000  # of one tag
_MAX_FORMATTING = 200  # formatting elements open at once
_MAX_PARSED = 4 << 20  # bytes
_MAX_TAGS = 100_000


@dataclass
class MainText:
    """Adds `text`, `title`, `text_outcome`, `text_detail` and `html_lang`.

    Rows that carry text keep it, tidied; HTML is extracted; other textual types are decoded as they are.
    `text_outcome` is null or one of empty, extraction_timeout, extraction_failed, too_large.
    """

    extractor: str = "resiliparse"  # or "trafilatura" (an extra; ten times slower)
    max_seconds: float = 5.0  # CPU time a page
    max_memory: int = 1 << 30  # bytes a page
    max_depth: int = 512  # elements open at once; deeper pages get all their text, in linear time
    max_bytes: int = 32 << 20  # of a decoded body; larger ones are too_large
    min_chars: int = 1  # shorter texts are empty
    isolate: bool = True  # in a child process; without it the limits of time and memory do not hold
    name: str = field(default="main_text", init=False)
    version: str = field(default="2", init=False)
    schema: pa.Schema = field(default=_SCHEMA, init=False, repr=False)

    def __post_init__(self) -> None:
        if self.extractor not in ("resiliparse", "trafilatura") and ":" not in self.extractor:
            raise ValueError(f"extractor {self.extractor!r} is unknown: use 'resiliparse' or 'trafilatura'")
        self._guard = GuardedExtractor(Limits(self.extractor, self.max_seconds, self.max_memory))

    def setup(self) -> None:
        """Compile the kernels and start the child, so that the first page does not pay for them."""
        measure(b"<p>x</p>")
        strip(b"<p>x</p>")

    def __call__(self, batch: pa.RecordBatch) -> Sequence[pa.Array]:
        """One row for each record; rows with an outcome get nulls."""
        rows = [
            self._row(batch, row) if batch["outcome"][row].as_py() is None else _NULL
            for row in range(batch.num_rows)
        ]
        return [
            pa.array([row[column] for row in rows], field.type) for column, field in enumerate(self.schema)
        ]

    @property
    def child(self) -> int | None:
        """Process number of the extraction child, where one runs."""
        return self._guard.child

    def close(self) -> None:
        """End the child process."""
        self._guard.close()

    def _row(self, batch: pa.RecordBatch, row: int) -> _Row:
        given = batch["text"][row].as_py()
        if given is not None:
            return self._outcome(Extraction(clean(given), "", None))
        scalar = batch["body"][row]
        if not scalar.is_valid:
            return _NULL
        view = scalar.as_buffer()
        if view.size > self.max_bytes:
            detail = f"{view.size} bytes, {self.max_bytes} allowed"
            return None, None, "too_large", detail, None
        return self._outcome(
            self._extract(view.to_pybytes(), batch["charset"][row].as_py(), batch["mime"][row].as_py())
        )

    def _extract(self, body: bytes, charset: str | None, mime: str | None) -> Extraction:
        decoded = decode(body, charset)
        if mime is not None and mime not in _HTML:
            if mime.endswith(("/xml", "+xml")):
                page = decoded.text.replace("<![CDATA[", " ").replace("]]>", " ")
                return Extraction(tidy(strip(page.encode("utf-8", "replace"))), "", None)
            return Extraction(clean(decoded.text), "", None)
        page_bytes = body if decoded.codec == "utf-8" else decoded.text.encode("utf-8", "replace")
        found = measure(page_bytes)
        if not found.tags:
            return Extraction(clean(decoded.text), "", None)
        if (
            found.depth > self.max_depth
            or found.attributes > _MAX_ATTRIBUTES
            or found.formatting > _MAX_FORMATTING
            or found.tags > _MAX_TAGS
            or len(page_bytes) > _MAX_PARSED
        ):
            return Extraction(
                tidy(strip(page_bytes)), "", None, None, "all text: the markup is beyond what is parsed"
            )
        if self.isolate:
            return self._guard(page_bytes, found.held)
        page_text: Page = (
            extract(decoded.text, found.held)
            if self.extractor == "resiliparse"
            else extract_with_trafilatura(decoded.text)
        )
        return Extraction(page_text.text, page_text.title, page_text.lang)

    def _outcome(self, found: Extraction) -> _Row:
        if found.outcome is not None:
            return None, found.title or None, found.outcome, found.detail, found.lang
        if len(found.text) < max(self.min_chars, 1) or not found.text.strip():
            return None, found.title or None, "empty", f"{len(found.text)} characters of text", found.lang
        return found.text, found.title or None, None, found.detail, found.lang


_Row = tuple[str | None, str | None, str | None, str | None, str | None]
_NULL: _Row = (None, None, None, None, None)
