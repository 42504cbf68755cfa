"""`Feed`: batches of one rank, epoch after epoch, resumed from a state of a hundred bytes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from provenance.errors import UsageError
from provenance.feed.order import LANES, Epoch, Weights, check_weights, plan_epoch, rows_of
from provenance.feed.release import FeedError, OpenRelease, collate

Batch = dict[str, "list[str] | NDArray[Any]"]


@dataclass(frozen=True)
class FeedState:
    """Where a rank is: everything that decides what comes next. JSON values; `asdict` and `FeedState(**…)` store it.

    `weights` is a digest of them (`Weights.digest`), None where every document comes once.
    """

    release: str
    seed: int
    batch_size: int
    rank: int
    world: int
    epoch: int = 0
    delivered: int = 0  # batches of this epoch
    split: str | None = None
    weights: str | None = None


@dataclass
class Feed:
    """Batches of documents for one of `world` ranks.

    Iterating gives the rest of the current epoch and then moves to the next one. Every document of the release comes once an epoch
    (or as often as `weights` say) over all ranks; ranks' numbers of documents differ by one at most. A batch is a dict of
    columns: strings as lists, numbers and times as numpy arrays.

    Attributes:
        release: what is read, and which columns.
        batch_size: documents in a batch.
        seed: of the order; another order each epoch.
        rank, world: which part this process takes, of how many.
        weights: how often documents come; None: once.
    """

    release: OpenRelease
    batch_size: int = 32
    seed: int = 0
    rank: int = 0
    world: int = 1
    weights: Weights | None = None
    epoch: int = 0
    delivered: int = 0

    def __post_init__(self) -> None:
        if self.batch_size < 1:
            raise UsageError(f"batch_size is {self.batch_size}; a batch holds at least one document")
        if not 0 <= self.rank < self.world:
            raise UsageError(f"rank {self.rank} of {self.world}: ranks count from 0 to {self.world - 1}")
        if self.weights is not None:
            check_weights(self.release, self.weights)

    def __iter__(self) -> Iterator[Batch]:
        epoch = self.plan()
        for batch in self.batches(epoch):
            self.advance(epoch)
            yield batch
        self.advance(epoch)

    def __getitem__(self, number: object) -> Batch:
        """Refused, with what to take instead: torch asks a dataset that is not one of its iterable ones by number."""
        raise TypeError(
            "a Feed has an order of its own, no numbers: iterate provenance.feed.loading.Loader(feed, workers=…), give "
            "torch's DataLoader provenance.feed.loading.Stream(feed) with batch_size=None, or take provenance.feed.Documents by number"
        )

    def __len__(self) -> int:
        """Batches of this rank in the current epoch."""
        return self.plan().batches

    def plan(self) -> Epoch:
        """The order of the current epoch."""
        return plan_epoch(
            self.release,
            self.seed,
            self.epoch,
            batch_size=self.batch_size,
            rank=self.rank,
            world=self.world,
            weights=self.weights,
        )

    def batches(self, epoch: Epoch, worker: int = 0, workers: int = 1) -> Iterator[Batch]:
        """The batches not yet delivered of which `worker` of `workers` makes every `workers`-th, in order."""
        held = _Blocks(self.release, epoch)
        for number in range(self.delivered + worker, epoch.batches, workers):
            yield collate(held.read(number))

    def advance(self, epoch: Epoch) -> None:
        """Count one batch as delivered; behind the last one the next epoch begins."""
        if self.delivered >= epoch.batches:
            self.epoch, self.delivered = epoch.number + 1, 0
        else:
            self.delivered += 1

    def state(self) -> FeedState:
        """Where this rank is; a batch counts as delivered once it was handed out."""
        return FeedState(
            self.release.fingerprint,
            seed=self.seed,
            batch_size=self.batch_size,
            rank=self.rank,
            world=self.world,
            epoch=self.epoch,
            delivered=self.delivered,
            split=self.release.split,
            weights=None if self.weights is None else self.weights.digest(),
        )

    def resume(self, state: FeedState | dict[str, Any]) -> None:
        """Go on where `state` was taken, with any number of workers.

        Raises:
            FeedError: where the state is of another release, or was taken with other settings; it names them.
        """
        if isinstance(state, dict):
            try:
                state = FeedState(**state)
            except TypeError as error:
                raise FeedError(f"the state is none of a Feed: {error}") from error
        own = asdict(self.state())
        other = {name: value for name, value in asdict(state).items() if name not in ("epoch", "delivered")}
        differing = [
            f"{name} {value!r}, here {own[name]!r}" for name, value in other.items() if own[name] != value
        ]
        if differing:
            raise FeedError(
                f"the state was taken with {'; '.join(differing)}: documents would come twice or never; open the same release with the same settings, or start a new epoch"
            )
        if not (
            isinstance(state.epoch, int)
            and isinstance(state.delivered, int)
            and min(state.epoch, state.delivered) >= 0
        ):
            raise FeedError("the state is damaged: epoch and delivered count from 0")
        self.epoch, self.delivered = state.epoch, state.delivered


class _Blocks:
    """The blocks that lanes are reading, with their rows in the order of the epoch."""

    def __init__(self, release: OpenRelease, epoch: Epoch) -> None:
        self.release, self.epoch = release, epoch
        self.held: OrderedDict[int, tuple[pa.Table, NDArray[np.int64]]] = OrderedDict()

    def read(self, number: int) -> pa.Table:
        """The documents of a batch."""
        at, last = self.epoch.batch(number)
        pieces = []
        while at < last:
            place = int(np.searchsorted(self.epoch.ends, at, side="right"))
            block = int(self.epoch.order[place])
            table, rows = self._block(block)
            start = at - (int(self.epoch.ends[place - 1]) if place else 0)
            stop = min(start + last - at, len(rows))
            pieces.append(table.take(pa.array(rows[start:stop])))
            at += stop - start
            if stop == len(rows):
                self.held.pop(block)
        return pieces[0] if len(pieces) == 1 else pa.concat_tables(pieces)

    def _block(self, block: int) -> tuple[pa.Table, NDArray[np.int64]]:
        if block in self.held:
            self.held.move_to_end(block)
        else:
            if len(self.held) >= LANES:
                self.held.popitem(last=False)
            table = self.release.read(block).combine_chunks()
            self.held[block] = table, rows_of(self.release, self.epoch, block)
        return self.held[block]
