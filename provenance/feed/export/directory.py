"""The directory of an export: whose it is, which shards are finished, and what says that all are.

`export.json` is written last. Until then `.parts` holds the settings and a record of each finished shard.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from provenance.errors import UsageError
from provenance.feed.export.plan import Shard
from provenance.files.ownership import LOCK

#: What is written last; its presence says that an export is whole.
MANIFEST = "export.json"
#: Present until then.
_PARTS = ".parts"
_SETTINGS = "settings.json"
#: The shards, and what is carried along of the release.
DATA, RELEASE = "data", "release"


@dataclass
class Directory:
    """One export on disk."""

    root: Path

    def begin(self, settings: dict[str, Any]) -> None:
        """Take the directory, or go on in it.

        Raises:
            UsageError: where it holds anything but an unfinished export with the same settings.
        """
        self.check(settings)
        (self.root / _PARTS).mkdir(parents=True, exist_ok=True)
        (self.root / DATA).mkdir(exist_ok=True)
        _write(self.root / _PARTS / _SETTINGS, settings)

    def check(self, settings: dict[str, Any]) -> None:
        """Refuse a directory in which the export cannot begin or go on; nothing is written.

        Raises:
            UsageError: says what is there.
        """
        if self.root.is_file():
            raise UsageError(f"{self.root}: is a file; name a new directory, nothing was written")
        if not self.root.is_dir() or not [name for name in os.listdir(self.root) if name != LOCK]:
            return
        if (self.root / MANIFEST).exists():
            raise UsageError(
                f"{self.root}: holds a finished export; name a new directory, nothing was written"
            )
        parts = self.root / _PARTS
        if not parts.is_dir():
            raise UsageError(
                f"{self.root}: is not empty and not an unfinished export; name a new directory, nothing was written"
            )
        # A kill between making the folder and writing the settings leaves it empty.
        if not (parts / _SETTINGS).exists():
            return
        there = json.loads((parts / _SETTINGS).read_bytes())
        differing = _differences(there, settings)
        if differing:
            raise UsageError(
                f"{self.root}: holds an unfinished export with {'; '.join(differing)}; give the same, or name a new "
                "directory, nothing was written"
            )

    def finished(self, shard: Shard) -> bool:
        """Whether a shard stands: recorded, with its files as they were."""
        record = self._record(shard)
        if record is None:
            return False
        paths = [(self.root / file["path"], file["bytes"]) for file in record["files"]]
        return all(path.is_file() and path.stat().st_size == size for path, size in paths)

    def add(self, shard: Shard, write: Callable[[Shard, Path], dict[str, Any]]) -> None:
        """Write a shard aside, move its files to their place, then record it."""
        aside = self.root / _PARTS / "writing"
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir()
        note = write(shard, aside)
        files = []
        for path in sorted(path for path in aside.rglob("*") if path.is_file()):
            target = self.root / DATA / path.relative_to(aside)
            target.parent.mkdir(parents=True, exist_ok=True)
            files.append(self._entry(path, f"{DATA}/{path.relative_to(aside).as_posix()}"))
            os.replace(path, target)
        shutil.rmtree(aside)
        record = {"documents": shard.documents, "files": files, "note": note}
        _write(self._path(shard), record)

    def notes(self, shards: list[Shard]) -> list[dict[str, Any]]:
        """What was noted of each shard, in their order."""
        return [(self._record(shard) or {})["note"] for shard in shards]

    def finish(self, shards: list[Shard], manifest: dict[str, Any]) -> None:
        """Say that the export is whole, with the digest of every file."""
        files = [file for shard in shards for file in (self._record(shard) or {})["files"]]
        known = {file["path"] for file in files}
        for path in sorted(path for path in self.root.rglob("*") if path.is_file()):
            name = path.relative_to(self.root).as_posix()
            if name not in known and name != LOCK and not name.startswith(f"{_PARTS}/"):
                files.append(self._entry(path, name))
        _write(self.root / MANIFEST, {**manifest, "files": files})
        shutil.rmtree(self.root / _PARTS)

    def _entry(self, path: Path, name: str) -> dict[str, Any]:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        return {"path": name, "bytes": path.stat().st_size, "sha256": digest}

    def _record(self, shard: Shard) -> dict[str, Any] | None:
        path = self._path(shard)
        return json.loads(path.read_bytes()) if path.exists() else None

    def _path(self, shard: Shard) -> Path:
        return self.root / _PARTS / f"{shard.number:05d}.json"


def _write(path: Path, value: dict[str, Any]) -> None:
    """A file that is there whole or not at all."""
    beside = path.with_name(path.name + ".new")
    beside.write_text(json.dumps(value, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    os.replace(beside, path)


def _differences(there: dict[str, Any], here: dict[str, Any]) -> list[str]:
    found = []
    for name in sorted(there.keys() | here.keys()):
        one, other = there.get(name), here.get(name)
        if isinstance(one, dict) and isinstance(other, dict):
            found += _differences(one, other)
        elif one != other:
            found.append(f"{name} {one!r}, here {other!r}")
    return found
