"""What an export is made of: its settings, and shards of whole blocks, each of which can be made without the others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol

import pyarrow as pa

from provenance.feed.release import OpenRelease


@dataclass(frozen=True)
class Settings:
    """What was asked for; an export goes on only with the same.

    Attributes:
        to: name of the format.
        columns: what is written of each document; None: all numbers, strings and times.
        split: of a release with splits.
        shard_bytes: of the columns before compression, in a shard; None: as usual in the format.
        compression: of JSON lines, zst (None) or gz.
        tokenizer: a tokenizer.json; None: the one that ships.
        another_tokenizer: take one in which the release was not counted.
        end: how the token behind each document is written; None: a usual one, or one of its own.
        sequence: tokens of a packed sequence; None: a sequence is a document.
    """

    to: str
    columns: tuple[str, ...] | None = None
    split: str | None = None
    shard_bytes: int | None = None
    compression: str | None = None
    tokenizer: str | None = None
    another_tokenizer: bool = False
    end: str | None = None
    sequence: int | None = None


@dataclass(frozen=True)
class Shard:
    """Consecutive blocks of a release."""

    number: int
    count: int  # of all shards
    blocks: range
    documents: int
    first: int  # number of its first document

    def name(self, ending: str) -> str:
        """Of a file that holds it."""
        return f"part-{self.number:05d}-of-{self.count:05d}.{ending}"

    def tables(self, release: OpenRelease) -> Iterator[pa.Table]:
        """Its blocks, one after the other, in the published order."""
        for block in self.blocks:
            yield release.read(block)


class Format(Protocol):
    """Writes shards as one format has them."""

    #: Bytes of a shard where nothing else is asked for.
    shard_bytes: ClassVar[int]

    def describe(self) -> dict[str, Any]:
        """What decides its bytes, beside the documents: JSON values, compared before an export goes on."""
        ...

    def write(self, shard: Shard, folder: Path) -> dict[str, Any]:
        """Write the files of a shard into an empty folder; what `finish` has to know of it, as JSON values."""
        ...

    def finish(self, folder: Path, notes: list[dict[str, Any]]) -> None:
        """Write what spans all shards, from what was noted of each. May be done twice."""
        ...


def plan_shards(release: OpenRelease, shard_bytes: int) -> list[Shard]:
    """Whole blocks in their order, as many in a shard as fit `shard_bytes`, and one at least."""
    groups: list[range] = []
    start = size = 0
    for number, block in enumerate(release.blocks):
        if number > start and size + block.bytes > shard_bytes:
            groups.append(range(start, number))
            start, size = number, 0
        size += block.bytes
    groups.append(range(start, len(release.blocks)))
    shards, first = [], 0
    for number, blocks in enumerate(groups):
        documents = sum(release.blocks[block].rows for block in blocks)
        shards.append(Shard(number, len(groups), blocks, documents, first))
        first += documents
    return shards


def as_json(settings: Settings, release: OpenRelease, described: dict[str, Any]) -> dict[str, Any]:
    """What two runs have to agree on. A tokenizer counts by its digest, which `described` has, wherever its file lies."""
    asked = asdict(settings) | {"columns": list(release.columns), "tokenizer": None, "compression": None}
    return {"settings": asked, "format": described, "release": release.fingerprint}
