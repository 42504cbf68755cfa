"""What C4 looks for in a line, found by the signs that are looked for first."""

from __future__ import annotations

import numpy as np
import pytest

from provenance.annotators.quality.characters import character_table
from provenance.annotators.quality.lines import PHRASES, SUMS, read_line


def sums(line: str) -> list[int]:
    found = np.zeros(SUMS, np.int64)
    chars = character_table()[np.frombuffer(line.encode("utf-32-le"), np.uint32)]
    words = np.zeros((len(chars) + 1, 2), np.uint64)
    read_line(chars, 0, len(chars), 0, words, count=0, sums=found)
    return found.tolist()


@pytest.mark.parametrize("phrase", PHRASES)
@pytest.mark.parametrize("line", ["{} one two three.", "One two three {}", "Ønë two {} — three."])
def test_a_notice_is_found_wherever_it_stands_and_in_any_case(phrase: str, line: str) -> None:
    plain = sums(line.format("x" * len(phrase)))
    for written in (phrase, phrase.upper(), phrase.title()):
        assert sums(line.format(written)) != plain


def test_letters_that_only_look_like_a_notice_change_nothing() -> None:
    assert sums("Two forms of vacy, ooki and psum vasc here.") == sums(
        "Two xxxxx of xxxx, xxxx and xxxx xxxx here."
    )
