"""Evaluation sets whose texts must not be trained on: JSON lines, Parquet or plain text, read from any storage."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import xxhash

from provenance.errors import ConfigurationError
from provenance.files.storage import Storage
from provenance.filters.grams import GramIndex, make_index

_COMPRESSED = {".gz": "gzip", ".zst": "zstd"}
_KNOWN = (".jsonl", ".ndjson", ".json", ".parquet", ".txt")
_PIECE = 16 << 20


def find_sets(storage: Storage, paths: Sequence[str]) -> list[str]:
    """The files that paths of files and directories name, in order.

    Raises:
        ConfigurationError: where there is none.
    """
    found = []
    for path in paths:
        below = sorted(item.path for item in storage.list(path) if _suffix(item.path) in _KNOWN)
        if not below and storage.info(path) is not None:
            below = [path]
        if not below:
            raise ConfigurationError(
                f"decontaminate: {path}: no such file, and no directory of {', '.join(_KNOWN)} (.gz and .zst too)"
            )
        found += below
    return found


def digest_sets(storage: Storage, paths: Sequence[str]) -> list[str]:
    """A digest of each file, for fingerprints."""
    found = []
    for path in find_sets(storage, paths):
        state = xxhash.xxh3_128()
        with storage.open(path) as file:
            while piece := file.read(_PIECE):
                state.update(piece)
        found.append(state.hexdigest())
    return found


def read_sets(storage: Storage, paths: Sequence[str], *, words: int, least: int, common: int) -> GramIndex:
    """The index of all texts of evaluation sets: every string of a record, at any depth, is a text of its own.

    Raises:
        ConfigurationError: for a file that cannot be read, or where no text is long enough.
    """
    texts: list[str] = []
    names: list[str] = []
    for path in find_sets(storage, paths):
        try:
            for number, value in enumerate(_records(storage, path)):
                for text in _strings(value):
                    texts.append(text)
                    names.append(f"{PurePosixPath(path).name} record {number}")
        except (OSError, ValueError, RecursionError, pa.ArrowException) as error:
            raise ConfigurationError(f"decontaminate: {path}: cannot be read: {error}") from error
    index = make_index(texts, names, words=words, least=least, common=common)
    if not len(index.keys):
        raise ConfigurationError(
            f"decontaminate: none of {len(texts):,} texts has {least} words or more that are its own; "
            "is this an evaluation set?"
        )
    return index


def _suffix(path: str) -> str:
    pure = PurePosixPath(path)
    return PurePosixPath(pure.stem).suffix if pure.suffix in _COMPRESSED else pure.suffix


def _records(storage: Storage, path: str) -> Iterator[Any]:
    """Records of a file: rows, lines of JSON, or the paragraphs of plain text."""
    with storage.open(path) as raw:
        if _suffix(path) == ".parquet":
            for batch in pq.ParquetFile(raw, pre_buffer=False).iter_batches(1024):
                yield from batch.to_pylist()
            return
        codec = _COMPRESSED.get(PurePosixPath(path).suffix)
        source: Any = pa.PythonFile(raw, "r")
        data = (pa.CompressedInputStream(source, codec) if codec else source).read()
    text = data.decode("utf-8-sig")
    if _suffix(path) == ".txt":
        yield from (paragraph for paragraph in text.replace("\r\n", "\n").split("\n\n") if paragraph.strip())
    elif _suffix(path) == ".json":
        value = json.loads(text)
        yield from value if isinstance(value, list) else [value]
    else:
        yield from (json.loads(line) for line in text.splitlines() if line.strip())


def _strings(value: Any) -> Iterator[str]:
    """All strings in a value, at any depth."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _strings(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _strings(item)
