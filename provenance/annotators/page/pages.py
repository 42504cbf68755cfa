"""The pages of a batch, searched together: one compiled pass over the bytes as Arrow holds them.

`Pages` is made once for a batch and handed to its readers, so that each page is paid for once.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from provenance.annotators.columns import byte_rows, read_column
from provenance.annotators.page.search import SCANNED, Page, search_all, search_page
from provenance.annotators.text.charset import utf8_rows


class Pages:
    """The searched pages of a batch, by row; they are searched when the first is asked for."""

    def __init__(self, bodies: pa.LargeBinaryArray, charsets: pa.StringArray | None = None) -> None:
        self._bodies = bodies
        self._charsets = charsets
        self._searched: list[Page | None] | None = None

    def __getitem__(self, row: int) -> Page | None:
        """The page of a row; None where it has no body, or an empty one."""
        if self._searched is None:
            self._searched = self._search()
        return self._searched[row]

    def _search(self) -> list[Page | None]:
        rows = byte_rows(self._bodies)
        size = rows.stops - rows.starts
        together = (size > 0) & (size <= SCANNED)
        together[together] = utf8_rows(rows.take(together))
        pages: list[Page | None] = [None] * len(self._bodies)
        chosen = rows.take(together)
        found = search_all(chosen.data, chosen.starts, chosen.stops)
        for row, page in zip(np.flatnonzero(together).tolist(), found, strict=True):
            pages[row] = page
        for row in np.flatnonzero((size > 0) & ~together).tolist():  # of other charsets, or too long
            charset = self._charsets[row].as_py() if self._charsets is not None else None
            start, stop = int(rows.starts[row]), int(rows.stops[row])
            pages[row] = search_page(rows.data[start : min(stop, start + SCANNED + 1)].tobytes(), charset)
        return pages


def batch_pages(batch: pa.RecordBatch) -> Pages:
    """The pages of a batch, from `body` and `charset`."""
    return Pages(read_column(batch, "body", pa.large_binary()), read_column(batch, "charset", pa.string()))
