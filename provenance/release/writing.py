"""Parquet files of a release: hashed while they are written, with what readers need to skip what they do not want.

Statistics and a page index are on every column, bloom filters on `doc_id` and `url`, so a document is found by a few
small reads of an object store.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast

import pyarrow as pa
import pyarrow.parquet as pq

from provenance.files.digests import WrittenFile

#: Columns by which a document is asked for; both have about as many values as rows.
_SOUGHT = ("doc_id", "url")
#: One row group in a hundred is opened in vain: about 1.2 bytes for each value.
_FALSE_POSITIVES = 0.01
_DISTINCT = {"doc_id", "text", "url", "content_digest", "record_id"}


@contextmanager
def open_writer(digest: WrittenFile, schema: pa.Schema, group_rows: int) -> Iterator[pq.ParquetWriter]:
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
