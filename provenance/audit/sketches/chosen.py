"""A bounded sample of things by their hash, the same for every order and division of what it was drawn from.

Kept is what hashes below a limit that is halved whenever there is more than room for; so parts of a dataset choose alike,
and their samples add up to the whole's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from provenance.audit.sketches.stored import number, table

Thing = TypeVar("Thing", bound=tuple[int, bytes])


@dataclass
class Chosen(Generic[Thing]):
    """Things by hash (an integer of 64 bits), each with the number of its occurrences; at most `capacity` of them.

    A thing is in the sample with probability 2 ** -level.
    """

    capacity: int
    level: int = 0
    kept: dict[int, tuple[Thing, int]] = field(default_factory=dict)

    @property
    def last(self) -> np.uint64:
        """The highest hash that is kept."""
        return np.uint64((1 << (64 - self.level)) - 1)

    def add(self, key: int, thing: Thing, count: int = 1) -> None:
        """Count a thing, whatever its hash; of two that share one the greater stays, so that order does not matter."""
        if key >> (64 - self.level):
            return
        before = self.kept.get(key)
        self.kept[key] = (thing, count) if before is None else (max(before[0], thing), before[1] + count)
        while len(self.kept) > self.capacity:
            self.raise_level(self.level + 1)

    def raise_level(self, level: int) -> None:
        """Give up what does not belong to a sample of this level."""
        self.level = max(level, self.level)
        self.kept = {key: entry for key, entry in self.kept.items() if not key >> (64 - self.level)}

    def merge(self, other: Chosen[Thing]) -> None:
        """Add the sample of another part."""
        self.raise_level(other.level)
        for key, (thing, count) in other.kept.items():
            self.add(key, thing, count)

    def restore(
        self, stored: Mapping[str, NDArray[Any]], prefix: str, things: Sequence[Thing], *, keys: str = "keys"
    ) -> None:
        """Fill an empty sample from the keys, counts and level of a file, whose names begin alike, and its things.

        Raises:
            ValueError: where they are no sample, or do not fit together.
        """
        hashes = table(stored, prefix + keys, np.uint64, (len(things),))
        counts = table(stored, f"{prefix}counts", np.int64, (len(things),))
        if (counts < 1).any():
            raise ValueError(f"`{prefix}counts` holds numbers that no dataset has")
        self.raise_level(number(stored, f"{prefix}level", below=64))
        for key, count, thing in zip(hashes.tolist(), counts.tolist(), things, strict=True):
            self.add(key, thing, count)

    def keys(self) -> NDArray[np.uint64]:
        """The hashes that are kept, ascending."""
        return np.array(sorted(self.kept), np.uint64)

    def counts(self) -> NDArray[np.int64]:
        """Occurrences in the order of `keys`."""
        return np.array([self.kept[key][1] for key in sorted(self.kept)], np.int64)

    def things(self) -> list[Thing]:
        """What is kept in the order of `keys`."""
        return [self.kept[key][0] for key in sorted(self.kept)]
