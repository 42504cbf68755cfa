"""Stage 1: one annotated shard for each input file. Reading, annotating and writing are one step."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any, BinaryIO, ClassVar, cast

import apache_beam as beam
import pyarrow as pa
import pyarrow.parquet as pq
from apache_beam.metrics.metric import Metrics
from apache_beam.pvalue import PCollection

from pipelines.software import Shipped
from provenance.annotate import Annotation, annotate_records, unreadable_file
from provenance.configuration import Configuration
from provenance.files.digests import DigestedFile
from provenance.files.headway import HeadwayFile
from provenance.files.inputs import OWN_RESULT, InputFile, PassedOver
from provenance.files.shards import ROW_GROUP_ROWS, shard_metadata, write_shard
from provenance.files.storage import Storage, StoreError
from provenance.files.workspace import Shard, Workspace, WorkspaceError, input_fingerprint


@dataclass(frozen=True)
class ShardTask:
    """One input file and the shard to make of it."""

    input: InputFile
    path: str
    fingerprint: str
    headway: str | None = None  # directory in which to say how far it is
    rerun: tuple[str, ...] | None = None  # the shard is there: only these annotators run again, on its texts


@dataclass
class AnnotateFile(Shipped, beam.DoFn):
    """From a `ShardTask` to the input's name; the shard appears in the workspace when it is complete.

    Attributes:
        storage: where inputs and shards are.
        configuration: annotators and their options.
    """

    storage: Storage
    configuration: Configuration

    # Models are loaded once in a process, whatever the number of threads or bundles.
    _loaded: ClassVar[dict[str, Annotation]] = {}
    _lock: ClassVar[threading.Lock] = threading.Lock()

    def setup(self) -> None:
        key = self.configuration.model_dump_json()
        with self._lock:
            if key not in self._loaded:
                annotation = Annotation(self.configuration)
                annotation.setup()
                self._loaded[key] = annotation
        self.annotation = self._loaded[key]

    def process(self, task: ShardTask) -> Iterator[str]:
        with ExitStack() as stack:
            file = stack.enter_context(self.storage.create(task.path))
            headway = stack.enter_context(HeadwayFile(task.headway, task.path))
            opened, digest = True, _no_digest
            try:
                if task.rerun is None:
                    digested = DigestedFile(stack.enter_context(self.storage.open(task.input.path)))
                    stream, digest = cast(BinaryIO, digested), digested.digest
                    batches = annotate_records(stream, task.input, self.annotation)
                    batches = headway.counted(batches, stream, task.input.size)
                else:
                    stream = stack.enter_context(self.storage.open(task.path))
                    digest = partial(_input_digest, self.storage, task.path)
                    batches = self._refreshed(stream, task.rerun)
            except StoreError:
                raise  # a store that is down, not a file that is lost: nothing is to be written of it
            except OSError as error:
                opened = False
                batches = unreadable_file(task.input, self.annotation, error.strerror or str(error))
            try:
                counts = write_shard(
                    batches,
                    self.annotation.schema,
                    file,
                    item=task.input,
                    fingerprint=task.fingerprint,
                    opened=opened,
                    digest=digest,
                )
            except StoreError:
                raise
            except OSError as error:
                raise OSError(error.errno, f"{task.input.path} or its shard {task.path}: {error}") from error
        Metrics.counter(AnnotateFile, "records").inc(counts.rows)
        Metrics.counter(AnnotateFile, "documents").inc(counts.documents)
        yield task.input.name

    def _refreshed(self, shard: BinaryIO, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """The rows of a shard of another version, brought up to date."""
        for batch in pq.ParquetFile(shard).iter_batches(ROW_GROUP_ROWS):
            yield self.annotation.refresh(batch, names)


def _input_digest(storage: Storage, path: str) -> str | None:
    """What a shard says of the input that it was made from."""
    found = (shard_metadata(storage, path) or {}).get("input_sha256")
    return None if found is None else str(found)


def _no_digest() -> str | None:
    """A file that cannot be opened has none."""
    return None


@dataclass
class AnnotateFiles(beam.PTransform[PCollection[ShardTask], PCollection[str]]):
    """From shard tasks to the names of their inputs, in parallel.

    Attributes:
        storage: where inputs and shards are.
        configuration: annotators and their options.
    """

    storage: Storage
    configuration: Configuration

    def expand(self, tasks: PCollection[ShardTask]) -> PCollection[str]:
        annotate = AnnotateFile(self.storage, self.configuration)
        names: PCollection[str] = tasks | "Spread" >> beam.Reshuffle() | "Annotate" >> beam.ParDo(annotate)
        return names


def plan_shards(workspace: Workspace, inputs: Sequence[InputFile], configured: str) -> list[ShardTask]:
    """Which shard is to be made of each input, in the order of their names; `configured` says by which annotators."""
    return [
        ShardTask(
            input=item,
            path=workspace.shard_path(item.name),
            fingerprint=input_fingerprint(item, configured),
            headway=workspace.headway_directory,
        )
        for item in sorted(inputs, key=lambda item: item.name)
    ]


def stands(metadata: Mapping[str, Any], task: ShardTask) -> bool:
    """Whether a shard that says this of itself is the one to be made, of an input that could be opened."""
    return bool(metadata.get("fingerprint") == task.fingerprint and metadata.get("opened", True))


def annotated_state(
    facts: Mapping[str, Mapping[str, Any]],
    tasks: Sequence[ShardTask],
    passed_over: Sequence[PassedOver],
    carried: Sequence[Shard] = (),
) -> dict[str, Any]:
    """What the stage left: `facts` of its shards, those `carried` forward last, its inputs, and the files beside them that were not read.

    Raises:
        WorkspaceError: where a shard was not written.
    """
    shards, inputs = [], []
    for index, task in enumerate(tasks):
        found = facts.get(task.path)
        if found is None or found["fingerprint"] != task.fingerprint:
            raise WorkspaceError(f"{task.path}: was not written; run the same command again")
        counts = {name: found[name] for name in ("content", "rows", "documents", "text_bytes")}
        shards.append(asdict(Shard(index=index, name=task.input.name, path=task.path, **counts)))
        named = {"name": task.input.name, "bytes": task.input.size}
        inputs.append({**named, "records": found["rows"], "sha256": found.get("input_sha256")})
    shards += [asdict(replace(shard, index=len(tasks) + number)) for number, shard in enumerate(carried)]
    beside = sorted(passed_over, key=lambda item: item.name)
    named_beside = [{"name": i.name, "reason": i.reason} for i in beside if i.reason != OWN_RESULT]
    return {"shards": shards, "inputs": inputs, "passed_over": named_beside}
