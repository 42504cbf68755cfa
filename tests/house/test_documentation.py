"""The documentation points at files that are there and tells nobody's paths."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from pipelines.command.main import add_commands
from pipelines.command.parser import Parser
from provenance.configuration import Configuration, load_configuration
from provenance.evidence import LOW_BACKGROUND_BEFORE

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "scripts" / "README.md"])
_CODE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def headings(page: Path) -> set[str]:
    """What can stand behind the # of a link to a page, as GitHub makes it of its headings."""
    found = re.findall(r"^#+ (.*)$", _CODE.sub("", page.read_text(encoding="utf-8")), re.MULTILINE)
    plain = (re.sub(r"\]\([^)]*\)", "", heading).strip().lower() for heading in found)
    return {re.sub(r"[^\w\- ]", "", heading).replace(" ", "-") for heading in plain}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^):]*)\)", _CODE.sub("", page.read_text(encoding="utf-8")))
    lost = []
    for link in links:
        path, _, heading = link.partition("#")
        there = page.parent / path if path else page
        if not there.exists() or (heading and heading not in headings(there)):
            lost.append(link)
    assert lost == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_named_scripts_are_there(page: Path) -> None:
    names = re.findall(r"\bscripts/[a-z_/-]+(?:\.py)?", page.read_text(encoding="utf-8"))
    assert [name for name in names if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_no_page_tells_a_path_of_somebodys_machine(page: Path) -> None:
    assert re.findall(r"(?<![\w.])/(?:home|root|tmp|Users|work)/\S*", page.read_text(encoding="utf-8")) == []


def test_the_table_of_priors_is_that_of_the_configuration() -> None:
    text = (ROOT / "docs" / "probability.md").read_text(encoding="utf-8")
    prior = Configuration().prior
    stated = dict(re.findall(r"^\| (before \S+|\d{4}-\d{2}) \| (\.\d+) \|", text, re.MULTILINE))
    assert float(stated.pop(f"before {str(LOW_BACKGROUND_BEFORE)[:10]}")) == prior.low_background
    assert {month: float(value) for month, value in stated.items()} == prior.by_month


def test_every_command_has_its_line_in_the_table_of_commands() -> None:
    table = (ROOT / "docs" / "command.md").read_text(encoding="utf-8")
    named = {
        command.split()[0]
        for row in re.findall(r"^\| (`.*?) \|", table, re.M)
        for command in re.findall("`([^`]+)`", row)
    }
    assert sorted(set(add_commands(Parser())) - named) == []


def _command_lines() -> list[tuple[str, str]]:
    """(page, line) of each call of the command in a block of the documentation; not of synopses, which hold brackets."""
    found = []
    for page in PAGES:
        for line in re.findall(
            r"^(?:    |\$ )?(?:\.venv/bin/)?(provenance [a-z].*)$", page.read_text(encoding="utf-8"), re.M
        ):
            calls = re.split(r"\s+#|\s&&\s|\s>\s|\s{3,}", line)
            found += [
                (name_of(page), call)
                for call in calls
                if call.startswith("provenance ") and not set(call) & set("[]|…")
            ]
    return found


@pytest.mark.parametrize(("page", "line"), _command_lines())
def test_every_command_line_of_the_documentation_is_understood(page: str, line: str) -> None:
    parser = Parser(prog="provenance")
    add_commands(parser)
    parser.parse_args(shlex.split(line)[1:])


def _configurations() -> list[tuple[str, str]]:
    """(page, text) of each configuration in the documentation; that of an annotator of the reader's own has its own test."""
    return [
        (name_of(page), block)
        for page in PAGES
        for block in re.findall(
            r"^```yaml\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
        )
        if page.name != "extending.md"
    ]


@pytest.mark.parametrize(("page", "text"), _configurations())
def test_every_configuration_of_the_documentation_has_only_keys_that_exist(
    page: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for model in re.findall(r"model: (models/\S+)", text):  # a reader's own: any folder will do
        (tmp_path / model).mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    Path("configuration.yaml").write_text(text, encoding="utf-8")
    load_configuration("configuration.yaml")
