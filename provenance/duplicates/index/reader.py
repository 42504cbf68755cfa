"""Look up documents in indexes: keys by range, then the entries that they name. Nothing is loaded as a whole.

Entries get the addresses of the shards that would follow those of the job (`Blocks.beyond`), so deduplication takes them for
documents that it need not read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from provenance.duplicates.index.form import ENTRIES, FENCES, Header, IndexFormatError, read_header
from provenance.duplicates.index.writer import ENTRY_FILE_ROWS, ENTRY_GROUP_ROWS
from provenance.duplicates.sketches import (
    ROW_BITS,
    U64,
    Sketches,
    concatenate,
    payload_digests,
    sketches,
)
from provenance.files.shards import unpack_signatures
from provenance.files.storage import Storage, StoreError, join
from provenance.schema import MINHASH_PERMUTATIONS, TIME

#: What the table of clusters says of an entry, as of a document of the job, and where it lies.
FACTS = pa.schema(
    [
        ("doc_id", pa.string()),
        ("host", pa.string()),
        ("capture_time", TIME),
        ("standing", pa.uint64()),
        ("place", pa.string()),
    ]
)
#: Row groups of keys that are read at once.
_GROUPS_AT_ONCE = 64


@dataclass(frozen=True)
class Index:
    """One index, opened file by file when something is looked up in it."""

    storage: Storage
    directory: str

    @cached_property
    def header(self) -> Header:
        return read_header(self.storage, self.directory)

    def find(self, keys: U64) -> tuple[U64, U64]:
        """(key, entry) of all entries that have one of the ascending, distinct keys."""
        firsts = np.array([item["first"] for item in self.header.key_files], np.uint64)
        # A run of equal keys can begin in the file before the one that begins with it.
        begin = np.maximum(np.searchsorted(firsts, keys, "left").astype(np.int64) - 1, 0)
        end = np.searchsorted(firsts, keys, "right").astype(np.int64)
        found: list[tuple[U64, U64]] = []
        for number, item in enumerate(self.header.key_files):
            wanted = keys[(begin <= number) & (number < end)]
            if len(wanted) and item["rows"]:
                found += self._find_in(item["path"], wanted)
        if not found:
            return np.empty(0, np.uint64), np.empty(0, np.uint64)
        return np.concatenate([part[0] for part in found]), np.concatenate([part[1] for part in found])

    def _find_in(self, path: str, keys: U64) -> list[tuple[U64, U64]]:
        found = []
        with self._opened(path) as file:
            fences = np.frombuffer(bytes.fromhex(file.metadata.metadata[FENCES].decode()), ">u8")
            fences = fences.astype(np.uint64)
            begin = np.maximum(np.searchsorted(fences, keys, "left").astype(np.int64) - 1, 0)
            end = np.searchsorted(fences, keys, "right").astype(np.int64)
            touched = np.zeros(len(fences) + 1, np.int64)
            np.add.at(touched, begin, 1)
            np.add.at(touched, np.maximum(end, begin), -1)
            groups = np.flatnonzero(np.cumsum(touched[:-1])).tolist()
            for at in range(0, len(groups), _GROUPS_AT_ONCE):
                table = file.read_row_groups(groups[at : at + _GROUPS_AT_ONCE], use_threads=False)
                own = np.asarray(table["key"])
                place = np.searchsorted(keys, own)
                hit = keys.take(place, mode="clip") == own
                found.append((own[hit], np.asarray(table["entry"])[hit].astype(np.uint64)))
        return found

    @contextmanager
    def _opened(self, path: str) -> Iterator[pq.ParquetFile]:
        """A file of the index; named where it is not as it was written."""
        place = join(self.directory, path)
        with self.storage.open(place) as stream:
            try:
                yield pq.ParquetFile(stream, page_checksum_verification=True)
            except StoreError:
                raise
            except (pa.ArrowInvalid, OSError) as error:
                raise IndexFormatError(f"{place}: is damaged ({error}); build the index again") from error

    def read(self, entries: U64, columns: Sequence[str]) -> pa.Table:
        """Columns of ascending entries, in their order; only the row groups that hold them are read."""
        parts = []
        numbers = (entries // np.uint64(ENTRY_FILE_ROWS)).astype(np.int64)
        for number in np.unique(numbers).tolist():
            own = (entries[numbers == number] % np.uint64(ENTRY_FILE_ROWS)).astype(np.int64)
            groups = np.unique(own // ENTRY_GROUP_ROWS)
            with self._opened(self.header.entry_files[number]["path"]) as file:
                for group in groups.tolist():
                    rows = own[own // ENTRY_GROUP_ROWS == group] - group * ENTRY_GROUP_ROWS
                    table = file.read_row_group(group, columns=list(columns), use_threads=False)
                    parts.append(table.take(pa.array(rows)))
        empty = pa.schema([ENTRIES.field(name) for name in columns]).empty_table()
        return pa.concat_tables(parts) if parts else empty


@dataclass(frozen=True)
class EarlierDocuments:
    """The entries of several indexes as documents of a job, by address.

    Attributes:
        indexes: in an order that does not depend on how they were named.
        standings: of the entries of each index (`clusters.EARLIER`, `REPLACED` or `WITNESS`).
        first_shard: number of shards of the job.
        payloads: whether sketches hold digests of payloads.
        key_width: columns of the policy keys of the job.
    """

    indexes: tuple[Index, ...]
    standings: tuple[int, ...]
    first_shard: int
    payloads: bool
    key_width: int = 2

    @property
    def sizes(self) -> tuple[int, ...]:
        """Entries of each index."""
        return tuple(index.header.entries for index in self.indexes)

    def find(self, keys: U64) -> tuple[U64, U64]:
        """(key, address) of all entries that have one of the ascending, distinct keys."""
        found = [index.find(keys) for index in self.indexes]
        where = [self._base(number) + entries for number, (_, entries) in enumerate(found)]
        return np.concatenate([part[0] for part in found]), np.concatenate(where)

    def sketches(self, where: U64) -> Sketches:
        """Of ascending addresses."""
        names = ["minhash", "text_digest"] + ["payload_digest"] * self.payloads
        parts = []
        for number, entries in self._split(where):
            table = self.indexes[number].read(entries, names)
            payloads = payload_digests(table["payload_digest"]) if self.payloads else None
            own = unpack_signatures(table["minhash"])
            parts.append(sketches(self._base(number) + entries, own, table["text_digest"], payloads))
        return concatenate(parts, MINHASH_PERMUTATIONS)

    def keys(self, where: U64) -> U64:
        """Policy keys (uint64[n, key_width]): standing, then earliest capture first; the address decides at a tie."""
        keys = np.zeros((len(where), self.key_width), np.uint64)
        facts = self.facts(where)
        keys[:, 0] = np.asarray(facts["standing"])
        time = np.asarray(facts["capture_time"].cast(pa.int64()).fill_null(np.iinfo(np.int64).max))
        keys[:, 1] = time.astype(np.int64).view(np.uint64) ^ np.uint64(1 << 63)
        return keys

    def facts(self, where: U64) -> pa.Table:
        """Rows of `FACTS` for ascending addresses; a capture without doc_id is named by its address of the web."""
        parts = []
        for number, entries in self._split(where):
            names = ["doc_id", "url", "capture_time", "origin", "input_file", "record_offset"]
            table = self.indexes[number].read(entries, names)
            offset = table["record_offset"].cast(pa.string())
            place = pc.binary_join_element_wise(
                pc.fill_null(table["origin"], "?"),
                pc.fill_null(table["input_file"], ""),
                pc.binary_join_element_wise("offset", offset, " "),
                ", ",
                null_handling="skip",
            )
            place = pc.binary_join_element_wise(place, table["url"], ", ", null_handling="skip")
            columns = [
                pc.coalesce(table["doc_id"], table["url"], place),
                pa.nulls(len(table), pa.string()),
                table["capture_time"],
                pa.array(np.full(len(table), self.standings[number], np.uint64)),
                place,
            ]
            parts.append(pa.table(columns, schema=FACTS))
        return pa.concat_tables(parts) if parts else FACTS.empty_table()

    def _base(self, number: int) -> np.uint64:
        return np.uint64((self.first_shard + number) << ROW_BITS)

    def _split(self, where: U64) -> list[tuple[int, U64]]:
        """(index, its entries) of ascending addresses."""
        number: NDArray[np.int64] = (where >> np.uint64(ROW_BITS)).astype(np.int64) - self.first_shard
        mask = np.uint64((1 << ROW_BITS) - 1)
        return [(item, where[number == item] & mask) for item in np.unique(number).tolist()]
