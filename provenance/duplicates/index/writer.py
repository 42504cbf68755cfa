"""Build an index: entries stream through, their keys are spilled by range and sorted one range at a time.

Memory is that of one batch and of one range of keys, whatever the number of entries (2.6 billion keys for 100 million documents
make ranges of 160 MB).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from provenance.duplicates.bands import document_keys, partition_of
from provenance.duplicates.index.form import (
    ENTRIES,
    FENCES,
    HEADER,
    KEYS,
    MOST_ENTRIES,
    Design,
    Header,
    IndexFormatError,
    write_header,
)
from provenance.duplicates.scratch import Piece, StorageScratch, read_piece, split, write_pieces
from provenance.duplicates.sketches import PAYLOAD, SHINGLED, U64, payload_digests, sketches
from provenance.files.digests import WrittenFile
from provenance.files.shards import unpack_signatures
from provenance.files.storage import Storage, join, write_bytes

#: Ranges in which keys are sorted.
_RANGES = 256
#: Keys that are held before they are spilled: 16 bytes each.
_HELD = 2_000_000
#: Rows of a file and of a row group. A row group of entries is half a megabyte, one of keys 200 kB: what one hit reads.
ENTRY_FILE_ROWS, ENTRY_GROUP_ROWS = 1_000_000, 1_024
KEY_FILE_ROWS, KEY_GROUP_ROWS = 8_000_000, 16_384


class IndexWriter:
    """Writes one index. Nothing is an index before `close`, which writes the header."""

    def __init__(self, storage: Storage, directory: str, design: Design) -> None:
        self.storage, self.directory, self.design = storage, directory.rstrip("/"), design
        storage.delete(join(self.directory, HEADER))
        for name in ("entries", "keys", "scratch"):
            storage.delete(join(self.directory, name))
        self.scratch = StorageScratch(storage, join(self.directory, "scratch"))
        self.entries = self.signatures = self.payloads = 0
        self._times: list[pa.Scalar] = []
        self._held: list[tuple[U64, U64]] = []
        self._spilled: dict[int, list[Piece]] = {}
        self._spills = 0
        self._origins: dict[tuple[str, str], int] = {}
        self._files: list[dict[str, Any]] = []
        self._open: _EntryFile | None = None

    def add(self, table: pa.Table, kind: str) -> None:
        """Add captures (columns of `ENTRIES`) of one kind of source; those that nothing can recognise are left out.

        Raises:
            IndexFormatError: where there are more than an index can hold.
        """
        known = pc.or_(
            pc.or_(table["minhash"].is_valid(), table["text_digest"].is_valid()),
            table["payload_digest"].is_valid(),
        )
        table = table.select(ENTRIES.names).cast(ENTRIES).filter(known).combine_chunks()
        if not len(table):
            return
        if self.entries + len(table) > MOST_ENTRIES:
            raise IndexFormatError(
                f"{self.directory}: an index holds {MOST_ENTRIES:,} captures at most; make two"
            )
        where = np.arange(self.entries, self.entries + len(table), dtype=np.uint64)
        found = sketches(
            where,
            unpack_signatures(table["minhash"]),
            table["text_digest"],
            payload_digests(table["payload_digest"]),
        )
        self._held.append(document_keys(found, (self.design.bands, self.design.rows)))
        self.signatures += int((found.flags & SHINGLED > 0).sum())
        self.payloads += int((found.flags & PAYLOAD > 0).sum())
        if sum(len(keys) for keys, _ in self._held) >= _HELD:
            self._spill()
        for item in pc.value_counts(table["origin"]).to_pylist():
            name = (item["values"], kind)
            self._origins[name] = self._origins.get(name, 0) + item["counts"]
        times = pc.min_max(table["capture_time"])
        self._times += [time for time in times.values() if time.is_valid]
        self._write(table)

    def close(self) -> Header:
        """Sort the keys and write the header."""
        if self._open is not None:
            self._files.append(self._open.close())
        self._spill()
        key_files, keys = self._write_keys()
        times = sorted(time.as_py() for time in self._times)
        header = Header(
            design=self.design,
            entries=self.entries,
            signatures=self.signatures,
            payloads=self.payloads,
            keys=keys,
            origins=[
                {"name": name, "kind": kind, "entries": count}
                for (name, kind), count in sorted(self._origins.items())
            ],
            entry_files=self._files,
            key_files=key_files,
            earliest=times[0].isoformat() if times else None,
            latest=times[-1].isoformat() if times else None,
        )
        self.storage.delete(join(self.directory, "scratch"))
        write_bytes(self.storage, join(self.directory, HEADER), write_header(header))
        return header

    def _write(self, table: pa.Table) -> None:
        while len(table):
            if self._open is None or self._open.rows == ENTRY_FILE_ROWS:
                if self._open is not None:
                    self._files.append(self._open.close())
                path = f"entries/part-{len(self._files):05}.parquet"
                self._open = _EntryFile(self.storage, self.directory, path)
            part = table.slice(0, ENTRY_FILE_ROWS - self._open.rows)
            self._open.write(part)
            self.entries += len(part)
            table = table.slice(len(part))

    def _spill(self) -> None:
        if not self._held:
            return
        keys, where = (np.concatenate([part[i] for part in self._held]) for i in range(2))
        self._held = []
        path = f"{self._spills:06}"
        self._spills += 1
        for part, piece in write_pieces(self.scratch, path, split(partition_of(keys, _RANGES), keys, where)):
            self._spilled.setdefault(part, []).append(piece)

    def _write_keys(self) -> tuple[list[dict[str, Any]], int]:
        files: list[dict[str, Any]] = []
        total, part = 0, 0
        while part < _RANGES:
            path = f"keys/part-{len(files):05}.parquet"
            with self.storage.create(join(self.directory, path)) as file:
                digest = WrittenFile(file)
                with pq.ParquetWriter(
                    digest,
                    KEYS,
                    compression="none",
                    use_dictionary=False,
                    column_encoding={"key": "DELTA_BINARY_PACKED", "entry": "PLAIN"},
                    write_statistics=False,
                    write_page_checksum=True,
                ) as writer:
                    fences: list[int] = []
                    rows = 0
                    while part < _RANGES and rows < KEY_FILE_ROWS:
                        for keys, where in self._sorted(part):
                            writer.write_table(_key_table(keys, where), row_group_size=KEY_GROUP_ROWS)
                            fences += keys[::KEY_GROUP_ROWS].tolist()
                            rows += len(keys)
                        part += 1
                    writer.add_key_value_metadata({FENCES: np.array(fences, ">u8").tobytes().hex()})
            if rows or not files:
                first = fences[0] if fences else 0
                files.append({"path": path, "rows": rows, "first": first, "sha256": digest.hexdigest()})
            total += rows
        return files, total

    def _sorted(self, part: int) -> Iterator[tuple[U64, U64]]:
        """The keys of one range in order; nothing where it has none."""
        pieces = self._spilled.pop(part, [])
        if not pieces:
            return
        read = [read_piece(self.scratch, piece, "<u8", "<u8") for piece in pieces]
        keys, where = (np.concatenate([item[i] for item in read]) for i in range(2))
        del read
        order = np.lexsort((where, keys))
        yield keys[order], where[order]


def _key_table(keys: U64, where: U64) -> pa.Table:
    return pa.table([keys, where.astype(np.uint32)], schema=KEYS)


class _EntryFile:
    """One file of entries, cut into row groups of equal size whatever the batches were."""

    def __init__(self, storage: Storage, directory: str, path: str) -> None:
        self.path, self.rows = path, 0
        self._stack = ExitStack()
        self._digest = WrittenFile(self._stack.enter_context(storage.create(join(directory, path))))
        plain = ["origin", "input_file"]
        compression = {
            name: "NONE" if name in ("minhash", "text_digest") else "ZSTD" for name in ENTRIES.names
        }
        self._writer = pq.ParquetWriter(
            self._digest,
            ENTRIES,
            compression=compression,
            use_dictionary=plain,
            write_statistics=False,
            write_page_checksum=True,
        )
        self._waiting: list[pa.Table] = []

    def write(self, table: pa.Table) -> None:
        self.rows += len(table)
        self._waiting.append(table)
        held = sum(map(len, self._waiting))
        if held >= ENTRY_GROUP_ROWS:
            whole = pa.concat_tables(self._waiting)
            ready = held - held % ENTRY_GROUP_ROWS
            self._writer.write_table(whole.slice(0, ready), row_group_size=ENTRY_GROUP_ROWS)
            self._waiting = [whole.slice(ready).combine_chunks()]

    def close(self) -> dict[str, Any]:
        rest = pa.concat_tables(self._waiting)
        if len(rest):
            self._writer.write_table(rest, row_group_size=ENTRY_GROUP_ROWS)
        self._writer.close()
        self._stack.close()
        return {"path": self.path, "rows": self.rows, "sha256": self._digest.hexdigest()}
