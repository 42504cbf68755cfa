"""The day under which the path of an address files a page, and what only looks like one."""

from __future__ import annotations

import pytest

from tests.annotators.dates.dated import published


@pytest.mark.parametrize(
    "path",
    [
        "/2020/03/12/x",
        "/2020/mar/12/x",
        "/news/2020-03-12-x",
        "/a/20200312/b",
        "/x_2020.03.12.html",
        "/2020/POLITICS/03/12/x",
    ],
)
def test_a_day_in_the_path_is_read(path: str) -> None:
    assert published(url="https://a.example" + path) == ("2020-03-12", "url path")


@pytest.mark.parametrize(
    "path",
    [
        "/2020/03/",
        "/2020031299/x",
        "/id/1202003121",
        "/2020/13/12/",
        "/2020/02/30/",
        "/x?d=2020-03-12",
        "/2020/season/3/12/x",
    ],
)
def test_what_only_looks_like_a_day_in_the_path_is_not(path: str) -> None:
    assert published(url="https://a.example" + path) is None


@pytest.mark.parametrize(("language", "day"), [("de", "2021-03-04"), ("en-US", "2021-04-03")])
def test_a_path_that_ends_in_its_year_is_read_in_the_order_of_the_page(language: str, day: str) -> None:
    assert published(f'<html lang="{language}">', "https://a.example/x-04-03-2021") == (day, "url path")
    assert published(url="https://a.example/29-10-2021") == ("2021-10-29", "url path")


def test_a_path_of_month_day_and_year_is_read() -> None:
    assert published(url="https://a.example.com/03/12/2020/news") == ("2020-03-12", "url path")


@pytest.mark.parametrize(
    "path",
    [
        "/n1/2020/0312/c1.html",
        "/2020-03/12/c_1.htm",
        "/202003/12/x.html",
        "/xw/t20200312_5.html",
        "/2020/march/12/x",
    ],
)
def test_other_ways_to_file_a_page_under_its_day_are_read(path: str) -> None:
    assert published(url="https://a.example" + path) == ("2020-03-12", "url path")


@pytest.mark.parametrize("path", ["/2020/0312", "/2020-03/12", "/2020/1018-a-number", "/202003/5/x"])
def test_the_number_of_an_article_in_a_folder_of_a_month_is_no_day(path: str) -> None:
    assert published(url="https://a.example" + path) is None


@pytest.mark.parametrize(
    ("url", "day"),
    [
        ("https://twitter.com/someone/status/1281836879789404160/photo/1", "2020-07-11"),
        ("https://mobile.x.com/someone/status/1281836879789404160", "2020-07-11"),
        ("https://social.example/@someone/109302436954721982", "2022-11-07"),
        ("https://www.tiktok.com/@someone/video/6843243000000000000", "2020-06-28"),
        ("https://www.linkedin.com/posts/someone_words-activity-6688000000000000000-abcd", "2020-07-12"),
    ],
)
def test_the_number_of_a_post_says_when_it_was_given_out(url: str, day: str) -> None:
    assert published(url=url) == (day, "url path")


def test_a_number_on_another_site_is_no_time() -> None:
    assert published(url="https://a.example/someone/status/1281836879789404160") is None
    assert published(url="https://twitter.com/someone/status/20") is None
