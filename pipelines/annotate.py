"""Stage 1: one annotated shard for each input file. Reading, annotating and writing are one step."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import ClassVar

import apache_beam as beam

from provenance.annotate import Annotation, annotate_records, unreadable_file, write_shard
from provenance.configuration import Configuration
from provenance.files.inputs import InputFile
from provenance.files.storage import Storage


@dataclass(frozen=True)
class ShardTask:
    """One input file and the shard to make of it."""

    input: InputFile
    path: str
    fingerprint: str


class AnnotateFile(beam.DoFn):
    """From a `ShardTask` to the input's name; the shard appears in the workspace when it is complete."""

    # Models are loaded once in a process, whatever the number of threads or bundles.
    _loaded: ClassVar[dict[str, Annotation]] = {}
    _lock = threading.Lock()

    def __init__(self, storage: Storage, configuration: Configuration) -> None:
        self.storage = storage
        self.configuration = configuration

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
            opened = True
            try:
                stream = stack.enter_context(self.storage.open(task.input.path))
                batches = annotate_records(stream, task.input, self.annotation)
            except OSError as error:
                opened = False
                batches = unreadable_file(task.input, self.annotation, error.strerror or str(error))
            schema = self.annotation.schema
            try:
                counts = write_shard(batches, schema, file, task.input, task.fingerprint, opened)
            except OSError as error:
                raise OSError(f"{task.input.path} or its shard {task.path}: {error}") from error
        beam.metrics.Metrics.counter(AnnotateFile, "records").inc(counts.rows)
        beam.metrics.Metrics.counter(AnnotateFile, "documents").inc(counts.documents)
        yield task.input.name


@dataclass
class AnnotateFiles(beam.PTransform):
    """Annotate input files in parallel.

    Attributes:
        storage: where inputs and shards are.
        configuration: annotators and their options.
    """

    storage: Storage
    configuration: Configuration

    def expand(self, tasks: beam.PCollection[ShardTask]) -> beam.PCollection[str]:
        annotate = AnnotateFile(self.storage, self.configuration)
        return tasks | "Spread" >> beam.Reshuffle() | "Annotate" >> beam.ParDo(annotate)
