"""Carry the documents of an earlier release forward: nothing of them is read or judged again (`curate --keep`).

Each of its data files becomes a shard of the workspace with the published columns, signatures made of the published texts, and
beside it what was decided then. Their evidence, prior and probability stay as they were published; they are kept before any
near-duplicate of the new crawl, and they count under the new cap.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from provenance.configuration import Configuration, fingerprint
from provenance.duplicates.minhash import MinHash
from provenance.duplicates.word_sample import WordSample
from provenance.errors import UsageError
from provenance.files.inputs import InputFile
from provenance.files.shards import pack_signatures, write_shard
from provenance.files.storage import Storage, join
from provenance.release.layout import is_data
from provenance.release.manifest import ReleaseError, read_manifest
from provenance.schema import DECISIONS

_BATCH_ROWS = 1_024


@dataclass(frozen=True)
class Carried:
    """One data file of an earlier release, and where it goes in the workspace."""

    release: str
    file: str  # below the release
    input: InputFile
    path: str  # of the shard
    decided: str  # of what was decided then, row for row
    fingerprint: str


def plan_carried(
    storage: Storage,
    release: str,
    inputs: Sequence[InputFile],
    configuration: Configuration,
    tokenizer: Mapping[str, Any],
    schema: pa.Schema,
) -> list[tuple[InputFile, str, str]]:
    """(input, file below the release, fingerprint) of each data file of a release that is to be carried forward.

    Raises:
        ReleaseError: where it is not finished, or counts other tokens.
        UsageError: where an input is one that the release was made from.
    """
    manifest = read_manifest(storage, release)
    if manifest["tokenizer"]["sha256"] != tokenizer["sha256"]:
        raise ReleaseError(
            f"{release}: counts tokens of {manifest['tokenizer']['name']}, this job those of {tokenizer['name']}: one cap "
            "cannot count both; set text.tokenizer to that one, or make the release again"
        )
    known = {(item["name"], item["bytes"]) for item in manifest["inputs"]}
    again = [item for item in inputs if (item.name, item.size) in known]
    if again:
        raise UsageError(
            f"{again[0].path}: the release {release} was made from it, so --keep would have its documents twice; "
            f"leave it out of the inputs{f' ({len(again):,} such files)' if len(again) > 1 else ''}"
        )
    design = configuration.duplicates.model_dump(include={"ngram", "seed"})
    name = release.rstrip("/").rpartition("/")[2]
    return [
        (
            InputFile(join(release, item["path"]), f"{name}:{item['path']}", item["bytes"], item["sha256"]),
            item["path"],
            fingerprint("carried", item["sha256"], design, schema.to_string()),
        )
        for item in manifest["files"]
        if is_data(item["path"])
    ]


def carry_file(storage: Storage, task: Carried, schema: pa.Schema, minhash: MinHash) -> int:
    """Write the shard of one data file and what was decided of its documents; returns how many there are.

    `schema` is that of the annotated shards of the job.
    """
    with storage.open(task.input.path) as stream, storage.create(task.decided) as decided:
        source = pq.ParquetFile(stream, pre_buffer=False)
        with pq.ParquetWriter(decided, DECISIONS, compression="zstd") as writer:

            def batches() -> Iterator[pa.RecordBatch]:
                for batch in source.iter_batches(_BATCH_ROWS):
                    table = pa.Table.from_batches([batch])
                    writer.write_table(_as(table, DECISIONS, {}))
                    yield from _annotated(table, schema, minhash).combine_chunks().to_batches()

            with storage.create(task.path) as file:
                counts = write_shard(batches(), schema, file, item=task.input, fingerprint=task.fingerprint)
    return counts.documents


def _annotated(table: pa.Table, schema: pa.Schema, minhash: MinHash) -> pa.Table:
    texts = pa.record_batch({"text": table["text"].combine_chunks()})
    _, signatures, digests = minhash(texts)
    made = {
        "word_sample": WordSample()(texts)[0],
        "minhash": pack_signatures(signatures),
        "text_digest": digests,
        "text_bytes": pc.binary_length(table["text"]).cast(pa.int64()),
    }
    return _as(table, schema, made)


def _as(table: pa.Table, schema: pa.Schema, made: Mapping[str, pa.Array]) -> pa.Table:
    """The columns of a schema: those made, those of the table, else null."""
    columns = []
    for field in schema:
        if field.name in made:
            column = made[field.name]
        elif field.name in table.column_names:
            column = table[field.name]
        else:
            column = pa.nulls(len(table), field.type)
        columns.append(column if column.type == field.type else column.cast(field.type))
    return pa.table(columns, schema=schema)
