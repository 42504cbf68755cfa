"""The published rule sets judge as datatrove's own implementation does, and their thresholds can be changed."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest

from provenance.annotators.quality.annotator import Quality
from provenance.decisions.filters import judge_preset
from provenance.filters.presets import C4, FineWeb, FineWeb2, Gopher, Preset

#: Own texts with the verdicts of datatrove 0.10.1 (spaCy 3), written down by `scripts/evaluate/filters.py`'s peer.
GOLDEN = [
    json.loads(line)
    for line in Path(__file__).with_name("golden_verdicts.jsonl").read_text(encoding="utf-8").splitlines()
]
PRESETS: dict[str, Preset] = {
    "c4": C4(),
    "c4 as in fineweb": C4(terminal_punctuation=False),
    "gopher": Gopher(),
    "fineweb": FineWeb(),
}


def judge(preset: Preset, texts: list[str], language: str = "en") -> list[str]:
    """Why each text fails; empty where it does not."""
    batch = pa.record_batch(
        {"text": pa.array(texts, pa.large_string()), "language": pa.array([language] * len(texts))}
    )
    (quality,) = Quality()(batch)
    failed, why = judge_preset(pa.table({"quality": quality, "language": batch["language"]}), preset)
    reasons = iter(why)
    return [next(reasons) if row else "" for row in failed.tolist()]


@pytest.mark.parametrize("name", PRESETS)
def test_every_golden_text_gets_the_verdict_of_datatrove(name: str) -> None:
    own = judge(PRESETS[name], [case["text"] for case in GOLDEN])
    apart = [
        (case["case"], why, case["datatrove 0.10.1"][name])
        for case, why in zip(GOLDEN, own, strict=True)
        if bool(why) != bool(case["datatrove 0.10.1"][name])
    ]
    assert apart == []


def test_golden_texts_break_many_different_rules() -> None:
    broken = {case["datatrove 0.10.1"][name] for case in GOLDEN for name in PRESETS} - {""}
    assert len(broken) >= 15


def test_a_threshold_can_be_changed_or_taken_away() -> None:
    short = "The ferry leaves at dawn. A fisherman and his old father wait there, while we drink tea that is too hot to hold."
    assert judge(Gopher(), [short]) == ["words 23, least 50"]
    assert judge(Gopher(min_words=5, max_top_grams=(None,) * 3), [short]) == [""]
    assert judge(Gopher(min_words=None, max_top_grams=(None,) * 3), [short]) == [""]


def test_english_rules_let_other_languages_pass_unless_told_otherwise() -> None:
    german = ["Das Boot ist im Hafen."]
    assert judge(Gopher(), german, "de") == [""]
    assert judge(Gopher(only=()), german, "de") == ["words 5, least 50"]


def test_fineweb2_has_its_own_limits_for_each_language() -> None:
    german = "Der Hafen und die Boote, die in der Nacht von den Inseln kommen, sind mit Lichtern für das Fest geschmückt. "
    lines = "\n".join(german.replace("Boote", f"Boote{i}") for i in range(6))
    assert judge(FineWeb2(), [german], "de") == ["words 20, least 50"]
    assert judge(FineWeb2(max_repeated_line_characters=None), [lines], "de")[0].startswith("top_4_gram")
    assert judge(FineWeb2(), ["short"], "en") == [""]
    changed = FineWeb2(by_language={"de": {"min_punctuated_lines": 0.5}}, min_words=None)
    assert judge(changed, ["der Hafen und die Boote"], "de")[0].startswith("punctuated_lines 0, least 0.5")


def test_a_text_without_words_fails_and_raises_nothing() -> None:
    assert judge(Gopher(), ["\n \n", "?!", "#" * 1000]) == ["words 0, least 50"] * 3
