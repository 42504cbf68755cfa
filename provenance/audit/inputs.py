"""Datasets as an audit reads them: releases, Parquet, JSON lines, datasets of Hugging Face on disk, plain text.

Whatever it was, it comes as record batches with a column `text`. A line that cannot be read is counted and passed over.
"""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO, cast

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

from provenance.annotators.columns import string_array
from provenance.errors import DataError
from provenance.files.storage import Storage, join

_BATCH_ROWS = 1024
_BATCH_BYTES = 4 << 20
#: A paragraph of plain text that is longer is cut.
_MOST_BYTES = 16 << 20
_OPTIONAL = (
    "language",
    "source",
    "domain",
    "host",
    "url",
    "proven_by",
    "capture_time",
    "synthetic_probability",
)
_PARQUET, _ARROW, _LINES, _TEXT = (".parquet",), (".arrow",), (".jsonl", ".ndjson", ".json"), (".txt",)
_PACKED = ("", ".gz", ".zst")
SKETCH = ".sketch"
#: File names that are read, by their endings.
ENDINGS = (*_PARQUET, *_ARROW, *(name + packed for name in (*_LINES, *_TEXT) for packed in _PACKED))


class AuditError(DataError):
    """A dataset that cannot be audited; the message says why."""


@dataclass
class Reading:
    """Which fields hold what, and how much could not be read."""

    text: str = "text"
    prompt: str | None = None  # what a text responds to, of a model's outputs
    unreadable: int = field(default=0, init=False)  # lines and rows without text of the kind asked for

    def names(self) -> list[str]:
        """The columns that are read besides the text."""
        return [*_OPTIONAL, "watermarks", *([self.prompt] if self.prompt else [])]


def read_batches(storage: Storage, dataset: str, reading: Reading | None = None) -> Iterator[pa.RecordBatch]:
    """Batches of the columns that an audit reads, the text as `text`, the prompt as `prompt`.

    Raises:
        AuditError: where a file is damaged or has no text.
    """
    reading = reading or Reading()
    for path in find_files(storage, dataset):
        with storage.open(path) as file:
            try:
                yield from _read(file, path, reading)
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError, zstandard.ZstdError) as error:
                kind = "Parquet" if path.endswith(_PARQUET) else "what its name says"
                raise AuditError(f"{path}: cannot be read as {kind}: {error}") from error


def find_files(storage: Storage, dataset: str) -> list[str]:
    """The files of a dataset, sorted; of a release only its documents. Folders that other readers pass over are, too.

    Raises:
        AuditError: where there is none.
    """
    if dataset.endswith(ENDINGS) and storage.info(dataset) is not None and not storage.list(dataset):
        return [dataset]
    release = storage.info(join(dataset, "manifest.json")) is not None
    root = join(dataset, "data") if release else dataset
    there = [item.path for item in storage.list(root) if not _is_aside(item.path[len(root) :])]
    for endings in (_PARQUET, _ARROW, ENDINGS):
        # Beside Parquet or Arrow files JSON is what describes them.
        found = sorted(path for path in there if path.endswith(endings))
        if found:
            return found
    exists = storage.info(dataset) is not None or bool(there)
    raise AuditError(
        f"{dataset}: there is no file here that an audit reads ({', '.join(ENDINGS)}); crawls become Parquet by `provenance curate`"
        if exists
        else f"{dataset}: there is no such file or directory"
    )


def _is_aside(path: str) -> bool:
    """Whether a path lies in a folder like the ledger's (`_ledger`) or a hidden one."""
    return any(part.startswith(("_", ".")) for part in path.strip("/").split("/")[:-1])


def _read(file: BinaryIO, path: str, reading: Reading) -> Iterator[pa.RecordBatch]:
    if path.endswith(_PARQUET):
        yield from _read_parquet(file, path, reading)
    elif path.endswith(_ARROW):
        with pa.ipc.open_stream(file) as stream:
            wanted = _columns(stream.schema.names, path, reading)
            for batch in stream:
                for start in range(0, batch.num_rows, _BATCH_ROWS):
                    yield _renamed(batch.select(wanted).slice(start, _BATCH_ROWS), reading)
    elif any(path.endswith(name + packed) for name in _LINES for packed in _PACKED):
        yield from _read_json(_unpacked(file, path), path, reading)
    else:
        yield from _read_text(_unpacked(file, path))


def _read_parquet(file: BinaryIO, path: str, reading: Reading) -> Iterator[pa.RecordBatch]:
    # Read ahead, a file would stay in memory until its end.
    table = pq.ParquetFile(file, pre_buffer=False)
    wanted = _columns(table.schema_arrow.names, path, reading)
    for batch in table.iter_batches(_BATCH_ROWS, columns=wanted):
        yield _renamed(batch, reading)


def _columns(names: list[str], path: str, reading: Reading) -> list[str]:
    for name in (reading.text, *([reading.prompt] if reading.prompt else [])):
        if name not in names:
            raise AuditError(f"{path}: has no column `{name}` (it has {', '.join(names[:8])})")
    return [name for name in names if name == reading.text or name in reading.names()]


def _renamed(batch: pa.RecordBatch, reading: Reading) -> pa.RecordBatch:
    new = {reading.text: "text"} | ({reading.prompt: "prompt"} if reading.prompt else {})
    return batch.rename_columns([new.get(name, name) for name in batch.schema.names])


def _unpacked(file: BinaryIO, path: str) -> BinaryIO:
    if path.endswith(".gz"):
        return cast(BinaryIO, gzip.open(file))
    if path.endswith(".zst"):
        return cast(BinaryIO, zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True))
    return file


def _read_json(stream: BinaryIO, path: str, reading: Reading) -> Iterator[pa.RecordBatch]:
    """JSON lines, or one JSON array in a file."""
    buffered = io.BufferedReader(cast(io.RawIOBase, stream), 1 << 20)
    if buffered.peek(64).lstrip()[:1] == b"[":
        try:
            items = json.load(buffered)
        except ValueError as error:
            raise AuditError(f"{path}: cannot be read as JSON: {error}") from error
        yield from _batches(iter(items), path, reading)
        return
    yield from _batches((_parsed(line) for line in buffered if line.strip()), path, reading)


def _parsed(line: bytes) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _batches(items: Iterator[Any], path: str, reading: Reading) -> Iterator[pa.RecordBatch]:
    rows: list[dict[str, Any]] = []
    size, found = 0, False
    names: set[str] = set()
    for item in items:
        text = item.get(reading.text) if isinstance(item, dict) else None
        if not isinstance(text, str):
            reading.unreadable += 1
            names.update(list(item)[:8] if isinstance(item, dict) else [])
            continue
        found = True
        rows.append(item)
        size += len(text)
        if size >= _BATCH_BYTES or len(rows) == _BATCH_ROWS:
            yield _batch(rows, reading)
            rows, size = [], 0
    if rows:
        yield _batch(rows, reading)
    if not found and names:
        raise AuditError(f"{path}: has no text in `{reading.text}` (it has {', '.join(sorted(names)[:8])})")


def _batch(rows: list[dict[str, Any]], reading: Reading) -> pa.RecordBatch:
    columns = {"text": string_array([row[reading.text] for row in rows])}
    for name in _OPTIONAL[:-1]:
        values = [row.get(name) for row in rows]
        if any(isinstance(value, str) for value in values):
            columns[name] = pa.array(
                [value if isinstance(value, str) else None for value in values], pa.string()
            )
    if reading.prompt:
        prompts = [row.get(reading.prompt) for row in rows]
        columns["prompt"] = string_array(
            [value if isinstance(value, str) else json.dumps(value, sort_keys=True) for value in prompts]
        )
    return pa.record_batch(columns)


def _read_text(stream: BinaryIO) -> Iterator[pa.RecordBatch]:
    """Plain text: what lies between blank lines is a document."""
    paragraphs: list[str] = []
    lines: list[bytes] = []
    size = held = 0
    for line in io.BufferedReader(cast(io.RawIOBase, stream), 1 << 20):
        if line.strip() and held < _MOST_BYTES:
            lines.append(line)
            held += len(line)
            continue
        if lines:
            paragraphs.append(b"".join(lines).decode("utf-8", "replace").strip())
            size += held
            lines, held = ([line], len(line)) if line.strip() else ([], 0)
        if size >= _BATCH_BYTES:
            yield pa.record_batch({"text": string_array(paragraphs)})
            paragraphs, size = [], 0
    if lines:
        paragraphs.append(b"".join(lines).decode("utf-8", "replace").strip())
    if paragraphs:
        yield pa.record_batch({"text": string_array(paragraphs)})
