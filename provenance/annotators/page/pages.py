"""The pages of a batch, searched together: one compiled pass over the bytes as Arrow holds them.

`Pages` is made once for a batch and handed to its readers, so that each page is paid for once.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from provenance.annotators.columns import ByteRows, byte_rows, read_column
from provenance.annotators.page.search import SCANNED, SILENT_PAGE, Page, Screen, search_all, search_page
from provenance.annotators.text.charset import utf8_rows


class Pages:
    """The searched pages of a batch, by row; some are searched together when one of them is asked for, and read while they are at hand."""

    def __init__(
        self,
        bodies: pa.LargeBinaryArray,
        charsets: pa.StringArray | None = None,
        screen: Screen | None = None,
    ) -> None:
        self._charsets, self._screen = charsets, screen
        self._bodies = byte_rows(bodies)
        self._parts = self._bodies.parts()
        self._searched: list[Page | None] = []

    @classmethod
    def of(cls, pages: list[Page | None]) -> Pages:
        """Pages that were searched already."""
        made = cls(pa.array([], pa.large_binary()))
        made._searched = pages
        return made

    @property
    def screened(self) -> bool:
        """Whether those that state no day are told as they are searched."""
        return self._screen is not None

    def __getitem__(self, row: int) -> Page | None:
        """The page of a row; None where it has no body, or an empty one."""
        while row >= len(self._searched):
            self._searched += self._search(*next(self._parts))
        return self._searched[row]

    def whole(self, row: int) -> Page | None:
        """The page of a row, also where SILENT_PAGE stands for it."""
        page = self[row]
        return search_page(self._bodies.row(row)) if page is SILENT_PAGE else page

    def _search(self, first: int, rows: ByteRows) -> list[Page | None]:
        pages: list[Page | None] = [None] * len(rows.starts)
        size = rows.stops - rows.starts
        together = (size > 0) & (size <= SCANNED)
        together[together] = utf8_rows(rows.take(together))
        found = search_all(*rows.take(together), self._screen)
        for row, page in zip(np.flatnonzero(together).tolist(), found, strict=True):
            pages[row] = page
        for row in np.flatnonzero((size > 0) & ~together).tolist():  # of other charsets, or too long
            charset = self._charsets[first + row].as_py() if self._charsets is not None else None
            content = rows.data[rows.starts[row] : rows.stops[row]][: SCANNED + 1].tobytes()
            pages[row] = search_page(content, charset)
        return pages


def batch_pages(batch: pa.RecordBatch, screen: Screen | None = None, short: int = 0) -> Pages:
    """The pages of a batch, from `body` and `charset`; `screen` judges them, where most have at most `short` bytes."""
    bodies = read_column(batch, "body", pa.large_binary())
    if np.count_nonzero(byte_rows(bodies).sizes <= short) * 2 <= batch.num_rows:
        screen = None
    return Pages(bodies, read_column(batch, "charset", pa.string()), screen)
