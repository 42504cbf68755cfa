"""Indexes of documents that are elsewhere: what an increment is deduplicated against, and what proves age. No text.

Entries are found by band key and by exact digest in sorted files that are read by range, never as a whole.
"""

from provenance.duplicates.index.form import (
    ENTRIES,
    Design,
    Header,
    IndexFormatError,
    read_header,
)
from provenance.duplicates.index.reader import EarlierDocuments, Index
from provenance.duplicates.index.writer import IndexWriter

__all__ = [
    "ENTRIES",
    "Design",
    "EarlierDocuments",
    "Header",
    "Index",
    "IndexFormatError",
    "IndexWriter",
    "read_header",
]
