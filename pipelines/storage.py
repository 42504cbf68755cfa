"""`provenance.files.storage.Storage` over every filesystem that Beam knows; local paths go to the local one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import BinaryIO
from uuid import uuid4

from apache_beam.io.filesystem import BeamIOError, CompressionTypes
from apache_beam.io.filesystems import FileSystems

from provenance.errors import UsageError
from provenance.files.storage import FileInfo, LocalStorage

#: Extras of this package with the filesystem of a scheme.
_EXTRAS = {"gs": "gcs", "s3": "s3"}


class BeamStorage:
    """Paths with a scheme (`gs://`, `s3://`, `hdfs://`) through Beam, all others local."""

    def __init__(self) -> None:
        self._local = LocalStorage()

    def open(self, path: str) -> BinaryIO:
        if "://" not in path:
            return self._local.open(path)
        _check_scheme(path)
        return FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED)

    def create(self, path: str) -> AbstractContextManager[BinaryIO]:
        return self._create_remote(path) if "://" in path else self._local.create(path)

    @contextmanager
    def _create_remote(self, path: str) -> Iterator[BinaryIO]:
        _check_scheme(path)
        temporary = f"{path}.{uuid4().hex}.tmp"  # never published: renamed below
        file = FileSystems.create(temporary, compression_type=CompressionTypes.UNCOMPRESSED)
        try:
            yield file
            file.close()
            if FileSystems.exists(path):
                FileSystems.delete([path])
            FileSystems.rename([temporary], [path])
        except BaseException:
            file.close()
            self.delete(temporary)
            raise

    def list(self, directory: str, follow_links: bool = False) -> list[FileInfo]:
        if "://" not in directory:
            return self._local.list(directory, follow_links)
        _check_scheme(directory)
        try:
            found = FileSystems.match([directory.rstrip("/") + "/**"])[0].metadata_list
        except BeamIOError:
            return []
        return [FileInfo(item.path, item.size_in_bytes, str(item.last_updated_in_seconds)) for item in found]

    def info(self, path: str) -> FileInfo | None:
        if "://" not in path:
            return self._local.info(path)
        _check_scheme(path)
        try:
            found = FileSystems.match([path])[0].metadata_list
        except BeamIOError:
            return None
        exact = [item for item in found if item.path == path]
        if not exact:
            return None
        return FileInfo(path, exact[0].size_in_bytes, str(exact[0].last_updated_in_seconds))

    def delete(self, path: str) -> None:
        if "://" not in path:
            self._local.delete(path)
            return
        doomed = [item.path for item in self.list(path)] + ([path] if FileSystems.exists(path) else [])
        if doomed:
            FileSystems.delete(doomed)


def _check_scheme(path: str) -> None:
    """Refuse an address for which no filesystem is installed, saying which package has it.

    Raises:
        UsageError: names the scheme.
    """
    try:
        FileSystems.get_filesystem(path)
    except ValueError as error:
        scheme = path.split("://")[0]
        extra = _EXTRAS.get(scheme)
        what = (
            f"pip install 'provenance-pipelines[{extra}]'"
            if extra
            else "only those that Beam knows can be read"
        )
        raise UsageError(f"{path}: no filesystem for {scheme}:// is installed: {what}") from error
