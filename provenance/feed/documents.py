"""`Documents`: a release by number of document, for samplers of one's own (a map-style dataset of torch)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from provenance.feed.release import OpenRelease, collate


@dataclass
class Documents:
    """Documents by number, in the published order; those of a block that was read lately cost nothing.

    Fetch many at once where you can: torch's loaders do so by `__getitems__`. A random order over a large release reads a block for nearly
    every document; `Feed` shuffles without that.

    Attributes:
        release: what is read, and which columns.
        blocks: row groups kept in memory, of `release.row_group_bytes` of text each.
    """

    release: OpenRelease
    blocks: int = 8
    _held: OrderedDict[int, pa.Table] = field(default_factory=OrderedDict, repr=False)

    def __post_init__(self) -> None:
        self._ends = np.cumsum([block.rows for block in self.release.blocks])

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_held": OrderedDict()}

    def __len__(self) -> int:
        return self.release.documents

    def __getitem__(self, number: int) -> dict[str, Any]:
        return self.__getitems__([number])[0]

    def __getitems__(self, numbers: Sequence[int]) -> list[dict[str, Any]]:
        """The documents of some numbers, in their order."""
        asked = np.array(numbers, np.int64)
        asked = np.where(asked < 0, asked + len(self), asked)
        if ((asked < 0) | (asked >= len(self))).any():
            raise IndexError(f"the release has {len(self):,} documents, counted from 0")
        owners = np.searchsorted(self._ends, asked, side="right")
        found: list[dict[str, Any]] = [{}] * len(asked)
        for block in np.unique(owners):
            places = np.flatnonzero(owners == block)
            first = int(self._ends[block - 1]) if block else 0
            columns = collate(self._block(int(block)).take(pa.array(asked[places] - first)))
            for row, place in enumerate(places):
                found[place] = {name: values[row] for name, values in columns.items()}
        return found

    def _block(self, block: int) -> pa.Table:
        if block not in self._held:
            while len(self._held) >= self.blocks:
                self._held.popitem(last=False)
            self._held[block] = self.release.read(block).combine_chunks()
        self._held.move_to_end(block)
        return self._held[block]
