"""Documents that the detector reads of a large dataset: all of a small part, of a large one a sample of bounded size.

However many documents of one kind there are, a share is not told better by more than some hundreds (`detectors.share`). A document
is drawn by its position, so that copies are not drawn together, and by halves, so that what was drawn before stays comparable.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from provenance.annotators.hashing import GOLDEN
from provenance.detectors.share import BINS, GROUPS

#: Judged documents of one language and part of a dataset that are kept. Of as many in 64 groups a share has the interval that all
#: would give: kinds unlike the known ones let them say no more than 200 (docs/audit.md).
CAPACITY = 16_384
#: Halvings at most: beyond, a dataset would have 10^10 documents.
_MOST = 20


@dataclass
class Drawn:
    """Judged documents of one part of a dataset: those whose rank is `level` or higher, one in 2 ** level."""

    capacity: int = CAPACITY
    level: int = 0
    ranks: NDArray[np.uint8] = field(default_factory=lambda: np.zeros(0, np.uint8))
    cells: NDArray[np.uint16] = field(default_factory=lambda: np.zeros(0, np.uint16))

    def add(self, ranks: NDArray[np.uint8], cells: NDArray[np.int64]) -> None:
        """Add documents by their ranks (`ranks_of`) and cells: group of sites times BINS plus bin of the ratio."""
        kept = ranks >= self.level
        self.ranks = np.concatenate([self.ranks, ranks[kept]])
        self.cells = np.concatenate([self.cells, cells[kept].astype(np.uint16)])
        while len(self.ranks) > self.capacity and self.level < _MOST:
            self.level += 1
            kept = self.ranks >= self.level
            self.ranks, self.cells = self.ranks[kept], self.cells[kept]

    @property
    def documents(self) -> int:
        """How many judged documents there are: exactly, where all are kept."""
        return len(self.cells) << self.level

    def table(self) -> NDArray[np.int64]:
        """The kept documents by group of sites and bin of their ratio, shape (GROUPS, BINS)."""
        return np.bincount(self.cells, minlength=GROUPS * BINS).reshape(GROUPS, BINS)


def ranks_of(first: int, count: int) -> NDArray[np.uint8]:
    """Ranks of `count` documents of which the first has the number `first`, shape (count,): half of all have 0, a quarter 1, and so on."""
    # SplitMix64 (Steele et al. 2014)
    value = np.arange(first + 1, first + count + 1, dtype=np.uint64) * GOLDEN
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    value ^= value >> np.uint64(31)
    ranks = np.zeros(count, np.uint8)
    for halving in range(1, _MOST + 1):
        ranks += value >> np.uint64(64 - halving) == 0
    return ranks
