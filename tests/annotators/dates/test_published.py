"""Published time: which claim wins, and which are not believed."""

from __future__ import annotations

import datetime as dt
import glob
import hashlib
from dataclasses import replace
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
from tests.annotators.dates.dated import CAPTURED, published


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
        ('<script>x="{\\"datePublished\\":\\"2020-03-12\\"}"</script>', "script datePublished"),
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
    times, evidence, doubts = annotator(batch)
    assert (
        pa.schema(zip(annotator.schema.names, [times.type, evidence.type, doubts.type], strict=True))
        == annotator.schema
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
    assert right / total >= 0.92


@pytest.mark.parametrize(
    "html",
    [
        "<!-- {} --><p>x</p>",
        "<script>document.write('{}')</script>",
        "<style>/* {} */</style>",
        "<textarea>{}</textarea>",
        "<template>{}</template>",
        "<iframe srcdoc='{}'></iframe>",
    ],
)
def test_what_no_browser_would_make_an_element_of_claims_nothing(html: str) -> None:
    meta = '<meta property="article:published_time" content="2020-03-12">'
    assert published(html.replace("{}", meta)) is None


@pytest.mark.parametrize(
    ("language", "value", "day"),
    [
        ("fr", "05/12/2020", "2020-12-05"),
        ("en-GB", "05/12/2020", "2020-12-05"),
        ("en-US", "05/12/2020", "2020-05-12"),
        ("de", "01-11-2020 10:29", "2020-11-01"),
        ("ja", "20.05.12", "2020-05-12"),
        ("de", "1589241600", "2020-05-12"),
    ],
)
def test_machine_values_are_read_in_the_order_of_the_page(language: str, value: str, day: str) -> None:
    for element in (f'<meta name="date" content="{value}">', f'<h1>x</h1><time datetime="{value}">y</time>'):
        claim = published(f'<html lang="{language}">{element}')
        assert claim is not None and claim[0] == day


@pytest.mark.parametrize(
    ("charset", "label", "written"),
    [
        ("utf-8", "", "12 мая 2020 г."),
        ("cp1251", "windows-1251", "Опубликовано: 12 мая 2020 года, город Москва, наш корреспондент"),
        ("gb18030", "gbk", "发布时间：2020年5月12日，新华社北京电，记者报道，国务院总理"),
        ("utf-16", "utf-16", "12 May 2020"),
        ("utf-8", "", "12 Μαΐου 2020"),
        ("utf-8", "", "12 مايو 2020"),
        ("utf-8", "", "12 मई 2020"),
        ("utf-8", "", "2020년 5월 12일"),
        ("utf-8", "", "12. M&auml;rz 2020"),
        ("utf-8", "", "12.&nbsp;M&#228;rz&nbsp;2020"),
        ("utf-8", "", "12.\n      <b>März</b>\n 2020"),
    ],
)
def test_visible_days_are_found_in_every_script_and_charset(charset: str, label: str, written: str) -> None:
    head = f'<meta charset="{label}">' if label and charset != "utf-16" else ""
    html = f"<html><head>{head}</head><body><h1>H</h1><p>{written}</p></body></html>"
    claim = find_published(Document(captured=CAPTURED, page=search_page(html.encode(charset))))
    assert claim is not None
    assert (claim.day.year, claim.day.day, claim.evidence) == (2020, 12, "visible text")


@pytest.mark.parametrize(
    "better",
    [
        '<meta property="article:published_time" content="2020-03-12">',
        '<script type="application/ld+json">{"@type":"NewsArticle","datePublished":"2020-03-12"}</script>',
        '<body><h1>H</h1><p class="meta">Published: 12 March 2020</p>',
    ],
)
@pytest.mark.parametrize(
    "worse",
    [
        '<script type="application/ld+json">{"@type":"ImageObject","datePublished":"2019-01-01"}</script>',
        '<script type="application/ld+json">{"@type":"WebSite","image":{"datePublished":"2019-01-01"}}</script>',
        "<body><h1>H</h1><p>Last changed: 1 January 2019</p>",
        "<body><p>Zuletzt geändert am 1.1.2019</p>",
    ],
)
def test_a_picture_s_day_and_a_change_do_not_win_over_better_evidence(better: str, worse: str) -> None:
    for html in (better + worse, worse + better):
        claim = published(html)
        assert claim is not None and claim[0] == "2020-03-12"


def test_the_banner_of_an_archive_is_not_the_page() -> None:
    banner = "<!-- BEGIN WAYBACK TOOLBAR INSERT --><div>12 Jan 2019 captured</div><!-- END WAYBACK TOOLBAR INSERT -->"
    assert published(f"<body>{banner}<p>By A. B., 12 March 2020</p>") == ("2020-03-12", "visible text")


def test_a_time_in_utc_is_the_day_that_the_page_writes() -> None:
    meta = '<meta property="article:published_time" content="2020-03-12T23:30:00Z">'
    assert published(f"{meta}<body><h1>H</h1><p>13 March 2020</p>") == (
        "2020-03-13",
        "meta article:published_time",
    )
    assert published(f"{meta}<body><h1>H</h1><p>20 March 2020</p>") == (
        "2020-03-12",
        "meta article:published_time",
    )
    offset = meta.replace("Z", "+02:00")
    assert published(f"{offset}<body><h1>H</h1><p>13 March 2020</p>") == (
        "2020-03-12",
        "meta article:published_time",
    )


def test_evidence_at_the_end_of_a_long_page_beats_a_footnote() -> None:
    script = '<script type="application/ld+json">{"@type":"Article","datePublished":"2020-03-12"}</script>'
    footnote = "<p>Retrieved 2 February 2008.</p>" + "<p>words</p>" * 200_000
    assert published(f"<body><h1>H</h1>{footnote}{script}") == ("2020-03-12", "json-ld datePublished")


def test_a_page_that_was_not_read_whole_is_not_dated_by_its_footnotes() -> None:
    filler = "<p>no day here</p>" * 2000
    page = search_page(f"<body><h1>H</h1>{filler}<p>2 February 2008</p>".encode())
    assert find_published(Document(page=page)) == (dt.date(2008, 2, 2), "visible text", None)
    assert find_published(Document(page=replace(page, cut=True))) is None


def test_a_day_that_one_place_states_yields_to_three_that_agree_on_another() -> None:
    script = '<script type="application/ld+json">{"@type": "Article", "datePublished": "2020-03-12"}</script>'
    shown = "<body><h1>News</h1><time class=published>2020-03-12</time><p>12 March 2020</p>"
    meta = '<meta name="article:published_time" content="2020-03-12">'
    address = "https://a.example/2020/03/09/news"
    assert published(f"{meta}{script}{shown}", address) == ("2020-03-12", "meta article:published_time")
    assert published(f"{script}<body><h1>News</h1>", address) == ("2020-03-09", "url path")
    assert published(f"{meta}{script}<body><time class=published>2020-03-09</time>", address) == (
        "2020-03-09",
        "url path",
    )


@pytest.mark.parametrize(
    ("html", "evidence"),
    [
        ('<meta property="dc:created" content="2020-03-12">', "meta dc:created"),
        ('<meta itemprop="datecreated" datetime="2020-03-12">', "meta datecreated"),
        ("<body><p>Last updated: 3/12/20</p>", "visible text"),
        ("<body><p>veröffentlicht am 12.3.20</p>", "visible text"),
        ("<html lang=tr><body><p>12.3.20'de güncellendi</p>", "visible text"),
    ],
)
def test_rarer_ways_to_claim_are_read(html: str, evidence: str) -> None:
    assert published(html, "https://a.example.com/x") == ("2020-03-12", evidence)


@pytest.mark.parametrize(
    ("name", "is_day"),
    [
        ("og:regDate", True),
        ("article:publicationdate", True),
        ("news:publication_date", True),
        ("displaydate", True),
        ("swiftype:published_at", True),
        ("DC.date.available", True),
        ("article:expiration_time", False),
        ("event-start-date", False),
        ("google-site-verification", False),
        ("build-date", False),
    ],
)
def test_a_meta_is_read_for_what_its_name_says_whatever_the_vocabulary(name: str, is_day: bool) -> None:
    found = published(f'<meta name="{name}" content="2020-03-12T10:30:00+01:00">')
    assert found == (("2020-03-12", f"meta {name.lower()}") if is_day else None)


@pytest.mark.parametrize(
    ("html", "url", "evidence"),
    [
        (
            '<link rel="canonical" href="https://a.example/2020/03/12/x">',
            "https://a.example/?p=1",
            "url path",
        ),
        ("<h1>x</h1>", "https://a.example/report-of-12-march-2020", "url words"),
        ("<title>Report of 12 March 2020 - Site</title><body><p>x", "https://a.example/x", "title"),
    ],
)
def test_a_page_without_a_better_day_has_that_of_its_own_address_its_title_and_its_words(
    html: str, url: str, evidence: str
) -> None:
    assert published(html, url) == ("2020-03-12", evidence)
    dated = f'{html}<meta property="article:published_time" content="2020-05-05">'
    assert published(dated, url) == ("2020-05-05", "meta article:published_time")


@pytest.mark.parametrize(
    ("script", "key"),
    [
        ('{"props":{"article":{"publishedAt":"2020-03-12T10:00:00Z"}}}', "publishedAt"),
        ('window.__STATE__={"a":{"firstPublishDate":1584009000000}}', "firstPublishDate"),
        ("dataLayer=[{pubDate: '20200312', page:'x'}]", "pubDate"),
        ('var publish_time = "2020-03-12 10:00"', "publish_time"),
        ('{"post":{"date":"2020-03-12T10:00:00"}}', "date"),
    ],
)
def test_state_of_a_script_dates_a_page_that_shows_no_day(script: str, key: str) -> None:
    assert published(f"<body><div id=root></div><script>{script}</script>") == ("2020-03-12", f"script {key}")


def test_state_of_a_script_that_speaks_of_another_day_does_not() -> None:
    for key in ("expiryPublishDate", "userCreatedAt", "lastUpdated"):
        assert published(f'<body><script>{{"{key}":"2020-03-12"}}</script>') is None


def test_a_later_day_shown_as_the_page_s_own_is_that_of_the_text_where_machines_are_told_so() -> None:
    metas = (
        '<meta property="article:published_time" content="2019-05-01">'
        '<meta property="article:modified_time" content="2020-03-12">'
    )
    shown = "<body><h1>News</h1><p>{}</p>"
    assert published(metas + shown.format("12 March 2020")) == ("2020-03-12", "visible text")
    for other in ("1 May 2019, updated 12 March 2020", "13 March 2020", "no day"):
        assert published(metas + shown.format(other)) == ("2019-05-01", "meta article:published_time")


@pytest.mark.parametrize(
    ("language", "time", "day"),
    [
        ("de", "23:30:00Z", "2020-03-13"),
        ("de", "21:30:00Z", "2020-03-12"),
        ("ja", "15:30:00Z", "2020-03-13"),
        ("en", "23:30:00Z", "2020-03-12"),
    ],
)
def test_a_time_in_utc_is_the_day_that_all_clocks_of_the_language_show(
    language: str, time: str, day: str
) -> None:
    meta = f'<meta property="article:published_time" content="2020-03-12T{time}">'
    assert published(f'<html lang="{language}">{meta}') == (day, "meta article:published_time")


@pytest.mark.parametrize(
    "thing",
    ['{"@type":"Book","datePublished":"1999-01-01"}', '{"@type":"Blog","blogPost":[{"@type":"BlogPosting","datePublished":"2021-05-05"}]}'],
)  # fmt: skip
def test_a_thing_that_a_page_is_about_or_lists_does_not_date_it(thing: str) -> None:
    script = f'<script type="application/ld+json">{thing}</script>'
    assert published(f"{script}<body><h1>News</h1><p>12 March 2020</p>") == ("2020-03-12", "visible text")


def test_a_page_without_any_other_day_is_as_old_as_its_latest_picture() -> None:
    pictures = "".join(f"<img src=/img/2020/03/{day}/x.jpg>" for day in ("10", "12", "11"))
    assert published(f"<body><h1>News</h1>{pictures}") == ("2020-03-12", "picture address")
    assert published(f"<body><h1>News</h1>{pictures}<p>1 March 2020") == ("2020-03-01", "visible text")
