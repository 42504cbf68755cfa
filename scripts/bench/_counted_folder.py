"""One stage on a store that is a folder of this machine and counts what it is asked, in a process of its own.

    python -m scripts.bench._counted_folder FOLDER CALLS.json STAGE [OPTION]...

FOLDER, which is called `store`, is `folder://store`. Calls are those that S3 would get: a listing for each 1,000 names, a request for each
range that is read and for each part of 16 MiB that is written.
"""

from __future__ import annotations

import io
import json
import os
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import Any, ClassVar

import fsspec

from pipelines.command.main import main as run_command
from provenance.files.storage.addresses import SCHEMES, Scheme
from provenance.files.storage.stores import PARTS

SCHEME = "folder"
_PAGE = 1_000


class FolderFileSystem(fsspec.AbstractFileSystem):  # type: ignore[misc]
    """`folder://`: what fsspec's implementation of a store does, on files of this machine."""

    protocol = SCHEME
    root: ClassVar[Path]
    calls: ClassVar[Counter[str]] = Counter()
    _counting: ClassVar[threading.Lock] = threading.Lock()

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return path.removeprefix(f"{SCHEME}://").strip("/")

    def find(self, path: str, detail: bool = False, **given: Any) -> Any:
        found = {}
        for folder, _, names in os.walk(self.root / path):
            for name in names:
                file = Path(folder, name)
                found[str(file.relative_to(self.root))] = self._describe(file)
        self.count("list", max(1, -(-len(found) // _PAGE)))
        return found

    def info(self, path: str, **given: Any) -> Any:
        self.count("info")
        if not (self.root / path).is_file():
            raise FileNotFoundError(path)
        return self._describe(self.root / path)

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **given: Any) -> bytes:
        self.count("read")
        with (self.root / path).open("rb") as file:
            file.seek(start or 0)
            return file.read(-1 if end is None else end - (start or 0))

    def pipe_file(self, path: str, value: bytes, mode: str = "overwrite", **given: Any) -> None:
        with self.open(path, "wb") as file:
            file.write(value)

    def open(self, path: str, mode: str = "rb", **given: Any) -> Any:
        return _Written(self, self.root / path)

    def rm_file(self, path: str) -> None:
        self.count("delete")
        if not (self.root / path).is_file():
            raise FileNotFoundError(path)
        (self.root / path).unlink()

    def count(self, call: str, times: int = 1) -> None:
        """Note some calls."""
        with self._counting:
            self.calls[call] += times

    def _describe(self, file: Path) -> dict[str, Any]:
        status = file.stat()
        return {"name": str(file), "type": "file", "size": status.st_size, "ETag": f"{status.st_mtime_ns}"}


class _Written(io.FileIO):
    """An object that appears when it is closed."""

    def __init__(self, store: FolderFileSystem, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._store, self._path = store, path
        super().__init__(f"{path}.part", "w")

    def write(self, data: Any) -> int:
        self._store.count("write")
        return super().write(data)

    def close(self) -> None:
        if not self.closed:
            super().close()
            Path(f"{self._path}.part").replace(self._path)


class _Parts:
    """A large object, part by part."""

    def __init__(self, path: str, filesystem: FolderFileSystem, key: str) -> None:
        self._file = filesystem.open(key, "wb")

    def send(self, data: bytes) -> None:
        self._file.write(data)

    def finish(self, data: bytes) -> None:
        self.send(data)
        self._file.close()

    def abort(self) -> None:
        io.FileIO.close(self._file)
        Path(self._file.name).unlink()


def main(folder: str, calls: str, *command: str) -> int:
    """Run a stage and write the calls."""
    FolderFileSystem.root = Path(folder).parent
    SCHEMES[SCHEME] = Scheme("fsspec", None, True, "bucket", "nowhere")
    PARTS[SCHEME] = _Parts
    fsspec.register_implementation(SCHEME, FolderFileSystem)
    status = run_command(list(command))
    Path(calls).write_text(json.dumps(FolderFileSystem.calls))
    return status


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
