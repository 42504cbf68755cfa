"""How far workers have come within their files: a few numbers each in a small local file that whoever watches reads.

Nothing depends on these files; they are written at most once a second and removed when a file is done.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from provenance.files.kernel_cache import compiled_kernels
from provenance.files.spans import Span

#: Seconds between two reports of one worker.
_EVERY = 1.0


@dataclass(frozen=True)
class Headway:
    """Where one worker is in one file.

    Attributes:
        target: the file that it writes.
        share: of the input that has been read, 0 to 1.
        records: that have come out of it.
        kernels: compiled so far in the worker's process.
    """

    target: str
    share: float
    records: int
    kernels: int


class HeadwayFile:
    """What one worker writes of one file; a `directory` of None is nowhere, as on an object store.

    A context manager: the file is gone at its end.
    """

    def __init__(self, directory: str | None, target: str) -> None:
        name = f"{os.path.basename(target)}.json"
        self._path = None if directory is None else os.path.join(directory, name)
        self._target = target
        self._ended = threading.Event()
        self._records = 0

    def __enter__(self) -> HeadwayFile:
        return self

    def __exit__(self, *exc: object) -> None:
        self._ended.set()
        if self._path:
            with suppress(OSError):
                os.unlink(self._path)

    def counted(
        self, batches: Iterator[pa.RecordBatch], stream: BinaryIO, span: Span
    ) -> Iterator[pa.RecordBatch]:
        """The same batches, while it is said how much of a `span` of a stream is behind them."""
        if self._path is None:
            yield from batches
            return
        compiled_kernels()  # counted from here on
        threading.Thread(
            target=self._report, args=(self._path, stream, span, _rows(stream)), daemon=True
        ).start()
        for batch in batches:
            self._records += batch.num_rows
            yield batch

    def _report(self, path: str, stream: BinaryIO, span: Span, rows: int | None) -> None:
        while not self._ended.wait(_EVERY):
            records = self._records
            passed = max(_position(stream) - span.start, 0)
            share = passed / max(span.size, 1) if rows is None else records * span.of / max(rows, 1)
            found = Headway(self._target, min(share, 1.0), records, compiled_kernels())
            with suppress(OSError):  # a full disk is found by what has to be written
                os.makedirs(os.path.dirname(path), exist_ok=True)
                Path(f"{path}.tmp").write_text(json.dumps(asdict(found)), encoding="utf-8")
                os.replace(f"{path}.tmp", path)
        with suppress(OSError):  # written in the moment of the end
            os.unlink(path)


def read_headway(directory: str | None) -> list[Headway]:
    """What all workers last wrote."""
    found = []
    for path in sorted(Path(directory).glob("*.json")) if directory is not None else ():
        with suppress(OSError, ValueError, TypeError):  # just removed
            found.append(Headway(**json.loads(path.read_bytes())))
    return found


def _rows(stream: BinaryIO) -> int | None:
    """Rows of a Parquet file, whose bytes are not read in their order; None for any other."""
    try:
        signature = stream.read(4)
        stream.seek(0)
        return int(pq.ParquetFile(stream).metadata.num_rows) if signature == b"PAR1" else None
    except (OSError, ValueError):  # damaged: the reader says so
        return None
    finally:
        stream.seek(0)


def _position(stream: BinaryIO) -> int:
    """Where a stream has been read to; 0 where it does not say, or is closed."""
    with suppress(OSError, ValueError, AttributeError):  # not a file of this machine
        return os.lseek(stream.fileno(), 0, os.SEEK_CUR)
    with suppress(OSError, ValueError):
        return stream.tell()
    return 0
