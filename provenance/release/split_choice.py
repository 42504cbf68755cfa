"""Deal groups of documents to the splits of a release: whole groups, exact shares, and each split like the whole.

A split follows its share of the tokens along the groups in order of how synthetic they are, so that it gets its part of
every kind of them; a few groups are then exchanged until tokens and expected synthetic text fit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from provenance.errors import DataError

#: How far the tokens of a split may be from its share of all, of that share.
TOLERANCE = 0.02
#: Strata of groups by how synthetic they are, with even parts of tokens and of synthetic text.
STRATA = 32
#: Beyond half the tolerance a token too much or too little counts as so many.
_STRICT = 100.0
#: Most single groups that are moved, most exchanges, and the groups of a split that are tried for each.
_MOVES, _EXCHANGES, _TRIED = 4096, 64, 256

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class SplitsError(DataError):
    """Splits that cannot be made of what was kept; the message says which can."""


def choose_splits(counts: Floats, shares: Mapping[str, Decimal]) -> NDArray[np.uint8]:
    """The number of the split of each group, as `shares` names them.

    `counts`, of shape (2, groups), are the tokens of each group and the millionths of a token that are expected to be
    synthetic; groups stand in the order of a seeded hash. The largest split gets what the others leave.

    Raises:
        SplitsError: where a split is further than `TOLERANCE` from its share; says what can be met.
    """
    tokens, synthetic = counts[0], counts[1] / 1e6
    names = list(shares)
    asked = np.array([float(shares[name]) for name in names])
    rest = int(np.argmax(asked))
    split = np.full(len(tokens), rest, np.uint8)
    for number in np.argsort(asked, kind="stable").tolist():
        if number != rest:
            free = np.flatnonzero((split == rest) & (tokens > 0))
            wanted = asked[number] * tokens.sum()
            split[free[_deal(tokens[free], synthetic[free], wanted, asked[number] * synthetic.sum())]] = (
                number
            )
    found = np.bincount(split, weights=tokens, minlength=len(names)) / max(tokens.sum(), 1.0)
    if (np.abs(found - asked) > TOLERANCE * asked).any():
        raise SplitsError(_refusal(names, asked, found, tokens))
    return split


@dataclass
class _Hand:
    """The groups that a split has taken, and how far that is from what it is to have."""

    tokens: Floats
    synthetic: Floats
    wanted: float  # tokens
    share: float  # of them that is to be synthetic
    taken: NDArray[np.bool_]

    def cost(self, tokens: Floats | float, synthetic: Floats | float) -> Floats:
        """How bad sums are, in tokens: those that lack or exceed, and the synthetic ones that do."""
        off = np.abs(tokens - self.wanted)
        excess = np.maximum(off - TOLERANCE / 2 * self.wanted, 0.0)
        return np.asarray(off + _STRICT * excess + np.abs(synthetic - self.share * tokens), np.float64)

    def sums(self) -> tuple[float, float]:
        """(tokens, synthetic tokens) of what is taken."""
        return float(self.tokens[self.taken].sum()), float(self.synthetic[self.taken].sum())

    def move(self) -> bool:
        """Take or give back the one group that helps most; whether any does."""
        tokens, synthetic = self.sums()
        side = np.where(self.taken, -1.0, 1.0)
        costs = self.cost(tokens + side * self.tokens, synthetic + side * self.synthetic)
        best = int(np.argmin(costs))
        if costs[best] >= self.cost(tokens, synthetic):
            return False
        self.taken[best] = ~self.taken[best]
        return True

    def exchange(self) -> bool:
        """Exchange the two groups that help most, one of the first that are taken for any other; whether any do."""
        tokens, synthetic = self.sums()
        least, pair = float(self.cost(tokens, synthetic)), None
        others = np.flatnonzero(~self.taken)
        if not len(others):
            return False
        for mine in np.flatnonzero(self.taken)[:_TRIED].tolist():
            costs = self.cost(
                tokens - self.tokens[mine] + self.tokens[others],
                synthetic - self.synthetic[mine] + self.synthetic[others],
            )
            best = int(np.argmin(costs))
            if costs[best] < least:
                least, pair = float(costs[best]), (mine, int(others[best]))
        if pair is None:
            return False
        self.taken[list(pair)] = ~self.taken[list(pair)]
        return True


def _deal(tokens: Floats, synthetic: Floats, wanted: float, expected: float) -> NDArray[np.bool_]:
    """Which groups make up a number of tokens, and of synthetic ones, as nearly as may be.

    Where following the strata leaves too few small groups to meet the tokens, a start that fills them is tried too.
    """
    share = expected / wanted if wanted else 0.0
    found = []
    for start in (_follow, _fill):
        hand = _Hand(tokens, synthetic, wanted, share, start(tokens, synthetic, wanted))
        _improve(hand)
        found.append((float(hand.cost(*hand.sums())), hand.taken))
        if abs(hand.sums()[0] - wanted) <= TOLERANCE / 2 * wanted:
            break
    return min(found, key=lambda item: item[0])[1]


def _improve(hand: _Hand) -> None:
    moves = exchanges = 0
    while moves < _MOVES and exchanges < _EXCHANGES:
        if hand.move():
            moves += 1
        elif hand.exchange():
            exchanges += 1
        else:
            break


def _fill(tokens: Floats, synthetic: Floats, wanted: float) -> NDArray[np.bool_]:
    """The groups that fit one after the other, stratum by stratum."""
    taken = np.zeros(len(tokens), np.bool_)
    order = _by_stratum(tokens, synthetic)
    for place, size in zip(order.tolist(), tokens[order].tolist(), strict=True):
        if size <= wanted:
            taken[place] = True
            wanted -= size
    return taken


def _follow(tokens: Floats, synthetic: Floats, wanted: float) -> NDArray[np.bool_]:
    """The groups of a split that follows its share along the strata, never further from it than half of a group."""
    taken = np.zeros(len(tokens), np.bool_)
    share = wanted / max(float(tokens.sum()), 1.0)
    ahead = 0.0
    order = _by_stratum(tokens, synthetic)
    for place, size in zip(order.tolist(), tokens[order].tolist(), strict=True):
        if ahead < (share - 0.5) * size:
            taken[place] = True
            ahead += size
        ahead -= share * size
    return taken


def _by_stratum(tokens: Floats, synthetic: Floats) -> Ints:
    """Groups in the order of their stratum, within one as they stand."""
    order = np.argsort(-synthetic / np.maximum(tokens, 1.0), kind="stable")
    reached = sum(np.cumsum(part[order]) / max(part.sum(), 1e-9) for part in (tokens, synthetic))
    stratum = np.empty(len(tokens), np.int64)
    stratum[order] = np.asarray(reached) * (STRATA / 2)
    return np.argsort(stratum, kind="stable")


def _refusal(names: list[str], asked: Floats, found: Floats, tokens: Floats) -> str:
    nearest = ", ".join(f"{name}: {share:.4f}" for name, share in zip(names, found, strict=True))
    worst = int(np.argmax(np.abs(found - asked) / asked))
    largest = tokens.max(initial=0) / max(tokens.sum(), 1.0)
    return (
        f"release.splits: {names[worst]} cannot have {asked[worst]:g} of the tokens within {TOLERANCE:.0%} of that: sites and what "
        f"resembles them stay together, {int((tokens > 0).sum()):,} groups were kept and the largest holds {largest:.4f}; "
        f"nearest is {{{nearest}}}"
    )
