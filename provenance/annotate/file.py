"""Read one crawl file and annotate its records, batch by batch.

Batches stream through, so memory does not grow with the file; who a record is depends on where it is, not on its batch (promise 5).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import BinaryIO, TypeVar

import pyarrow as pa
import xxhash

from provenance.annotate.annotation import Annotation
from provenance.files.chosen import Place
from provenance.files.inputs import InputFile
from provenance.records import Part, read_records
from provenance.records.chosen import ChosenReader
from provenance.schema import RECORDS

Item = TypeVar("Item")


def annotate_records(
    stream: BinaryIO,
    item: InputFile,
    annotation: Annotation,
    at_once: bool = True,
    part: Part | None = None,
) -> Iterator[pa.RecordBatch]:
    """All records of one open crawl file, or of a part of it, as batches of `annotation.schema`, in file order.

    `at_once`: reading, main text and the other annotators work on three batches at the same time.
    """
    options = annotation.configuration.reading.options()
    identify = DocumentIds(item.name)
    side_by_side = ahead if at_once else iter
    batches = side_by_side(read_records(stream, item.name, options, part))
    extracted = (annotation.extract(batch, item.name, identify(batch)) for batch in batches)
    for half in side_by_side(extracted):
        yield annotation.complete(half)


def annotate_chosen(
    places: Sequence[Place], reader: ChosenReader, annotation: Annotation
) -> Iterator[pa.RecordBatch]:
    """Records that a table names, as batches of `annotation.schema`, in its order; `input_file` is the name that it has for each."""
    identify = DocumentIds()
    batches = ahead(reader.read(places, annotation.configuration.reading.options()))
    extracted = (annotation.extract(batch, names, identify(batch, names)) for names, batch in batches)
    for half in ahead(extracted):
        yield annotation.complete(half)


def ahead(items: Iterator[Item]) -> Iterator[Item]:
    """The same items, each made in a thread of its own while its predecessor is worked on: at most one waits."""
    with ThreadPoolExecutor(1) as thread:
        following = thread.submit(next, items, None)
        while (item := following.result()) is not None:
            following = thread.submit(next, items, None)
            yield item


def unreadable_file(item: InputFile, annotation: Annotation, why: str) -> Iterator[pa.RecordBatch]:
    """The one row of a file that cannot be opened at all."""
    values = {
        "record_offset": 0,
        "outcome": "bad_container",
        "detail": f"the file cannot be opened ({why}); the next run tries it again",
    }
    batch = pa.RecordBatch.from_pylist([values], schema=RECORDS)
    yield annotation(batch, item.name, DocumentIds(item.name)(batch))


class DocumentIds:
    """Identifiers that depend on where a record is and what it holds, not on how it was batched."""

    def __init__(self, name: str = "") -> None:
        self.name = name
        self.last: tuple[str, int] | None = None
        self.occurrence = 0

    def __call__(self, batch: pa.RecordBatch, names: Sequence[str] | None = None) -> pa.Array:
        """Identifiers of the rows; `names` are those of their inputs, where these differ."""
        ids = []
        columns = (batch[name].to_pylist() for name in ("record_offset", "url", "content_digest"))
        names = [self.name] * batch.num_rows if names is None else names
        for name, offset, url, digest in zip(names, *columns, strict=True):
            # Several rows can share an offset: records inside one compressed member.
            self.occurrence = self.occurrence + 1 if (name, offset) == self.last else 0
            self.last = (name, offset)
            key = f"\0{offset}\0{self.occurrence}\0{url}\0{digest}".encode("utf-8", "surrogatepass")
            ids.append(xxhash.xxh3_128_hexdigest(name.encode("utf-8", "surrogateescape") + key))
        return pa.array(ids, pa.string())
