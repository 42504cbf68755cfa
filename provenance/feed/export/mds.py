"""MDS: shards of MosaicML streaming, written by its library (extra `mds`), each in a folder of its own with an index.

The library asks for transformers before 5 and so has to be in another environment than the extra `neural`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from provenance.feed.export.plan import Shard
from provenance.feed.export.values import kinds_of, lacks, typed_rows
from provenance.feed.release import OpenRelease

#: The most that the format can address: where shards end is decided here.
_NO_LIMIT = (1 << 32) - 1


@dataclass
class Mds:
    """A folder for each shard, and one index of all."""

    release: OpenRelease
    shard_bytes: ClassVar[int] = 64 << 20

    def __post_init__(self) -> None:
        try:
            from streaming import MDSWriter
            from streaming.base.util import merge_index
        except ImportError:
            raise lacks(
                "mds",
                "mosaicml-streaming",
                " in an environment of its own (it needs transformers before 5, the extra `neural` 5 or later)",
            ) from None
        self._writer: Any = MDSWriter
        self._merge: Any = merge_index

    def describe(self) -> dict[str, Any]:
        return {"columns": kinds_of(self.release)}

    def write(self, shard: Shard, folder: Path) -> dict[str, Any]:
        kinds = kinds_of(self.release)
        own = str(folder / f"{shard.number:05d}")
        with self._writer(columns=kinds, out=own, size_limit=_NO_LIMIT, hashes=["sha1"]) as writer:
            for table in shard.tables(self.release):
                for row in typed_rows(table, kinds):
                    writer.write(row)
        return {}

    def finish(self, folder: Path, notes: list[dict[str, Any]]) -> None:
        self._merge(str(folder))
