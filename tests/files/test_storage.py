"""Another filesystem of Beam's than the local one: a crawl is read from it and a release written to it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from apache_beam.io.filesystem import BeamIOError, CompressionTypes, FileMetadata, FileSystem

from pipelines.storage import BeamStorage
from tests.program import DEMO, contents, run


class Shelf(FileSystem):
    """Objects by name, as in an object store: no directories, no rename in place, written when closed."""

    objects: ClassVar[dict[str, bytes]] = {}

    @classmethod
    def scheme(cls) -> str:
        return "shelf"

    def join(self, basepath: str, *paths: str) -> str:
        return "/".join([basepath.rstrip("/"), *paths])

    def split(self, path: str) -> tuple[str, str]:
        head, _, tail = path.rpartition("/")
        return head, tail

    def mkdirs(self, path: str) -> None:
        raise OSError("an object store has no directories")

    def has_dirs(self) -> bool:
        return False

    def _list(self, dir_or_prefix: str) -> Iterator[FileMetadata]:
        for name, data in sorted(self.objects.items()):
            if name.startswith(dir_or_prefix):
                yield FileMetadata(name, len(data), 1.0)

    def create(
        self, path: str, mime_type: str = "", compression_type: str = CompressionTypes.AUTO
    ) -> io.BytesIO:
        objects = self.objects

        class Upload(io.BytesIO):
            def close(self) -> None:
                if not self.closed:
                    objects[path] = self.getvalue()
                super().close()

        return Upload()

    def open(
        self, path: str, mime_type: str = "", compression_type: str = CompressionTypes.AUTO
    ) -> io.BytesIO:
        if path not in self.objects:
            raise BeamIOError("no such object", {path: "absent"})
        return io.BytesIO(self.objects[path])

    def copy(self, source_file_names: list[str], destination_file_names: list[str]) -> None:
        for source, destination in zip(source_file_names, destination_file_names, strict=True):
            self.objects[destination] = self.objects[source]

    def rename(self, source_file_names: list[str], destination_file_names: list[str]) -> None:
        for source, destination in zip(source_file_names, destination_file_names, strict=True):
            self.objects[destination] = self.objects.pop(source)

    def exists(self, path: str) -> bool:
        return path in self.objects

    def size(self, path: str) -> int:
        return len(self.objects[path])

    def last_updated(self, path: str) -> float:
        return 1.0

    def checksum(self, path: str) -> str:
        return str(hash(self.objects[path]))

    def metadata(self, path: str) -> FileMetadata:
        return FileMetadata(path, self.size(path), 1.0)

    def delete(self, paths: list[str]) -> None:
        for path in paths:
            self.objects.pop(path)


@pytest.fixture
def shelf() -> Iterator[dict[str, bytes]]:
    Shelf.objects.clear()
    for path in DEMO.glob("*.*"):
        Shelf.objects[f"shelf://crawls/demo/{path.name}"] = path.read_bytes()
    yield Shelf.objects
    Shelf.objects.clear()


def test_a_crawl_on_an_object_store_gives_the_bytes_of_a_local_one(
    shelf: dict[str, bytes], demo_release: Path
) -> None:
    # The same files, once without those beside them: the manifest says what was passed over.
    for inputs in ("shelf://crawls/demo/demo-*", "shelf://crawls/demo/"):
        ended = run("curate", inputs, "--output", "shelf://out/r", "--quiet")
        assert ended.code == 0, ended.err
    written = {name.removeprefix("shelf://out/r/") for name in shelf if name.startswith("shelf://out/r/")}
    assert written == set(contents(demo_release))
    for name in written:
        assert shelf[f"shelf://out/r/{name}"] == (demo_release / name).read_bytes(), name
    assert not [name for name in shelf if name.endswith(".tmp")]


def test_a_release_on_an_object_store_is_verified_and_explained(
    shelf: dict[str, bytes], demo_release: Path
) -> None:
    for path in contents(demo_release):
        shelf[f"shelf://out/r/{path}"] = (demo_release / path).read_bytes()
    assert run("verify", "shelf://out/r").code == 0
    shelf["shelf://out/r/README.md"] += b" "
    assert run("verify", "shelf://out/r").code == 1


def test_a_file_that_is_not_written_to_its_end_does_not_appear(shelf: dict[str, Any]) -> None:
    storage = BeamStorage()
    with pytest.raises(RuntimeError), storage.create("shelf://out/x") as file:
        file.write(b"half")
        raise RuntimeError
    assert not [name for name in shelf if name.startswith("shelf://out/")]
