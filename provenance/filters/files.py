"""Files that list what must not be published: block lists of hosts and addresses, and removal requests.

Block lists are read in pieces by compiled code; removal requests are few, and each keeps its reason and date.
"""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any, BinaryIO, cast

import numba
import numpy as np
import xxhash
import yaml
from numpy.typing import NDArray

from provenance.annotators.byte_search import find
from provenance.annotators.hashing import BASIS, PRIME
from provenance.annotators.source import normal_host
from provenance.errors import ConfigurationError
from provenance.files.storage import AnyStorage
from provenance.filters.listing import (
    LONGEST_URL,
    U64,
    Listing,
    hash_address,
    hash_text,
    hash_url,
    make_listing,
)

_PIECE = 16 << 20
_LONGEST_LINE = 1 << 16
_ENTRIES = ("url", "url_prefix", "host", "doc_id", "digest")


def digest_files(paths: Sequence[str], where: str) -> list[str]:
    """A digest of each file, for fingerprints.

    Raises:
        ConfigurationError: where one cannot be read.
    """
    found = []
    for path in paths:
        state = xxhash.xxh3_128()
        with _open(path, where) as file:
            while piece := file.read(_PIECE):
                state.update(piece)
        found.append(state.hexdigest())
    return found


def read_block_list(hosts: Sequence[str], urls: Sequence[str], where: str) -> Listing:
    """Files of hosts and of addresses as one listing.

    A host stands for itself and all below it; `*.` before it, a full stop around it and the address before it in the
    form of a hosts file are passed over. Empty lines and what follows # are comments (in files of addresses: lines
    that begin with #). Raises ConfigurationError, with file and line, for what is neither.
    """
    hashes: dict[str, list[U64]] = {"host": [], "url": [], "url_prefix": []}
    lengths: set[int] = set()
    for path in hosts:
        for first, piece in _pieces(path, where):
            found, odd = _parse_hosts(np.frombuffer(piece, np.uint8))
            hashes["host"] += [found, _odd_hosts(piece, odd, f"{where}: {path}", first)]
    for path in urls:
        for first, piece in _pieces(path, where):
            found, sizes, prefix = _parse_urls(np.frombuffer(piece, np.uint8))
            hashes["url"].append(found[~prefix])
            hashes["url_prefix"].append(found[prefix])
            lengths.update(np.unique(sizes[prefix]).tolist())
            if lengths and max(lengths) > LONGEST_URL:
                raise ConfigurationError(
                    f"{where}: {path}: a beginning of more than {LONGEST_URL} bytes after line {first}"
                )
    return make_listing(hashes, lengths)


def read_removals(paths: Sequence[str], where: str = "removals") -> Listing:
    """Removal requests as a listing whose notes are their reasons and dates.

    Each entry has one of url, url_prefix, host, doc_id, digest ("sha256:" and 64 hexadecimal digits, of the content
    or of the published text), a reason and a date. Raises ConfigurationError, with file and entry, for others.
    """
    hashes: dict[str, list[U64]] = {kind: [] for kind in _ENTRIES}
    numbers: dict[str, list[int]] = {kind: [] for kind in _ENTRIES}
    notes: dict[str, int] = {}
    lengths: set[int] = set()
    for path in paths:
        for number, entry in enumerate(_entries(path, where), 1):
            kind, value, note = _read_entry(entry, f"{where}: {path}: entry {number}")
            if kind in ("url", "url_prefix"):
                key, size = hash_url(value)
                if kind == "url_prefix":
                    lengths.add(size)
            else:
                key = hash_text(value)
            hashes[kind].append(np.array([key], np.uint64))
            numbers[kind].append(notes.setdefault(note, len(notes)))
    return make_listing(hashes, lengths, numbers, tuple(notes))


def _read_entry(entry: Any, where: str) -> tuple[str, str, str]:
    """(kind, value in normal form, note) of one removal request."""
    if not isinstance(entry, dict):
        raise ConfigurationError(
            f"{where}: must be a mapping with url, host, doc_id or digest, reason and date"
        )
    entry = {key: value for key, value in entry.items() if value not in (None, "")}
    kinds = [kind for kind in _ENTRIES if kind in entry]
    unknown = sorted(set(entry) - {*_ENTRIES, "reason", "date"})
    if len(kinds) != 1 or unknown:
        raise ConfigurationError(
            f"{where}: needs exactly one of {', '.join(_ENTRIES)}, besides reason and date; it has {', '.join(map(str, entry))}"
        )
    if "reason" not in entry or "date" not in entry:
        raise ConfigurationError(f"{where}: every request has a reason and a date (YYYY-MM-DD)")
    try:
        day = date.fromisoformat(str(entry["date"])[:10])
    except ValueError as error:
        raise ConfigurationError(f"{where}: date {str(entry['date'])!r} is not YYYY-MM-DD") from error
    kind, value = kinds[0], str(entry[kinds[0]]).strip()
    reason = " ".join(str(entry["reason"]).split())[:200]
    return kind, _normal(kind, value, where), f"{reason}, {day.isoformat()}"


def _normal(kind: str, value: str, where: str) -> str:
    hexadecimal = set("0123456789abcdef")
    if kind == "host":
        host = normal_host(value.removeprefix("*.").strip(".")) if "/" not in value else None
        if host is None:
            raise ConfigurationError(f"{where}: {value!r} is no host (for an address use url)")
        return host
    if kind == "doc_id":
        if len(value) != 32 or not set(value.lower()) <= hexadecimal:
            raise ConfigurationError(f"{where}: {value!r} is no doc_id of 32 hexadecimal digits")
        return value.lower()
    if kind == "digest":
        bare = value.lower().removeprefix("sha256:")
        if len(bare) != 64 or not set(bare) <= hexadecimal:
            raise ConfigurationError(f"{where}: {value!r} is no SHA-256 (sha256: and 64 hexadecimal digits)")
        return f"sha256:{bare}"
    value = value.removesuffix("*") if kind == "url_prefix" else value
    if hash_url(value)[1] not in range(1, LONGEST_URL + 1):
        raise ConfigurationError(f"{where}: an address has 1 to {LONGEST_URL:,} bytes")
    return value


def _entries(path: str, where: str) -> Iterator[Any]:
    suffix = Path(path.removesuffix(".gz")).suffix.lower()
    with _open(path, where) as file:
        text = file.read()
    try:
        if suffix in (".jsonl", ".ndjson", ".json"):
            yield from (json.loads(line) for line in text.decode().splitlines() if line.strip())
        elif suffix == ".csv":
            yield from csv.DictReader(text.decode("utf-8-sig").splitlines())
        elif suffix in (".yaml", ".yml"):
            found = yaml.safe_load(text) or []
            if not isinstance(found, list):
                raise ValueError("must be a list of requests")
            yield from found
        else:
            raise ValueError("its name must end in .jsonl, .csv or .yaml")
    except (ValueError, yaml.YAMLError, csv.Error, RecursionError) as error:
        raise ConfigurationError(f"{where}: {path}: {error}") from error


def _open(path: str, where: str) -> BinaryIO:
    try:
        file = AnyStorage().open(path)
        if path.endswith(".gz"):
            file = cast(BinaryIO, gzip.open(file))  # noqa: SIM115
        file.read(1)
        file.seek(0)
    except OSError as error:
        raise ConfigurationError(f"{where}: {path}: cannot be read: {error.strerror or error}") from error
    return file


def _pieces(path: str, where: str) -> Iterator[tuple[int, bytes]]:
    """(number of its first line, whole lines) of a file, some megabytes at a time."""
    line, rest = 1, b""
    with _open(path, where) as file:
        while True:
            read = file.read(_PIECE)
            piece = rest + read
            end = piece.rfind(b"\n") + 1 if read else len(piece)
            if end == 0 and len(piece) > _LONGEST_LINE:
                raise ConfigurationError(
                    f"{where}: {path}: line {line} has more than {_LONGEST_LINE:,} bytes"
                )
            if end:
                yield line, piece[:end]
                line += piece.count(b"\n", 0, end)
            rest = piece[end:]
            if not read:
                return


def _odd_hosts(piece: bytes, odd: NDArray[np.int64], where: str, first: int) -> U64:
    """Hosts that are not plain ASCII, by the rules that the column `host` is made with."""
    found = []
    for start, stop in odd.tolist():
        raw = piece[start:stop].decode("utf-8", "replace").removeprefix("*.").strip(".")
        host = None if "/" in raw else normal_host(raw)
        if host is None:
            line = first + piece.count(b"\n", 0, start)
            raise ConfigurationError(
                f"{where}: line {line}: {raw[:80]!r} is no host (addresses go under `urls`)"
            )
        found.append(hash_text(host))
    return np.array(found, np.uint64)


@numba.njit(cache=True, nogil=True)
def _trim(data, start, stop):  # type: ignore[no-untyped-def]
    while start < stop and data[start] <= 32:
        start += 1
    while stop > start and data[stop - 1] <= 32:
        stop -= 1
    return start, stop


@numba.njit(cache=True, nogil=True)
def _host_of_line(data, start, stop):  # type: ignore[no-untyped-def]
    """(start, stop, whether it is plain) of the host on a line: its last word before a comment."""
    for at in range(start, stop):
        if data[at] == 35 and (at == start or data[at - 1] <= 32):
            stop = at
            break
    start, stop = _trim(data, start, stop)
    for at in range(stop - 1, start - 1, -1):
        if data[at] <= 32:
            start = at + 1
            break
    begin = start
    if stop - start > 2 and data[start] == 42 and data[start + 1] == 46:
        begin += 2
    while begin < stop and data[begin] == 46:
        begin += 1
    end = stop
    while end > begin and data[end - 1] == 46:
        end -= 1
    for at in range(begin, end):
        byte = data[at] | 32 if 65 <= data[at] <= 90 else data[at]
        if not (97 <= byte <= 122 or 48 <= byte <= 57 or byte == 45 or byte == 46 or byte == 95):
            return start, stop, False
    if begin == end:
        return start, stop, start == stop
    return begin, end, True


@numba.njit(cache=True, nogil=True)
def _parse_hosts(data):  # type: ignore[no-untyped-def]
    """(hashes of plain hosts, start and stop of others) of whole lines."""
    lines = 1
    for byte in data:
        lines += byte == 10
    hashes, odd = np.empty(lines, np.uint64), np.empty((lines, 2), np.int64)
    found = others = start = 0
    while start < data.size:
        stop = find(data, start, 10)
        first, last, plain = _host_of_line(data, start, stop)
        if first < last and plain:
            value = BASIS
            for at in range(first, last):
                byte = np.uint64(data[at])
                value = (value ^ (byte + np.uint64(32) if 65 <= data[at] <= 90 else byte)) * PRIME
            hashes[found] = value
            found += 1
        elif first < last:
            odd[others, 0], odd[others, 1] = first, last
            others += 1
        start = stop + 1
    return hashes[:found].copy(), odd[:others].copy()


@numba.njit(cache=True, nogil=True)
def _parse_urls(data):  # type: ignore[no-untyped-def]
    """(hashes, lengths, whether it is a beginning) of the addresses of whole lines."""
    lines = 1
    for byte in data:
        lines += byte == 10
    hashes, sizes = np.empty(lines, np.uint64), np.empty(lines, np.int64)
    prefix = np.zeros(lines, np.bool_)
    found = start = 0
    while start < data.size:
        stop = find(data, start, 10)
        first, last = _trim(data, start, stop)
        if first < last and data[first] != 35:
            prefix[found] = data[last - 1] == 42
            hashes[found], sizes[found] = hash_address(data, first, last - prefix[found])
            found += sizes[found] > 0
        start = stop + 1
    return hashes[:found].copy(), sizes[:found].copy(), prefix[:found].copy()
