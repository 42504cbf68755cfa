"""In a real browser a sample is labelled by keyboard alone, and texts that try to be markup are shown as text."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from provenance.audit.label_page import label_page
from tests.browser import KEYS, Browser
from tests.hostile import BIDI, LONG, MARKUP

pytestmark = pytest.mark.services


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """A page with one document for each piece of hostile markup."""
    documents = [
        {
            "doc_id": f"{number:032x}",
            "url": f"https://x.example/{markup}",
            "language": "en",
            "text": f"{markup} {BIDI} {LONG}",
        }
        for number, markup in enumerate(MARKUP)
    ]
    path = tmp_path / "label.html"
    # Its own name, so that no label of another test is remembered.
    path.write_text(
        label_page({"release_fingerprint": str(tmp_path), "documents": documents}), encoding="utf-8"
    )
    return path


def test_hostile_texts_are_shown_and_do_nothing(browser: Browser, page: Path) -> None:
    browser.open(page, width=360)
    for number, markup in enumerate(MARKUP):
        assert browser.ask("document.getElementById('text').textContent").startswith(markup), number
        assert browser.ask("document.getElementById('text').children.length") == 0
        assert browser.ask("document.documentElement.scrollWidth") <= 360
        browser.press(KEYS.ARROW_RIGHT)
    assert not browser.alerted()
    assert browser.requests() == [page.resolve().as_uri()]
    assert browser.complaints() == []


def test_labels_are_given_by_keyboard_kept_and_remembered(browser: Browser, page: Path) -> None:
    browser.open(page)
    browser.press("h", "s", "u")
    state = "document.getElementById('state').textContent"
    assert browser.ask(state) == f"Document 4 of {len(MARKUP)}, 3 labelled"
    browser.press(KEYS.ARROW_LEFT)
    assert browser.ask(state) == f"Document 3 of {len(MARKUP)}, 3 labelled: unsure"
    assert browser.ask("document.getElementById('unsure').getAttribute('aria-pressed')") == "true"
    browser.press("s")
    remembered = f"Document 4 of {len(MARKUP)}, 3 labelled"
    for _ in range(50):  # a browser that has just started hands over what a page kept in its own time
        browser.open(page)
        if browser.ask(state) == remembered:
            break
        time.sleep(0.1)
    assert browser.ask(state) == remembered
    labels = browser.ask(
        "JSON.parse(localStorage.getItem(Object.keys(localStorage).find(key => key.includes('label'))))"
    )
    assert list(labels.values()) == ["human", "synthetic", "synthetic"]


def test_every_control_is_reached_by_tab_and_says_what_it_does(browser: Browser, page: Path) -> None:
    browser.open(page)
    reached = []
    for _ in range(8):
        browser.press(KEYS.TAB)
        reached.append(browser.ask("document.activeElement.id"))
    assert set(reached) >= {"text", "human", "synthetic", "unsure", "back", "next", "save"}


def test_a_key_that_is_held_labels_one_document_and_caps_lock_changes_nothing(
    browser: Browser, page: Path
) -> None:
    browser.open(page)
    for repeated in (False, True, True):
        browser.hold("h", repeated)
    state = "document.getElementById('state').textContent"
    assert browser.ask(state) == f"Document 2 of {len(MARKUP)}, 1 labelled"
    browser.press("S")
    assert browser.ask(state) == f"Document 3 of {len(MARKUP)}, 2 labelled"


def test_the_last_label_says_what_is_to_be_done_with_them(browser: Browser, page: Path) -> None:
    browser.open(page)
    browser.press(*["u"] * len(MARKUP))
    state = browser.ask("document.getElementById('state').textContent")
    assert state.endswith("unsure; all are labelled: download them (d)")


@pytest.mark.parametrize("width", [320, 1100])
def test_no_line_of_a_text_is_hidden_behind_the_buttons(browser: Browser, page: Path, width: int) -> None:
    browser.open(page, width=width)
    end = browser.ask(
        "(window.scrollTo(0, 1e9), document.getElementById('text').getBoundingClientRect().bottom)"
    )
    assert end <= browser.ask("document.querySelector('footer').getBoundingClientRect().top")
