"""The documentation points at files that are there and tells nobody's paths."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from provenance.configuration import Configuration
from provenance.evidence import LOW_BACKGROUND_BEFORE

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+\.md)\)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).is_file()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_named_scripts_are_there(page: Path) -> None:
    names = re.findall(r"\bscripts/[a-z_/-]+(?:\.py)?", page.read_text(encoding="utf-8"))
    assert [name for name in names if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_page_tells_a_path_of_somebodys_machine(page: Path) -> None:
    assert re.findall(r"(?<![\w.])/(?:home|root|tmp|Users|work)/\S*", page.read_text(encoding="utf-8")) == []


def test_the_table_of_priors_is_that_of_the_configuration() -> None:
    text = (ROOT / "docs" / "probability.md").read_text(encoding="utf-8")
    prior = Configuration().prior
    stated = dict(re.findall(r"^\| (before \S+|\d{4}-\d{2}) \| (\.\d+) \|", text, re.MULTILINE))
    assert float(stated.pop(f"before {str(LOW_BACKGROUND_BEFORE)[:10]}")) == prior.low_background
    assert {month: float(value) for month, value in stated.items()} == prior.by_month
