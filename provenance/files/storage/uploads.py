"""Objects while they are written: nothing is there under the name until all of it is, and an error leaves nothing behind.

A small object is one request, which stores make atomic. A large one goes up in parts and appears when the last request
names them all; parts of an upload that was given up are removed (promise 5; docs/decisions/publication.md).
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol
from urllib.parse import quote

from fsspec.asyn import sync

from provenance.files.storage.patience import persist
from provenance.files.storage.troubles import StoreError

#: Bytes of a part: S3 takes 10,000 of them (160 GB), Google Cloud Storage any multiple of 256 KiB.
PART_BYTES = 16 << 20
#: Status of a part of a resumable upload that is not the last.
_UNFINISHED = 308


class Parts(Protocol):
    """An upload in parts to one store."""

    def send(self, data: bytes) -> None:
        """Add a part; tried again until it is there."""
        ...

    def finish(self, data: bytes) -> None:
        """Add the last part and make the object appear."""
        ...

    def abort(self) -> None:
        """Remove what was sent."""
        ...


class Upload(io.RawIOBase):
    """A file to write to; `publish` makes the object appear, `discard` forgets it.

    Closing alone publishes nothing: a writer that fails half-way closes its file, too.
    """

    def __init__(self, path: str, filesystem: Any, key: str, parts: Callable[[str, Any, str], Parts]) -> None:
        super().__init__()
        self._path, self._filesystem, self._key = path, filesystem, key
        self._make_parts = parts
        self._parts: Parts | None = None
        self._held = bytearray()
        self._written = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._written

    def write(self, data: Any) -> int:
        view = memoryview(data).cast("B")
        self._held += view
        self._written += len(view)
        while len(self._held) >= 2 * PART_BYTES:  # what is held at the end is a part of the least size, too
            if self._parts is None:
                self._parts = self._make_parts(self._path, self._filesystem, self._key)
            self._parts.send(bytes(self._held[:PART_BYTES]))
            del self._held[:PART_BYTES]
        return len(view)

    def publish(self) -> None:
        """Make the object appear, whole."""
        data = bytes(self._held)
        if self._parts is None:
            persist(lambda: self._filesystem.pipe_file(self._key, data), self._path, "written")
        else:
            self._parts.finish(data)
        self._held.clear()

    def discard(self) -> None:
        """Leave nothing of it in the store."""
        self._held.clear()
        if self._parts is not None:
            with suppress(Exception):  # the store's own rules remove what cannot be removed now
                self._parts.abort()


class S3Parts:
    """A multi-part upload of S3; each call is tried again by itself."""

    def __init__(self, path: str, filesystem: Any, key: str) -> None:
        self._path, self._filesystem = path, filesystem
        bucket, name, _ = filesystem.split_path(key)
        self._object = {"Bucket": bucket, "Key": name}
        self._object["UploadId"] = self._call("create_multipart_upload")["UploadId"]
        self._sent: list[dict[str, Any]] = []

    def send(self, data: bytes) -> None:
        number = len(self._sent) + 1
        answer = self._call("upload_part", PartNumber=number, Body=data)
        self._sent.append({"PartNumber": number, "ETag": answer["ETag"]})

    def finish(self, data: bytes) -> None:
        self.send(data)
        try:
            self._call("complete_multipart_upload", MultipartUpload={"Parts": self._sent})
        except FileNotFoundError:
            # An answer that was lost on its way: the object is there, and the upload is no more.
            persist(lambda: self._filesystem.info(self._path), self._path, "written")

    def abort(self) -> None:
        self._filesystem.call_s3("abort_multipart_upload", **self._object)

    def _call(self, method: str, **given: Any) -> Any:
        call = self._filesystem.call_s3
        return persist(lambda: call(method, **self._object, **given), self._path, "written")


class GoogleParts:
    """A resumable upload of Google Cloud Storage; each call is tried again by itself.

    A part whose answer was lost is sent again: of bytes that the store has already it takes no notice.
    """

    def __init__(self, path: str, filesystem: Any, key: str) -> None:
        self._path, self._filesystem = path, filesystem
        bucket, name, _ = filesystem.split_path(key)
        begin = f"{filesystem._location}/upload/storage/v1/b/{quote(bucket, safe='')}/o"
        kind = {"X-Upload-Content-Type": "application/octet-stream"}
        _, headers, _ = persist(
            lambda: self._call("POST", begin, uploadType="resumable", json={"name": name}, headers=kind),
            path,
            "written",
        )
        self._session, self._sent = headers["Location"], 0

    def send(self, data: bytes) -> None:
        self._put(data, "*")

    def finish(self, data: bytes) -> None:
        self._put(data, str(self._sent + len(data)))

    def abort(self) -> None:
        self._call("DELETE", self._session)

    def _put(self, data: bytes, total: str) -> None:
        """Send a part, and again what of it the store did not take."""
        end = self._sent + len(data)

        def put() -> int:
            span = f"bytes {self._sent}-{end - 1}/{total}"
            status, headers, answer = self._call(
                "PUT", self._session, headers={"Content-Range": span}, data=data[self._sent - end :]
            )
            if status != _UNFINISHED:
                return int(json.loads(answer)["size"])
            return int(headers["Range"].rpartition("-")[2]) + 1 if "Range" in headers else 0

        while self._sent < end:
            try:
                has = persist(put, self._path, "written")
            except FileNotFoundError:
                has = self._size() if total.isdigit() else 0
            if not self._sent < has <= end:
                raise StoreError(
                    f"{self._path}: cannot be written: the store has {has:,} bytes of {end:,} that it was sent, or has "
                    "given up the upload; run the same command again"
                )
            self._sent = has

    def _size(self) -> int:
        """Bytes of the object of an upload that the store does not know any more: perhaps the last answer was lost."""
        with suppress(FileNotFoundError):
            return int(persist(lambda: self._filesystem.info(self._path), self._path, "written")["size"])
        return 0

    def _call(self, method: str, url: str, **given: Any) -> tuple[int, Any, bytes]:
        """Status, headers and body of an answer."""
        status, headers, _, body = sync(
            self._filesystem.loop, self._filesystem._request, method, url, **given
        )
        return status, headers, body
