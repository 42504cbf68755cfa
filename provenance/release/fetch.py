"""The original record of a document of a release, from the archive that it was read from (promise 2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from provenance.errors import DataError, plain
from provenance.files.storage import Storage, join
from provenance.records.original import Original, read_original
from provenance.release.layout import data_files, ledger_files
from provenance.release.manifest import read_manifest

_COLUMNS = (
    "doc_id",
    "url",
    "input_file",
    "record_offset",
    "record_length",
    "payload_digest",
    "content_digest",
)


@dataclass(frozen=True)
class Fetched:
    """A record as it stands in its archive, where that is, and what was checked of it."""

    original: Original
    path: str
    offset: int
    length: int | None
    checked: str | None  # which digest agrees; None: the release states none that can be compared


def fetch_record(storage: Storage, release: str, doc_id: str, archive: str) -> Fetched:
    """The record from which a document, kept or not, was made; `archive` is the directory that was curated, or the file.

    Raises:
        DataError: where release or archive do not have it, or the archive has another record there; says which.
    """
    row = _find(storage, release, doc_id)
    path = archive
    if storage.info(join(archive, row["input_file"])) is not None:
        path = join(archive, row["input_file"])
    elif storage.info(archive) is None or not row["input_file"].endswith(archive.rpartition("/")[2]):
        raise DataError(
            f"{join(archive, plain(row['input_file']))}: no such file; name the directory that was curated, or where it "
            "lies now, with --archive"
        )
    offset, length = row["record_offset"], row.get("record_length")
    with storage.open(path) as stream:
        original = read_original(stream, path, offset, length)
    return Fetched(original, path, offset, length, _check(row, original, path))


def _check(row: dict[str, Any], original: Original, path: str) -> str | None:
    """Which digest of the release the record has.

    Raises:
        DataError: where it has another.
    """
    found = original.row or {}
    if row["url"] is not None and found.get("url") not in (None, row["url"]):
        raise DataError(
            f"{path}: the record at byte {row['record_offset']:,} is {plain(found.get('url'))}, not {plain(row['url'])}: "
            "the archive was written anew"
        )
    for name in ("payload_digest", "content_digest"):
        stated, own = row.get(name), found.get(name)
        if stated is None or own is None:
            continue
        if stated != own:
            raise DataError(
                f"{path}: the record at byte {row['record_offset']:,} has the {name} {own}, the release says {stated}: "
                "the archive was changed"
            )
        return f"{name} {stated}"
    return None


def _find(storage: Storage, release: str, doc_id: str) -> dict[str, Any]:
    """What the release says of where a record lies."""
    manifest = read_manifest(storage, release)
    for item in [*data_files(manifest), *ledger_files(manifest)]:
        with storage.open(join(release, item["path"])) as stream:
            file = pq.ParquetFile(stream, pre_buffer=False)
            known = [name for name in _COLUMNS if name in file.schema_arrow.names]
            for batch in file.iter_batches(columns=known):
                row = pc.index(batch["doc_id"], pa.scalar(doc_id)).as_py()
                if row >= 0:
                    found: dict[str, Any] = batch.slice(row, 1).to_pylist()[0]
                    return found
    raise DataError(
        f"{release}: no record has the doc_id {doc_id!r}; `provenance list` and `explain` find them"
    )
