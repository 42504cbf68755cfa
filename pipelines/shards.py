"""Stage 1 of a job: which shards are to be made, which stand, and what the stage leaves when all of them are there.

What stands is told from fingerprints, so a killed call, or one of several that share the stage, goes on where it was (promise 5).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any

import apache_beam as beam

from pipelines.annotate import (
    AnnotateFile,
    AnnotateFiles,
    ShardTask,
    annotated_state,
    stands,
    to_read_again,
)
from pipelines.cores import LEAST_BYTES
from pipelines.lineage import Told, first_fingerprints
from pipelines.migration import plan_migration
from pipelines.progress import Targets
from provenance.errors import plain
from provenance.files.facts import shard_facts
from provenance.files.headway import read_headway
from provenance.files.inputs import InputFile, PassedOver
from provenance.files.shards import shard_metadata
from provenance.files.storage import Storage

if TYPE_CHECKING:
    from pipelines.job import Job


def annotate_inputs(
    job: Job, inputs: Sequence[InputFile], passed_over: Sequence[PassedOver], part: tuple[int, int]
) -> tuple[int, int]:
    """Make the shards of a part of the inputs that do not stand, and close the stage where none is missing.

    Returns how many were made and how many stood.
    """
    configured = job.annotation.fingerprint()
    job.earlier.check_carried(inputs, job.annotation)
    tasks = job.shard_tasks(inputs)
    paths = [task.path for task in tasks]
    facts = shard_facts(job.workspace, paths)
    # The largest first: a large file that starts last would keep one worker busy alone.
    own = sorted(tasks, key=lambda task: (-task.bytes, task.name))[part[0] - 1 :: part[1]]
    pending = [task for task in own if not stands(facts.get(task.path, {}), task)]
    pending = plan_migration(job.workspace, job.annotation, pending, job.progress.note)
    made = 0
    told = pending or (part[1] > 1 and job.workspace.read_state("annotate") is None)
    with _told(job, tasks, configured) if told else nullcontext(Told()) as lineage:
        if pending:
            job.workspace.clear_state("annotate")
            if part[1] == 1:
                job.workspace.sweep()  # else another call may be writing
            _make(job, pending)
            facts = shard_facts(job.workspace, paths)
        if part[1] > 1 and not all(stands(facts.get(task.path, {}), task) for task in tasks):
            lineage.shared = True
            job.progress.note(f"annotate: shard {part[0]} of {part[1]} is done; others are not yet")
        else:
            facts = _settle(job, tasks, facts)
            carried, made = job.earlier.carry(inputs, job.annotation, job.runner)
            state = annotated_state(facts, tasks, passed_over, carried)
            state |= {
                "fingerprint": configured,
                "parts": job.annotation.parts(),
                "configuration": job.configuration.model_dump(mode="json"),
            }
            job.workspace.write_state("annotate", state)
    return len(pending) + made, len(own) - len(pending)


def _settle(
    job: Job, tasks: Sequence[ShardTask], facts: dict[str, dict[str, Any]]
) -> dict[str, dict[str, Any]]:
    """Read spans again that were cut in the wrong place, until all of a file agree; the facts of what then is there."""
    while again := to_read_again(facts, tasks):
        names = sorted({task.input.name for task in again})
        job.progress.note(
            f"annotate: {len(again):,} spans of {len(names):,} files, such as {plain(names[0])}, are read again: "
            "the span before says that they begin elsewhere, or belong to another archive"
        )
        job.workspace.clear_state("annotate")
        _make(job, again)
        facts = shard_facts(job.workspace, [task.path for task in tasks])
    return facts


def _told(job: Job, tasks: Sequence[ShardTask], configured: str) -> AbstractContextManager[Told]:
    """Tell of the first stage how it starts and ends."""
    named = [{"name": task.input.name, "bytes": task.input.size} for task in tasks if not task.span.number]
    return job.lineage.stage("annotate", first_fingerprints(job.configuration, configured, named), named)


def _make(job: Job, pending: Sequence[ShardTask]) -> None:
    """Write the shards of tasks."""
    runner = job.runner.sized(sum(task.bytes for task in pending), LEAST_BYTES, tasks=len(pending))
    runner.prepare(AnnotateFile(job.storage, job.configuration).setup)
    headway = job.workspace.headway_directory
    targets = Targets(
        weights={task.path: task.bytes for task in pending},
        storage=job.storage,
        # On a store each footer would be a call: there only files are counted.
        rows_of=partial(_rows_of, job.storage) if headway is not None else lambda path: 0,
        headway=partial(read_headway, headway),
    )
    annotate = AnnotateFiles(job.storage, job.configuration)
    with job.progress.files("annotate", targets):
        turns = by_turns(pending, runner.workers)
        runner.run(
            lambda pipeline: (
                pipeline | "Inputs" >> beam.Create(turns, reshuffle=False) | "AnnotateFiles" >> annotate
            )
        )
    if headway is not None:
        job.storage.delete(headway)


def by_turns(tasks: Sequence[ShardTask], workers: int) -> list[ShardTask]:
    """The tasks so that every `workers`-th gives each worker about as many bytes, where a runner deals them out in turn; whoever is free takes the next one else."""
    tasks = sorted(tasks, key=lambda task: (-task.bytes, task.name))
    rounds = [tasks[at : at + workers] for at in range(0, len(tasks), workers)]
    return [
        task for number, dealt in enumerate(rounds) for task in (reversed(dealt) if number % 2 else dealt)
    ]


def _rows_of(storage: Storage, shard_path: str) -> int:
    return int((shard_metadata(storage, shard_path) or {}).get("rows", 0))
