"""`curate --dry-run`: what would be read, how much it is, and what time and requests it would take; nothing is done.

The speed is one that was measured (docs/measured.md), and said to be so: on other machines and pages it differs.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from provenance.errors import plain
from provenance.files.spans import SPAN_BYTES, is_large, uncut
from provenance.files.storage.addresses import is_address
from provenance.files.storage.ranges import MOST_BYTES

if TYPE_CHECKING:
    from provenance.files.inputs import InputFile

#: Stored bytes that one core annotates in a second, by format, some tenth less than was measured: 20 MB of real pages in
#: 1.8 s, 7.4 MB of Parquet and 6.4 MB of compressed JSON lines in 3.4 s each (docs/stores.md).
SPEED = {
    "warc": 10e6,
    "wacz": 10e6,
    "arc": 10e6,
    "wet": 1.8e6,
    "jsonl": 1.8e6,
    "parquet": 1.8e6,
    "other": 1.8e6,
}
#: Seconds of one core that a task takes beside its bytes: 22 ms each for 1,000 files of 0.7 kB (docs/stores.md).
TASK_SECONDS = 0.022
#: US dollars for 1,000 requests that read and that write: the list price of S3 Standard in us-east-1, to be looked up.
READ_PRICE, WRITE_PRICE = 0.0004, 0.005
#: Requests for each input beside its bytes: looking at it, footers, what later stages read of its shard, in tens.
_READS_BESIDE, _WRITES_BESIDE = 40, 6
#: Files that are one task and are named.
_SHOWN = 5


@dataclass(frozen=True)
class Forecast:
    """What a job would take.

    Attributes:
        files: inputs by format.
        sizes: their bytes by format.
        reads: requests to stores that read,
        writes: and that write.
        seconds: of annotating, with `workers`.
        workers: local processes.
        ignored: files that would be passed over.
        spans: tasks that the files are cut into.
        uncut: larger files that are one task, each with the reason.
    """

    files: dict[str, int]
    sizes: dict[str, int]
    reads: int
    writes: int
    seconds: float
    workers: int
    ignored: int
    spans: int
    uncut: tuple[tuple[str, str], ...]

    @property
    def cost(self) -> float:
        """US dollars for the requests, without traffic and machines."""
        return self.reads / 1000 * READ_PRICE + self.writes / 1000 * WRITE_PRICE

    def as_json(self) -> dict[str, Any]:
        total = {"files": sum(self.files.values()), "bytes": sum(self.sizes.values())}
        return {
            **total,
            "formats": {name: {"files": self.files[name], "bytes": self.sizes[name]} for name in self.files},
            "ignored": self.ignored,
            "spans": self.spans,
            "uncut": [{"file": name, "reason": reason} for name, reason in self.uncut],
            "workers": self.workers,
            "seconds": round(self.seconds),
            "requests": {"read": self.reads, "write": self.writes, "usd": round(self.cost, 2)},
        }


def forecast(
    inputs: Sequence[InputFile], ignored: int, workers: int, workspace: str, span_bytes: int = SPAN_BYTES
) -> Forecast:
    """What a job over `inputs`, cut into spans of `span_bytes`, with a workspace there would take."""
    files: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    for item in inputs:
        name = _format(item)
        files[name] += 1
        sizes[name] += item.size
    remote = [item for item in inputs if item.chosen is None and is_address(item.path)]
    chosen = [item.chosen for item in inputs if item.chosen is not None]
    spans = sum(len(item.spans(span_bytes)) for item in inputs)
    large = [
        (item.name, uncut(item.name))
        for item in inputs
        if item.chosen is None and is_large(item.size, span_bytes)
    ]
    alone = tuple((name, reason) for name, reason in large if reason is not None)
    longest = max((_task_seconds(item, span_bytes) for item in inputs), default=0.0)
    reads = sum(1 + -(-item.size // MOST_BYTES) for item in remote)
    # Of each record's file the size, then the record.
    reads += sum(2 * item.records for item in chosen if is_address(item.prefix or ""))
    beside = spans if is_address(workspace) else 0
    busy = sum(size / SPEED[name] for name, size in sizes.items()) + spans * TASK_SECONDS
    seconds = busy / max(workers, 1)
    return Forecast(
        files=dict(sorted(files.items())),
        sizes=dict(sorted(sizes.items())),
        reads=reads + beside * _READS_BESIDE,
        writes=beside * _WRITES_BESIDE,
        seconds=max(seconds, longest),
        workers=workers,
        ignored=ignored,
        spans=spans,
        uncut=alone,
    )


def _task_seconds(item: InputFile, span_bytes: int) -> float:
    """How long one worker has to do with the largest span of a file."""
    return item.size / len(item.spans(span_bytes)) / SPEED[_format(item)]


def _format(item: InputFile) -> str:
    """The format of an input; chosen records are those of archives."""
    return format_of(item.name) if item.chosen is None else "warc"


def format_of(name: str) -> str:
    """The format that a name promises; what is read is told from the bytes."""
    parts = name.lower().rsplit("/", 1)[-1].split(".")
    for kind in ("wet", "warc", "wacz", "arc", "parquet"):
        if kind in parts[1:]:
            return kind
    return "jsonl" if {"jsonl", "ndjson"} & set(parts[1:]) else "other"


def print_forecast(found: Forecast, as_json: bool) -> None:
    """For a person, or for a program."""
    if as_json:
        print(json.dumps(found.as_json(), indent=1))
        return
    print(f"would read {_number(sum(found.files.values()), 'file')}, {_size(sum(found.sizes.values()))}")
    for name, count in found.files.items():
        print(f"  {name:<8} {count:>9,} {'file ' if count == 1 else 'files'}  {_size(found.sizes[name]):>10}")
    if found.spans > sum(found.files.values()):
        print(f"  in {found.spans:,} spans, each a task and a shard of its own")
    for name, reason in found.uncut[:_SHOWN]:
        print(f"  {plain(name)} is one task: {reason}")
    if len(found.uncut) > _SHOWN:
        print(f"  and {len(found.uncut) - _SHOWN:,} more such files")
    if found.ignored:
        print(f"would pass over {_number(found.ignored, 'file')}")
    hours = found.seconds / 3600
    time = f"{hours:,.1f} hours" if hours >= 1 else _number(max(round(found.seconds / 60), 1), "minute")
    processes = "process" if found.workers == 1 else "processes"
    print(f"annotating: about {time} with {found.workers} local {processes}, at the speed of docs/stores.md")
    if found.reads or found.writes:
        print(
            f"about {found.reads:,} requests that read and {found.writes:,} that write: {found.cost:,.2f} USD at "
            f"{READ_PRICE} and {WRITE_PRICE} a thousand, without traffic"
        )


def _number(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _size(size: float) -> str:
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:,.0f} {unit}" if unit == "bytes" else f"{size:,.1f} {unit}"
        size /= 1000
    return f"{size:,.1f} TB"
