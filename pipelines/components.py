"""Choose keepers from verified edges: one pipeline where they are few, else rounds of alternating stars before it.

How many rounds there are is known when nothing changes any more, so each is a pipeline of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import apache_beam as beam

from pipelines.deduplicate import ChooseKeepers, DeduplicationTasks, Noted, StarRound
from pipelines.runner import Runner
from provenance.duplicates import Routed
from provenance.duplicates.components import CHANGED, ONE_TASK_BYTES
from provenance.files.storage import join

_SCRATCH = ("components", "members", "chosen", "counted", "described")


def choose_keepers(
    runner: Runner,
    tasks: DeduplicationTasks,
    note: Callable[[str], None],
    one_task_bytes: int = ONE_TASK_BYTES,
) -> int:
    """Write the clusters of the verified edges of a workspace; returns how many rounds connecting them took."""
    tasks.storage.delete(tasks.clusters_path.rpartition("/")[0])
    edges = tasks.read_routed(tasks.edges_path)
    rounds = 0
    if sum(piece.length for _, piece in edges) > one_task_bytes:
        edges, rounds = _connect(runner, tasks, edges)
        note(f"near-duplicates connected in {rounds} rounds")
    else:
        edges = [(0, piece) for _, piece in edges]
    keepers = ChooseKeepers(tasks, connected=rounds > 0)
    runner.run(lambda pipeline: pipeline | "Edges" >> beam.Create(edges) | "Keepers" >> keepers)
    tasks.clear(*_SCRATCH)
    return rounds


def _connect(runner: Runner, tasks: DeduplicationTasks, edges: list[Routed]) -> tuple[list[Routed], int]:
    """The pairs of nodes of stars, and after how many rounds there were only stars."""
    pairs = edges
    for number in count():
        path = join(tasks.scratch_directory, "components", f"pairs-{number}.json")
        one = StarRound(tasks, number)
        noted = Noted(tasks, path)

        def build(
            pipeline: beam.Pipeline, given: list[Routed] = pairs, one: StarRound = one, noted: Noted = noted
        ) -> object:
            return pipeline | "Pairs" >> beam.Create(given) | "Round" >> one | "Note" >> noted

        runner.run(build)
        found = tasks.read_routed(path)
        pairs = [item for item in found if item[0] != CHANGED]
        if number > 0:
            tasks.clear(f"components/large-{number - 1}", f"components/small-{number - 1}")
        if len(pairs) == len(found):
            return pairs, number + 1
    raise AssertionError("unreachable: rounds end when nothing changes")
