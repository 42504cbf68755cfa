"""Read labelled or provably human documents from files, releases and workspaces, in batches."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import xxhash
from numpy.typing import NDArray

from provenance.errors import UsageError
from provenance.evidence import LOW_BACKGROUND_BEFORE
from provenance.files.storage import AnyStorage, join
from provenance.files.workspace import Workspace
from provenance.records.dates import time_of
from provenance.records.fields import DEFAULT_FIELDS
from provenance.release.layout import data_files
from provenance.release.manifest import read_manifest

_BATCH = 1024
_PIECE = 1 << 20
_STORAGE = AnyStorage()
_LINES = (".jsonl", ".jsonl.gz", ".ndjson", ".ndjson.gz")
_NAMES = (*_LINES, ".parquet")
_LABELS = {"human": False, "0": False, "false": False, "synthetic": True, "1": True, "true": True}
#: Fields that prove a document's date, the first that is there; a publisher's own date proves nothing.
_DATES = ("proven_by", *(name for name in DEFAULT_FIELDS["capture_time"] if "." not in name))
_FIELDS = ("text", "language", "label", "domain", "group", "low_background", *_DATES)
_BEFORE = int(LOW_BACKGROUND_BEFORE.astype(np.int64))


class LabelledError(UsageError):
    """An input that cannot be read; the message names it and says why."""


@dataclass(frozen=True)
class Source:
    """One file of documents. `name` and `digest` identify it wherever it lies."""

    kind: Literal["release", "workspace", "file"]
    name: str
    digest: str
    path: str
    decisions: str = ""  # beside a shard of a workspace


@dataclass(frozen=True)
class Documents:
    """n documents that are labelled; the hashes have the shape (n,)."""

    texts: list[str]
    languages: list[str | None]
    synthetic: NDArray[np.bool_]
    text_hashes: NDArray[np.uint64]
    groups: NDArray[np.uint64]  # of the text where no group is named
    domains: NDArray[np.uint64]


def find_sources(inputs: Sequence[str]) -> list[Source]:
    """The files behind paths of files, directories, releases and workspaces, in the order of their names.

    Raises:
        LabelledError: where a path is not there or holds nothing that can be read.
    """
    found: list[Source] = []
    for given in inputs:
        try:
            found += _sources(given)
        except OSError as error:
            raise LabelledError(f"{given}: cannot be read: {error.strerror or error}") from error
    return sorted(found, key=lambda source: (source.kind, source.name, source.digest))


def _sources(path: str) -> list[Source]:
    if _STORAGE.info(join(path, "manifest.json")) is not None:
        return [
            Source("release", item["path"], f"sha256:{item['sha256']}", join(path, item["path"]))
            for item in data_files(read_manifest(_STORAGE, path))
        ]
    if _STORAGE.info(join(path, "state", "annotate.json")) is not None:
        return _shards(path)
    inside = _STORAGE.list(path)
    directory = bool(inside) or os.path.isdir(path)
    if not directory and _STORAGE.info(path) is None:
        raise LabelledError(f"{path}: no such file or directory")
    named = [one for one in ([item.path for item in inside] if directory else [path]) if one.endswith(_NAMES)]
    if not named:
        what = (
            "holds no JSON lines and no Parquet" if directory else "is not named like JSON lines or Parquet"
        )
        raise LabelledError(f"{path}: {what} ({', '.join(_NAMES)})")
    return [_file(name) for name in named]


def read_documents(source: Source, human_only: bool) -> Iterator[Documents]:
    """The documents of a source whose author is known: as labelled, as proven by a date, or all human.

    Raises:
        LabelledError: where the file is damaged, or nothing in it says who wrote its texts.
    """
    said = False
    read = _lines if source.path.endswith(_LINES) else _parquet
    try:
        for rows in read(source):
            synthetic = [_is_synthetic(row, source, human_only) for row in rows]
            said |= any(value is not None for value in synthetic) or "low_background" in rows[0]
            chosen = [
                (row, value) for row, value in zip(rows, synthetic, strict=True) if isinstance(value, bool)
            ]
            if chosen:
                yield _documents(chosen)
    except (pa.ArrowException, OSError, EOFError) as error:
        raise LabelledError(f"{source.path}: cannot be read: {error}") from error
    if not said:
        raise LabelledError(
            f"{source.path}: has neither `label` nor a date of a capture ({', '.join(_DATES[:4])} …); "
            "--human-only takes all its documents for human"
        )


def _shards(path: str) -> list[Source]:
    workspace = Workspace(_STORAGE, path)
    found = []
    for shard in workspace.shards():
        decisions = workspace.decisions_path(shard)
        if _STORAGE.info(decisions) is None:
            raise LabelledError(f"{path}: stage select has not finished here; run `provenance select` first")
        found.append(Source("workspace", shard.name, f"xxh3:{shard.content}", shard.path, decisions))
    return found


def _file(path: str) -> Source:
    state = hashlib.sha256()
    with _STORAGE.open(path) as file:
        while piece := file.read(_PIECE):
            state.update(piece)
    return Source("file", path.rpartition("/")[2], f"sha256:{state.hexdigest()}", path)


def _parquet(source: Source) -> Iterator[list[dict[str, Any]]]:
    decided = None
    if source.decisions:
        with _STORAGE.open(source.decisions) as file:
            decided = pq.read_table(file, columns=["decision", "reason", "low_background"])
    at = 0
    with _STORAGE.open(source.path) as file, pq.ParquetFile(file, pre_buffer=False) as table:
        names = [name for name in _FIELDS if name in table.schema_arrow.names]
        if "text" not in names:
            raise LabelledError(f"{source.path}: has no column `text`")
        for batch in table.iter_batches(_BATCH, columns=names):
            rows: list[dict[str, Any]] = batch.to_pylist()
            if decided is not None:
                for row, decision in zip(rows, decided.slice(at, len(rows)).to_pylist(), strict=True):
                    keeper = decision["decision"] == "kept" or decision["reason"] == "synthetic_cap"
                    row["low_background"] = decision["low_background"] and keeper
                at += len(rows)
            yield rows


def _lines(source: Source) -> Iterator[list[dict[str, Any]]]:
    with _STORAGE.open(source.path) as file:
        stream = gzip.GzipFile(fileobj=file) if source.path.endswith(".gz") else file
        numbered = enumerate(stream, start=1)
        while batch := list(islice(numbered, _BATCH)):
            rows = []
            for number, line in batch:
                if not line.strip():
                    continue
                try:
                    row = json.loads(line)
                except (ValueError, RecursionError) as error:
                    raise LabelledError(f"{source.path}: line {number}: is not JSON: {error}") from error
                if not isinstance(row, dict) or not isinstance(row.get("text"), str):
                    raise LabelledError(f'{source.path}: line {number}: needs an object with a string "text"')
                rows.append(row)
            if rows:
                yield rows


def _is_synthetic(row: dict[str, Any], source: Source, human_only: bool) -> bool | Literal["later"] | None:
    """Who wrote a row's text; "later": dated, but not proven human; None: nothing says."""
    if not isinstance(row.get("text"), str):
        return None
    if human_only:
        return False
    label = row.get("label")
    if source.kind == "file" and label is not None:
        found = _LABELS.get(str(label).strip().lower())
        if found is None:
            raise LabelledError(f"{source.path}: label {str(label)[:40]!r} is none of {', '.join(_LABELS)}")
        return found
    if isinstance(row.get("low_background"), bool):
        return False if row["low_background"] else "later"
    date = next((row[name] for name in _DATES if row.get(name) is not None), None)
    moment = time_of(date)
    if moment is None:
        return None
    return False if moment < _BEFORE else "later"


def _documents(chosen: Sequence[tuple[dict[str, Any], bool]]) -> Documents:
    rows = [row for row, _ in chosen]
    texts = [row["text"] for row in rows]
    hashes = np.array([_hash(text) for text in texts], np.uint64)
    languages = [row.get("language") for row in rows]
    named = [row.get("group") for row in rows]
    groups = [
        own if group is None else _hash(group) for own, group in zip(hashes.tolist(), named, strict=True)
    ]
    return Documents(
        texts=texts,
        languages=[value if isinstance(value, str) else None for value in languages],
        synthetic=np.array([synthetic for _, synthetic in chosen]),
        text_hashes=hashes,
        groups=np.array(groups, np.uint64),
        domains=np.array([_hash(row.get("domain") or "") for row in rows], np.uint64),
    )


def _hash(value: Any) -> int:
    return xxhash.xxh3_64_intdigest(str(value).encode("utf-8", "replace"))
