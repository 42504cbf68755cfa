"""What a document claims about itself: when it was published, how it was made, how it may be used.

One annotator for both readers of a page, so that each page is searched once and what was found is handed to them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import pyarrow as pa

from provenance.annotators.dates.published import Dates
from provenance.annotators.declarations.disclosures import Disclosures
from provenance.annotators.page.pages import batch_pages
from provenance.annotators.undated import LONGEST, read_dates, state_no_day


@dataclass(frozen=True)
class Claims:
    """Adds the columns of `Dates` and of `Disclosures`."""

    name: ClassVar[str] = "claims"
    version: ClassVar[str] = f"{Dates.name}-{Dates.version}+{Disclosures.name}-{Disclosures.version}"
    schema: ClassVar[pa.Schema] = pa.schema([*Dates.schema, *Disclosures.schema])

    def setup(self) -> None:
        """Nothing to load."""

    def __call__(self, batch: pa.RecordBatch) -> Sequence[pa.Array]:
        """Return the claims of each row, from `url`, `capture_time`, `http_headers`, `charset`, `body` and `text`."""
        pages = batch_pages(batch, state_no_day, LONGEST)
        return [*read_dates(batch, pages), *Disclosures().read(batch, pages)]
