"""Bytes found eight at a time: where one is, whatever stands before, around and behind it."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from provenance.annotators.byte_search import eight_bytes, find


@settings(deadline=None)  # the first one compiles
@given(st.binary(max_size=60), st.integers(0, 70), st.sampled_from([0, 1, 38, 60, 61, 127, 128, 255]))
def test_a_byte_is_found_where_it_is(data: bytes, at: int, wanted: int) -> None:
    place = data.find(bytes([wanted]), at)
    expected = place if place >= 0 else max(at, len(data))
    assert find(np.frombuffer(data, np.uint8), at, wanted) == expected


def test_neighbours_of_the_byte_are_not_taken_for_it() -> None:
    for wanted in (0, 1, 60, 128, 255):
        near = bytes([(wanted + step) % 256 for step in (1, 255, 128, 2, 254)])
        data = near * 5 + bytes([wanted]) + near
        assert find(np.frombuffer(data, np.uint8), 0, wanted) == 25


def test_eight_bytes_are_one_number_whose_first_is_lowest() -> None:
    data = bytes(range(1, 20))
    assert eight_bytes(np.frombuffer(data, np.uint8), np.uint64(3)) == int.from_bytes(data[3:11], "little")
