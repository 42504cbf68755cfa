"""What cutting a large file costs: `python scripts/bench spans`; reading only, as annotating is the same in and out of spans.

A file of each format is made in a temporary directory, read at once and in spans, and the rows are compared.
"""

from __future__ import annotations

import argparse
import gzip
import json
import resource
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from provenance.files.spans import Span, plan_spans
from provenance.records import Part, ReadOptions, read_records
from provenance.records.parts import misread

_WORDS = (
    "the council approved a new budget for the harbour and its bridges on monday after a long debate".split()
)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=1000)
    parser.add_argument("--span-megabytes", type=int, default=64)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print(
            f"{'file':<10} {'MB':>6} {'spans':>6} {'whole s':>8} {'spans s':>8} {'ms a span':>10} {'again':>6} {'peak MB':>8}"
        )
        for name, make in (
            ("a.jsonl", _lines),
            ("a.warc", _archive),
            ("a.warc.gz", _members),
            ("a.parquet", _table),
        ):
            path = Path(folder) / name
            make(path, options.megabytes * 10**6)
            _measure(path, options.span_megabytes * 10**6)
            path.unlink()


def _measure(path: Path, span_bytes: int) -> None:
    size = path.stat().st_size
    spans = plan_spans(path.name, size, span_bytes)
    started = time.process_time()
    whole = _read(path, Part(Span(0, 1, 0, size)))
    alone = time.process_time() - started
    started, parts, rows = time.process_time(), [Part(span) for span in spans], 0
    for part in parts:
        rows += _read(path, part)
    together = time.process_time() - started
    if rows != whole:
        raise SystemExit(f"{path.name}: {rows:,} records in spans, {whole:,} in the whole")
    each = (together - alone) / len(spans) * 1000
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{path.name:<10} {size / 1e6:>6,.0f} {len(spans):>6,} {alone:>8.1f} {together:>8.1f} {each:>10.1f} "
        f"{len(misread(parts)):>6,} {peak:>8,.0f}",
        flush=True,
    )


def _read(path: Path, part: Part) -> int:
    with path.open("rb") as stream:
        return sum(batch.num_rows for batch in read_records(stream, path.name, ReadOptions(), part))


def _text(number: int) -> str:
    return " ".join(_WORDS[(number * 7 + at * at) % len(_WORDS)] for at in range(400)) + f" {number}"


def _lines(path: Path, size: int) -> None:
    with path.open("w") as file:
        number = 0
        while file.tell() < size if number % 1000 == 0 else True:
            file.write(json.dumps({"text": _text(number), "url": f"https://a.example/{number}"}) + "\n")
            number += 1


def _records(size: int) -> Iterator[bytes]:
    yield b"WARC/1.1\r\nWARC-Type: warcinfo\r\nWARC-Date: 2024-01-01T00:00:00Z\r\nContent-Length: 0\r\n\r\n\r\n\r\n"
    number = made = 0
    while made < size:
        page = "".join(f"<p>{_text(number * 50 + at)}</p>" for at in range(10))
        block = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html><body>{page}</body></html>".encode()
        head = f"WARC/1.1\r\nWARC-Type: response\r\nWARC-Target-URI: https://a.example/{number}\r\nWARC-Date: 2024-01-02T00:00:00Z"
        found = f"{head}\r\nContent-Length: {len(block)}\r\n\r\n".encode() + block + b"\r\n\r\n"
        yield found
        made, number = made + len(found), number + 1


def _archive(path: Path, size: int) -> None:
    with path.open("wb") as file:
        file.writelines(_records(size))


def _members(path: Path, size: int) -> None:
    with path.open("wb") as file:
        for found in _records(2 * size):
            file.write(gzip.compress(found, 0 if len(found) % 3 else 1))


def _table(path: Path, size: int) -> None:
    schema = pa.schema({"text": pa.string(), "url": pa.string()})
    with pq.ParquetWriter(path, schema, compression="NONE", use_dictionary=False) as writer:
        for first in range(0, size // 2300, 5000):
            numbers = range(first, first + 5000)
            columns = [[_text(number) for number in numbers], [f"https://a.example/{n}" for n in numbers]]
            writer.write_table(pa.table(columns, schema=schema))


if __name__ == "__main__":
    main()
