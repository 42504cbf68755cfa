"""Days as people write them, in some thirty languages; and numbers that only look like days."""

from __future__ import annotations

import re

import pytest

from provenance.annotators.dates.calendars import day_of_persia
from provenance.annotators.dates.order import Order
from provenance.annotators.dates.written import find_dates


@pytest.mark.parametrize(
    "written",
    [
        "March 12, 2020", "Mar. 12th, 2020", "12 March 2020", "12th of March 2020", "12. März 2020", "12.3.2020", "12/03/20",
        "12 mars 2020", "12 de marzo de 2020", "12 marca 2020", "12 марта 2020", "12 Μαρτίου 2020", "12 Mart 2020",
        "2020年3月12日", "2020 年 3 月 12 日", "2020년 3월 12일", "2020. március 12.", "2020 m. kovo 12 d.", "12 tháng 3, 2020",
        "۱۲ مارس ۲۰۲۰", "١٢ مارس ٢٠٢٠", "12 मार्च 2020", "１２.３.２０２０", "12\u00a0March\u00a02020", "12. ožujka 2020", "12 de març de 2020", "2020-03-12", "2020/3/12", "2020. 3. 12", "12-Mar-2020", "12 מרץ 2020, 12.03.2020",
        "12/Mar/2020", "12.mar.2020", "Mar/12/2020", "12MAR2020", "Thu Mar 12 10:30:00 UTC 2020", "March the 12th, 2020", "12th day of March, 2020",
        "March 12,2020", "March 12 , 2020", "March, 12 2020", "12 th March 2020", "12 / 03 / 2020", "12 . 03 . 2020", "12–03–2020", "2020-03-1210:30",
        "marzo 12 de 2020", "12 mrt. 2020", "12. Mär 2020", "2020. márc. 12.", "12. marec 2020", "12 сакавіка 2020", "12 Μαρ 2020", "12 ta’ Marzu 2020",
        "12 مارس، 2020", "12 آذار/مارس 2020", "১২ মার্চ, ২০২০", "12 மார்ச் 2020", "12 మార్చి 2020", "12 മാർച്ച് 2020", "12 માર્ચ 2020", "12 ಮಾರ್ಚ್ 2020",
        "12 Mac 2020", "Marso 12, 2020", "12 Machi 2020", "2020. gada 12. marts", "12 Mawrth 2020", "12 մարտի 2020", "12 მარტი 2020", "12 наурыз 2020", "2020 оны 3 сарын 12",
        "12 اذار 2020", "12 آذار 2020", "12 ΜΑΡΤΊΟΥ 2020", "12 ΜΑΡΤΙΟΥ 2020", "12 MARCH 2020", "12 मार्च॰ 2020", "12 ማርች 2020", "12 မတ် 2020", "12 ມີນາ 2020", "12 ମାର୍ଚ୍ଚ 2020",
        "12 মাৰ্চ 2020", "2020(e)ko martxoaren 12a", "2020eko martxoaren 12", "2020 жылғы 12 наурыз", "2020-yil 12-mart", "12 Tháng Ba, 2020", "Tháng 3 12, 2020", "12 thg 3, 2020 thứ tư", "Mar.12,2020",
        "12 de marzo do 2020", "12 BŘEZNA 2020", "12 brezna 2020", "۲۲ اسفند‌ماه ۱۳۹۸", "اسفند ۲۲, ۱۳۹۸", "۲۲/۱۲/۱۳۹۸", "ที่ 12 มี.ค. 63",
    ],
)  # fmt: skip
def test_days_are_read_as_people_write_them(written: str) -> None:
    assert [str(day) for day, _ in find_dates(f"Posted {written} by x", "day")][:1] == ["2020-03-12"]


@pytest.mark.parametrize(
    ("month", "names"),
    [
        (1, "كانون الثاني جانفي"), (2, "شباط فيفري"), (4, "نيسان أفريل إبريل"), (5, "أيار ايار ماي"), (6, "حزيران جوان"), (7, "تموز جويلية يوليوز"),
        (8, "آب أوت غشت"), (9, "أيلول ايلول شتنبر"), (10, "تشرين الأول"), (11, "تشرين الثاني نونبر"), (12, "كانون الأول دجنبر"),
    ],
)  # fmt: skip
def test_months_are_called_otherwise_in_the_levant_and_in_the_maghreb(month: int, names: str) -> None:
    for name in re.split(" (?!ال)", names):
        assert [str(day) for day, _ in find_dates(f"الاثنين 8 {name} 2021", "day")] == [f"2021-{month:02}-08"]


@pytest.mark.parametrize("order", ["day", "month"])
def test_the_day_of_the_week_tells_the_order_of_numbers(order: Order) -> None:
    text = "Mon, 11/08/2021; Wednesday 11/08/2021; Sun, 11/08/2021"
    told = ["2021-11-08", "2021-08-11", {"day": "2021-08-11", "month": "2021-11-08"}[order]]
    assert [str(day) for day, _ in find_dates(text, order)] == told


def test_slashes_follow_the_page_where_both_readings_are_possible() -> None:
    assert [str(day) for day, _ in find_dates("3/4/2020 3.4.2020 25/4/2020 4/25/2020", "month")] == [
        "2020-03-04", "2020-04-03", "2020-04-25", "2020-04-25",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "written",
    [
        "version 1.2.2020.4",
        "1,12.03.2020",
        "99/99/2020",
        "30 February 2020",
        "12 foo 2020",
        "call 202-03-1234",
        "Python 3.6.15",
        "version 2.5.19",
        "R6.5.12",
        "令和300年500月12日",
        "2563 บาท",
        "1441/07/17",
    ],
)
def test_other_numbers_are_no_days(written: str) -> None:
    assert list(find_dates(written, "day")) == []


@pytest.mark.parametrize(
    "drawn", ["M6-1.05-.797-1.892-.686-3.03.075-.758-.36-6.643", "0-12-5-12-12.8 0-7.6 6.1", "v1.20204"]
)
def test_numbers_of_drawings_are_no_dates(drawn: str) -> None:
    assert list(find_dates(f"{drawn} " * 20, "day")) == []


@pytest.mark.parametrize(("order", "day"), [("day", "2012-05-24"), ("year", "2024-05-12")])
def test_two_digits_of_a_year_stand_first_where_the_language_has_the_year_first(
    order: Order, day: str
) -> None:
    assert [str(found) for found, _ in find_dates("24.05.12", order)] == [day]


@pytest.mark.parametrize(
    "written",
    [
        "令和2年3月12日", "民國109年3月12日", "12 มีนาคม 2563", "12 มี.ค. 2563", "12 มีนาคม พ.ศ. 2563", "ที่ ๑๒/๐๓/๒๕๖๓",
        "۲۲ اسفند ۱۳۹۸", "۱۳۹۸/۱۲/۲۲", "پنجشنبه 22 اسفند 1398",
    ],
)  # fmt: skip
def test_days_of_other_calendars_are_those_of_the_gregorian(written: str) -> None:
    assert [str(day) for day, _ in find_dates(f"- {written} -", "day")] == ["2020-03-12"]


def test_the_first_year_of_an_era_is_written_so() -> None:
    assert [str(day) for day, _ in find_dates("令和元年5月12日 平成31年3月12日", "year")] == [
        "2019-05-12",
        "2019-03-12",
    ]


@pytest.mark.parametrize(
    ("year", "first"),
    [(1375, "1996-03-20"), (1399, "2020-03-20"), (1400, "2021-03-21"), (1404, "2025-03-21")],
)
def test_a_year_of_persia_begins_at_the_equinox(year: int, first: str) -> None:
    assert str(day_of_persia(year, 1, 1)) == first
    assert day_of_persia(year, 7, 31) is None


def test_a_day_at_the_end_of_another_s_surroundings_is_read() -> None:
    for between in range(1, 40):
        text = f"1 May 2019 {'x' * between} 12 March 2020 and more"
        assert [str(day) for day, _ in find_dates(text, "day")] == ["2019-05-01", "2020-03-12"]
