"""The heaviest values of a column that may have millions of them, in bounded memory.

Candidates are found by a mergeable summary (Misra and Gries 1982; Agarwal et al. 2012): of a total weight W every value
that weighs more than W / `CAPACITY` is among them. They are then counted exactly in a second pass.
"""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc

#: Values that a summary remembers: what is lost weighs less than an 8,192nd of the whole each.
CAPACITY = 8192


class Leaders:
    """A summary of weighted values; the same batches in the same order give the same candidates."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self.capacity = capacity
        self.weights: dict[str, int] = {}
        self.complete = True  # nothing was ever forgotten

    def add(self, values: pa.ChunkedArray | pa.Array, weights: pa.ChunkedArray | pa.Array) -> None:
        """Add values with whole weights; nulls and weights of 0 are left out."""
        sums = pa.table({"value": values, "weight": weights}).group_by("value").aggregate([("weight", "sum")])
        names, totals = sums["value"].to_pylist(), sums["weight_sum"].to_pylist()
        for value, weight in zip(names, totals, strict=True):
            if value is not None and weight:
                self.weights[value] = self.weights.get(value, 0) + weight
        if len(self.weights) > 2 * self.capacity:
            self._trim()

    def candidates(self, most: int) -> list[str]:
        """The heaviest values by what is remembered of them, at most `most`, in the order of their names."""
        ordered = sorted(self.weights.items(), key=lambda item: (-item[1], item[0]))
        return sorted(value for value, _ in ordered[:most])

    def _trim(self) -> None:
        heaviest = sorted(self.weights.values(), reverse=True)
        least = heaviest[self.capacity]
        self.weights = {value: weight - least for value, weight in self.weights.items() if weight > least}
        self.complete = False


class Exact:
    """Exact sums of some columns by the values that are asked for, and of all others together."""

    def __init__(self, wanted: Iterable[str], names: tuple[str, ...]) -> None:
        self.wanted = pa.array(sorted(wanted), pa.string())
        self.names = names
        self.sums: dict[str, dict[str, int]] = {}
        self.others: dict[str, int] = dict.fromkeys(names, 0)

    def add(self, values: pa.ChunkedArray | pa.Array, table: pa.Table) -> None:
        """Add the columns `names` of a table, by `values`; null counts among the others."""
        known = pc.if_else(pc.is_in(values, value_set=self.wanted), values, pa.scalar(None, pa.string()))
        columns = {"value": known} | {name: table[name] for name in self.names}
        found = pa.table(columns).group_by("value").aggregate([(name, "sum") for name in self.names])
        for row in found.to_pylist():
            total = self.others
            if row["value"] is not None:
                total = self.sums.setdefault(row["value"], dict.fromkeys(self.names, 0))
            for name in self.names:
                total[name] += row[f"{name}_sum"] or 0

    def rows(self, by: str, most: int) -> list[dict[str, int | str]]:
        """The heaviest `most` values, and under "" all others where there are any."""
        ordered = sorted(self.sums.items(), key=lambda item: (-item[1][by], item[0]))
        rest = {
            name: self.others[name] + sum(sums[name] for _, sums in ordered[most:]) for name in self.names
        }
        rows: list[dict[str, int | str]] = [{"value": value, **sums} for value, sums in ordered[:most]]
        return rows + [{"value": "", **rest}] * any(rest.values())
