"""Parquet files of a release: hashed while they are written, with what readers need to skip what they do not want.

Statistics and a page index are on every column, bloom filters on `doc_id` and `url`, so a document is found by a few
small reads of an object store.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, cast

import pyarrow as pa
import pyarrow.parquet as pq

#: Columns by which a document is asked for; both have about as many values as rows.
_SOUGHT = ("doc_id", "url")
#: One row group in a hundred is opened in vain: about 1.2 bytes for each value.
_FALSE_POSITIVES = 0.01
_DISTINCT = {"doc_id", "text", "url", "content_digest", "record_id"}


class Digest:
    """A file that is hashed while it is written."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.hash = hashlib.sha256()
        self.size = 0
        self.closed = False

    def write(self, data: Any) -> int:
        self.hash.update(data)
        self.size += len(data)
        return self.file.write(data)

    def tell(self) -> int:
        return self.size

    def flush(self) -> None:
        self.file.flush()

    def close(self) -> None:
        self.closed = True

    def readable(self) -> bool:
        return False

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False

    def entry(self, path: str) -> dict[str, Any]:
        """What the manifest says of the bytes of the file."""
        return {"path": path, "bytes": self.size, "sha256": self.hash.hexdigest()}


@contextmanager
def open_writer(digest: Digest, schema: pa.Schema, group_rows: int) -> Iterator[pq.ParquetWriter]:
    """A writer of row groups of about `group_rows` rows each."""
    sought = {name: {"ndv": max(group_rows, 1), "fpp": _FALSE_POSITIVES} for name in _SOUGHT}
    with pq.ParquetWriter(
        cast(BinaryIO, digest),
        schema,
        compression="zstd",
        compression_level=6,
        use_dictionary=[name for name in schema.names if name not in _DISTINCT],
        write_statistics=True,
        write_page_index=True,
        write_page_checksum=True,
        bloom_filter_options=sought,
    ) as writer:
        yield writer
