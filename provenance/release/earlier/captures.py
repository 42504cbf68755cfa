"""Lists of captures: CDX and CDXJ files, and the columnar index of Common Crawl. A line says which payload was there when.

CDX  (Internet Archive, 2003): a header ` CDX N b a m s k ...` names the fields of the lines by letters
CDXJ (pywb, Common Crawl): `key timestamp {"url": ..., "digest": ..., "filename": ..., "offset": ...}`
cc-index-table (Parquet): url, fetch_time, content_digest, warc_filename, warc_record_offset, warc_record_length
"""

from __future__ import annotations

import gzip
import io
import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, BinaryIO, cast

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from provenance.duplicates.index import ENTRIES
from provenance.errors import DataError
from provenance.files.storage import Storage

_NAMED = re.compile(r"(\.cdxj?(\.gz)?|(^|/)cdx-\d+\.gz)$", re.IGNORECASE)
_CRAWL = re.compile(r"(CC-MAIN-\d{4}-\d{2}|CC-NEWS-\d+)")
_BATCH_ROWS = 65_536
#: Letters of a CDX header, and what they are in an index.
_LETTERS = {"a": "url", "b": "timestamp", "k": "digest", "g": "filename", "V": "offset", "S": "length"}
_USUAL = " CDX N b a m s k r M S V g"
_COLUMNAR = (
    "url",
    "fetch_time",
    "content_digest",
    "warc_filename",
    "warc_record_offset",
    "warc_record_length",
)
_DIGEST = re.compile(r"[A-Z2-7]{32}")


def is_capture_list(storage: Storage, path: str) -> bool:
    """Whether a file lists captures: by its name, or by its columns."""
    if _NAMED.search(path):
        return True
    if not path.endswith(".parquet"):
        return False
    with storage.open(path) as stream:
        try:
            names = pq.read_schema(stream).names
        except (pa.ArrowException, OSError):
            return False
    return {"content_digest", "warc_filename", "fetch_time"} <= set(names)


def read_captures(storage: Storage, path: str) -> Iterator[pa.Table]:
    """The captures of one list with a SHA-1 digest and a time, as tables of `ENTRIES`.

    Raises:
        DataError: where no line of it is one.
    """
    found = lines = 0
    with storage.open(path) as stream:
        tables = _columnar(stream, path) if path.endswith(".parquet") else _lines(stream, path)
        for rows, table in tables:
            lines += rows
            found += len(table)
            yield table
    if lines and not found:
        raise DataError(
            f"{path}: none of its {lines:,} lines has an address, a time and a SHA-1 digest; is it a CDX or CDXJ file "
            "or a part of Common Crawl's columnar index?"
        )


def _columnar(stream: BinaryIO, path: str) -> Iterator[tuple[int, pa.Table]]:
    file = pq.ParquetFile(stream, pre_buffer=False)
    known = [name for name in _COLUMNAR if name in file.schema_arrow.names]
    for batch in file.iter_batches(_BATCH_ROWS, columns=known):
        rows = pa.Table.from_batches([batch])
        good = pc.and_(
            pc.match_substring_regex(rows["content_digest"], f"^{_DIGEST.pattern}$"),
            rows["fetch_time"].is_valid(),
        )
        table = rows.filter(good)
        origin = pc.struct_field(
            pc.extract_regex(table["warc_filename"], f"(?P<crawl>{_CRAWL.pattern[1:-1]})"), "crawl"
        )
        columns = {
            "payload_digest": pc.binary_join_element_wise("sha1:", table["content_digest"], ""),
            "capture_time": table["fetch_time"]
            .cast(pa.timestamp("us"))
            .cast(ENTRIES.field("capture_time").type),
            "url": table["url"],
            "origin": pc.coalesce(origin, pa.scalar(_base(path))),
            "input_file": table["warc_filename"],
            "record_offset": _integers(table, "warc_record_offset"),
            "record_length": _integers(table, "warc_record_length"),
        }
        yield len(rows), _table(columns, len(table))


def _integers(table: pa.Table, name: str) -> Any:
    return table[name].cast(pa.int64()) if name in table.column_names else pa.nulls(len(table), pa.int64())


def _lines(stream: BinaryIO, path: str) -> Iterator[tuple[int, pa.Table]]:
    head = stream.read(2)
    stream.seek(0)
    plain = cast(BinaryIO, gzip.GzipFile(fileobj=stream)) if head == b"\x1f\x8b" else stream
    letters = _USUAL.split()[1:]
    rows: list[Mapping[str, Any]] = []
    lines = 0
    try:
        for line in io.TextIOWrapper(plain, encoding="utf-8", errors="replace"):
            if line.startswith((" CDX ", "CDX ")):
                letters = line.split()[1:]
                continue
            if line.startswith("!") or not line.strip():
                continue
            lines += 1
            row = _capture(_fields(line, letters), path)
            if row is not None:
                rows.append(row)
            if lines == _BATCH_ROWS:
                yield lines, _rows(rows)
                rows, lines = [], 0
    except (EOFError, gzip.BadGzipFile) as error:
        raise DataError(f"{path}: is damaged ({error}); fetch it again") from error
    yield lines, _rows(rows)


def _fields(line: str, letters: list[str]) -> dict[str, Any]:
    """Fields of one line by name; {} where it cannot be read."""
    brace = line.find("{")
    if brace >= 0 and len(line[:brace].split()) == 2:
        try:
            found = json.loads(line[brace:])
        except ValueError:
            return {}
        return {**found, "timestamp": line[:brace].split()[1]} if isinstance(found, dict) else {}
    values = line.split()
    return {
        _LETTERS[letter]: value for letter, value in zip(letters, values, strict=False) if letter in _LETTERS
    }


def _capture(fields: Mapping[str, Any], path: str) -> dict[str, Any] | None:
    """One row of `ENTRIES`; None where digest or time are missing."""
    digest = str(fields.get("digest", "")).removeprefix("sha1:").upper()
    time = _time(str(fields.get("timestamp", "")))
    if time is None or not _DIGEST.fullmatch(digest):
        return None
    filename = fields.get("filename")
    crawl = _CRAWL.search(str(filename or ""))
    return {
        "payload_digest": f"sha1:{digest}",
        "capture_time": time,
        "url": fields.get("url"),
        "origin": crawl[0] if crawl else _base(path),
        "input_file": filename,
        "record_offset": _whole(fields.get("offset")),
        "record_length": _whole(fields.get("length")),
    }


def _time(text: str) -> datetime | None:
    try:
        return datetime.strptime(text[:14], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None


def _whole(value: Any) -> int | None:
    return int(value) if str(value).isdigit() else None


def _rows(rows: list[Mapping[str, Any]]) -> pa.Table:
    columns = {name: [row[name] for row in rows] for name in (rows[0] if rows else {})}
    return _table(columns, len(rows))


def _table(columns: Mapping[str, Any], rows: int) -> pa.Table:
    arrays = [
        pa.nulls(rows, field.type)
        if field.name not in columns
        else columns[field.name].cast(field.type)
        if isinstance(columns[field.name], pa.Array | pa.ChunkedArray)
        else pa.array(columns[field.name], field.type)
        for field in ENTRIES
    ]
    return pa.table(arrays, schema=ENTRIES)


def _base(path: str) -> str:
    return path.rpartition("/")[2]
