"""Short pages that state no day are cleared together, and clearing changes no answer."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provenance.annotators.dates.published import Dates
from provenance.annotators.page.pages import Pages, batch_pages
from provenance.annotators.undated import LONGEST, read_dates, state_no_day
from provenance.schema import TIME

#: What pages hold beside their text: days in every kind of place, and what only looks like one.
PIECES = [
    "<p>We opened in 1998 and have 12 rooms.</p>", "<footer>Copyright 2017 The Site</footer>", "<a href='/2019/05/99658.html'>More</a>",
    "<p>12 May 2021</p>", "<b>12.</b>05.<i>2021</i>", "<p>3/4/2020</p>", "<p>2021&#45;05&#x2d;06</p>", "<p>٠٤/٠٥/٢٠٢١</p>", "<p>2019年5月6日</p>",
    "<time datetime='2020-01-02'>Thursday</time>", "<time>3 June 2020</time>", "<meta name=date content='2018-07-08'>",
    "<meta name=viewport content='width=device-width, initial-scale=1'>", "<meta name=description content='As of 4 May 2016 we moved'>",
    "<meta name=description content='Caf\u00e9 &amp; bar'>", "<h1>A headline</h1>", "<title>Since 2001</title>", "<body class=x>",
    "<script>var state = {\"publishedAt\": \"2017-03-04\"}</script>", "<script>gtag('config', 'UA-12345-1')</script>",
    "<script type='application/ld+json'>{\"@type\": \"Article\", \"datePublished\": \"2015-02-03\"}</script>",
    "<span class=post-date title='2014-09-10'>a while ago</span>", "<div class=dateline>yesterday</div>", "<div class=byline>by A on 6/7/19</div>",
    "<template><time datetime='2013-01-01'></time></template>", "<!-- 5 May 2012 -->", "<style>.x { width: 2020px }</style>", "\u200e2\u200e021-05-06",
    "<p>" + "Words without a number. " * 40 + "</p>", "<p itemprop=datePublished>5 Jan 2011</p>", "<p>May 3rd, 2010 | 4thMay 2009</p>",
]  # fmt: skip
URLS = [
    "https://a.example/p",
    "https://a.example/2020/05/06/p",
    "https://a.co.uk/29-10-2021",
    "https://a.example/99658.html",
    None,
]
HEADERS = [
    None, "Content-Type: text/html", "Date: Tue, 11 Mar 2025 03:00:14 GMT", "date: Tue, 11 Mar 2031 03:00:14 GMT", "Date: Tuesday, 11-Mar-31 03:00:14 GMT",
    "Date: Tue, 11 Mar 2025 03:00:14 GMT\nLAST-MODIFIED: Mon, 06 Jan 2020 01:02:03 GMT", "Date: Tue, 11 Mar 2025 03:00:14 GMT\nDate: Tue, 11 Mar 2031 03:00:14 GMT",
]  # fmt: skip


def batch_of(bodies: list[str | None], chosen: random.Random) -> pa.RecordBatch:
    rows = len(bodies)
    captures = [datetime(2025, 3, 11, tzinfo=UTC), datetime(2012, 1, 1, tzinfo=UTC), None]
    claimed = [None, None, None, datetime(2020, 1, 2, tzinfo=UTC)]
    stated = chosen.choices(claimed, k=rows)
    return pa.record_batch(
        {
            "url": pa.array(chosen.choices(URLS, k=rows)),
            "capture_time": pa.array(chosen.choices(captures, k=rows), TIME),
            "http_headers": pa.array(chosen.choices(HEADERS, k=rows), pa.string()),
            "claimed_time": pa.array(stated, TIME),
            "claimed_by": pa.array([day and "field date" for day in stated], pa.string()),
            "charset": pa.nulls(rows, pa.string()),
            "body": pa.array([body and body.encode() for body in bodies], pa.large_binary()),
            "text": pa.array(["On 5 May 2006 it was cold." for _ in bodies], pa.large_string()),
        }
    )


def undated(*bodies: str) -> list[bool]:
    data = [body.encode() for body in bodies]
    pages = Pages(pa.array(data, pa.large_binary()), screen=state_no_day)
    found = [pages[row] for row in range(len(bodies))]
    return [page is not None and page.undated for page in found]


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 1 << 32))
def test_days_are_those_that_every_page_by_itself_states(seed: int) -> None:
    chosen = random.Random(seed)
    bodies = [
        None if chosen.random() < 0.05 else "".join(chosen.choices(PIECES, k=chosen.randrange(1, 7)))
        for _ in range(12)
    ]
    batch = batch_of(bodies, chosen)
    together = read_dates(batch, batch_pages(batch, state_no_day, LONGEST))
    apart = Dates().read(batch, batch_pages(batch))
    assert [column.to_pylist() for column in together] == [column.to_pylist() for column in apart]


@pytest.mark.parametrize("piece", PIECES[:3] + [PIECES[number] for number in (12, 15, 16, 25, 28)])
def test_pages_without_a_day_are_cleared(piece: str) -> None:
    assert undated(f"<html><body><h1>News</h1>{piece}</body></html>") == [True]


@pytest.mark.parametrize(
    "piece", [PIECES[number] for number in (3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 18, 19, 20, 21, 22, 23)]
)
def test_pages_that_may_state_one_are_read(piece: str) -> None:
    assert undated(f"<html><body><h1>News</h1>{piece}</body></html>") == [False]


def test_a_page_is_read_where_its_readers_do_not_look_at_all_of_it() -> None:
    words = "<p>Words without a number.</p>"
    assert undated("<h1>a</h1>" + words * 300, words * 300 + "<h1>a</h1>", words * 1_000) == [
        True,
        False,
        False,
    ]


def test_pages_of_other_sizes_do_not_wait_for_each_other() -> None:
    short, long = (
        pa.array([b"<p>x"] * 3, pa.large_binary()),
        pa.array([b"<p>x" * LONGEST] * 3, pa.large_binary()),
    )
    batches = [pa.record_batch({"body": bodies}) for bodies in (short, long)]
    assert [batch_pages(batch, state_no_day, LONGEST).screened for batch in batches] == [True, False]
    assert np.all(undated("<p>x", "<p>y"))
