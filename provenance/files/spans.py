"""Large inputs are cut into spans, which are tasks and shards of their own: a kill loses one, and all cores have work.

A span is a range of stored bytes, planned from the size alone; what begins in it is its own (docs/decisions/spans.md).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

#: Bytes of a span by default: 50 s of one core at the speed of docs/stores.md.
SPAN_BYTES = 256 << 20
#: A file of up to so many spans is one: those of Common Crawl (1.0 to 1.3 GB) are many, and four times the shards would
#: cost the driver four times as much for nothing.
WHOLE = 5
#: Records of a span of chosen ones: some 100 MB where a record of Common Crawl has 20 kB.
CHOSEN_RECORDS = 5000
#: Compressed JSON: where a line begins is known only to who has decoded all that is before it.
_COMPRESSED_JSON = re.compile(r"\.(jsonl|ndjson|jsonlines|json)\.(gz|zst|zstd|lz4)$", re.IGNORECASE)
#: One array, or objects over several lines: whether a brace opens a value is known only from the beginning.
_JSON = re.compile(r"\.json$", re.IGNORECASE)
#: Between the name of an input and the number of a span: no file has it in its name.
_MARK = "\0"


@dataclass(frozen=True)
class Span:
    """A part of an input.

    Attributes:
        number: counted from 0,
        of: so many.
        start: first byte,
        end: and the one behind the last; records that begin in between are its own.
    """

    number: int
    of: int
    start: int
    end: int

    @property
    def size(self) -> int:
        return self.end - self.start

    @property
    def is_last(self) -> bool:
        return self.number == self.of - 1


def plan_spans(name: str, size: int, span_bytes: int) -> list[Span]:
    """Spans of even sizes, none above `span_bytes`; one where the file is not large, or is named as one that cannot be cut."""
    count = -(-size // span_bytes) if is_large(size, span_bytes) and uncut(name) is None else 1
    return even_spans(size, count)


def even_spans(size: int, count: int) -> list[Span]:
    """So many spans of even sizes."""
    borders = [size * number // count for number in range(count + 1)]
    return [Span(number, count, borders[number], borders[number + 1]) for number in range(count)]


def is_large(size: int, span_bytes: int) -> bool:
    """Whether a file of so many bytes is cut, if it can be."""
    return size > WHOLE * span_bytes


def uncut(name: str) -> str | None:
    """Why a file of this name is one span whatever its size; None where it is cut."""
    if _COMPRESSED_JSON.search(name):
        return "compressed JSON lines: where a line begins is known only when all before it is decoded; store them plain, as Parquet or in several files"
    if _JSON.search(name):
        return "JSON that may be one array: where a value begins is known only from the beginning; write one object a line, or Parquet"
    return None


def span_name(name: str, span: Span) -> str:
    """What the shard of a span is called in a workspace: the first as its input, so that a file that is not cut is what it was."""
    return f"{name}{_MARK}{span.number}" if span.number else name


def input_of(shard_name: str) -> str:
    """The input that a shard was made from, by the shard's name."""
    return shard_name.partition(_MARK)[0]
