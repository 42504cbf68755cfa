"""Pages as builders of sites lay them out, in many languages: each has the day that its author gave it, and one of no day has none."""

from __future__ import annotations

import pytest

from tests.annotators.dates.dated import published

DAY = "2021-11-08"
TEXT = "<p>" + "A paragraph of prose that says nothing of days and goes on for a while. " * 6 + "</p>"


def page(title: str, body: str, lang: str = "en", headline: str = "") -> str:
    """A page whose body begins with its headline, the title up to its first sign, unless another is given."""
    headline = headline or f"<h1>{title.partition(' |')[0]}</h1>"
    return f"<html lang={lang}><head><title>{title}</title></head><body>{headline}{body}</body></html>"


@pytest.mark.parametrize(
    ("name", "html"),
    [
        (
            "WordPress, a theme whose first heading is the site's name",
            page("On keeping bees &#8211; Garden notes",
                 f'<ul><li>Other</a> June 1, 2022</li></ul><h2 class="entry-title">On keeping bees</h2><div class="entry-meta">Posted on '
                 f'<a href="/17" title="9:14 am">November 8, 2021</a> by Ann</div>{TEXT}<ol class=commentlist><li>November 9, 2021 at 10:02</li></ol>',
                 headline="<h1>Garden notes</h1>"),
        ),
        (
            "WordPress, the day below the text, and comments in elements named for theirs",
            page("Ein Roboter für alle",
                 f'{TEXT}<div class="post-footer">Dieser Artikel wurde am 8. November 2021 um 14:48 von <a>Heiner</a> geschrieben</div>'
                 '<h3 id=comments>2 Kommentare</h3><ol class=commentlist><li><div class="comment-meta date">9. November 2021 um 8:11</div></li></ol>', "de"),
        ),
        (
            "WordPress, posts of other days far below a day above the headline",
            page("Love with black &#8211; Mode &#8211; Blog",
                 f'{TEXT * 12}<div class=date>30/11/2021</div><div class=date>29/10/2020</div>', "de",
                 '<a class="post-time" href="/2021/">08/11/2021</a><h2 class=title>Love with black</h2>'),
        ),
        (
            "Drupal, numbers whose order the day of the week tells",
            page("Reading room opens | City library", f'<div class="submitted">Submitted by mk on Mon, 11/08/2021 - 09:14</div>{TEXT}'),
        ),
        (
            "TYPO3",
            page("Brunnen saniert", f'<p class="news-single-timedata">08.11.21</p>{TEXT}<span class="news-list-date">15.02.2022</span>', "de"),
        ),
        ("Bitrix", page("Открыт новый мост", f'<span class="news-date-time">08.11.2021</span>{TEXT}<span class="news-date-time">09.12.2021</span>', "ru")),
        ("Tistory", page("가을 산책", f'<h2>가을 산책</h2><span class="date">2021. 11. 8. 09:14</span>{TEXT}<span class=date>2023.03.01</span>', "ko")),
        ("Zhihu", page("如何写解析器?", f'{TEXT}<div class="time">发布于 2021-11-08 09:14</div>', "zh")),
        ("a city of Japan", page("図書館の休館について", f"<p>更新日：令和5年4月1日</p><p>掲載日：令和3年11月8日</p>{TEXT}", "ja")),
        ("Blogger", page("نحل الحديقة", f'<h2 class="date-header">الاثنين، 8 نوفمبر 2021</h2>{TEXT}', "ar")),
        ("both names of a month", page("افتتاح الجسر", f"<div>الاثنين، 08 تشرين الثاني/نوفمبر 2021، آخر تحديث 20:12</div>{TEXT}", "ar")),
        ("a lunar day beside", page("افتتاح الجسر", f"<p>1443/04/03 الموافق 08/11/2021</p>{TEXT}", "ar")),
        ("a Hebrew day beside", page("הגשר נפתח", f"<span>ד׳ בכסלו תשפ״ב (8 בנובמבר 2021)</span>{TEXT}", "he")),
        ("Persian", page("پل باز شد", f"<span>دوشنبه ۱۷ آبان‌ماه ۱۴۰۰</span>{TEXT}", "fa")),
        ("Persian for machines", page("پل", "").replace("<title>", '<meta property="article:published_time" content="1400/08/17"><title>')),
        ("a year of the Buddha in two digits", page("เปิดสะพานใหม่", f"<div>วันที่ 8 พ.ย. 64</div>{TEXT}", "th")),
        ("a year of the Buddha for machines", page("เปิดสะพานใหม่", f'<time datetime="2564-11-08">ก่อน</time>{TEXT}', "th")),
        ("capitals without accents", page("Άνοιξε η γέφυρα", f"<span>8 ΝΟΕΜΒΡΙΟΥ 2021</span>{TEXT}", "el")),
        ("capitals without a dot", page("Köprü açıldı", f"<span>08 KASIM 2021</span>{TEXT}", "tr")),
        ("a month of two words", page("Khánh thành cầu mới", f"<span>Tháng Mười Một 8, 2021</span>{TEXT}", "vi")),
        ("a change named first", page("Le pont ouvre", f"<p>Mis à jour le 09/11/2021, publié le 08/11/2021 à 09h14</p>{TEXT}", "fr")),
        ("an event's own day", page("Concert in the park", f"<div class=event-date>18 December 2021</div>{TEXT}<p>Posted 8 November 2021</p>")),
        ("a copyright's day", page("Bridge opens", f"{TEXT}<p>November 8, 2021</p><footer>Copyright © January 1, 2015 Town. All rights reserved</footer>")),
        ("so many hours ago, of a moment in a title", page("Bridge opens", f'<span title="2021-11-08 09:14">2 hours ago</span>{TEXT}<i class=date>1.3.2020</i>')),
        ("a time that says another day than its attribute", page("Le pont ouvre", f'<time datetime="2021-12-03T10:18:46Z">Publié le 8 novembre 2021</time>{TEXT}', "fr")),
        ("a date of a script", page("Bridge opens", f"{TEXT}<script>var firstPub = new Date('Mon Nov 8 19:08:33 EST 2021');</script>")),
    ],
    ids=lambda value: value if "<" not in value else "",
)  # fmt: skip
def test_a_page_has_the_day_that_its_author_gave_it(name: str, html: str) -> None:
    claim = published(html)
    assert claim and claim[0] == DAY, name


@pytest.mark.parametrize(
    "body",
    [
        "<span class=date>2 hours ago</span><p>© 2021 The Town</p>",
        "<p>Since 1998. © 2012-2024</p>",
        '<a title="2021-11-08 report" href="/r">Report</a>',
        "<p>17/8/1443 ک</p>",
    ],
)
def test_a_page_of_no_day_has_none(body: str) -> None:
    """Nor is the year of a notice one, a link's title, which is of what it leads to, or a lunar day beside Persian letters."""
    assert published(page("Bridge opens", body + TEXT)) is None
