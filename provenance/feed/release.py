"""A release opened for reading: its blocks (row groups), what they hold, and one block as columns.

Every page is checked against the sum that was written with it, so a changed or damaged file is an error where it is read.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from provenance.errors import DataError, UsageError
from provenance.files.storage import AnyStorage, Storage, check_address, join
from provenance.release.layout import data_files
from provenance.release.manifest import read_manifest

#: Footers and files that a process keeps open.
_OPEN_FILES = 64


class FeedError(DataError):
    """A release that cannot be read on: damaged, changed, or another one than a state belongs to."""


@dataclass(frozen=True)
class Block:
    """One row group: where it lies, how many documents it holds, and the bytes of the columns read, before compression."""

    path: str
    group: int
    rows: int
    bytes: int = 0


@dataclass
class OpenRelease:
    """The documents of a release, or of one of its splits, in blocks.

    Attributes:
        place: directory or address.
        fingerprint: of the release; states name it.
        columns: what is read of each document, `text` for one.
        gaps: those of `columns` that have missing values.
        split: the one that is read, of a release with some.
    """

    place: str
    storage: Storage
    fingerprint: str
    columns: tuple[str, ...]
    blocks: tuple[Block, ...]
    schema: pa.Schema
    gaps: frozenset[str] = frozenset()
    split: str | None = None
    _files: dict[str, pq.ParquetFile] = field(default_factory=dict, repr=False)
    _process: int = field(default=0, repr=False)

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_files": {}}  # each process opens its own

    @property
    def documents(self) -> int:
        """How many documents there are."""
        return sum(block.rows for block in self.blocks)

    def read(self, number: int, columns: Sequence[str] | None = None) -> pa.Table:
        """The columns of one block.

        Raises:
            FeedError: where the file is damaged or gone.
        """
        block = self.blocks[number]
        try:
            return self._file(block.path).read_row_group(block.group, columns=list(columns or self.columns))
        except (pa.ArrowException, OSError) as error:
            raise FeedError(
                f"{block.path}: block {block.group} cannot be read: {error}; `provenance verify {self.place}` says what is wrong"
            ) from error

    def _file(self, path: str) -> pq.ParquetFile:
        if self._process != os.getpid():
            # A forked process would share the place in each file with its parent.
            self._process, self._files = os.getpid(), {}
        found = self._files.get(path)
        if found is None:
            if len(self._files) >= _OPEN_FILES:
                self._files.pop(next(iter(self._files))).close(force=True)
            found = self._files[path] = _open(self.storage, path)
        return found


def open_release(
    place: str,
    columns: Sequence[str] = ("text",),
    *,
    split: str | None = None,
    storage: Storage | None = None,
) -> OpenRelease:
    """Open the documents of a release; of one with splits, `split` says which.

    Raises:
        UsageError: where there is no such column or split, or values of a column make no array of numbers, strings or times.
        FeedError: where a file is missing or has another size than the manifest says.
        ReleaseError: where it is no finished release.
    """
    check_address(place)
    storage = storage or AnyStorage()
    manifest = read_manifest(storage, place)
    files = data_files(manifest)
    splits = list(dict.fromkeys(item["split"] for item in files if "split" in item))
    if splits and split not in splits:
        raise UsageError(f"{place}: name one of its splits (--split, in Python split=): {', '.join(splits)}")
    if split is not None and not splits:
        raise UsageError(f"{place}: has no splits, so none named {split!r}")
    blocks: list[Block] = []
    gaps: set[str] = set()
    schema: pa.Schema | None = None
    for item in files:
        if split is not None and item.get("split") != split:
            continue
        path = join(place, item["path"])
        info = storage.info(path)
        if info is None or info.size != item["bytes"]:
            found = (
                "is missing"
                if info is None
                else f"has {info.size:,} bytes, the manifest says {item['bytes']:,}"
            )
            raise FeedError(f"{path}: {found}; fetch the release again")
        with _open(storage, path) as file:
            schema = schema or file.schema_arrow
            blocks.extend(_blocks_of(path, file.metadata, set(columns), gaps))
    if schema is None:
        raise FeedError(f"{place}: holds no documents")
    check_columns(place, schema, columns)
    return OpenRelease(
        place=place,
        storage=storage,
        fingerprint=manifest["sha256"][:16],
        columns=tuple(columns),
        blocks=tuple(block for block in blocks if block.rows),
        schema=schema,
        gaps=frozenset(gaps),
        split=split,
    )


def check_columns(place: str, schema: pa.Schema, columns: Sequence[str]) -> None:
    """Refuse columns that are not there, or whose values make no array of numbers, strings or times.

    Raises:
        UsageError: names the column.
    """
    for name in columns:
        _check_column(place, schema, name)


def is_fed(kind: pa.DataType) -> bool:
    """Whether values of a type are numbers, strings or times."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(
        _is_string(kind)
        or pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_boolean(kind)
        or pa.types.is_timestamp(kind)
    )


def collate(table: pa.Table) -> dict[str, list[str] | NDArray[Any]]:
    """Columns as training code takes them: strings as a list, numbers as an array, times as microseconds since 1970 (int64).

    A string that is missing is "", a number that is missing NaN (its column is float64 then), a time that is missing -2 ** 63.
    """
    found: dict[str, list[str] | NDArray[Any]] = {}
    for name in table.column_names:
        column = table[name]
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        if _is_string(column.type):
            found[name] = column.fill_null("").to_pylist() if column.null_count else column.to_pylist()
        elif pa.types.is_timestamp(column.type):
            micros = column.cast(pa.timestamp("us", column.type.tz)).cast(pa.int64())
            found[name] = _array(micros.fill_null(-(2**63)))
        elif column.null_count and not pa.types.is_floating(column.type):
            found[name] = _array(column.cast(pa.float64()).fill_null(np.nan))
        else:
            found[name] = _array(column.fill_null(np.nan) if column.null_count else column)
    return found


def _array(column: pa.ChunkedArray) -> NDArray[Any]:
    """A copy, as torch wants arrays that may be written to."""
    return np.array(column.to_numpy())


def _blocks_of(path: str, metadata: pq.FileMetaData, columns: set[str], gaps: set[str]) -> Iterator[Block]:
    """The row groups of a file; columns with missing values, or without a count of them, are added to `gaps`."""
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        size = 0
        for place in range(group.num_columns):
            column = group.column(place)
            if column.path_in_schema in columns:
                size += column.total_uncompressed_size
                if column.statistics is None or column.statistics.null_count != 0:
                    gaps.add(column.path_in_schema)
        yield Block(path, number, group.num_rows, size)


def _open(storage: Storage, path: str) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(cast(Any, storage.open(path)), page_checksum_verification=True)
    except (pa.ArrowException, OSError) as error:
        raise FeedError(f"{path}: cannot be opened as Parquet: {error}") from error


def _check_column(place: str, schema: pa.Schema, name: str) -> None:
    if name not in schema.names:
        raise UsageError(f"{place}: has no column {name!r}; it has {', '.join(schema.names)}")
    kind = schema.field(name).type
    if not is_fed(kind):
        raise UsageError(f"{place}: column {name!r} is {kind}; numbers, strings and times can be fed")


def _is_string(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))
