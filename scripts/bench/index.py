"""An index of earlier documents measured: building it, and looking up few and many documents in it.

    python -m scripts.bench.index [--entries 1000000] [--looked-up 1000,100000] [--digests]

Generated signatures (or, with --digests, captures with a digest of the payload alone); a tenth of what is looked up is in the index.
"""

from __future__ import annotations

import argparse
import base64
import io
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
import pyarrow as pa

from provenance.duplicates.bands import document_keys
from provenance.duplicates.clusters import WITNESS
from provenance.duplicates.index import ENTRIES, Design, EarlierDocuments, Index, IndexWriter
from provenance.duplicates.sketches import DIGESTED, PAYLOAD, SHINGLED, Sketches
from provenance.files.storage import LocalStorage
from scripts.bench.duplicates import generated, peak, resident

DESIGN = Design.of(0.6, 5, 1)
_BATCH = 8_192


class Counted(LocalStorage):
    """Local files of which the opened ones are counted, and the ranges that are read of them."""

    opened = ranges = read = 0

    def open(self, path: str, size: int | None = None) -> BinaryIO:
        Counted.opened += 1
        return cast(BinaryIO, _CountedFile(super().open(path, size)))


class _CountedFile(io.RawIOBase):
    """A file that counts each read as a range, as each would be a request to a store."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def read(self, size: int = -1) -> bytes:
        found = self._file.read(size)
        Counted.ranges += 1
        Counted.read += len(found)
        return found

    def close(self) -> None:
        self._file.close()
        super().close()


def payloads(first: int, stop: int) -> np.ndarray:
    """SHA-1 digests (uint8[n, 20])."""
    return np.random.default_rng([7, first]).integers(0, 256, (stop - first, 20), np.uint8)


def entries(total: int, digests_only: bool) -> Iterator[pa.Table]:
    """The captures of an index, some thousand at a time."""
    for first in range(0, total, _BATCH):
        stop = min(first + _BATCH, total)
        rows = stop - first
        columns = {field.name: pa.nulls(rows, field.type) for field in ENTRIES}
        if digests_only:
            texts = [base64.b32encode(item.tobytes()).decode() for item in payloads(first, stop)]
            columns["payload_digest"] = pa.array([f"sha1:{item}" for item in texts])
        else:
            signatures, digests = generated(first, stop, 10 * total)
            buffers = [None, pa.py_buffer(np.ascontiguousarray(signatures, "<u4"))]
            columns["minhash"] = pa.FixedSizeBinaryArray.from_buffers(pa.binary(512), rows, buffers)
            buffers = [None, pa.py_buffer(np.ascontiguousarray(digests, "<u8"))]
            columns["text_digest"] = pa.FixedSizeBinaryArray.from_buffers(pa.binary(16), rows, buffers)
        columns["doc_id"] = pa.array([f"{number:032x}" for number in range(first, stop)])
        columns["url"] = pa.array(
            [f"https://host{number % 9973}.example/page/{number}" for number in range(first, stop)]
        )
        columns["origin"] = pa.array(["generated"] * rows)
        columns["input_file"] = pa.array([f"part-{first // 100_000:05}.warc.gz"] * rows)
        columns["record_offset"] = pa.array(range(first, stop), pa.int64())
        yield pa.table(columns)


def looked_up(count: int, total: int, digests_only: bool) -> Sketches:
    """Documents of which a tenth are in the index."""
    where = np.arange(count, dtype=np.uint64)
    known = max(1, count // 10)
    firsts = (
        np.random.default_rng(3).choice(total // _BATCH, -(-known // _BATCH) or 1, replace=False) * _BATCH
    )
    if digests_only:
        found = np.concatenate([payloads(first, first + _BATCH) for first in firsts.tolist()])[:known]
        other = np.random.default_rng(9).integers(0, 256, (count - known, 20), np.uint8)
        digests = np.ascontiguousarray(np.concatenate([found, other])[:, :16]).view("<u8")
        both = np.column_stack([np.zeros((count, 2), np.uint64), digests])
        return Sketches(where, np.full(count, PAYLOAD, np.uint8), both, np.zeros((count, 128), np.uint32))
    parts = [generated(first, first + _BATCH, 10 * total) for first in firsts.tolist()]
    signatures = np.concatenate([part[0] for part in parts])[:known]
    digests = np.concatenate([part[1] for part in parts])[:known]
    rng = np.random.default_rng(9)
    signatures = np.concatenate([signatures, rng.integers(0, 1 << 32, (count - known, 128), np.uint32)])
    digests = np.concatenate([digests, rng.integers(0, 1 << 63, (count - known, 2)).astype(np.uint64)])
    return Sketches(where, np.full(count, SHINGLED | DIGESTED, np.uint8), digests, signatures)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--looked-up", default="1000,100000")
    parser.add_argument("--digests", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        small = IndexWriter(LocalStorage(), f"{name}/small", DESIGN)
        for table in entries(_BATCH, options.digests):
            small.add(table, "generated")
        small.close()
        base, start, processor = resident(), time.perf_counter(), time.process_time()
        writer = IndexWriter(LocalStorage(), f"{name}/index", DESIGN)
        for table in entries(options.entries, options.digests):
            writer.add(table, "generated")
        header = writer.close()
        size = sum(path.stat().st_size for path in Path(name, "index").rglob("*") if path.is_file())
        print(
            f"built {header.entries:,} entries, {header.keys:,} keys: {time.perf_counter() - start:.1f} s, "
            f"{time.process_time() - processor:.1f} CPU s (making them included), {size / 1e6:,.0f} MB "
            f"({size / header.entries:.0f} bytes an entry), {(peak() - base) / 1e6:,.0f} MB of memory beyond",
            flush=True,
        )
        storage = Counted()
        earlier = EarlierDocuments((Index(storage, f"{name}/index"),), (WITNESS,), 1, options.digests)
        for count in map(int, options.looked_up.split(",")):
            documents = looked_up(count, options.entries, options.digests)
            Counted.opened = Counted.ranges = Counted.read = 0
            start, processor = time.perf_counter(), time.process_time()
            _, where = earlier.find(np.unique(document_keys(documents, (DESIGN.bands, DESIGN.rows))[0]))
            hits = np.unique(where)
            earlier.sketches(hits)
            print(
                f"looked up {count:,}: {len(hits):,} entries hit, {time.perf_counter() - start:.2f} s, "
                f"{time.process_time() - processor:.2f} CPU s, {Counted.opened:,} files opened, {Counted.ranges:,} ranges of {Counted.read / 1e6:,.1f} MB in all",
                flush=True,
            )


if __name__ == "__main__":
    main()
