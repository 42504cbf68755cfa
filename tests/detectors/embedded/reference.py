"""A text, and the keys of its n-grams by a plain reference: what tests of the detector share."""

from __future__ import annotations

from provenance.annotators.hashing import hash_numbers_32
from provenance.detectors.embedded.tokens import MARK

PROSE = (
    "The old mill stood by the river for two hundred years before anyone thought of measuring its wheel. "
    "My grandfather, who distrusted engineers, said it didn't need measuring; it needed grease. He was right, "
    "mostly. In 1974 they pulled it down anyway, and what's left is a row of stones and one bent axle. "
    "We found the axle under nettles, my sister and I, the summer the dog went missing. It took both of us and a "
    "borrowed rope to shift it, and then nobody wanted the thing. The council had no form for axles. So it lies by "
    "the gate, where the postman leans his bicycle and children who come for apples ask what it was ever for. "
)


def hash_word(word: str) -> int:
    """The hash that `tokenise` gives a lower-case word without accents."""
    return hash_numbers_32(map(ord, word))


def mix(value: int) -> int:
    """The finaliser of MurmurHash3, in whole numbers."""
    top = (1 << 64) - 1
    value ^= value >> 33
    value = value * 0xFF51AFD7ED558CCD & top
    value ^= value >> 33
    value = value * 0xC4CEB9FE1A85EC53 & top
    return value ^ value >> 33


def reference_keys(word: list[int], shape: list[int], types: list[int]) -> set[int]:
    """64-bit states of all n-grams of words, masked words and marks, before they are spread."""
    p, q, r, s = 0x9E3779B97F4A7C15, 0xD6E8FEB86659FD93, 0xA0761D6478BD642F, 0x8EBC6AF09C88C6E3
    keys = set()
    for i in range(len(word)):
        keys.add(word[i] + (1 << 32))
        if i > 0:
            keys.add(word[i - 1] * p + word[i] * 3)
        if i > 1:
            keys.add((word[i - 2] * p + word[i - 1]) * q + word[i] * 5)
            keys.add((shape[i - 2] * r + shape[i]) * s + 29)
        if i > 2:
            keys.add(((shape[i - 3] * p + shape[i - 2]) * q + shape[i - 1]) * s + shape[i] * 17)
    marks = [i for i, kind in enumerate(types) if kind == MARK]
    gaps = [here - before - 1 for before, here in zip([-1, *marks], marks, strict=False)]
    steps = [0, 0] + [word[i] * 16 + gap.bit_length() for i, gap in zip(marks, gaps, strict=True)]
    for before, mark, here in zip(steps, steps[1:], steps[2:], strict=False):
        keys.add(mark * q + here * r + 43)
        keys.add((before * p + mark) * q + here + 41)
    return {key & ((1 << 64) - 1) for key in keys}
