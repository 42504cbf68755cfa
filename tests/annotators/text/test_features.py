"""What is known of blocks: alike ones are found by a table, and by sorting where a page is made to fill its slots."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from provenance.annotators.hashing import GOLDEN
from provenance.annotators.text import features
from provenance.annotators.text.blocks import read_blocks
from provenance.annotators.text.features import NAMES, describe

#: Multiples of it lie in one slot.
_IN_ONE_SLOT = pow(int(GOLDEN), -1, 1 << 64)


def _brute_force(keys: list[int]) -> list[int]:
    return [keys.index(key) for key in keys]


@settings(deadline=None)  # the first one compiles
@given(st.lists(st.integers(0, 40), max_size=80), st.booleans())
def test_the_first_block_with_each_key_is_found(numbers: list[int], hostile: bool) -> None:
    keys = [number * (_IN_ONE_SLOT if hostile else 1) % (1 << 64) for number in numbers]
    assert features._first_of(np.array(keys, np.uint64)).tolist() == _brute_force(keys)


def test_keys_of_one_slot_are_sorted_out() -> None:
    keys = np.array([number % 50 * _IN_ONE_SLOT % (1 << 64) for number in range(200)], np.uint64)
    assert not features._look_up(keys, np.full(2048, -1, np.int32), np.empty(200, np.int64))
    assert features._first_of(keys).tolist() == _brute_force(keys.tolist())


def test_logarithms_of_counts_are_those_of_the_library() -> None:
    counts = np.arange(features._COUNTED + 10)
    expected = np.array([math.log1p(count) for count in counts], np.float32)
    assert [features._log(count) for count in counts] == expected.tolist()


def test_texts_that_come_again_are_told_apart_at_every_length() -> None:
    texts = [("harbour-light " * 5)[:size] for size in range(1, 40)]
    page = "".join(f"<p>{text}</p>" for text in (*texts, texts[7], texts[30] + "x"))
    column = describe(read_blocks(page.encode()))[:, NAMES.index("repeated")]
    first_words = [" ".join(text.split()) for text in (*texts, texts[7], texts[30] + "x")]
    assert column.tolist() == [float(first_words.count(text) > 1) for text in first_words]
