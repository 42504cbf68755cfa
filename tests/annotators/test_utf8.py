"""Characters written as UTF-8 and read back, inside compiled code."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from provenance.annotators.utf8 import decode, encode


@settings(deadline=None)  # the first call compiles
@given(st.characters(exclude_categories=["Cs"], min_codepoint=1))
def test_a_character_is_written_as_python_does_and_read_back(character: str) -> None:
    expected = character.encode()
    out = np.zeros(6, np.uint8)
    assert encode(np.uint32(ord(character)), out, 1) == 1 + len(expected)
    assert out[1 : 1 + len(expected)].tobytes() == expected
    assert decode(out, 1, 1 + len(expected)) == (ord(character), len(expected))
