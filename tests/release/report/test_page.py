"""The page of a release says what the manifest says, runs nothing, and is read by everyone."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from provenance.files.storage import LocalStorage
from provenance.release.manifest import read_manifest
from provenance.release.report.cost import MEASURED, cost_of
from provenance.release.report.figures import draw_years, share_axis
from provenance.release.report.page import build_report
from tests.hostile import BIDI, MARKUP, check_page, write_release
from tests.program import contents, run

STORAGE = LocalStorage()


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_release(tmp_path_factory.mktemp("hostile"))


def test_every_release_has_its_page_and_it_can_be_made_again_byte_for_byte(demo_release: Path) -> None:
    manifest = read_manifest(STORAGE, str(demo_release))
    assert {item["path"] for item in manifest["files"]} >= {"report.html", "samples.json"}
    assert build_report(STORAGE, str(demo_release), manifest) == (demo_release / "report.html").read_bytes()


def test_the_page_says_the_numbers_of_the_manifest(demo_release: Path) -> None:
    page = check_page((demo_release / "report.html").read_text(encoding="utf-8"))
    manifest = read_manifest(STORAGE, str(demo_release))
    synthetic, counts = manifest["synthetic"], manifest["counts"]
    stated = [counts[name] for name in ("records", "kept", "tokens")] + list(counts["reasons"].values())
    stated += [synthetic["claimed"], synthetic["claimed_at_most"], synthetic["found"]]
    stated += [synthetic["before"]["fractions"][name]["tokens"] for name in ("expected", "confident")]
    stated += [row["bound"] for row in manifest["detector"]["strata"]]
    stated += [row["prior"] for row in manifest["prior"]["strata"]]
    stated += [item["bytes"] for item in manifest["inputs"]]
    missing = [
        value
        for value in stated
        if (str(value) if isinstance(value, int) else repr(value)) not in page.values
    ]
    assert missing == []
    text = " ".join(" ".join(page.text).split())
    assert "The cap holds." in text and manifest["fingerprint"] in text


def test_a_cap_that_does_not_hold_is_said_so(demo_release: Path) -> None:
    manifest = read_manifest(STORAGE, str(demo_release))
    manifest["synthetic"] |= {"holds": False, "note": "not certified: so and so"}
    page = build_report(STORAGE, str(demo_release), manifest).decode()
    assert "The cap is not certified." in page and "not certified: so and so" in page


def test_a_cap_that_leaves_nothing_is_no_success(demo_release: Path) -> None:
    manifest = read_manifest(STORAGE, str(demo_release))
    manifest["counts"] |= {"kept": 0}
    page = build_report(STORAGE, str(demo_release), manifest).decode()
    assert "No document is left." in page and "The cap holds." not in page


def test_nothing_of_a_hostile_crawl_becomes_markup(hostile: Path) -> None:
    text = (hostile / "report.html").read_text(encoding="utf-8")
    check_page(text)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert not any(markup in text for markup in MARKUP if "<" in markup)
    assert "{{ 7 * 7 }}" in text and BIDI[0] not in text
    again = hostile.parent / "side.html"
    assert run("report", hostile, hostile, "--output", again).code == 0
    check_page(again.read_text(encoding="utf-8"))


def test_an_empty_release_has_a_page_too(tmp_path: Path) -> None:
    crawl, release = tmp_path / "empty.jsonl", tmp_path / "release"
    crawl.write_text("not json\n")
    run("curate", crawl, "--output", release, "--quiet")
    page = check_page((release / "report.html").read_text(encoding="utf-8"))
    assert "nothing is left" in " ".join(page.text)


def test_a_page_that_was_lost_or_that_another_version_made_is_made_again(
    demo_release: Path, tmp_path: Path
) -> None:
    release = tmp_path / "release"
    shutil.copytree(demo_release, release)
    before = contents(release)
    assert "(as it was)" in run("report", release).out
    (release / "report.html").write_text("older")
    assert run("verify", release).code == 1
    assert run("report", release).code == 0
    assert run("verify", release).code == 0
    assert contents(release)["report.html"] == before["report.html"]
    elsewhere = tmp_path / "page.html"
    assert run("report", release, "--output", elsewhere).code == 0
    assert elsewhere.read_bytes() == (release / "report.html").read_bytes()


def test_several_releases_stand_side_by_side(demo_release: Path, tmp_path: Path) -> None:
    output = tmp_path / "side.html"
    refused = run("report", demo_release, demo_release)
    assert refused.code == 2 and "--output" in refused.err
    assert run("report", demo_release, demo_release, "--output", output).code == 0
    page = check_page(output.read_text(encoding="utf-8"))
    claimed = read_manifest(STORAGE, str(demo_release))["synthetic"]["claimed"]
    assert page.values.count(repr(claimed)) >= 4
    assert "release (1)" in page.text and "release (2)" in page.text


def test_costs_are_those_measured_and_lie_on_lines_between_them() -> None:
    assert [cost_of(share) for share, _ in MEASURED] == pytest.approx([cost for _, cost in MEASURED])
    assert cost_of(0.16) == pytest.approx(1.23)
    assert cost_of(0.32) is None


def test_axes_end_at_round_numbers_above_what_they_show() -> None:
    for highest, end in ((0.0, 0.001), (0.0193, 0.02), (0.181, 0.2), (0.5952, 0.6), (0.77, 0.8), (1.0, 1.0)):
        axis = share_axis(highest)
        assert axis.end == pytest.approx(end)
        assert axis.ticks[0] == (0.0, 0.0) and axis.ticks[-1][0] == 100.0
        assert len(axis.ticks) <= 6


def test_years_too_far_back_are_one_column() -> None:
    years = draw_years(
        {"claimed": {0: 7, 1492: 1, 1980: 2, 2020: 3}, "captured": {2025: 4}, "proven": {2025: 4}}
    )
    assert len(years.columns) == 25 and years.before
    assert years.columns[0]["claimed"] == 3 and years.columns[-1]["captured"] == 4
    assert years.unknown["claimed"] == 7


def luminance(colour: str) -> float:
    """Relative luminance of #rrggbb (WCAG 2.2)."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", [0, 1, 2], ids=["light", "dark", "print"])
def test_text_stands_out_from_its_ground_as_wcag_asks(demo_release: Path, scheme: int) -> None:
    page = (demo_release / "report.html").read_text(encoding="utf-8")
    block = re.findall(r":root \{([^}]*--paper[^}]*)\}", page)[scheme]
    colours = dict(re.findall(r"--([a-z]+): (#[0-9a-f]{3,6})", block))
    colours = {name: value if len(value) == 7 else "#" + 2 * value[1:] for name, value in colours.items()}
    for ground in ("paper", "card"):
        for text, least in {
            "ink": 7,
            "muted": 4.5,
            "good": 4.5,
            "bad": 4.5,
            "machine": 4.5,
            "human": 4.5,
        }.items():
            light, dark = sorted((luminance(colours[ground]), luminance(colours[text])), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= least, (ground, text)


def test_the_page_says_whose_it_is_and_whom_to_ask(demo_release: Path) -> None:
    manifest = read_manifest(STORAGE, str(demo_release))
    text = build_report(STORAGE, str(demo_release), manifest).decode()
    assert "It is not stated who publishes it and to whom requests for removal go." in text
    about = manifest["configuration"]["about"]
    about |= {
        "title": "Northern <i>news</i>",
        "version": "2",
        "publisher": "Example & Co",
        "date": "2026-11-26",
    }
    about |= {"contact": "rights@example.org", "url": "https://example.org/data", "license": "ODC-By-1.0"}
    text = build_report(STORAGE, str(demo_release), manifest).decode()
    page = check_page(text)
    assert "<h1>Northern &lt;i&gt;news&lt;/i&gt;</h1>" in text
    said = " ".join(" ".join(page.text).split())
    assert "Version 2, 2026-11-26, published by Example & Co at https://example.org/data." in said
    assert "Questions and requests for removal: rights@example.org." in said
    assert "The compilation is under ODC-By-1.0" in said


def test_one_of_a_kind_is_not_called_many(demo_release: Path) -> None:
    manifest = read_manifest(STORAGE, str(demo_release))
    manifest["counts"] |= {"kept": 1, "records": 2}
    text = " ".join(
        " ".join(check_page(build_report(STORAGE, str(demo_release), manifest).decode()).text).split()
    )
    assert "1 document with" in text and "from 2 records" in text and "Why 1 record is not here" in text
