"""Published time: which claim wins, and which are not believed."""

from __future__ import annotations

import datetime as dt
import glob
import hashlib
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provenance.annotators.annotator import Annotator
from provenance.annotators.dates.published import Dates, Document, find_published
from provenance.annotators.page.search import search_page
from provenance.schema import TIME

CAPTURED = dt.datetime(2023, 6, 1, 12, tzinfo=dt.UTC)


def published(
    html: str = "", url: str = "https://a.example/x", headers: str | None = None, text: str | None = None
) -> tuple[str, str] | None:
    page = search_page(html.encode()) if html else None
    claim = find_published(Document(url, CAPTURED, headers, page=page, text=text))
    return claim and (str(claim[0]), claim[1])


@pytest.mark.parametrize(
    ("html", "evidence"),
    [
        (
            '<meta property="article:published_time" content="2020-03-12T23:30:00+01:00">',
            "meta article:published_time",
        ),
        ("<META CONTENT='2020-03-12' NAME='DC.date.issued'>", "meta dc.date.issued"),
        ('<meta name=date content="12 March 2020">', "meta date"),
        (
            '<script type="application/ld+json">{"@type":"NewsArticle","datePublished" : "2020-03-12T08:00Z"}</script>',
            "json-ld datePublished",
        ),
        ('<script>x="{\\"datePublished\\":\\"2020-03-12\\"}"</script>', "json-ld datePublished"),
        ('<span itemprop="datePublished" content="2020-03-12">yesterday</span>', "itemprop datePublished"),
        ('<span itemprop="datePublished">12. März 2020</span>', "itemprop datePublished"),
        (
            '<time datetime="2019-01-01">old</time><time class="entry-date" datetime="2020-03-12">x</time>',
            "time[datetime]",
        ),
        ('<body><h1>News</h1><p class="byline">by A. B., 12 March 2020</p>', "visible text"),
        ("<body><h1>News</h1><p>Stand: 12.03.2020</p>", "visible text"),
        ('<meta property="article:modified_time" content="2020-03-12">', "meta article:modified_time"),
    ],
)
def test_each_way_to_claim_is_read_and_named(html: str, evidence: str) -> None:
    assert published(html) == ("2020-03-12", evidence)


@pytest.mark.parametrize(
    "path", ["/2020/03/12/x", "/2020/mar/12/x", "/news/2020-03-12-x", "/a/20200312/b", "/x_2020.03.12.html"]
)
def test_a_day_in_the_path_is_read(path: str) -> None:
    assert published(url="https://a.example" + path) == ("2020-03-12", "url path")


@pytest.mark.parametrize(
    "path",
    ["/2020/03/", "/2020031299/x", "/id/1202003121", "/2020/13/12/", "/2020/02/30/", "/x?d=2020-03-12"],
)
def test_what_only_looks_like_a_day_in_the_path_is_not(path: str) -> None:
    assert published(url="https://a.example" + path) is None


@pytest.mark.parametrize("day", ["2023-06-03", "1990-01-01", "2099-01-01", "2020-02-30", "0000-00-00"])
def test_a_claim_that_cannot_be_true_is_not_believed(day: str) -> None:
    html = f'<meta property="article:published_time" content="{day}"><time datetime="2020-03-12">'
    assert published(html) == ("2020-03-12", "time[datetime]")


def test_a_day_after_the_capture_may_be_a_time_zone() -> None:
    assert published('<meta property="article:published_time" content="2023-06-02">') == (
        "2023-06-02",
        "meta article:published_time",
    )


def test_last_modified_counts_only_when_older_than_the_answer() -> None:
    assert published(headers="HTTP/1.1 200 OK\r\nLast-Modified: Thu, 12 Mar 2020 08:00:00 GMT\r\n") == (
        "2020-03-12",
        "last-modified",
    )
    assert published(headers="HTTP/1.1 200 OK\nLast-Modified: Thu, 01 Jun 2023 11:59:59 GMT") is None
    assert published(headers="Last-Modified: nonsense, but long enough") is None


def test_plain_text_is_read_where_there_is_no_page() -> None:
    assert published(text="A headline\n12 March 2020\nA story.") == ("2020-03-12", "visible text")


def test_the_annotator_writes_midnight_utc_and_nulls() -> None:
    batch = pa.RecordBatch.from_pydict(
        {
            "url": ["https://a.example/2020/03/12/x", "https://a.example/2020/03/12/x", None],
            "capture_time": pa.array([CAPTURED, CAPTURED, None], TIME),
            "body": pa.array([None, None, b"<time datetime='2020-03-13'>"], pa.large_binary()),
            "outcome": pa.array([None, "redirect", None], pa.string()),
        }
    )
    annotator: Annotator = Dates()
    annotator.setup()
    times, evidence = annotator(batch)
    assert (
        pa.schema(zip(annotator.schema.names, [times.type, evidence.type], strict=True)) == annotator.schema
    )
    assert times.to_pylist() == [
        dt.datetime(2020, 3, 12, tzinfo=dt.UTC),
        None,
        dt.datetime(2020, 3, 13, tzinfo=dt.UTC),
    ]
    assert evidence.to_pylist() == ["url path", None, "time[datetime]"]


@settings(deadline=None, max_examples=80)
@given(st.lists(st.sampled_from(["<meta ", "<time ", "datePublished", '":"', "2020-01-0", "content=", '"', ">", "<h1", "1 january ", "20", "class='date'>", "\\", "é"]), max_size=60))  # fmt: skip
def test_any_page_gives_a_possible_day_or_none(parts: list[str]) -> None:
    claim = find_published(Document(captured=CAPTURED, page=search_page("".join(parts).encode())))
    assert claim is None or dt.date(1991, 8, 6) <= claim[0] <= dt.date(2023, 6, 2)


@pytest.mark.parametrize(
    "unit",
    [
        b"2020-01-0",
        b"1 january ",
        b"<meta content='2020",
        b"<time ",
        b'"datePublished":',
        b"<",
        b'class="date">',
        b" ",
    ],
)
def test_a_page_of_near_dates_is_done_in_bounded_time(unit: bytes) -> None:
    page = search_page(b"<h1" + unit * (2_000_000 // len(unit)))
    assert find_published(Document("https://a.example/" + "2020-01-0" * 5_000, CAPTURED, page=page)) is None


def test_real_pages_held_out_by_group(shared: Path) -> None:
    right = total = 0
    for path in sorted(glob.glob(str(shared / "data/web/pages/pages-*.parquet"))):
        for row in pq.read_table(path, columns=["group", "url", "expected_date", "html"]).to_pylist():
            if row["expected_date"] and int(hashlib.sha1(row["group"].encode()).hexdigest(), 16) % 2:
                captured = dt.datetime(2025, 3, 10, tzinfo=dt.UTC)
                claim = find_published(Document(row["url"], captured, page=search_page(row["html"])))
                total += 1
                right += claim is not None and str(claim[0]) == row["expected_date"]
    assert right / total >= 0.85
