"""The order of an epoch: which document is delivered where, from a seed alone.

Blocks are permuted, documents within a block too; ranks take equal ranges of that order, and each rank divides its range
into LANES that take turns batch by batch. A worker serves whole lanes, so what a rank delivers does not depend on how many
workers it has, and a position is one number.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import xxhash
from numpy.typing import NDArray

from provenance.errors import UsageError
from provenance.feed.release import OpenRelease

#: Lanes of a rank: blocks that are mixed at a time. Divisible by 1, 2, 4 and 8 workers.
LANES = 8
#: Most copies of one document in an epoch.
_MOST_COPIES = 1_000


@dataclass(frozen=True)
class Weights:
    """How often documents come in an epoch: by a column of numbers, or by the values of a column of strings.

    A document of weight 2.3 comes twice, and in three epochs of ten a third time; values that are not named have weight 1.
    """

    column: str
    values: Mapping[str, float] | None = None

    def digest(self) -> str:
        """What they say as 16 hexadecimal digits, whatever the order of the values."""
        values = None if self.values is None else {name: float(value) for name, value in self.values.items()}
        return xxhash.xxh3_64_hexdigest(json.dumps([self.column, values], sort_keys=True))


@dataclass(frozen=True)
class Epoch:
    """One epoch of one rank: its documents are positions `first` to `last` of the order of all."""

    seed: int
    number: int
    batch_size: int
    order: NDArray[np.int64]  # blocks in the order of this epoch
    ends: NDArray[np.int64]  # position behind each of them
    first: int
    last: int
    weights: Weights | None = None

    @property
    def batches(self) -> int:
        """Batches of this rank, the last one perhaps a short one."""
        return -(-(self.last - self.first) // self.batch_size)

    def batch(self, number: int) -> tuple[int, int]:
        """Positions of a batch of this rank, by the order in which batches are delivered."""
        turn, lane = divmod(number, LANES)
        whole, rest = divmod(self.batches, LANES)
        place = lane * whole + min(lane, rest) + turn
        start = self.first + place * self.batch_size
        return start, min(start + self.batch_size, self.last)


def plan_epoch(
    release: OpenRelease,
    seed: int,
    number: int,
    *,
    batch_size: int,
    rank: int = 0,
    world: int = 1,
    weights: Weights | None = None,
) -> Epoch:
    """The order of an epoch for one of `world` ranks; the ranks' documents differ by one at most."""
    order = generator(seed, number, "blocks").permutation(len(release.blocks)).astype(np.int64)
    counts = np.array([block.rows for block in release.blocks], np.int64)
    if weights is not None:
        counts = np.array(
            [copies(release, block, seed, number, weights=weights).sum() for block in range(len(counts))],
            np.int64,
        )
    ends = np.cumsum(counts[order])
    total = int(ends[-1]) if len(ends) else 0
    return Epoch(
        seed=seed,
        number=number,
        batch_size=batch_size,
        order=order,
        ends=ends,
        first=total * rank // world,
        last=total * (rank + 1) // world,
        weights=weights,
    )


def rows_of(release: OpenRelease, epoch: Epoch, block: int) -> NDArray[np.int64]:
    """Rows of a block in the order of this epoch, repeated by their weights."""
    rows = np.arange(release.blocks[block].rows)
    if epoch.weights is not None:
        rows = np.repeat(rows, copies(release, block, epoch.seed, epoch.number, weights=epoch.weights))
    return generator(epoch.seed, epoch.number, f"rows {block}").permutation(rows)


def copies(release: OpenRelease, block: int, seed: int, epoch: int, *, weights: Weights) -> NDArray[np.int64]:
    """How often each row of a block comes in an epoch: its weight, rounded by a seeded draw."""
    column = release.read(block, [weights.column])[weights.column]
    if weights.values is None:
        values = np.nan_to_num(np.array(column.to_numpy(), float), nan=1.0)
    else:
        names = column.to_pylist()
        values = np.array([weights.values.get(name, 1.0) if name is not None else 1.0 for name in names])
    values = np.clip(values, 0, _MOST_COPIES)
    draw = generator(seed, epoch, f"copies {block}").random_sample(len(values))
    return np.asarray(np.floor(values + draw), np.int64)


def check_weights(release: OpenRelease, weights: Weights) -> None:
    """Refuse weights that no column or no number supports.

    Raises:
        UsageError: names the column or the value.
    """
    if weights.column not in release.schema.names:
        raise UsageError(f"weights: the release has no column {weights.column!r}")
    for name, value in (weights.values or {}).items():
        if not 0 <= value <= _MOST_COPIES:
            raise UsageError(
                f"weights: {name!r} has weight {value}; weights lie between 0 and {_MOST_COPIES:,}"
            )


def generator(seed: int, epoch: int, purpose: str) -> np.random.RandomState:
    """Numpy's frozen generator, seeded by what it is for."""
    return np.random.RandomState(xxhash.xxh32_intdigest(f"{seed} {epoch} {purpose}"))
