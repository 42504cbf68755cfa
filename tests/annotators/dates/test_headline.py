"""Days about a page's own headline, and which heading that is."""

from __future__ import annotations

import pytest

from tests.annotators.dates.dated import published


@pytest.mark.parametrize(
    "body",
    [
        "<h1>News</h1><p>Fans met in Orleans on March 3, 2020, as a photographer and two others saw.</p><p>March 12, 2020</p>",
        "<ul><li>Home</li><li>Archive</li></ul><h1>News</h1><div>Mar 12, 2020</div><p>Seen on 1 May 2019 in Rome.</p>",
        "<h1>News</h1><p>Daten vom 9. März 2019 zeigen das zum ersten Mal in allen Kantonen.</p><p>12.03.2020</p>",
        "<h1>News</h1><p>1 May 2019</p><dl><dt>Published</dt><dd>12 March 2020</dd></dl>",
        "<h1>News</h1><p>12 March 2020</p><dl><dt>Last change:</dt><dd>1 May 2019</dd></dl>",
    ],
)
def test_a_day_that_stands_alone_is_the_page_s_before_one_in_a_sentence(body: str) -> None:
    """And what is said of a day is said in its own element, or right before it; "Daten" are no date."""
    assert published(f"<body>{body}") == ("2020-03-12", "visible text")


@pytest.mark.parametrize(
    "element",
    [
        '<abbr class="published" title="2020-03-12">last spring</abbr>',
        '<span class="date" title="12 March 2020, 10:00">3 hours ago</span>',
        '<abbr class="timestamp" data-utime="1583971200">yesterday</abbr>',
    ],
)
def test_a_day_that_an_element_keeps_in_an_attribute_is_read(element: str) -> None:
    assert published(f"<body><h1>News</h1><p>{element}</p>") == ("2020-03-12", "visible text")


@pytest.mark.parametrize(
    "written",
    ["12 Mar 20", "Thu, 12-Mar-20", "12. März 20", "12 мар. 20", "Mar 12, '20", "March 12th, 20 | News"],
)
def test_two_digits_of_a_year_beside_a_month_s_name_are_read_where_an_element_is_named_for_a_day(
    written: str,
) -> None:
    assert published(f"<body><h1>News</h1><p class=date>{written}</p>") == ("2020-03-12", "visible text")
    assert published(f"<body><h1>News</h1><p>{written}</p>") is None


@pytest.mark.parametrize("written", ["12 Mar 20:15", "12 Mar 20 guests", "12 Eggs 20", "32 Mar 20"])
def test_a_time_or_a_number_behind_a_month_s_name_is_no_year(written: str) -> None:
    assert published(f"<body><h1>News</h1><p class=date>{written}</p>") is None


def test_a_teaser_s_day_above_the_headline_does_not_win_over_the_headline_s_own() -> None:
    teasers = "".join(f"<li>Other news <span class=date>{day}.5.2021</span></li>" for day in (3, 2, 1))
    body = f"<body><ul>{teasers}</ul><h1>News</h1><p>by A. B. <span class=date>12.3.2020</span></p>"
    assert published(body) == ("2020-03-12", "visible text")


def test_the_headline_is_what_repeats_the_title_where_nothing_is_dated_about_the_first_heading() -> None:
    menu = "<a href=/>Words without a day</a> " * 1_000
    page = f"<title>Ten geese in May | Daily</title><body><h1>Daily</h1>{menu}<div>Ten geese in May</div>12.03.2020 {menu}1.1.2019"
    assert published(f"{page}{menu}1.1.2019 1.1.2019") == ("2020-03-12", "visible text")


@pytest.mark.parametrize(
    "element",
    [
        '<relative-time datetime="2020-03-12T10:30:00Z">last spring</relative-time>',
        '<abbr data-utime="1583971200">x</abbr>',
        '<article data-published="2020-03-12">x</article>',
        '<span property="dc:date dc:created" content="2020-03-12T10:30:00+01:00">yesterday</span>',
        '<time title="12 March 2020">3h ago</time>',
    ],
)
def test_any_element_near_the_headline_may_state_the_day(element: str) -> None:
    assert published(f"<body><h1>News</h1><p>{element}</p>") == ("2020-03-12", "visible text")


def test_the_clock_of_a_site_far_above_the_headline_does_not_win_over_a_day_beside_it() -> None:
    clock = (
        "<title>Ten geese in May</title><body><div class=date>1 July 2020</div>" + "<a href=/>Menu</a> " * 150
    )
    assert published(f"{clock}<div>12 March 2020</div><h1>Ten geese in May</h1>") == (
        "2020-03-12",
        "visible text",
    )


def test_the_headline_is_the_heading_that_repeats_the_title_not_the_name_of_the_site() -> None:
    page = "<title>Ten geese in May | Daily</title><body><h1>Daily</h1><span class=date>1 July 2020</span>"
    menu = "<a href=/>Menu</a> " * 150
    assert published(f"{page}{menu}<h2>Ten geese in May</h2><p class=date>12 March 2020") == (
        "2020-03-12",
        "visible text",
    )


def test_of_several_texts_in_json_ld_the_one_whose_headline_is_the_title_s_dates_the_page() -> None:
    related = '{"@type":"NewsArticle","headline":"Other news","datePublished":"2021-05-05"}'
    own = '{"@type":"NewsArticle","headline":"Ten geese in May","datePublished":"2020-03-12"}'
    script = f'<title>Ten geese in May | Daily</title><script type="application/ld+json">[{related},{own}]</script>'
    assert published(script) == ("2020-03-12", "json-ld datePublished")
