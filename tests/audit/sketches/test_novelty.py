"""What a baseline lacks warns where it brings too little that is new, long before coverage falls, and never by chance."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from pipelines.command import main
from provenance.audit.sketches.compare import STEADY, UNKNOWN, WARN, compare
from provenance.audit.sketches.novelty import added
from provenance.audit.sketches.sketch import STRATUM_CAPACITY, Sketch
from tests.audit.made import documents, word

_ZIPF: dict[str, Any] = {"vocabulary": 30_000, "exponent": 1.15}
_OLD = documents(1500, 1, **_ZIPF)


def _sketch(texts: list[str]) -> Sketch:
    sketch = Sketch(STRATUM_CAPACITY)
    sketch.add(pa.array(texts, pa.large_string()))
    return sketch


def _echoes(count: int, seed: int) -> list[str]:
    """Documents of as many words, each drawn from the old ones: what a model of single words writes."""
    words = np.array(" ".join(text.rstrip(".") for text in _OLD).split(" "))
    drawn = words[np.random.RandomState(seed).randint(0, len(words), (count, 160))]
    return [" ".join(row) + "." for row in drawn]


@pytest.fixture(scope="module")
def baseline() -> Sketch:
    return _sketch(_OLD)


def _early(texts: list[str], baseline: Sketch) -> dict[str, Any]:
    return {
        name: item
        for name, item in compare(_sketch(texts), baseline)["measures"].items()
        if name.startswith("novelty")
    }


@pytest.mark.parametrize(
    ("seed", "share"), [(20, 0.02), (21, 0.04), (22, 0.1), (23, 0.5), (24, 1.0), (25, 3.0)]
)
def test_other_documents_of_the_same_source_bring_what_was_to_be_expected(
    baseline: Sketch, seed: int, share: float
) -> None:
    more = round(share * len(_OLD))
    found = _early([*_OLD[more:], *documents(more, seed, **_ZIPF)], baseline)
    assert {item["status"] for item in found.values()} == {STEADY}
    low, high = found["novelty_words"]["interval"]
    assert low - 0.1 < 0 < high + 0.1


def test_four_echoes_in_a_hundred_documents_are_a_warning_while_all_else_is_steady(baseline: Sketch) -> None:
    found = compare(_sketch([*_OLD[60:], *_echoes(60, 30)]), baseline)
    assert found["status"] == WARN
    measures = found["measures"]
    assert measures["novelty_words"]["value"] == 0
    assert measures["novelty_words"]["share"] == pytest.approx(0.04, abs=0.002)
    others = [item["status"] for name, item in measures.items() if not name.startswith("novelty")]
    assert set(others) <= {STEADY, UNKNOWN}


def test_half_as_much_is_found_but_lies_within_the_tolerance(baseline: Sketch) -> None:
    found = _early([*_OLD[30:], *_echoes(30, 31)], baseline)["novelty_words"]
    assert found["status"] == "changed"
    assert found["change"] * found["share"] == pytest.approx(-0.02, abs=0.002)


def _sites(first: int, count: int) -> Sketch:
    """Sites of twelve documents each, a tenth of whose words are names that only that site has."""
    texts, sites = [], []
    for site in range(first, first + count):
        random = np.random.RandomState(site)
        for text in documents(12, site, **_ZIPF):
            words = text.rstrip(".").split(" ")
            for place in random.randint(0, len(words), 16):
                words[place] = f"{word(site)}qu{word(random.randint(60))}"
            texts.append(" ".join(words) + ".")
            sites.append(site + 1)
    sketch = Sketch(STRATUM_CAPACITY)
    sketch.add(pa.array(texts, pa.large_string()), np.array(sites, np.uint64))
    return sketch


def test_other_sites_that_bring_their_own_names_are_no_change() -> None:
    baseline = _sites(1, 120)
    for first in (1001, 2001):
        found = compare(_sites(first, 120), baseline)["measures"]["novelty_words"]
        assert found["change"] > 0.1, (
            "by documents, more is new than another one of the same site would bring"
        )
        assert found["change"] < found["null_band"][1]
        assert found["status"] == STEADY
    strange = [" ".join(name[::-1] for name in text[:-1].split(" ")) for text in documents(700, 40, **_ZIPF)]
    assert _early(strange, baseline)["novelty_words"]["status"] == "changed"


def test_copies_and_losses_are_nothing_that_was_added(baseline: Sketch) -> None:
    assert added(_sketch([*_OLD, *_OLD[:400]]), baseline) is None
    assert added(_sketch(_OLD[:900]), baseline) is None
    mixed = added(_sketch([*_OLD[100:], *_OLD[100:300], *_echoes(50, 32)]), baseline)
    assert mixed is not None
    assert mixed.documents.sum() == 50
    assert mixed.words == pytest.approx(50 * 160, rel=0.01)


def test_a_warning_is_said_in_words_and_ends_with_0(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, texts in (("v1", _OLD), ("v2", [*_OLD[90:], *_echoes(90, 33)])):
        (tmp_path / name).mkdir()
        lines = (json.dumps({"text": text}) + "\n" for text in texts)
        (tmp_path / name / "a.jsonl").write_text("".join(lines))
    page = tmp_path / "audit.html"
    assert main(["audit", str(tmp_path / "v1"), str(tmp_path / "v2"), "--html", str(page)]) == 0
    said = capsys.readouterr().out
    assert (
        "WARN: 6.0% of the words stand in documents that the baseline lacks; those bring 0% of the new words"
        in said
    )
    assert "Warning" in page.read_text()
    page.unlink()
    assert main(["audit", str(tmp_path), "--watch"]) == 0
    line = json.loads(capsys.readouterr().out)
    assert (line["status"], line["failed"]) == ("WARN", [])
    assert "novelty_words" in line["warned"]
