"""A `Feed` behind torch's workers: batches are read ahead in other processes, and the state stays exact.

Needs torch (extra `neural`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from provenance.errors import UsageError
from provenance.feed.feed import Batch, Feed
from provenance.feed.order import LANES, Epoch


class Stream(IterableDataset[Batch]):
    """The batches of a feed as torch's own loaders take them: `DataLoader(Stream(feed), batch_size=None, num_workers=N)`.

    Each iteration gives the epoch that `set_epoch` said last, at first what the feed has left of its own; whoever iterates counts epochs
    and keeps the state. `Loader` does both.

    Args:
        feed: the rank's feed, which stays where it is.
        planned: the order of its current epoch, where that is known already.
    """

    def __init__(self, feed: Feed, planned: Epoch | None = None) -> None:
        self.feed, self._planned = feed, planned
        self._at = torch.tensor([feed.epoch, feed.delivered])
        self._at.share_memory_()  # type: ignore[no-untyped-call]  # for workers that persist, too

    def set_epoch(self, epoch: int) -> None:
        """Give all of this epoch from the next iteration on."""
        self._at[:] = torch.tensor([epoch, 0])

    def __len__(self) -> int:
        return self._there().plan().batches - int(self._at[1])

    def __iter__(self) -> Iterator[Batch]:
        info = get_worker_info()
        worker, workers = (info.id, info.num_workers) if info is not None else (0, 1)
        feed = self._there()
        planned = self._planned
        if planned is None or planned.number != feed.epoch:
            planned = feed.plan()
        return feed.batches(planned, worker, workers)

    def _there(self) -> Feed:
        epoch, delivered = self._at.tolist()
        return replace(self.feed, epoch=epoch, delivered=delivered)


@dataclass
class Loader:
    """Batches of a `Feed`, made by `workers` processes; numbers and times are tensors, strings lists.

    The order is the feed's whatever the number of workers: torch takes batches from its workers by turns, and each makes those
    whose turn is its own. `state_dict` says what was handed out, not what was read ahead.

    Attributes:
        feed: the rank's feed.
        workers: processes; 0 reads in this one. Must divide 8, so that no two read the same block.
        prefetch: batches that each worker reads ahead.
    """

    feed: Feed
    workers: int = 0
    prefetch: int = 2

    def __post_init__(self) -> None:
        if self.workers and LANES % self.workers:
            raise UsageError(f"workers is {self.workers}; 0, 1, 2, 4 and 8 divide the work evenly")

    def __len__(self) -> int:
        return len(self.feed)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        epoch = self.feed.plan()
        options: dict[str, Any] = {"prefetch_factor": self.prefetch} if self.workers else {}
        loader: DataLoader[Any] = DataLoader(
            Stream(self.feed, epoch), batch_size=None, num_workers=self.workers, **options
        )
        for batch in loader:
            self.feed.advance(epoch)
            yield batch
        self.feed.advance(epoch)

    def state_dict(self) -> dict[str, Any]:
        """The state of the feed as JSON values."""
        return asdict(self.feed.state())

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where `state` was taken; raises FeedError where it is another release's."""
        self.feed.resume(state)
