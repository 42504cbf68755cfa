"""Which documents two releases decided differently, and which evidence moved them.

The ledgers are divided by doc_id into files of a temporary folder and joined part by part, so memory does not grow with
the releases.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from provenance.files.differences import describe_differences
from provenance.files.storage import Storage, join
from provenance.release.layout import ledger_files
from provenance.release.manifest import read_manifest
from provenance.release.transitions import Changes, states_of

#: Rows of both ledgers that are joined at a time, about: their evidence takes some hundred bytes each.
PART_ROWS = 200_000
#: Files that are open at a time.
_MOST_PARTS = 256
_BATCH = 65_536
_COLUMNS = "doc_id url decision reason duplicate_of synthetic_probability prior_log_odds evidence token_count".split()


def diff_releases(storage: Storage, before: str, after: str, part_rows: int = PART_ROWS) -> Changes:
    """What changed from one release to another.

    Raises:
        ReleaseError: where one of them is not a finished release.
    """
    manifests = [read_manifest(storage, release) for release in (before, after)]
    configurations = [item["configuration"] for item in manifests]
    settings = ""
    if configurations[0] != configurations[1]:
        settings = describe_differences(*configurations)
    versions = [item["versions"]["provenance-pipelines"] for item in manifests]
    found = Changes(
        records=(manifests[0]["counts"]["records"], manifests[1]["counts"]["records"]),
        kept=(manifests[0]["counts"]["kept"], manifests[1]["counts"]["kept"]),
        settings=settings,
        versions=(versions[0], versions[1]),
        detectors=(manifests[0]["detector"]["version"], manifests[1]["detector"]["version"]),
    )
    parts = min(_MOST_PARTS, max(1, -(-sum(found.records) // part_rows)))
    with tempfile.TemporaryDirectory() as folder:
        divided = [
            _divide(storage, release, manifest, folder=Path(folder) / name, parts=parts)
            for name, release, manifest in zip(("a", "b"), (before, after), manifests, strict=True)
        ]
        for paths in zip(*divided, strict=True):
            _compare(found, *(_read(path) for path in paths))
    return found


def _divide(
    storage: Storage, release: str, manifest: dict[str, Any], *, folder: Path, parts: int
) -> list[Path]:
    """Write the ledger's rows to one file for each range of doc_ids."""
    folder.mkdir()
    paths = [folder / f"{part:03d}.arrow" for part in range(parts)]
    schema, writers = None, []
    try:
        for table in _tables(storage, release, manifest):
            if schema is None:
                schema = table.schema
                options = pa.ipc.IpcWriteOptions(compression="zstd")
                writers = [pa.ipc.new_file(str(path), schema, options=options) for path in paths]
            number = _part_of(table["doc_id"], parts)
            for part in np.unique(number).tolist():
                writers[part].write_table(table.filter(pa.array(number == part)))
    finally:
        for writer in writers:
            writer.close()
    return paths


def _tables(storage: Storage, release: str, manifest: dict[str, Any]) -> Iterator[pa.Table]:
    for item in ledger_files(manifest):
        with storage.open(join(release, item["path"])) as file:
            ledger = pq.ParquetFile(file, pre_buffer=False)
            for batch in ledger.iter_batches(_BATCH, columns=_COLUMNS):
                yield pa.Table.from_batches([batch]).select(_COLUMNS)
            if not ledger.num_row_groups:
                yield ledger.schema_arrow.empty_table().select(_COLUMNS)


def _part_of(doc_ids: pa.ChunkedArray, parts: int) -> NDArray[np.int64]:
    """Number of the range of each doc_id, by its first four hexadecimal digits."""
    first = pc.utf8_slice_codeunits(doc_ids, 0, 4).combine_chunks().dictionary_encode()
    numbers = np.array([int(value, 16) for value in first.dictionary.to_pylist()], np.int64)
    found: NDArray[np.int64] = numbers[np.asarray(first.indices)] * parts >> 16
    return found


def _read(path: Path) -> pa.Table:
    with pa.memory_map(str(path)) as file:
        table = pa.ipc.open_file(file).read_all()
        return table.take(pc.sort_indices(table["doc_id"]))


def _compare(found: Changes, before: pa.Table, after: pa.Table) -> None:
    """Add what changed within one range of doc_ids."""
    first, second = (np.asarray(table["doc_id"].to_pylist(), dtype="S32") for table in (before, after))
    _, in_before, in_after = np.intersect1d(first, second, assume_unique=True, return_indices=True)
    states = [np.asarray(states_of(table).to_pylist(), dtype=object) for table in (before, after)]
    same = states[0][in_before] == states[1][in_after]
    found.same += int(same.sum())
    found.moved += _moved(before, after, in_before[same], in_after[same])
    rows = in_before[~same], in_after[~same]
    found.add(before.take(pa.array(rows[0])), after.take(pa.array(rows[1])))
    for side, table, matched in ((0, before, in_before), (1, after, in_after)):
        alone = np.setdiff1d(np.arange(len(table)), matched)
        found.add_alone(side, table.take(pa.array(alone)))


def _moved(before: pa.Table, after: pa.Table, first: Sequence[int], second: Sequence[int]) -> int:
    """How many probabilities of documents with the same decision changed by a tenth or more."""
    p, q = (
        np.asarray(table["synthetic_probability"].take(pa.array(rows)).fill_null(np.nan), np.float64)
        for table, rows in ((before, first), (after, second))
    )
    return int((np.abs(p - q) >= 0.1).sum())
