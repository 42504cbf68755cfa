"""Short pieces of a corpus's passages: what a short page looks like, from texts that are longer.

A corpus of passages has few of 60 to 100 words, and thresholds of those few were so high that a third of machine text
passed. A piece is held out with the passage that it comes from, and no expert learns from it.
"""

from __future__ import annotations

import re

import pandas as pd

from provenance.detectors.embedded.calibration import BUCKETS
from provenance.detectors.embedded.model import IDEOGRAPHS_PER_WORD

#: Words that a piece has, the detector's shortest length; and the least that its passage has.
SHORTEST, LONGEST = BUCKETS[0], BUCKETS[1]
#: What counts as ideograph and as word beside them, and what ends a sentence.
_IDEOGRAPH = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
_WORD = re.compile(r"\w+")
_END = re.compile(r"[.!?…][\"')\]»”’]*\s+|[。！？][」』”）]*|\n")


def with_pieces(table: pd.DataFrame) -> pd.DataFrame:
    """`table` and, below its rows, a piece of each passage that is long enough for one.

    A piece has every column of its passage but `text` and `piece` (bool).
    """
    pieces = table.text.map(cut)
    found = table[pieces.notna()].assign(text=pieces[pieces.notna()], piece=True)
    return pd.concat([table, found], ignore_index=True)


def cut(text: str) -> str | None:
    """The sentences from the start of `text` that have `SHORTEST` to `LONGEST` words together, where there are such.

    How many within these bounds depends on the text's length alone, so that all lengths occur.
    """
    aim = SHORTEST + len(text) % (LONGEST - SHORTEST)
    best = None
    for end in _END.finditer(text):
        words = count_words(text[: end.start() + 1])
        if words >= LONGEST:
            break
        if words >= SHORTEST:
            best = text[: end.end()].rstrip()
            if words >= aim:
                break
    return best


def count_words(text: str) -> int:
    """Words of `text` as the detector counts them, near enough: so many ideographs are one."""
    ideographs = len(_IDEOGRAPH.findall(text))
    if not ideographs:
        return len(text.split())
    return len(_WORD.findall(_IDEOGRAPH.sub(" ", text))) + round(ideographs / IDEOGRAPHS_PER_WORD)
