"""What a file is, from its first bytes: its compression and what lies inside. Names are only tie-breakers.

Files are mislabelled often enough (plain WARC called .gz, web pages called .warc.gz) that the name proves nothing.
"""

from __future__ import annotations

import json
import re

from provenance.records.arc import ArcDialect
from provenance.records.members import HEAD_BYTES, MAGIC, ByteSource, decoded_head, skippable
from provenance.records.warc import WarcDialect

SNIFF_BYTES = 256 << 10
_SUFFIX = re.compile(r"\.(gz|zst|zstd|lz4)$", re.IGNORECASE)
_BY_SUFFIX = {"gz": "gzip", "zst": "zstd", "zstd": "zstd", "lz4": "lz4"}
_UNNAMED = "no known format"
_ARRAY = re.compile(rb"\[\s*\{\s*[\"}]")
_NAMED = {
    b"\x1f\x8b\x08": "gzip data inside compressed data: decompress the file once",
    b"\x28\xb5\x2f\xfd": "zstd data inside compressed data: decompress the file once",
    b"PK\x03\x04": "a ZIP file, which has to be read from a file that is seekable",
    b"%PDF": "a PDF file",
    b"BZh": "a bzip2 file: recompress it with gzip or zstd",
    b"\xfd7zXZ": "an xz file: recompress it with gzip or zstd",
    b"PARE": "an encrypted Parquet file: write it without encryption",
    b"ARROW1": "an Arrow file: write it as Parquet",
    b"Obj\x01": "an Avro file: write it as Parquet",
    b"ORC": "an ORC file: write it as Parquet",
    b" CDX ": "a list of captures (CDX), not the captures: `provenance witness build` reads it",
    b"warc/0.9": "a WARC file of the draft 0.9, which no reader of today knows: convert it to WARC 1.0",
    b"\xff\xfe": "perhaps text in UTF-16: write it in UTF-8",
    b"\xfe\xff": "perhaps text in UTF-16: write it in UTF-8",
}


def compression_of(source: ByteSource, name: str) -> str:
    """The codec of a file; bytes before its first member are allowed, where a member can be decoded."""
    visible = source.need(SNIFF_BYTES)
    head = source.buf[source.pos : source.pos + visible]
    for codec, magic in MAGIC.items():
        if head.startswith(magic):
            return codec
    if head.startswith(tuple(_NAMED)):
        return "plain"  # a ZIP file may hold gzip members, but they are not this file's
    if skippable(head[:4]):
        return "lz4" if MAGIC["lz4"] in head and MAGIC["zstd"] not in head else "zstd"
    if _content_of_text(head, anywhere=False) != "unknown":
        return "plain"
    # Small members hold their beginning uncompressed, so text is found inside them: what begins first is the file.
    text = min((at for at, _ in _anywhere(head)), default=len(head))
    for codec, magic in MAGIC.items():
        at = head.find(magic, 0, text)
        while at >= 0:
            if is_record_start(decoded_head(memoryview(head)[at : at + HEAD_BYTES[codec]], codec)):
                return codec
            at = head.find(magic, at + 1, text)
    suffix = _SUFFIX.search(name)
    if suffix and text == len(head) and named(head) == _UNNAMED:
        # Damage at the beginning: reading goes on where a member begins.
        return _BY_SUFFIX[suffix.group(1).lower()]
    return "plain"


def content_of(head: bytes, name: str) -> str:
    """What decoded data is, from up to `SNIFF_BYTES` of it."""
    if head.startswith(b"PAR1"):
        return "parquet"
    if not head.strip(b"\0\r\n\t "):
        return "empty"
    content = _content_of_text(head)
    if content == "unknown" and is_named_lines(name):
        line = head.lstrip(b"\xef\xbb\xbf\r\n\t ")
        return "jsonl" if line[:1] not in b"<%" and b"\0" not in line[:1024] else "unknown"
    return content


def is_named_lines(name: str) -> bool:
    """Whether a file is named as JSON lines."""
    return re.search(r"\.(jsonl|ndjson|jsonlines)(\.|$)", name.lower()) is not None


def _content_of_text(head: bytes, anywhere: bool = True) -> str:
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip(b"\0\r\n\t\x1e ")
    if start.startswith(b"PAR1"):
        return "parquet"
    if WarcDialect.start.match(start):
        return "warc"
    if start.startswith(b"filedesc:") or ArcDialect.start.match(start):
        return "arc"
    if _ARRAY.match(start) or _over_lines(start):
        return "json"
    if _json_lines(start):
        return "jsonl"
    return min(_anywhere(head), default=(0, "unknown"))[1] if anywhere else "unknown"


def _anywhere(head: bytes) -> list[tuple[int, str]]:
    """Where in `head` the first WARC and the first ARC record can be seen."""
    kinds = (("warc", WarcDialect()), ("arc", ArcDialect()))
    found = [(dialect.find(head, 0, len(head)), content) for content, dialect in kinds]
    return [(at, content) for at, content in found if at is not None]


def _over_lines(start: bytes) -> bool:
    """True where the first value is a JSON object that goes on over the end of its line."""
    if start[:1] != b"{":
        return False
    line, _, rest = start.partition(b"\n")
    if line.rstrip() == b"{":
        return bool(re.match(rb"\s*[\"}]", rest))
    if _is_object(line) or not rest or not re.match(rb"\{\s*\"", line):
        return False
    try:
        value, end = json.JSONDecoder(parse_int=float).raw_decode(start.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict) and end > len(line.decode("utf-8", "replace"))


def _json_lines(start: bytes) -> bool:
    """True where the first line opens a JSON object, or most of the first lines are JSON objects."""
    if re.match(rb"\{\s*\"", start) and not start.startswith(b"{\\rtf"):
        return True
    lines = [line for line in start[: 64 << 10].split(b"\n")[:20] if line.strip()]
    good = sum(_is_object(line) for line in lines)
    return good * 2 >= max(2, len(lines)) or (good > 0 and start[:1] == b"{")


def _is_object(line: bytes) -> bool:
    if line.lstrip()[:1] != b"{":
        return False
    try:
        return isinstance(json.loads(line, parse_int=float), dict)
    except (ValueError, RecursionError):
        return False


def is_record_start(data: bytes) -> bool:
    """True for the first bytes of a WARC or ARC record or of a JSON line."""
    return bool(
        data.startswith((b"WARC/", b"filedesc:", b'{"'))
        or ArcDialect.start.match(data[: ArcDialect.start_bytes])
    )


def named(head: bytes) -> str:
    """Words for what a file is that cannot be read."""
    for magic, words in _NAMED.items():
        if head.startswith(magic):
            return words
    if re.match(rb"\s*<(?:!doctype|html|\?xml)", head, re.IGNORECASE):
        return "a web page or XML file"
    if re.match(rb"\s*\[", head):
        return "perhaps a JSON array of something else than objects"
    return _UNNAMED
