"""What a job asks its store before, between and after its stages grows with listings, not with questions about each file."""

from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.job import Job
from pipelines.progress import Progress, Targets
from pipelines.runner import Runner
from provenance.configuration import Configuration
from provenance.files.facts import shard_facts
from provenance.files.inputs import InputFile, find_inputs
from provenance.files.shards import SHARD_METADATA
from provenance.files.storage import AnyStorage
from tests.counted import CountedFileSystem, counted_store

INPUTS = 2000
STORAGE = AnyStorage()


def shard(fingerprint: str) -> bytes:
    """A shard of no rows: its footer is all that a driver reads."""
    said = {"fingerprint": fingerprint, "content": "", "rows": 0, "documents": 0, "outcomes": {}}
    sink = pa.BufferOutputStream()
    pq.write_table(pa.schema([], metadata={SHARD_METADATA: json.dumps(said)}).empty_table(), sink)
    return sink.getvalue().to_pybytes()  # type: ignore[no-any-return]


def plan(job: Job, inputs: list[InputFile]) -> int:
    """How many shards stand."""
    tasks = job.shard_tasks(inputs)
    facts = shard_facts(job.workspace, [task.path for task in tasks])
    return sum(facts.get(task.path, {}).get("fingerprint") == task.fingerprint for task in tasks)


def calls(store: type[CountedFileSystem]) -> int:
    """Calls since this was last asked."""
    total = sum(store.calls.values())
    store.calls.clear()
    store.by_path.clear()
    return total


def test_planning_lists_and_asks_of_each_shard_once_in_its_life() -> None:
    with counted_store() as store:
        names = [f"crawls/c/{n % 10}/{n:05}.warc.gz" for n in range(INPUTS)]
        store.sizes.update(dict.fromkeys(names, 1000))
        inputs, _ = find_inputs(STORAGE, ["counted://crawls/c"])
        assert len(inputs) == INPUTS and calls(store) <= 5
        assert len(find_inputs(STORAGE, [f"counted://{name}" for name in names])[0]) == INPUTS
        assert calls(store) <= 15
        job = Job(STORAGE, "counted://store/w", Configuration(), Runner(), Progress(quiet=True))
        assert plan(job, inputs) == 0 and calls(store) <= 5
        for task in job.shard_tasks(inputs):
            key = task.path.removeprefix("counted://")
            store.store[key] = shard(task.fingerprint)
            store.sizes[key] = len(store.store[key])
        assert plan(job, inputs) == INPUTS
        assert max(count for path, count in store.by_path.items() if "/annotated/" in path) == 1
        assert calls(store) <= INPUTS + 10
        assert plan(job, inputs) == INPUTS and calls(store) <= 10


def test_progress_is_a_listing_whatever_the_number_of_files() -> None:
    with counted_store() as store:
        paths = {f"counted://store/w/annotated/{n}.parquet": 1 for n in range(INPUTS)}
        targets = Targets(paths, STORAGE)
        for path in list(paths)[: INPUTS // 2]:
            store.sizes[path.removeprefix("counted://")] = 10
        assert f"{INPUTS // 2:,} of {INPUTS:,} files" in targets.describe("annotate", 1.0)
        assert calls(store) <= 5
