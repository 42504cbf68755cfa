"""LitData: chunks and their index as `litdata.StreamingDataset` reads them, written by the library `litdata` (extra `litdata`)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from provenance.feed.export.plan import Shard
from provenance.feed.export.values import kinds_of, lacks, typed_rows
from provenance.feed.release import OpenRelease

_INDEX = "index.json"


@dataclass
class LitData:
    """A chunk for each shard, and one index of all. A chunk is in memory until it is written."""

    release: OpenRelease
    shard_bytes: ClassVar[int] = 64 << 20

    def __post_init__(self) -> None:
        try:
            from litdata.streaming.writer import BinaryWriter
        except ImportError:
            raise lacks("litdata", "litdata") from None
        self._writer: Any = BinaryWriter

    def describe(self) -> dict[str, Any]:
        return {"columns": kinds_of(self.release)}

    def write(self, shard: Shard, folder: Path) -> dict[str, Any]:
        kinds = kinds_of(self.release)
        writer = self._writer(str(folder), chunk_size=shard.documents, chunk_index=shard.number)
        number = shard.first
        for table in shard.tables(self.release):
            for row in typed_rows(table, kinds):
                writer.add_item(number, row)
                number += 1
        writer.done()
        own = next(folder.glob(f"*.{_INDEX}"))
        index = json.loads(own.read_bytes())
        own.unlink()
        return {"index": index}

    def finish(self, folder: Path, notes: list[dict[str, Any]]) -> None:
        (folder / _INDEX).unlink(missing_ok=True)
        most = max(note["index"]["config"]["chunk_size"] for note in notes)
        for number, note in enumerate(notes):
            # The library takes chunks of one setting only; each is told its own number of documents besides.
            note["index"]["config"]["chunk_size"] = most
            (folder / f"{number}.{_INDEX}").write_text(json.dumps(note["index"], sort_keys=True))
        self._writer(str(folder), chunk_size=1).merge(len(notes))
        index = json.loads((folder / _INDEX).read_bytes())
        # The library writes the time; readers only ask whether it is another one than that of their cache.
        index["updated_at"] = self.release.fingerprint
        (folder / _INDEX).write_text(json.dumps(index, sort_keys=True))
