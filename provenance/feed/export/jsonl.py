"""JSON lines, compressed by zstandard or gzip: one document a line, the same bytes each time."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, cast

import zstandard

from provenance.feed.export.plan import Shard
from provenance.feed.export.values import json_rows
from provenance.feed.release import OpenRelease

#: zstandard's own default; gzip's next to its own (9).
_ZSTD_LEVEL, _GZIP_LEVEL = 3, 6


@dataclass
class JsonLines:
    """Shards of `.jsonl.zst` or `.jsonl.gz`."""

    release: OpenRelease
    compression: str = "zst"
    shard_bytes: ClassVar[int] = 256 << 20

    def describe(self) -> dict[str, Any]:
        return {"compression": self.compression}

    def write(self, shard: Shard, folder: Path) -> dict[str, Any]:
        path = folder / shard.name(f"jsonl.{self.compression}")
        with path.open("wb") as raw, self._compressed(raw) as file:
            lines = io.TextIOWrapper(file, encoding="utf-8", newline="\n")
            for table in shard.tables(self.release):
                for row in json_rows(table):
                    lines.write(json.dumps(row, ensure_ascii=False) + "\n")
            lines.flush()
            lines.detach()
        return {}

    def finish(self, folder: Path, notes: list[dict[str, Any]]) -> None:
        pass

    @contextmanager
    def _compressed(self, raw: BinaryIO) -> Iterator[BinaryIO]:
        if self.compression == "gz":
            # Without a name or a time, which would be other bytes each time.
            with gzip.GzipFile("", "wb", _GZIP_LEVEL, raw, mtime=0) as file:
                yield cast(BinaryIO, file)
        else:
            with zstandard.ZstdCompressor(_ZSTD_LEVEL).stream_writer(raw, closefd=False) as file:
                yield cast(BinaryIO, file)
