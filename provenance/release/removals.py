"""Check a release against removal requests: whether it holds anything that they name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from provenance.files.storage import Storage, join
from provenance.filters.files import read_removals
from provenance.filters.listing import KINDS, Listing
from provenance.release.layout import data_files
from provenance.release.manifest import read_manifest


def check_removals(storage: Storage, release: str, lists: Sequence[str]) -> list[str]:
    """One sentence for each published document that a request of the files names; empty where there is none.

    Raises:
        ConfigurationError: for a file that cannot be read as requests.
        ReleaseError: where there is no finished release.
    """
    listing = read_removals(lists)
    found: list[str] = []
    for item in data_files(read_manifest(storage, release)):
        if len(listing):
            with storage.open(join(release, item["path"])) as file:
                found += _listed(pq.ParquetFile(file, pre_buffer=False), item["path"], listing)
    return found


def _listed(file: pq.ParquetFile, path: str, listing: Listing) -> Iterator[str]:
    columns = list(dict.fromkeys(["doc_id", *listing.columns]))
    for batch in file.iter_batches(columns=columns):
        table = pa.Table.from_batches([batch])
        found = listing.find(table)
        for row in np.flatnonzero(found.kind >= 0).tolist():
            kind, note = KINDS[found.kind[row]].replace("_", " "), listing.notes[found.note[row]]
            yield f"{path}: document {table['doc_id'][row]} is to be removed by its {kind}: {note}"
