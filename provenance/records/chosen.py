"""Records that a table names one by one, each read by its range and nothing else of its file.

Each gives a row at least: what is not there, or is no record, is one with its reason (promise 1).
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, BinaryIO

import pyarrow as pa

from provenance.files.chosen import Place, describe
from provenance.files.storage import StoreError, each
from provenance.records import record_rows
from provenance.records.options import ReadOptions
from provenance.records.roles import with_roles
from provenance.records.rows import Row, batches, failure

#: Records, and their bytes, that are fetched side by side and held: a store that answers in 50 ms gives 64 in that time.
_AT_ONCE, _HELD_BYTES = 64, 64 << 20
#: A record of more stored bytes is not fetched: the largest payload that is read is smaller, unless it is compressed to nothing.
_MOST_BYTES = 64 << 20


@dataclass
class ChosenReader:
    """Reads records by their places.

    Attributes:
        open: opens the file of a name.
        opened: whether all files could be opened so far.
        size: bytes that were read,
        digest: and their SHA-256, in the order of the records.
    """

    open: Callable[[str], BinaryIO]
    opened: bool = True
    size: int = 0
    digest: Any = field(default_factory=hashlib.sha256)

    def read(
        self, places: Sequence[Place], options: ReadOptions
    ) -> Iterator[tuple[list[str], pa.RecordBatch]]:
        """The records as batches of `schema.RECORDS`, each with the name of every row's file."""
        names: list[str] = []

        def rows() -> Iterator[Row]:
            for chunk in _chunks(places):
                for place, data in zip(chunk, self._fetch(chunk), strict=True):
                    for row in self._rows(place, data, options):
                        names.append(place.name)
                        yield row

        for batch in batches(with_roles(rows()), options):
            yield names[: batch.num_rows], batch
            del names[: batch.num_rows]

    def _fetch(self, chunk: Sequence[Place]) -> list[bytes | OSError]:
        """The bytes of records, of several files side by side."""
        of_file = [list(group) for _, group in groupby(chunk, key=lambda place: place.name)]
        found = [data for part in each(self._fetch_file, of_file) for data in part]
        for data in found:
            if isinstance(data, bytes):
                self.digest.update(data)
                self.size += len(data)
        return found

    def _fetch_file(self, places: Sequence[Place]) -> list[bytes | OSError]:
        try:
            with self.open(places[0].name) as stream:
                return [_range(stream, place) for place in places]
        except StoreError:
            raise  # a store that is down, not a file that is lost
        except OSError as error:
            self.opened = False
            return [error for _ in places]

    def _rows(self, place: Place, data: bytes | OSError, options: ReadOptions) -> Iterator[Row]:
        if isinstance(data, OSError):
            why = data.strerror or str(data)
            detail = f"the file cannot be opened ({why}); the next run tries it again"
            yield failure(place.offset, "bad_container", detail)
        elif place.length > _MOST_BYTES:
            detail = f"{describe(place)}: the table says that the record has {place.length:,} bytes, more than {_MOST_BYTES:,}"
            yield failure(place.offset, "too_large", detail)
        elif len(data) < place.length:
            detail = f"{describe(place)}: the table says that the record has {place.length:,} bytes; the file ends after {len(data):,}"
            yield failure(place.offset, "truncated", detail)
        else:
            yield from record_rows(
                io.BytesIO(data), place.name, options, place.offset, place.offset + place.length
            )


def _range(stream: BinaryIO, place: Place) -> bytes:
    """The bytes of a record; none of one that is too large."""
    if place.length > _MOST_BYTES:
        return b""
    stream.seek(place.offset)
    return stream.read(place.length)


def _chunks(places: Sequence[Place]) -> Iterator[list[Place]]:
    held: list[Place] = []
    size = 0
    for place in places:
        if held and (len(held) >= _AT_ONCE or size + place.length > _HELD_BYTES):
            yield held
            held, size = [], 0
        held.append(place)
        size += place.length
    if held:
        yield held
