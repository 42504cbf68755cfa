"""Hashes are those that are published, and the same in compiled code and in Python."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provenance.annotators.hashing import hash_bytes, hash_numbers, hash_numbers_32, hash_word, mix


@pytest.mark.parametrize(
    ("word", "wide", "narrow"),
    [
        ("", 0xCBF29CE484222325, 0x811C9DC5),
        ("a", 0xAF63DC4C8601EC8C, 0xE40C292C),
        ("foobar", 0x85944171F73967E8, 0xBF9CF968),
    ],
)
def test_fnv_gives_what_its_authors_publish(word: str, wide: int, narrow: int) -> None:
    assert hash_word(word) == wide
    assert hash_numbers_32(word.encode()) == narrow


@settings(deadline=None)  # the first call compiles
@given(st.binary(max_size=40), st.binary(max_size=40), st.binary(max_size=40))
def test_compiled_code_and_python_agree(before: bytes, word: bytes, after: bytes) -> None:
    data = np.frombuffer(before + word + after, np.uint8)
    assert hash_bytes(data, len(before), len(before) + len(word)) == hash_numbers(word)


def test_a_lone_surrogate_is_a_question_mark() -> None:
    assert hash_word("a\ud800") == hash_word("a?")


@pytest.mark.parametrize(("value", "spread"), [(0, 0), (1, 0xB456BCFC34C2CB2C)])
def test_the_finaliser_is_that_of_murmurhash3(value: int, spread: int) -> None:
    assert mix(value) == spread
