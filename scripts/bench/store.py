"""How long the driver takes to plan a crawl of many files in a store, and how often it asks: `python scripts/bench store`.

The store is in memory and takes 50 ms for every answer; what is measured is everything before the first worker starts,
for a new crawl and for one of which every shard stands already.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.job import Job
from pipelines.progress import Progress
from pipelines.runner import Runner
from provenance.configuration import Configuration
from provenance.files.facts import shard_facts
from provenance.files.inputs import InputFile, find_inputs
from provenance.files.shards import SHARD_METADATA
from provenance.files.storage import AnyStorage
from tests.counted import CountedFileSystem, counted_store

Result = TypeVar("Result")
#: Directories of the crawl.
_SEGMENTS = 100


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=90_000)
    parser.add_argument("--latency", type=float, default=0.05, help="seconds for each call")
    options = parser.parse_args()
    with counted_store(options.latency) as store:
        names = [
            f"crawls/CC-MAIN/segments/{n % _SEGMENTS:03}/warc/{n:06}.warc.gz" for n in range(options.inputs)
        ]
        store.sizes.update({name: 10**9 + n for n, name in enumerate(names)})
        storage = AnyStorage()
        print(f"{options.inputs:,} inputs, {options.latency * 1000:.0f} ms for each call")
        job = Job(storage, "counted://store/w", Configuration(), Runner(), Progress(quiet=True))
        found = _timed(
            store, "inputs: one directory", lambda: find_inputs(storage, ["counted://crawls/CC-MAIN"])[0]
        )
        _timed(
            store, "inputs: all names", lambda: find_inputs(storage, [f"counted://{name}" for name in names])
        )
        _timed(store, "a new crawl", lambda: plan(job, found))
        _make_shards(store, job, found)
        _timed(store, "after a crash: every footer", lambda: plan(job, found))
        _timed(store, "again: nothing has changed", lambda: plan(job, found))


def plan(job: Job, inputs: list[InputFile]) -> dict[str, Any]:
    """What a job asks its store before it knows what to do."""
    return shard_facts(job.workspace, [task.path for task in job.shard_tasks(inputs)])


def _timed(store: type[CountedFileSystem], what: str, call: Callable[[], Result]) -> Result:
    store.calls.clear()
    started = time.monotonic()
    result = call()
    seconds = time.monotonic() - started
    calls = ", ".join(f"{count:,} {name}" for name, count in sorted(store.calls.items()))
    print(f"{what:<32}{seconds:>8.1f} s   {calls}", flush=True)
    return result


def _make_shards(store: type[CountedFileSystem], job: Job, inputs: list[InputFile]) -> None:
    """Shards of no rows, whose footers are all that a driver reads."""
    for task in job.shard_tasks(inputs):
        sink = pa.BufferOutputStream()
        said = {"fingerprint": task.fingerprint, "content": "", "rows": 0, "documents": 0, "outcomes": {}}
        schema = pa.schema([], metadata={SHARD_METADATA: json.dumps(said)})
        pq.write_table(schema.empty_table(), sink)
        key = store._strip_protocol(task.path)
        store.store[key] = sink.getvalue().to_pybytes()
        store.sizes[key] = len(store.store[key])


if __name__ == "__main__":
    main()
