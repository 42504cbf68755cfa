"""Choose the human texts of the demo crawl from the development corpus: python scripts/make demo_passages [SHARED].

Only passages that are free of rights, of the splits `val` and `test`, on which the shipped detector was not trained
(`scripts/train/detector.py` reads `train`). Writes demo/passages.jsonl, from which `demo_crawl` makes the crawl.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

PASSAGES = Path(__file__).resolve().parent / "demo" / "passages.jsonl"
POOLS = ("pool_val", "pool_test", "pool_human_web")
HELD_OUT = ("val", "test")
WORDS = (80, 450)
#: When the first crawl says it was made, and the lines of the second: nothing younger may be in them.
FIRST_CRAWL, LINES = "2021-06-01", "2019-01-01"


@dataclass(frozen=True)
class Want:
    """So many passages of one source for one file of the crawl, on one site."""

    file: str
    site: str
    source: str
    count: int
    before: str = "9999"
    since: str = ""
    each: int = 1  # passages of one document
    exclude: str = "$^"


_GOVERNMENT, _OFFICE = "GSA/digitalgov.gov/content/news/", "18F/18f.gsa.gov/"
_EVENTS = "office-hours|webinar|monthly-call|events"
_QUOTING = "orwell|garner|quotes|walters"  # hold long quotations that others wrote
#: In this order, and no passage twice.
WANTED = (
    Want("2021", "office", _OFFICE, 45, FIRST_CRAWL),
    Want("2021", "government", _GOVERNMENT, 60, FIRST_CRAWL, exclude=_EVENTS),
    Want("2021", "novels", "COST-ELTeC/ELTeC-eng/", 18),
    Want("2021", "speeches", "nltk/nltk_data/packages/corpora/inaugural.zip!", 5),
    Want("2021", "speeches", "nltk/nltk_data/packages/corpora/state_union.zip!", 8),
    Want("2021", "bundestag", "bundestag/plpr-scraper/", 14),
    Want("2021", "romans", "cligs/textbox/french/", 12, exclude="theatre"),
    Want("2021", "cuentos", "cligs/textbox/spanish/", 8, each=3),
    Want("2019", "office", _OFFICE, 20, LINES, each=2),
    Want("2019", "government", _GOVERNMENT, 30, LINES, exclude=_EVENTS),
    Want("2019", "kitchen", "sinker/tacofancy/", 9),
    Want("2019", "novels", "COST-ELTeC/ELTeC-eng/", 21, each=3),
    Want("2025", "government", _GOVERNMENT, 9, since=FIRST_CRAWL),
    Want("2025", "kitchen", "LukeSmithxyz/based.cooking/", 24),
    Want("wet", "government", _GOVERNMENT, 40, exclude=_EVENTS),
    Want("wet", "plain", "GSA/plainlanguage.gov/", 24, exclude=_QUOTING),
)  # fmt: skip


def held_out(shared: Path) -> pd.DataFrame:
    """Human passages that no detector of this project was trained on, each with the date in its file's name."""
    pools = [pd.read_parquet(shared / "data" / "detector" / f"{name}.parquet") for name in POOLS]
    rows = pd.concat(pools, ignore_index=True)
    rows = rows[(rows.label == "human") & rows.split.isin(HELD_OUT)]
    words = rows.text.str.split().str.len()
    rows = rows[words.between(*WORDS) & (rows.text.str.count("\n") < words / 6)]
    return rows.assign(date=rows.source.str.extract(r"/(\d{4}-\d{2}-\d{2})-")[0].fillna(""))


def chosen(rows: pd.DataFrame) -> Iterator[dict[str, str]]:
    """The passages in the order of `WANTED`, of each source in the order of its files."""
    taken: dict[int, bool] = {}
    documents: dict[str, int] = {}
    for want in WANTED:
        some = rows[rows.source.str.startswith(want.source) & ~rows.source.str.contains(want.exclude)]
        some = some[(some.date < want.before) & (some.date >= want.since)]
        if want.before != "9999":
            some = some[some.date != ""]
        some = some.sort_values(["source", "text"])
        found = 0
        for index, row in some.iterrows():
            if found == want.count or index in taken or documents.get(row.source, 0) >= want.each:
                continue
            taken[int(str(index))] = True
            number = documents[row.source] = documents.get(row.source, 0) + 1
            found += 1
            yield {
                "file": want.file,
                "site": want.site,
                "slug": slug(row.source, number),
                "date": row.date,
                "language": row.language,
                "source": row.source,
                "license": row.license,
                "evidence": row.evidence,
                "split": row.split,
                "text": row.text,
            }
        if found < want.count:
            print(f"{want.site} {want.file}: {found} of {want.count}", file=sys.stderr)


def slug(source: str, number: int) -> str:
    """The name of a document's file as it would stand in an address."""
    stem = re.split(r"[#]", source)[0].rsplit("/", 1)[-1].rsplit(".", 1)[0]
    stem = re.sub(r"^\d{4}-\d{2}-\d{2}-", "", stem)
    part = source.split("#")[1] if "#" in source else ""
    name = re.sub(r"[^a-z0-9]+", "-", f"{stem} {part}".lower()).strip("-")
    return name if number == 1 else f"{name}-{number}"


def main(shared: Path) -> None:
    """Write the file."""
    lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in chosen(held_out(shared))]
    PASSAGES.write_text("".join(lines), encoding="utf-8")
    print(f"{PASSAGES}: {len(lines)} passages, {PASSAGES.stat().st_size:,} bytes")


if __name__ == "__main__":
    default = os.environ.get("PROVENANCE_SHARED", str(Path(__file__).resolve().parents[3] / "shared"))
    main(Path(sys.argv[1] if len(sys.argv) > 1 else default))
