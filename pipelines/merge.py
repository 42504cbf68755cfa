"""Sums over all shards: what any function that merges several values is as a combiner of Beam."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import apache_beam as beam

#: Values that are merged at once.
_MERGED = 8


@dataclass
class Merge(beam.CombineFn):
    """Combine values by a function of a sequence of at least one of them.

    Attributes:
        merge: associative; whatever the order of its values, it gives the same.
    """

    merge: Callable[[Sequence[Any]], Any]

    def create_accumulator(self) -> list[Any]:
        return []

    def add_input(self, total: list[Any], value: Any) -> list[Any]:
        return self._few([*total, value])

    def merge_accumulators(self, totals: Iterable[list[Any]]) -> list[Any]:
        return self._few([value for total in totals for value in total])

    def extract_output(self, total: list[Any]) -> Any:
        return self.merge(total) if len(total) > 1 else total[0] if total else None

    def _few(self, values: list[Any]) -> list[Any]:
        """Several at a time: a sum that grows with each of a thousand shards would be gone over a thousand times."""
        return values if len(values) < _MERGED else [self.merge(values)]
