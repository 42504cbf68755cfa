"""WebDataset: tar files in which a document is two members, its text (`txt`) and its other columns (`json`).

Written by the library `webdataset` (extra `webdataset`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from provenance.feed.export.plan import Shard
from provenance.feed.export.values import json_rows, lacks, need_columns
from provenance.feed.release import OpenRelease


@dataclass
class WebDataset:
    """Shards of `.tar`; members are named by doc_id."""

    release: OpenRelease
    shard_bytes: ClassVar[int] = 256 << 20

    def __post_init__(self) -> None:
        need_columns(self.release, ("doc_id", "text"), "webdataset")
        try:
            from webdataset import TarWriter
        except ImportError:
            raise lacks("webdataset", "webdataset") from None
        self._writer: Any = TarWriter

    def describe(self) -> dict[str, Any]:
        return {}

    def write(self, shard: Shard, folder: Path) -> dict[str, Any]:
        # No time of writing in the members: the same bytes each time.
        with (folder / shard.name("tar")).open("wb") as raw, self._writer(raw, encoder=False, mtime=0) as tar:
            for table in shard.tables(self.release):
                for row in json_rows(table):
                    text = row.pop("text") or ""
                    about = json.dumps(row, ensure_ascii=False)
                    tar.write({"__key__": row["doc_id"], "txt": text.encode(), "json": about.encode()})
                tar.tarstream.members.clear()  # which Python keeps of all, for readers
        return {}

    def finish(self, folder: Path, notes: list[dict[str, Any]]) -> None:
        pass
