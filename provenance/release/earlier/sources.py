"""Captures of anything that holds some, as entries of an index: releases, workspaces, crawl files, lists of captures.

A release holds no signatures, so they are made of its texts; of a workspace they are read; a crawl is read and its main text
extracted, nothing else; a list (CDX, CDXJ, Common Crawl's columnar index) says which payload was captured when.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from provenance.annotate import Annotation, DocumentIds
from provenance.annotators.marks.invisible import clean_invisible
from provenance.configuration import Configuration
from provenance.duplicates.index import ENTRIES, Design, Header, IndexFormatError, IndexWriter
from provenance.duplicates.minhash import MinHash
from provenance.files.inputs import InputError, InputFile, find_inputs
from provenance.files.ownership import MANIFEST
from provenance.files.shards import pack_signatures
from provenance.files.storage import Storage, join
from provenance.files.workspace import Workspace
from provenance.records import ReadOptions, read_records
from provenance.release.earlier.captures import is_capture_list, read_captures
from provenance.release.layout import is_data
from provenance.release.manifest import read_manifest

_BATCH_ROWS = 4_096
#: (kind of source, columns of `ENTRIES`).
Captures = Iterator[tuple[str, pa.Table]]


def build_index(
    storage: Storage, places: Sequence[str], directory: str, configuration: Configuration
) -> Header:
    """Write an index of all that `places` hold, in their order.

    Raises:
        DataError: for a place that cannot be read; says which.
    """
    writer = IndexWriter(storage, directory, design_of(configuration))
    for place in places:
        for kind, table in read_place(storage, place, configuration):
            writer.add(table, kind)
    if not writer.entries:
        raise IndexFormatError(f"{', '.join(places)}: no document and no capture there; nothing was indexed")
    return writer.close()


def design_of(configuration: Configuration) -> Design:
    """What signatures and keys of a job are made with."""
    duplicates = configuration.duplicates
    return Design.of(duplicates.threshold, duplicates.ngram, duplicates.seed)


def read_place(storage: Storage, place: str, configuration: Configuration) -> Captures:
    """All captures of one place, whatever it is."""
    if storage.info(join(place, MANIFEST)) is not None:
        return _release(storage, place, configuration)
    if storage.info(join(place, "state", "annotate.json")) is not None:
        return _workspace(storage, place, configuration)
    return _files(storage, place, configuration)


def _release(storage: Storage, place: str, configuration: Configuration) -> Captures:
    minhash = _minhash(configuration)
    columns = [name for name in ENTRIES.names if name not in ("minhash", "text_digest", "origin")]
    for item in read_manifest(storage, place)["files"]:
        if is_data(item["path"]):
            with storage.open(join(place, item["path"])) as stream:
                file = pq.ParquetFile(stream, pre_buffer=False)
                # A release of an earlier version has no column of it.
                known = [name for name in columns if name in file.schema_arrow.names]
                for batch in file.iter_batches(_BATCH_ROWS, columns=[*known, "text"]):
                    yield "release", _entries(batch, minhash, _name(place))


def _workspace(storage: Storage, place: str, configuration: Configuration) -> Captures:
    workspace = Workspace(storage, place)
    stated = workspace.need_state("annotate")["configuration"]["duplicates"]
    own = configuration.duplicates
    if (stated["ngram"], stated["seed"]) != (own.ngram, own.seed):
        raise IndexFormatError(
            f"{place}: was annotated with duplicates.ngram {stated['ngram']} and seed {stated['seed']}, not {own.ngram} "
            f"and {own.seed}; name its configuration with --config"
        )
    name = _name(place).removesuffix(".workspace")
    for shard in workspace.shards():
        with storage.open(shard.path) as stream:
            file = pq.ParquetFile(stream, pre_buffer=False)
            known = [column for column in ENTRIES.names if column in file.schema_arrow.names]
            for batch in file.iter_batches(
                _BATCH_ROWS, columns=list(dict.fromkeys([*known, "outcome", "source"]))
            ):
                table = pa.Table.from_batches([batch])
                table = table.filter(pc.is_null(table["outcome"]))
                yield "workspace", _complete(table, name)


def _files(storage: Storage, place: str, configuration: Configuration) -> Captures:
    inputs = _inputs(storage, place)
    annotation = Annotation(configuration)
    minhash = _minhash(configuration)
    ready = False
    for item in inputs:
        if is_capture_list(storage, item.path):
            for table in read_captures(storage, item.path):
                yield "captures", table
            continue
        if not ready:
            annotation.page[0].setup()
            ready = True
        for batch in _documents(storage, item, annotation):
            yield "crawl", _entries(batch, minhash, _name(place))


def _inputs(storage: Storage, place: str) -> list[InputFile]:
    """The crawl files of a place and its lists of captures, which are not named like crawl files."""
    lists = {item.path: item for item in storage.list(place) if is_capture_list(storage, item.path)}
    try:
        found = [item for item in find_inputs(storage, [place])[0] if item.path not in lists]
    except InputError:
        if not lists:
            raise
        found = []
    listed = [InputFile(path, _name(path), item.size, item.modified) for path, item in sorted(lists.items())]
    return [*found, *listed]


def _documents(storage: Storage, item: InputFile, annotation: Annotation) -> Iterator[pa.RecordBatch]:
    """The documents of a crawl file with their main text, and nothing that costs more."""
    reading = annotation.configuration.reading
    options = ReadOptions(
        batch_bytes=reading.batch_bytes,
        batch_rows=reading.batch_rows,
        max_payload_bytes=reading.max_payload_bytes,
        fields={name: field for name, field in reading.fields.model_dump().items() if field is not None},
    )
    identify = DocumentIds(item.name)
    with storage.open(item.path) as stream:
        for batch in read_records(stream, item.name, options):
            found = annotation.extract(batch, item.name, identify(batch)).documents
            if found.num_rows and "text_outcome" in found.schema.names:
                found = found.filter(pc.is_null(found["text_outcome"]))
            if not found.num_rows:
                continue
            if annotation.configuration.text.clean_invisible:
                at = found.schema.get_field_index("text")
                found = found.set_column(at, "text", clean_invisible(found["text"]))
            yield found


def _minhash(configuration: Configuration) -> MinHash:
    minhash = MinHash(ngram=configuration.duplicates.ngram, seed=configuration.duplicates.seed)
    minhash.setup()
    return minhash


def _entries(batch: pa.RecordBatch, minhash: MinHash, origin: str) -> pa.Table:
    _, signatures, digests = minhash(batch)
    table = pa.Table.from_batches([batch])
    table = table.append_column("minhash", pack_signatures(signatures)).append_column("text_digest", digests)
    return _complete(table, origin)


def _complete(table: pa.Table, origin: str) -> pa.Table:
    """All columns of `ENTRIES`; what is not there is null."""
    columns = {
        field.name: table[field.name]
        if field.name in table.column_names
        else pa.nulls(len(table), field.type)
        for field in ENTRIES
    }
    return pa.table({**columns, "origin": pa.array([origin] * len(table), pa.string())}).cast(ENTRIES)


def _name(place: str) -> str:
    return place.rstrip("/").rpartition("/")[2] or place
