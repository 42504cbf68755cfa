"""In a real browser a hostile release runs nothing, asks nobody, fits a phone, and is used by keyboard."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser import KEYS, Browser
from tests.hostile import write_release
from tests.program import ledger, run

pytestmark = pytest.mark.services


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The page of a hostile release, the page that compares it, and the story of one document."""
    release = write_release(tmp_path_factory.mktemp("hostile"))
    side = release.parent / "side.html"
    assert run("report", release, release, release, "--output", side).code == 0
    story = release.parent / "story.html"
    doc_id = ledger(release).doc_id.min()
    story.write_text(run("explain", release, doc_id, "--html").out, encoding="utf-8")
    return {"report": release / "report.html", "side": side, "story": story}


NAMES = ("report", "side", "story")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("width", [360, 1100])
def test_nothing_runs_and_nothing_is_asked_for(
    browser: Browser, pages: dict[str, Path], name: str, width: int
) -> None:
    browser.open(pages[name], width)
    assert not browser.alerted()
    assert browser.requests() == [pages[name].resolve().as_uri()]
    assert browser.complaints() == []
    assert (
        browser.ask(
            "document.querySelectorAll('script, iframe, img, link, object, [onload], [onerror]').length"
        )
        == 0
    )
    assert browser.ask("document.querySelectorAll('body').length") == 1


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("width", [320, 360, 768])
def test_no_word_is_too_long_for_the_screen(
    browser: Browser, pages: dict[str, Path], name: str, width: int
) -> None:
    browser.open(pages[name], width)
    assert browser.ask("document.documentElement.scrollWidth") <= width
    # A wide table scrolls inside its own region, which the keyboard reaches.
    wide = browser.ask(
        "[...document.querySelectorAll('main *')].filter(item => item.scrollWidth > item.clientWidth + 1 && "
        "getComputedStyle(item).overflowX !== 'visible' && item.tabIndex !== 0).map(item => item.outerHTML.slice(0, 80))"
    )
    assert wide == []


@pytest.mark.parametrize("name", NAMES)
def test_the_heading_of_a_table_is_read_without_scrolling_it(
    browser: Browser, pages: dict[str, Path], name: str
) -> None:
    browser.open(pages[name], 360)
    rights = "[...document.querySelectorAll('caption')].map(item => item.getBoundingClientRect().right)"
    assert max(browser.ask(rights)) <= 360


#: The least contrast of the page's texts (WCAG 2.2, 1.4.3), each against the nearest background that is not transparent.
_CONTRAST = """(() => {
  const parts = colour => colour.match(/[0-9.]+/g).map(Number);
  const bright = colour => parts(colour).slice(0, 3).map(part => part / 255)
    .map(part => part <= .04045 ? part / 12.92 : ((part + .055) / 1.055) ** 2.4)
    .reduce((sum, part, at) => sum + part * [.2126, .7152, .0722][at], 0);
  const behind = item => {
    const colour = getComputedStyle(item).backgroundColor, alpha = parts(colour)[3];
    return alpha === undefined || alpha > 0 || !item.parentElement ? colour : behind(item.parentElement);
  };
  const texts = [...document.querySelectorAll('body *:not(title, desc)')]
    .filter(item => [...item.childNodes].some(node => node.nodeType === 3 && node.data.trim()));
  return Math.min(...texts.map(item => {
    const style = getComputedStyle(item), drawn = item.namespaceURI.endsWith('svg');
    const both = [bright(drawn ? style.fill : style.color), bright(behind(item))].sort((a, b) => b - a);
    return (both[0] + .05) / (both[1] + .05);
  }));
})()"""


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_what_is_behind_it(
    browser: Browser, pages: dict[str, Path], name: str, scheme: str
) -> None:
    browser.open(pages[name], scheme=scheme)
    assert browser.ask(_CONTRAST) >= 4.5


@pytest.mark.parametrize("name", NAMES)
def test_the_keyboard_skips_to_the_content(browser: Browser, pages: dict[str, Path], name: str) -> None:
    browser.open(pages[name])
    browser.press(KEYS.TAB)
    assert browser.ask("document.activeElement.textContent") == "Skip to the content"
    browser.press(KEYS.ENTER)
    assert browser.ask("location.hash") == "#main"


@pytest.mark.parametrize("name", NAMES)
def test_every_picture_has_a_name_for_a_screen_reader(
    browser: Browser, pages: dict[str, Path], name: str
) -> None:
    browser.open(pages[name])
    assert browser.unnamed_images() == []


def test_it_is_dark_where_the_reader_wants_it_dark(browser: Browser, pages: dict[str, Path]) -> None:
    shades = {}
    for scheme in ("light", "dark"):
        browser.open(pages["report"], scheme=scheme)
        paper = browser.ask("getComputedStyle(document.body).backgroundColor")
        shades[scheme] = sum(int(part) for part in paper[4:-1].split(","))
    assert shades["dark"] < 120 < 600 < shades["light"]


def test_it_prints(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["report"])
    assert len(browser.print()) > 10_000
