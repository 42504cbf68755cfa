"""Files in stores: S3, Google Cloud Storage, the Hugging Face hub and web servers, through fsspec's implementations.

Nothing is held between calls: fsspec keeps one client for each process, so a storage can be sent to any worker.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache, partial
from inspect import unwrap
from tempfile import TemporaryFile
from typing import Any, BinaryIO, cast

import fsspec

from provenance.files.storage.addresses import WEB, check_address, scheme_of, spelt
from provenance.files.storage.base import FileInfo, each
from provenance.files.storage.patience import persist, silence
from provenance.files.storage.ranges import RangeReader
from provenance.files.storage.troubles import StoreError, Trouble, diagnose, explained
from provenance.files.storage.uploads import GoogleParts, Parts, S3Parts, Upload

#: What changes when an object is rewritten, the most certain first, as the stores call it.
_VERSIONS = (
    "generation",
    "ETag",
    "etag",
    "blob_id",
    "md5Hash",
    "Last-Modified",
    "LastModified",
    "mtime",
    "created",
)
#: How a large object goes up, by scheme: those that can be written to.
PARTS: dict[str, Callable[[str, Any, str], Parts]] = {"s3": S3Parts, "gs": GoogleParts}
#: Connections to one store at once; more than calls at once, as parts and listings share them.
_CONNECTIONS = 96
#: Objects that S3 deletes at one request.
_BULK = 1000


class StoreStorage:
    """Objects by their addresses; the credentials are those of the environment (docs/stores.md)."""

    def open(self, path: str, size: int | None = None) -> BinaryIO:
        filesystem, key = _place(path)
        if size is None:
            try:
                found = persist(lambda: filesystem.info(key), path, "read")
            except FileNotFoundError:
                _check_bucket(filesystem, key, path)
                raise
            if found["type"] != "file":
                raise IsADirectoryError(21, "is a directory", path)
            size = found["size"]
        if scheme_of(path) in WEB and (size is None or not _serves_ranges(filesystem, key, path, size)):
            return _copied(filesystem, key, path)
        return cast(BinaryIO, RangeReader(path, cast(int, size), partial(_range, filesystem, key)))

    @contextmanager
    def create(self, path: str) -> Iterator[BinaryIO]:
        filesystem, key = _place(path, writing=True)
        upload = Upload(path, filesystem, key, PARTS[scheme_of(path)])
        try:
            yield cast(BinaryIO, upload)
            upload.publish()
        except BaseException as error:
            upload.discard()
            if isinstance(error, FileNotFoundError):
                _check_bucket(filesystem, key, path)
            raise

    def list(self, directory: str, follow_links: bool = False) -> list[FileInfo]:
        filesystem, key = _place(directory)
        if scheme_of(directory) in WEB:
            return []  # a web server does not say what it has
        try:
            found = persist(lambda: filesystem.find(key, detail=True), directory, "listed")
        except FileNotFoundError:
            found = {}
        if not found:
            _check_bucket(filesystem, key, directory)
        begin = key.rstrip("/") + "/"
        scheme = f"{scheme_of(directory)}://"
        return [
            _info(scheme + name, item)
            for name, item in found.items()
            if item["type"] == "file" and name.startswith(begin) and not name.endswith("/")
        ]

    def info(self, path: str) -> FileInfo | None:
        filesystem, key = _place(path)
        try:
            found = persist(lambda: filesystem.info(key), path, "read")
        except FileNotFoundError:
            return None
        return _info(path, found) if found["type"] == "file" else None

    def delete(self, path: str) -> None:
        filesystem, key = _place(path, writing=True)
        keys = [key, *(_place(item.path)[1] for item in self.list(path))]
        if scheme_of(path) == "s3":
            chunks = [keys[at : at + _BULK] for at in range(0, len(keys), _BULK)]
            each(partial(_remove_many, filesystem, path), chunks)
        else:
            each(partial(_remove, filesystem, path), keys)


def _check_bucket(filesystem: Any, key: str, path: str) -> None:
    """Say that a bucket of Google Cloud Storage is not there; it answers for one as for an object that is absent.

    Raises:
        StoreError: there is no such bucket.
    """
    if scheme_of(path) != "gs":
        return
    bucket = key.split("/")[0]
    try:
        persist(lambda: filesystem.call("GET", "b/{}/o", bucket, maxResults=1), path, "listed")
    except FileNotFoundError as error:
        raise explained(path, "listed", Trouble("container", "")) from error


def _remove_many(filesystem: Any, path: str, keys: Sequence[str]) -> None:
    """Remove up to `_BULK` objects of one S3 bucket; those that are not there do not matter."""
    bucket = filesystem.split_path(keys[0])[0]
    doomed = {"Objects": [{"Key": filesystem.split_path(key)[1]} for key in keys], "Quiet": True}
    answer = persist(
        lambda: filesystem.call_s3("delete_objects", Bucket=bucket, Delete=doomed), path, "deleted"
    )
    for error in answer.get("Errors", ()):
        raise StoreError(f"{path}: cannot be deleted: {error.get('Code')}: {error.get('Message')}")


def _remove(filesystem: Any, path: str, key: str) -> None:
    with suppress(FileNotFoundError):
        persist(lambda: filesystem.rm_file(key), path, "deleted")


def _place(path: str, writing: bool = False) -> tuple[Any, str]:
    """The filesystem of an address, with one client a process, and the key in it."""
    check_address(path, writing)
    path = spelt(path)
    scheme = scheme_of(path)
    try:
        filesystem = _client(scheme, silence(), os.getpid())
    except Exception as error:
        raise explained(path, "reached", diagnose(error)) from error
    return filesystem, path if scheme in WEB else str(filesystem._strip_protocol(path)).rstrip("/")


@lru_cache
def _client(scheme: str, wait: float, process: int) -> Any:
    """The one client of a `process` for a scheme; fsspec itself keeps one for each thread."""
    options = {"skip_instance_cache": True, **_options(scheme, wait)}
    if scheme == "gs":
        return _google(options)
    if scheme == "hf":
        logging.getLogger("huggingface_hub").setLevel(logging.CRITICAL)  # so are its attempts
    filesystem = fsspec.filesystem(scheme, **options)
    if scheme == "s3":
        filesystem.retries = 1  # all patience is ours
    return filesystem


def _google(options: dict[str, Any]) -> Any:
    # Not the extension that fsspec would take: it asks a second service of what kind a bucket is.
    from gcsfs.core import GCSFileSystem
    from gcsfs.retry import retry_request

    logging.getLogger("gcsfs").setLevel(logging.CRITICAL)  # what fails is raised and told once

    class Google(GCSFileSystem):  # type: ignore[misc]
        # All patience is ours but for one more try, by which a token that has just run out is renewed.
        _request = retry_request(retries=2)(unwrap(GCSFileSystem._request))

    return Google(**options)


def _options(scheme: str, wait: float) -> dict[str, Any]:
    if scheme == "s3":
        client = {
            "connect_timeout": wait,
            "read_timeout": wait,
            "max_pool_connections": _CONNECTIONS,
            "retries": {"total_max_attempts": 1},
        }
        return {"use_listings_cache": False, "config_kwargs": client}
    if scheme == "gs":
        emulated = {"token": "anon"} if os.environ.get("STORAGE_EMULATOR_HOST") else {}
        return {"use_listings_cache": False, "requests_timeout": wait, **emulated}
    if scheme in WEB:
        # A file that is stored compressed is read as it is stored.
        return {
            "headers": {"Accept-Encoding": "identity"},
            "client_kwargs": {"auto_decompress": False, "trust_env": True},
            "get_client": partial(_web_client, wait),
        }
    return {}


async def _web_client(wait: float, **given: Any) -> Any:
    import aiohttp

    timeout = aiohttp.ClientTimeout(total=None, sock_connect=wait, sock_read=wait)
    return aiohttp.ClientSession(**{**given, "timeout": timeout})


def _range(filesystem: Any, key: str, start: int, end: int) -> bytes:
    return bytes(filesystem.cat_file(key, start=start, end=end)) if end > start else b""


def _info(path: str, found: dict[str, Any]) -> FileInfo:
    version = next((str(found[name]) for name in _VERSIONS if found.get(name)), "")
    return FileInfo(path, int(found.get("size") or 0), version.strip('"'))


def _serves_ranges(filesystem: Any, key: str, path: str, size: int) -> bool:
    """Whether a web server gives the part that is asked for, and not the whole."""
    if size < 2:
        return False
    return len(persist(lambda: _range(filesystem, key, 0, 1), path, "read")) == 1


def _copied(filesystem: Any, key: str, path: str) -> BinaryIO:
    """A file of a web server that only gives the whole of it, by way of a temporary file."""

    def copy() -> BinaryIO:
        file = TemporaryFile()  # noqa: SIM115
        filesystem.get_file(key, file)
        file.seek(0)
        return cast(BinaryIO, file)

    return persist(copy, path, "read")
