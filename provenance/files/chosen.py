"""Records that a table names one by one: file, offset, length, as Common Crawl's columnar index has them.

The table is an input: its records are read by range, from however many archives, in the order of their places.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from provenance.errors import UsageError, plain
from provenance.files.inputs import Chosen, InputFile, find_inputs
from provenance.files.lists import whole_name
from provenance.files.storage import Storage, check_address

#: What a column can be called: as in Common Crawl's columnar index, or as in CDX.
_COLUMNS = {
    "file": ("warc_filename", "filename"),
    "offset": ("warc_record_offset", "offset"),
    "length": ("warc_record_length", "length"),
}
_SIGNATURE = b"PAR1"


@dataclass(frozen=True)
class Place:
    """Where a record is: the name of its archive, as the table has it, and a range of its bytes."""

    name: str
    offset: int
    length: int


@dataclass(frozen=True)
class Places:
    """The records of a table, in the order of files and offsets, each once.

    Attributes:
        names: of the files, in order.
        file: the number of each record's file (int32).
        offset: of its first byte (int64).
        length: of its bytes (int64).
    """

    names: tuple[str, ...]
    file: NDArray[np.int32]
    offset: NDArray[np.int64]
    length: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.file)

    def slice(self, start: int, end: int) -> list[Place]:
        """The records from number `start` up to `end`."""
        columns = (self.file[start:end], self.offset[start:end], self.length[start:end])
        rows = zip(*(column.tolist() for column in columns), strict=True)
        return [Place(self.names[file], offset, length) for file, offset, length in rows]


_held: dict[tuple[str, str], Places] = {}
_lock = threading.Lock()


def is_table(storage: Storage, place: str) -> bool:
    """Whether a file is Parquet; False where it cannot be opened, which whoever reads it says."""
    try:
        with storage.open(place) as file:
            return file.read(4) == _SIGNATURE
    except OSError:
        return False


def find_chosen(storage: Storage, places: list[str], prefix: str | None) -> list[InputFile]:
    """Tables of records as inputs; `prefix` goes before the relative names of files in them.

    Raises:
        UsageError: a table is not there, has no such columns, an empty row, or names that cannot be read or need a prefix.
    """
    found = []
    for item in find_inputs(storage, places)[0] if places else ():
        records = read_places(storage, item.path)
        for name in records.names:
            check_address(whole_name(name, item.path, prefix))
        size = int(records.length.sum())
        chosen = Chosen(prefix, len(records))
        found.append(replace(item, name=f"@{item.name}", size=size, chosen=chosen))
    return found


def read_places(storage: Storage, path: str) -> Places:
    """The records of a table; some 20 bytes of memory for each.

    Raises:
        UsageError: it has no such columns, no row, or a row without a file, an offset or a length.
    """
    with storage.open(path) as stream:
        return _places(stream, path)


def held_places(storage: Storage, item: InputFile) -> Places:
    """The records of an input that is a table; those of one are held, for its next span."""
    key = (item.path, item.modified)
    with _lock:
        if key not in _held:
            _held.clear()
            _held[key] = read_places(storage, item.path)
        return _held[key]


def _places(stream: BinaryIO, path: str) -> Places:
    try:
        file = pq.ParquetFile(stream)
    except (pa.ArrowException, ValueError) as error:
        raise UsageError(f"{path}: cannot be read as a table of records: {error}") from error
    chosen = {
        column: next((name for name in names if name in file.schema_arrow.names), None)
        for column, names in _COLUMNS.items()
    }
    missing = [" or ".join(_COLUMNS[column]) for column, name in chosen.items() if name is None]
    if missing:
        raise UsageError(
            f"{path}: a list of inputs that is Parquet has a record in each row, and needs the columns {', '.join(missing)}; "
            f"it has {', '.join(file.schema_arrow.names[:20])}"
        )
    table = file.read(columns=[name for name in chosen.values() if name is not None], use_threads=False)
    names, offset, length = (table[chosen[column]] for column in _COLUMNS)
    numbers = [pc.cast(column, pa.int64()).fill_null(-1).to_numpy() for column in (offset, length)]
    bad = np.asarray(pc.is_null(names)) | (numbers[0] < 0) | (numbers[1] < 1)
    if not len(table):
        raise UsageError(f"{path}: names no record")
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise UsageError(
            f"{path}: row {row:,} lacks a file, an offset or a length above 0; leave such rows out"
        )
    return _in_order(names, *numbers)


def _in_order(names: pa.ChunkedArray, offset: NDArray[np.int64], length: NDArray[np.int64]) -> Places:
    encoded = names.cast(pa.string()).combine_chunks().dictionary_encode()
    known = encoded.dictionary.to_pylist()
    by_name = sorted(range(len(known)), key=lambda number: known[number])
    rank = np.empty(len(known), np.int32)
    rank[by_name] = np.arange(len(known), dtype=np.int32)
    file = rank[np.asarray(encoded.indices)]
    order = np.lexsort((length, offset, file))
    file, offset, length = file[order], offset[order], length[order]
    again = (np.diff(file) == 0) & (np.diff(offset) == 0)  # the same record, in whatever length
    keep = np.concatenate([[True], ~again])
    return Places(tuple(known[number] for number in by_name), file[keep], offset[keep], length[keep])


def describe(place: Place) -> str:
    """A record's place, for messages."""
    return f"{plain(place.name)[:200]}, byte {place.offset:,}"
