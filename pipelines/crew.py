"""The local workers of a command, and how the elements of a step are given to them: each takes the next one when it is free.

What comes of the elements is handed on in their order, whichever worker was faster (promise 5).
"""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any, cast

from pipelines.nursery import Nursery


@dataclass
class Crew:
    """So many workers of a nursery.

    Attributes:
        nursery: where they come from.
        size: how many.
    """

    nursery: Nursery
    size: int

    def perform(self, step: bytes, elements: Sequence[Any]) -> Iterator[list[Any]]:
        """What a packed step (`inline.Step.packed`) makes of each element, in their order.

        Raises what a task raises, and RuntimeError where a worker dies; all workers then end.
        """
        try:
            yield from self._perform(step, elements)
        except BaseException:
            self.nursery.end_workers()
            raise

    def _perform(self, step: bytes, elements: Sequence[Any]) -> Iterator[list[Any]]:
        left = iter(enumerate(elements))
        busy: dict[Connection[Any, Any], int] = {}
        done: dict[int, list[Any]] = {}
        for worker in self.nursery.workers(min(self.size, len(elements))):
            _give(worker, next(left), busy, step)
        handed_on = 0
        while busy:
            for worker in cast("list[Connection[Any, Any]]", wait(list(busy))):
                done[busy.pop(worker)] = _answer(worker)
                following = next(left, None)
                if following is not None:
                    _give(worker, following, busy)
            while handed_on in done:
                yield done.pop(handed_on)
                handed_on += 1


def _give(
    worker: Connection[Any, Any],
    numbered: tuple[int, Any],
    busy: dict[Connection[Any, Any], int],
    step: bytes | None = None,
) -> None:
    """Give a worker an element with its number; first of all the step, which it keeps."""
    number, element = numbered
    try:
        worker.send_bytes(pickle.dumps((step, element), pickle.HIGHEST_PROTOCOL))
    except BrokenPipeError as error:
        raise _died() from error
    busy[worker] = number


def _answer(worker: Connection[Any, Any]) -> list[Any]:
    try:
        found, error = pickle.loads(worker.recv_bytes())
    except (EOFError, ConnectionResetError) as gone:
        raise _died() from gone
    if error is not None:
        raise error
    return list(found)


def _died() -> RuntimeError:
    return RuntimeError(
        "a local worker process died; if for want of memory, --workers asks for fewer of them"
    )
