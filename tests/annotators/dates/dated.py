"""Pages that are dated in the tests of this folder."""

from __future__ import annotations

import datetime as dt

from provenance.annotators.dates.published import Document, find_published
from provenance.annotators.page.search import search_page

CAPTURED = dt.datetime(2023, 6, 1, 12, tzinfo=dt.UTC)


def published(
    html: str = "", url: str = "https://a.example/x", headers: str | None = None, text: str | None = None
) -> tuple[str, str] | None:
    page = search_page(html.encode()) if html else None
    claim = find_published(Document(url, CAPTURED, headers, page=page, text=text))
    return claim and (str(claim[0]), claim[1])
