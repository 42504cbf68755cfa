"""How much of the web a machine wrote, month by month: what is known before a crawl says anything itself."""

from __future__ import annotations

import math
from collections.abc import Mapping

#: Share of machine-written documents by month of capture (Russell et al. 2026, arXiv 2609.40295: 5,000 English pages a
#: month of Common Crawl and FineWeb, one commercial detector with about .05% false positives; by document, not by token).
WEB_BY_MONTH = {
    "2022-10": 0.002,
    "2023-06": 0.014,
    "2023-12": 0.041,
    "2024-06": 0.072,
    "2024-12": 0.112,
    "2025-06": 0.138,
    "2025-12": 0.159,
    "2026-04": 0.195,
    "2026-08": 0.219,
}


def share_in_month(listed: Mapping[str, float], month: int) -> float:
    """The share of a month, January 1970 being 0, from a table by `YYYY-MM` in ascending order.

    Log-odds are interpolated between listed months; the first and the last hold beyond, and the last for a negative number.
    """
    known = {int(name[:4]) * 12 + int(name[5:]) - 1 - 1970 * 12: share for name, share in listed.items()}
    months = list(known)
    at = months[-1] if month < 0 else month
    later = next((item for item in months if item >= at), months[-1])
    earlier = next((item for item in reversed(months) if item <= at), months[0])
    low, high = (math.log(known[item]) - math.log1p(-known[item]) for item in (earlier, later))
    part = (at - earlier) / (later - earlier) if later > earlier else 0.0
    return 1 / (1 + math.exp(-(low + part * (high - low))))
