"""Stage 1: one annotated shard for each input file, or each span of a large one. Reading, annotating and writing are one step."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from typing import Any, BinaryIO, ClassVar, cast

import apache_beam as beam
import pyarrow as pa
import pyarrow.parquet as pq
from apache_beam.metrics.metric import Metrics
from apache_beam.pvalue import PCollection

from pipelines.software import Shipped
from provenance.annotate import Annotation, annotate_chosen, annotate_records, unreadable_file
from provenance.configuration import Configuration
from provenance.files.chosen import held_places
from provenance.files.digests import DigestedFile
from provenance.files.headway import HeadwayFile
from provenance.files.inputs import OWN_RESULT, Chosen, InputFile, PassedOver
from provenance.files.lists import whole_name
from provenance.files.shards import ROW_GROUP_ROWS, shard_metadata, write_shard
from provenance.files.spans import Span, span_name
from provenance.files.storage import Storage, StoreError, is_address
from provenance.files.workspace import Shard, Workspace, WorkspaceError, input_fingerprint
from provenance.records import Handover, Part
from provenance.records.chosen import ChosenReader
from provenance.records.parts import misread, read_part


@dataclass(frozen=True)
class ShardTask:
    """One span of an input file and the shard to make of it."""

    input: InputFile
    span: Span
    path: str
    fingerprint: str
    headway: str | None = None  # directory in which to say how far it is
    rerun: tuple[str, ...] | None = None  # the shard is there: only these annotators run again, on its texts
    begins: Handover | None = None  # where, as the span before says; None: it is looked for

    @property
    def name(self) -> str:
        """What the shard is called in its workspace."""
        return span_name(self.input.name, self.span)

    @property
    def bytes(self) -> int:
        """Bytes that are read for it, about."""
        if self.input.chosen is None:
            return self.span.size
        return self.input.size * self.span.size // max(self.input.chosen.records, 1)


def _nothing() -> None:
    """What a file that cannot be opened, and one that is read as one, says of itself."""


@dataclass(frozen=True)
class _Read:
    """Rows for a shard, and what is known when all of them have come.

    Attributes:
        batches: the rows.
        opened: whether there was something to read them from.
        digest: SHA-256 of what was read.
        part: what reading one span found.
    """

    batches: Iterator[pa.RecordBatch]
    opened: Callable[[], bool] = lambda: True
    digest: Callable[[], str | None] = _nothing
    part: Callable[[], dict[str, Any] | None] = _nothing


@dataclass
class AnnotateFile(Shipped, beam.DoFn):
    """From a `ShardTask` to the shard's name; the shard appears in the workspace when it is complete.

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
            try:
                read = self._read(task, stack)
            except StoreError:
                raise  # a store that is down, not a file that is lost: nothing is to be written of it
            except OSError as error:
                why = error.strerror or str(error)
                rows = iter(()) if task.span.number else unreadable_file(task.input, self.annotation, why)
                read = _Read(rows, opened=lambda: False, part=_part_told(task, Part(task.span)))
            try:
                counts = write_shard(
                    read.batches,
                    self.annotation.schema,
                    file,
                    item=task.input,
                    fingerprint=task.fingerprint,
                    opened=read.opened,
                    digest=read.digest,
                    part=read.part,
                )
            except StoreError:
                raise
            except OSError as error:
                raise OSError(error.errno, f"{task.input.path} or its shard {task.path}: {error}") from error
        Metrics.counter(AnnotateFile, "records").inc(counts.rows)
        Metrics.counter(AnnotateFile, "documents").inc(counts.documents)
        yield task.name

    def _read(self, task: ShardTask, stack: ExitStack) -> _Read:
        """The rows of a task; what it opens is closed by `stack`."""
        if task.rerun is not None:
            return self._refreshed(task, stack)
        if task.input.chosen is not None:
            return self._chosen(task, task.input.chosen)
        if task.span.of > 1:
            _check_unchanged(self.storage, task.input)
        headway = stack.enter_context(HeadwayFile(task.headway, task.path))
        part = Part(task.span, task.begins)
        opened = stack.enter_context(self.storage.open(task.input.path))
        # Of a file that is read as one all that is there now, should it have grown.
        digested = DigestedFile(opened, task.span.start, task.span.end if task.span.of > 1 else None)
        stream = cast(BinaryIO, digested)
        batches = annotate_records(stream, task.input, self.annotation, part=part)
        counted = headway.counted(batches, stream, task.span)
        return _Read(counted, digest=digested.digest, part=_part_told(task, part))

    def _chosen(self, task: ShardTask, chosen: Chosen) -> _Read:
        """Records that a table names, wherever they are."""
        places = held_places(self.storage, task.input).slice(task.span.start, task.span.end)
        reader = ChosenReader(partial(_open_named, self.storage, task.input.path, chosen.prefix))
        return _Read(
            annotate_chosen(places, reader, self.annotation),
            opened=lambda: reader.opened,
            digest=lambda: str(reader.digest.hexdigest()),
            part=lambda: {"bytes": reader.size},
        )

    def _refreshed(self, task: ShardTask, stack: ExitStack) -> _Read:
        """The rows of a shard of another version, brought up to date."""
        shard = stack.enter_context(self.storage.open(task.path))
        before = shard_metadata(self.storage, task.path) or {}
        batches = pq.ParquetFile(shard, pre_buffer=False).iter_batches(ROW_GROUP_ROWS)
        return _Read(
            (self.annotation.refresh(batch, task.rerun or ()) for batch in batches),
            digest=lambda: before.get("input_sha256"),
            part=lambda: before.get("part"),
        )


def _check_unchanged(storage: Storage, item: InputFile) -> None:
    """Refuse to read a span of another file than the other spans are of.

    Raises:
        WorkspaceError: the file is not what it was when this call found it.
    """
    found = storage.info(item.path)
    # Listings and answers of some stores call versions differently.
    same_age = found is not None and (is_address(item.path) or found.modified == item.modified)
    if found is not None and not (found.size == item.size and same_age):
        raise WorkspaceError(
            f"{item.path}: was written anew while its spans were read; run the same command again"
        )


def _part_told(task: ShardTask, part: Part) -> Callable[[], dict[str, Any] | None]:
    """What a shard is to say of its part: nothing of a file that was read as one."""
    return part.as_json if task.span.of > 1 else _nothing


def _open_named(storage: Storage, table: str, prefix: str | None, name: str) -> BinaryIO:
    """The file of a name in a table of records."""
    return storage.open(whole_name(name, table, prefix))


@dataclass
class AnnotateFiles(beam.PTransform[PCollection[ShardTask], PCollection[str]]):
    """From shard tasks to the names of the shards, in parallel.

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


def plan_shards(
    workspace: Workspace, inputs: Sequence[InputFile], configured: str, span_bytes: int
) -> list[ShardTask]:
    """Which shards are to be made of each input, in the order of their names; `configured` says by which annotators."""
    return [
        ShardTask(
            input=item,
            span=span,
            path=workspace.shard_path(span_name(item.name, span)),
            fingerprint=input_fingerprint(item, configured, span),
            headway=workspace.headway_directory,
        )
        for item in sorted(inputs, key=lambda item: item.name)
        for span in item.spans(span_bytes)
    ]


def to_read_again(facts: Mapping[str, Mapping[str, Any]], tasks: Sequence[ShardTask]) -> list[ShardTask]:
    """Of files that were cut, the spans that took something else for granted than those before them say; with what they say.

    `facts` are those of the shards by their paths; of a file of which one is missing nothing is said.
    """
    again = []
    for _, of_input in groupby(
        (task for task in tasks if task.span.of > 1 and task.input.chosen is None),
        key=lambda task: task.input.name,
    ):
        spans = list(of_input)
        if all(stands(facts.get(task.path, {}), task) for task in spans):
            wrong = misread([read_part(facts[task.path]["part"]) for task in spans])
            again += [replace(spans[number], begins=begins) for number, begins in wrong.items()]
    return again


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
    shards = []
    for index, task in enumerate(tasks):
        found = facts.get(task.path)
        if found is None or found["fingerprint"] != task.fingerprint:
            raise WorkspaceError(f"{task.path}: was not written; run the same command again")
        counts = {name: found[name] for name in ("content", "rows", "documents", "text_bytes")}
        shards.append(vars(Shard(index=index, name=task.name, path=task.path, **counts)))
    by_input = groupby(tasks, key=lambda task: task.input)
    inputs = [_input_state(item, list(spans), facts) for item, spans in by_input]
    shards += [vars(replace(shard, index=len(tasks) + number)) for number, shard in enumerate(carried)]
    beside = sorted(passed_over, key=lambda item: item.name)
    named_beside = [{"name": i.name, "reason": i.reason} for i in beside if i.reason != OWN_RESULT]
    return {"shards": shards, "inputs": inputs, "passed_over": named_beside}


def _input_state(
    item: InputFile, spans: Sequence[ShardTask], facts: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """What the stage read of one input; where it was cut, each span's bytes have their own digest."""
    found = [facts[task.path] for task in spans]
    state = {"name": item.name, "bytes": item.size, "records": sum(fact["rows"] for fact in found)}
    if len(spans) == 1:
        return {**state, "sha256": found[0].get("input_sha256")}
    ranges = [
        {
            "offset": task.span.start,
            "bytes": task.span.size if item.chosen is None else fact["part"]["bytes"],
            "records": fact["rows"],
            "sha256": fact.get("input_sha256"),
        }
        for task, fact in zip(spans, found, strict=True)
    ]
    return {**state, "sha256": None, "spans": ranges}
