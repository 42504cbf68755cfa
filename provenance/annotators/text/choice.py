"""Which blocks of a page are its main text: a small boosted ensemble of trees over `features`, and what guards it.

The trees were learned by `scripts/train/text.py`, which also prints what they find on pages of sites that they never saw.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import as_file, files
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from provenance.annotators.text import names
from provenance.annotators.text.blocks import CHARS, Blocks
from provenance.annotators.text.features import NAMES, describe, prose_of

MODEL = "main_text.npz"
#: Log-odds from which on a block is main text.
THRESHOLD = -0.4
#: Where less than this is found, in characters, or as a share of the prose of the page, the bar is lowered; where still too
#: few characters are, all visible text is taken. The share raised recall on unseen sites from .953 to .956 at the same F.
_LEAST, _LEAST_SHARE = 120, 0.2
_LOWERED = -2.2
_NAMED = np.uint64(sum(1 << names.MARKS.index(mark) for mark in ("article", "articlebody")))
SOURCES = ARTICLE, MAIN, FALLBACK = ("article", "main", "fallback")


class Trees(NamedTuple):
    """Nodes of all trees: a leaf has feature -1 and adds its value."""

    feature: npt.NDArray[np.int16]
    threshold: npt.NDArray[np.float32]
    left: npt.NDArray[np.int32]
    right: npt.NDArray[np.int32]
    value: npt.NDArray[np.float32]
    roots: npt.NDArray[np.int32]
    base: float


@cache
def load_trees() -> Trees:
    """The shipped trees. Raises `ValueError` where they were made for other features."""
    with as_file(files("provenance.annotators.text").joinpath("data", MODEL)) as path, np.load(path) as file:
        if tuple(file["names"].tolist()) != NAMES:
            raise ValueError(f"{path} was made for other features: run scripts/train/text.py")
        arrays = {name: file[name] for name in Trees._fields if name != "base"}
        return Trees(**arrays, base=float(file["base"]))


def choose(blocks: Blocks, trees: Trees | None = None) -> tuple[npt.NDArray[np.bool_], str]:
    """Which blocks are main text (bool[blocks]), and where it was found: one of `SOURCES`."""
    odds = score(describe(blocks), trees or load_trees())
    return settle(blocks, odds)


def settle(blocks: Blocks, odds: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.bool_], str]:
    """Turn the log-odds of the blocks into a choice that is never next to nothing."""
    chars, prose = blocks.rows[:, CHARS], prose_of(blocks.rows)
    for threshold, least_share in ((THRESHOLD, _LEAST_SHARE), (_LOWERED, 0.0)):
        kept = odds > threshold
        found = int(chars[kept].sum())
        if found >= _LEAST and prose[kept].sum() >= least_share * prose.sum():
            named = int(chars[kept & (blocks.marks & _NAMED != 0)].sum())
            return kept, ARTICLE if 2 * named > found else MAIN
    return np.ones(len(chars), np.bool_), FALLBACK


def score(table: npt.NDArray[np.float32], trees: Trees) -> npt.NDArray[np.float64]:
    """Log-odds that each block is main text (float64[blocks]) from its features."""
    odds: npt.NDArray[np.float64] = _score(table, trees)
    return odds


@njit(cache=True, nogil=True)
def _score(table, trees):  # type: ignore[no-untyped-def]
    odds = np.full(len(table), trees.base)
    for root in trees.roots:
        for row in range(len(table)):
            node = root
            while trees.feature[node] >= 0:
                below = table[row, trees.feature[node]] <= trees.threshold[node]
                node = trees.left[node] if below else trees.right[node]
            odds[row] += trees.value[node]
    return odds
