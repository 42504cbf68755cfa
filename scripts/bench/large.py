"""One file of gigabytes, in spans: `python -m scripts.bench.large [--gigabytes 5] [--kind warc|lines] [--place FOLDER]`.

The file is made of the development crawl's pages (WARC, each record a gzip member) or their main texts (JSON lines), again and again with other hosts and words. Then it is annotated
by two workers, killed, and annotated further by the same command; a cut of it is annotated by one and by two workers; and the whole is read in spans. What is printed is
speed, peak memory of the largest process and of all together (resident), spans that were finished and those that the kill cost, and whether the shards of the cut are the same bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import struct
import sys
import tempfile
import time
import zlib
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from provenance.files.spans import SPAN_BYTES, plan_spans
from provenance.records import Part, ReadOptions, read_records
from scripts.bench.deduplicators import crawl_texts
from scripts.bench.duplicates import forget_peak
from scripts.bench.measuring import Watched, need_crawl, peak, resident

#: Pages of the crawl that are repeated: more of them would not fit the memory of the one who writes.
_PAGES, _MOST_PAGE, _VARIANTS = 400, 400_000, 4
_MEMBER, _TAIL = b"\x1f\x8b\x08\0\0\0\0\0\0\xff", b"\r\n\r\n"
_CUT_SPAN = 32
_CHANGED = (b" the ", b" and ", b" of ")


def main() -> None:
    """Print what was measured, line by line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gigabytes", type=float, default=5)
    parser.add_argument("--kind", choices=("warc", "lines"), default="warc")
    parser.add_argument("--seconds", type=int, default=150, help="of annotating, before the kill and after")
    parser.add_argument("--span-mebibytes", type=int, default=SPAN_BYTES >> 20)
    parser.add_argument("--cut-megabytes", type=int, default=300)
    parser.add_argument("--place", type=Path, help="where there is room for the file (default: /tmp)")
    options = parser.parse_args()
    write, suffix = {"warc": (write_archive, "warc.gz"), "lines": (write_lines, "jsonl")}[options.kind]
    with tempfile.TemporaryDirectory(dir=options.place) as place:
        folder = Path(place)
        path = folder / f"large.{suffix}"
        began = time.process_time()
        records = write(path, int(options.gigabytes * 1e9))
        told = f"{path.stat().st_size / 1e9:.2f} GB, {records:,} records"
        print(f"{path.name}: {told}, written in {time.process_time() - began:.0f} s", flush=True)
        annotate_killed(path, folder / "workspace", options.seconds, options.span_mebibytes)
        cut = folder / f"cut.{suffix}"
        write(cut, options.cut_megabytes * 10**6)
        compare_workers(cut, folder)
        read_in_spans(path, records, options.span_mebibytes << 20)


def write_archive(path: Path, size: int) -> int:
    """A WARC file of about `size` stored bytes, a gzip member for each record; how many there are.

    Bodies are compressed once for each of `_VARIANTS`; what differs in each record stands before them, stored.
    """
    held = [
        (host, number, body, _packed(body))
        for variant in range(_VARIANTS)
        for number, (host, body) in enumerate(_pages(variant))
    ]
    records = written = 0
    with path.open("wb") as file:
        for turn in count():
            for host, number, body, packed in held:
                head = _head(records, f"https://turn-{turn}.{host}/{number}", len(body))
                check = zlib.crc32(body + _TAIL, zlib.crc32(head)), len(head) + len(body) + len(_TAIL)
                # A stored block, which is not the last; the body; a stored one that is.
                member = b"".join(
                    (_MEMBER, _stored(head), packed, _stored(_TAIL, last=True), struct.pack("<II", *check))
                )
                written += file.write(member)
                records += 1
                if written >= size:
                    return records
    raise AssertionError("unreachable")


def _packed(body: bytes) -> bytes:
    """Blocks of a deflate stream, none of them the last, which end with a byte."""
    compressor = zlib.compressobj(1, zlib.DEFLATED, -15)
    return compressor.compress(body) + compressor.flush(zlib.Z_SYNC_FLUSH)


def _stored(data: bytes, last: bool = False) -> bytes:
    """A stored block of a deflate stream (RFC 1951, 3.2.4), where the block before it ends with a byte."""
    return struct.pack("<BHH", last, len(data), len(data) ^ 0xFFFF) + data


def write_lines(path: Path, size: int) -> int:
    """JSON lines of about `size` bytes; how many there are."""
    texts = crawl_texts()
    records = written = 0
    with path.open("wb") as file:
        for turn in count():
            for number, text in enumerate(texts):
                changed = text.replace(" the ", f" the{turn} ", 20) if turn else text
                url = f"https://turn-{turn}.example/{number}"
                written += file.write(json.dumps({"text": changed, "url": url}).encode() + b"\n")
                records += 1
                if written >= size:
                    return records
    raise AssertionError("unreachable")


def _pages(variant: int) -> Iterator[tuple[str, bytes]]:
    """(host, HTTP response) of real pages, of which some words are others in each variant."""
    from fastwarc.warc import ArchiveIterator, WarcRecordType

    found = 0
    for path in sorted(need_crawl().glob("mini-crawl-b-*.warc.gz")):
        with path.open("rb") as stream:
            for record in ArchiveIterator(
                stream, record_types=WarcRecordType.response, parse_http=False, strict_mode=False
            ):
                body = record.reader.read()
                if len(body) > _MOST_PAGE:
                    continue
                for word in _CHANGED if variant else ():
                    body = body.replace(word, b" %s%d " % (word.strip(), variant), 20)
                yield str(record.headers["WARC-Target-URI"]).split("/")[2], body
                found += 1
                if found == _PAGES:
                    return


def _head(number: int, url: str, length: int) -> bytes:
    return (
        f"WARC/1.1\r\nWARC-Type: response\r\nWARC-Record-ID: <urn:page:{number}>\r\nWARC-Target-URI: {url}\r\n"
        f"WARC-Date: 2024-03-04T05:06:07Z\r\nContent-Type: application/http; msgtype=response\r\nContent-Length: {length}\r\n\r\n"
    ).encode()


def read_in_spans(path: Path, records: int, span_bytes: int) -> None:
    """Read the whole file, span by span, in this process."""
    held, began, wall, rows = resident(), time.process_time(), time.monotonic(), 0
    forget_peak()
    spans = plan_spans(path.name, path.stat().st_size, span_bytes)
    for span in spans:
        with path.open("rb") as stream:
            rows += sum(
                batch.num_rows for batch in read_records(stream, path.name, ReadOptions(), Part(span))
            )
    seconds = time.process_time() - began
    print(
        f"read in {len(spans)} spans: {rows:,} rows of {records:,} records, {seconds:.0f} s of processor time "
        f"({path.stat().st_size / 1e6 / seconds:.0f} MB/s), {time.monotonic() - wall:.0f} s; {(peak() - held) / 1e6:.0f} MB beyond what the process held",
        flush=True,
    )


def _command(path: Path, workspace: Path, workers: int, span_mebibytes: int) -> list[str]:
    settings = path.with_name(f"spans-{span_mebibytes}.yaml")
    settings.write_text(f"reading: {{span_bytes: {span_mebibytes << 20}}}\n")
    command = [sys.executable, "-m", "pipelines.command", "annotate", str(path), "--quiet"]
    return [*command, "--workspace", str(workspace), "--workers", f"{workers}", "--config", str(settings)]


def _shards(workspace: Path) -> dict[str, tuple[int, str]]:
    """Finished shards: name → when it was written, and a digest of its bytes."""
    return {
        shard.name: (shard.stat().st_mtime_ns, hashlib.sha256(shard.read_bytes()).hexdigest())
        for shard in sorted((workspace / "annotated").glob("*.parquet"))
    }


def annotate_killed(path: Path, workspace: Path, seconds: int, span_mebibytes: int) -> None:
    """Annotate by two workers for a while, kill all of their processes, and go on as long again."""
    spans = len(plan_spans(path.name, path.stat().st_size, span_mebibytes << 20))
    command = _command(path, workspace, 2, span_mebibytes)
    before: dict[str, tuple[int, str]] = {}
    for turn in ("first call", "the same again"):
        watched, end = Watched(), time.monotonic() + seconds
        watched.run(command, lambda end=end: time.monotonic() > end)  # type: ignore[misc]
        now = _shards(workspace)
        kept = sum(now.get(name) == shard for name, shard in before.items())
        print(
            f"annotate, {turn}: {'killed' if watched.ended is None else 'ended'} after {seconds} s at most, {len(now)} of {spans} spans finished, "
            f"{kept} of {len(before)} untouched; a process {watched.largest / 1e6:.0f} MB, all {watched.together / 1e6:.0f} MB; load {os.getloadavg()[0]:.0f}",
            flush=True,
        )
        before = now


def compare_workers(path: Path, folder: Path) -> None:
    """Annotate a file by one worker and by two, in spans of 32 MiB."""
    found = []
    for workers in (1, 2):
        workspace, watched, began = folder / f"cut-{workers}", Watched(), time.monotonic()
        watched.run(_command(path, workspace, workers, _CUT_SPAN))
        found.append({name: digest for name, (_, digest) in _shards(workspace).items()})
        print(
            f"{path.stat().st_size / 1e6:.0f} MB, {workers} workers: {len(found[-1])} spans, {time.monotonic() - began:.0f} s; "
            f"a process {watched.largest / 1e6:.0f} MB, all {watched.together / 1e6:.0f} MB",
            flush=True,
        )
    print(f"the same shards, byte by byte: {found[0] == found[1]}")


if __name__ == "__main__":
    main()
