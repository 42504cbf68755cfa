"""Hosts, addresses, documents and digests that somebody listed: kept as sorted hashes, looked up by compiled code.

Ten million entries are 80 MB, whatever their length, and no entry becomes a Python object. Two different entries
have the same 64-bit hash with a probability of about n / 2**64 for each document that is looked up.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import BinaryIO

import numba
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from provenance.annotators.columns import text_buffers
from provenance.annotators.hashing import BASIS, PRIME, hash_bytes, hash_word

U64 = NDArray[np.uint64]
KINDS = ("doc_id", "digest", "url", "url_prefix", "host")
#: Bytes of an address that are looked at: longer ones than any browser sends; a prefix may not be longer.
LONGEST_URL = 4096
COLUMNS = {
    "doc_id": ("doc_id",), "digest": ("content_digest", "text"), "url": ("url",), "url_prefix": ("url",), "host": ("host",),
}  # fmt: skip


@dataclass(frozen=True)
class Listing:
    """What is listed, by kind: sorted hashes, and for each the number of its note (empty: there are none)."""

    keys: Mapping[str, U64]
    notes_of: Mapping[str, NDArray[np.int32]]
    lengths: NDArray[np.bool_]  # by number of bytes, whether a prefix has it
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return sum(len(keys) for keys in self.keys.values())

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of documents that must be read to look them up."""
        wanted = [name for kind in KINDS if len(self.keys[kind]) for name in COLUMNS[kind]]
        return tuple(dict.fromkeys(wanted))

    def find(self, table: pa.Table) -> Found:
        """Which rows are listed; of several kinds the first of `KINDS` counts."""
        kind = np.full(len(table), -1, np.int8)
        note = np.full(len(table), -1, np.int32)
        for number, name in reversed(list(enumerate(KINDS))):
            if len(self.keys[name]):
                at = self._positions(name, table)
                kind[at >= 0] = number
                if len(self.notes_of[name]):
                    note[at >= 0] = self.notes_of[name][at[at >= 0]]
        return Found(kind, note)

    def _positions(self, kind: str, table: pa.Table) -> NDArray[np.int64]:
        keys = self.keys[kind]
        found: NDArray[np.int64]
        if kind == "host":
            found = _find_hosts(*text_buffers(table["host"]), keys)
        elif kind in ("url", "url_prefix"):
            lengths = self.lengths if kind == "url_prefix" else np.zeros(0, np.bool_)
            found = _find_urls(*text_buffers(table["url"]), keys, lengths)
        elif kind == "doc_id":
            found = _find_exact(*text_buffers(table["doc_id"]), keys)
        else:
            by_content = _find_exact(*text_buffers(table["content_digest"]), keys)
            by_text = _find_exact(*text_buffers(text_digests(table["text"])), keys)
            found = np.where(by_content >= 0, by_content, by_text)
        return found

    def save(self, file: BinaryIO) -> None:
        """Write the listing as one file (NumPy's .npz)."""
        arrays: dict[str, NDArray[np.generic]] = {"lengths": self.lengths}
        for kind in KINDS:
            arrays[f"{kind}_keys"], arrays[f"{kind}_notes"] = self.keys[kind], self.notes_of[kind]
        arrays["notes"] = np.frombuffer("\0".join(self.notes).encode("utf-8", "replace"), np.uint8)
        np.savez(file, allow_pickle=False, **arrays)


@dataclass(frozen=True)
class Found:
    """For each row the kind of entry that lists it (index into `KINDS`; -1: none) and the number of its note (or -1)."""

    kind: NDArray[np.int8]
    note: NDArray[np.int32]


def load_listing(data: bytes) -> Listing:
    """What `Listing.save` wrote."""
    with np.load(io.BytesIO(data)) as arrays:
        notes = arrays["notes"].tobytes().decode()
        return Listing(
            {kind: arrays[f"{kind}_keys"] for kind in KINDS},
            {kind: arrays[f"{kind}_notes"] for kind in KINDS},
            arrays["lengths"],
            tuple(notes.split("\0")) if notes else (),
        )


def make_listing(
    hashes: Mapping[str, Iterable[U64]],
    lengths: Iterable[int],
    numbers: Mapping[str, list[int]] | None = None,
    notes: tuple[str, ...] = (),
) -> Listing:
    """A listing of hashes by kind; `numbers` are those of their notes, in the same order."""
    keys, notes_of = {}, {}
    for kind in KINDS:
        parts = list(hashes.get(kind, ()))
        whole = np.concatenate(parts) if parts else np.empty(0, np.uint64)
        if numbers is None:
            whole.sort()
            keys[kind], notes_of[kind] = whole, np.empty(0, np.int32)
        else:
            keys[kind], first = np.unique(whole, return_index=True)
            notes_of[kind] = np.array(numbers.get(kind, []), np.int32)[first]
    present = np.zeros(LONGEST_URL + 1, np.bool_)
    present[[*lengths]] = True
    return Listing(keys, notes_of, present, notes)


def hash_text(text: str) -> np.uint64:
    """The hash of a doc_id, digest or host in normal form."""
    return np.uint64(hash_word(text))


def hash_url(url: str) -> tuple[np.uint64, int]:
    """(hash of an address as it is looked up, its length then): without scheme and fragment, the host in lower case."""
    data = np.frombuffer(url.encode("utf-8", "replace"), np.uint8)
    value, size = hash_address(data, 0, len(data))
    return np.uint64(value), int(size)


def text_digests(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    """The text `sha256:` and the hexadecimal SHA-256 of each text as published (UTF-8, before masking); null where null."""
    import hashlib

    found = [
        None if text is None else "sha256:" + hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
        for text in texts.to_pylist()
    ]
    return pa.chunked_array([pa.array(found, pa.string())])


@numba.njit(cache=True, nogil=True)
def _search(keys, value):  # type: ignore[no-untyped-def]
    """Position of a value among sorted keys, or -1."""
    low, high = 0, keys.size
    while low < high:
        middle = (low + high) >> 1
        if keys[middle] < value:
            low = middle + 1
        else:
            high = middle
    return low if low < keys.size and keys[low] == value else -1


@numba.njit(cache=True, nogil=True)
def _find_exact(data, offsets, keys):  # type: ignore[no-untyped-def]
    found = np.full(offsets.size - 1, -1, np.int64)
    for row in range(found.size):
        if offsets[row + 1] > offsets[row]:
            found[row] = _search(keys, hash_bytes(data, offsets[row], offsets[row + 1]))
    return found


@numba.njit(cache=True, nogil=True)
def _find_hosts(data, offsets, keys):  # type: ignore[no-untyped-def]
    """The longest listed suffix of each host that begins at a label."""
    found = np.full(offsets.size - 1, -1, np.int64)
    for row in range(found.size):
        start, stop = offsets[row], offsets[row + 1]
        for at in range(start, stop):
            if at == start or data[at - 1] == 46:
                found[row] = _search(keys, hash_bytes(data, at, stop))
                if found[row] >= 0:
                    break
    return found


@numba.njit(cache=True, nogil=True)
def _url_start(data, start, stop):  # type: ignore[no-untyped-def]
    """Where an address goes on after http:// or https://."""
    for at in range(start, min(start + 8, stop - 2)):
        if data[at] == 58 and data[at + 1] == 47 and data[at + 2] == 47:
            return at + 3
    return start


@numba.njit(cache=True, nogil=True)
def hash_address(data, start, stop):  # type: ignore[no-untyped-def]
    """(hash, length) of an address without scheme and fragment, its host in lower case."""
    at = _url_start(data, start, stop)
    value = BASIS
    size = 0
    host = True
    while at < stop and data[at] != 35:
        byte = data[at]
        if byte == 47 or byte == 63:
            host = False
        if host and 65 <= byte <= 90:
            byte += 32
        value = (value ^ np.uint64(byte)) * PRIME
        size += 1
        at += 1
    return value, size


@numba.njit(cache=True, nogil=True)
def _find_urls(data, offsets, keys, lengths):  # type: ignore[no-untyped-def]
    """Position of each address among `keys`; with `lengths`, of its shortest listed beginning."""
    found = np.full(offsets.size - 1, -1, np.int64)
    for row in range(found.size):
        start, stop = offsets[row], offsets[row + 1]
        if lengths.size == 0:
            value, size = hash_address(data, start, stop)
            if size:
                found[row] = _search(keys, value)
            continue
        at = _url_start(data, start, stop)
        value = BASIS
        size = 0
        host = True
        while at < stop and data[at] != 35 and size + 1 < lengths.size:
            byte = data[at]
            if byte == 47 or byte == 63:
                host = False
            if host and 65 <= byte <= 90:
                byte += 32
            value = (value ^ np.uint64(byte)) * PRIME
            size += 1
            at += 1
            if lengths[size]:
                found[row] = _search(keys, value)
                if found[row] >= 0:
                    break
    return found
