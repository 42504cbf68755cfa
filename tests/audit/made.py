"""Made documents whose words follow Zipf's law, with and without a tail."""

from __future__ import annotations

import numpy as np

_SYLLABLES = [
    f"{a}{b}{c}" for a in "bcdfghklmnprstvwz" for b in "aeiou" for c in ("n", "rd", "st", "m", "lk", "x")
]


def word(rank: int) -> str:
    """The word of a rank, another for each."""
    base = len(_SYLLABLES)
    parts = [_SYLLABLES[rank % base]]
    while rank >= base:
        rank //= base
        parts.append(_SYLLABLES[rank % base])
    return "".join(parts)


def documents(
    count: int, seed: int, *, vocabulary: int = 300, length: int = 160, exponent: float = 1.3
) -> list[str]:
    """Documents of `length` words; ranks beyond the vocabulary are all its last word."""
    random = np.random.RandomState(seed)
    rank = np.minimum(random.zipf(exponent, (count, length)), vocabulary) - 1
    words = [word(i) for i in range(vocabulary)]
    return [" ".join(words[i] for i in row) + "." for row in rank]


def forgetful(texts: list[str], seed: int, share: float) -> list[str]:
    """The same documents after a model that replaces a share of the words seen once or twice by frequent ones."""
    random = np.random.RandomState(seed)
    rows = [text.rstrip(".").split(" ") for text in texts]
    names, counts = np.unique([name for row in rows for name in row], return_counts=True)
    rare = {name for name in names[counts <= 2] if random.random_sample() < share}
    common = names[np.argsort(-counts)[:50]]
    return [
        " ".join(common[random.randint(50)] if name in rare else name for name in row) + "." for row in rows
    ]
