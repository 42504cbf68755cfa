"""What invisible runs say, shown escaped and bounded."""

from __future__ import annotations

import pytest

from provenance.annotators.marks.characters import SIGNAL_NAMES
from provenance.annotators.marks.payload import PREVIEW, describe, evidence_of, selector_bytes


def kind(name: str) -> int:
    return SIGNAL_NAMES.index(name)


def test_selectors_are_bytes() -> None:
    run = "".join(chr(0xFE00 + b) if b < 16 else chr(0xE0100 + b - 16) for b in range(256))
    assert selector_bytes("a" + run) == bytes(range(256))


@pytest.mark.parametrize(
    ("name", "run", "value"),
    [
        ("tag-characters", "".join(chr(0xE0000 + ord(c)) for c in "hide me"), "7 characters: hide me"),
        ("zero-width", "\u200b\u200b", "U+200B x 2 (3 in the text)"),
        ("homoglyph", "p\u0430ypal", "p\\u0430ypal (3 in the text)"),
    ],
)  # fmt: skip
def test_a_run_is_described_by_what_it_hides(name: str, run: str, value: str) -> None:
    assert describe(kind(name), run.encode(), 3) == (name, value)


def test_what_is_shown_is_bounded() -> None:
    run = "a" + "\U000e0160" * 100_000
    assert len(describe(kind("variation-selectors"), run.encode(), 1)[1]) < PREVIEW + 40


def test_only_a_manifest_that_names_a_model_is_evidence() -> None:
    assert evidence_of("c2pa", "… source type trainedAlgorithmicMedia, not verified") == 2.0
    assert evidence_of("c2pa", "… source type digitalCapture") == evidence_of("zero-width", "x") == 0.0
