"""The form of an index on disk: its header, its columns, and what makes two indexes comparable.

    INDEX/index.json                 header, written last; its SHA-256 seals it
    INDEX/entries/part-00000.parquet one row for each capture, in the order in which they were given
    INDEX/keys/part-00000.parquet    (key, entry), sorted: 64-bit keys of bands and digests, entry numbers

Keys are sorted over all files; the header says with which key each file begins, a file's footer with which each row group does.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import Any

import pyarrow as pa

from provenance.duplicates.bands import optimal_bands
from provenance.duplicates.minhash import MinHash
from provenance.errors import DataError
from provenance.files.storage import Storage, join, read_bytes
from provenance.schema import MINHASH_PERMUTATIONS, TIME

NAME = "provenance-index"
VERSION = 1
HEADER = "index.json"
#: Footer key under which a file of keys has the first key of each row group, hexadecimal, eight bytes each.
FENCES = b"provenance.fences"
#: Entry numbers are 32 bits wide.
MOST_ENTRIES = 2**32 - 1

#: One capture: how to recognise it, when it was, and where it lies.
ENTRIES = pa.schema(
    [
        ("minhash", pa.binary(4 * MINHASH_PERMUTATIONS)),  # little-endian uint32 values
        ("text_digest", pa.binary(16)),
        ("payload_digest", pa.string()),  # "sha1:" + base32
        ("capture_time", TIME),
        ("doc_id", pa.string()),  # null in a list of captures
        ("url", pa.string()),
        ("origin", pa.string()),  # name of the release, crawl or list
        ("input_file", pa.string()),
        ("record_offset", pa.int64()),
        ("record_length", pa.int64()),
    ]
)
KEYS = pa.schema([("key", pa.uint64()), ("entry", pa.uint32())])


class IndexFormatError(DataError):
    """A directory that is no index, or one that cannot be used; the message says what to do."""


@dataclass(frozen=True)
class Design:
    """What signatures and keys were made with: only documents of one design can be compared."""

    ngram: int
    seed: int
    signature: str  # version of the signatures
    bands: int
    rows: int

    @classmethod
    def of(cls, threshold: float, ngram: int, seed: int) -> Design:
        """The design of a configuration's `duplicates`."""
        bands, rows = optimal_bands(threshold, MINHASH_PERMUTATIONS)
        return cls(ngram, seed, MinHash(ngram=ngram, seed=seed).version, bands, rows)


@dataclass(frozen=True)
class Header:
    """What an index says of itself.

    Attributes:
        design: of its signatures and keys.
        entries: captures in all, `signatures` and `payloads` of them with each.
        keys: rows of the key files.
        origins: name, kind and entries of each source.
        entry_files: path and rows of each file.
        key_files: path and first key of each file.
        earliest, latest: capture times, ISO 8601.
    """

    design: Design
    entries: int
    signatures: int
    payloads: int
    keys: int
    origins: list[dict[str, Any]]
    entry_files: list[dict[str, Any]]
    key_files: list[dict[str, Any]]
    earliest: str | None = None
    latest: str | None = None
    sha256: str = field(default="", compare=False)


def write_header(header: Header) -> bytes:
    """The header as it stands in its file, sealed."""
    values = {"format": NAME, "version": VERSION, **asdict(header)}
    values["sha256"] = hashlib.sha256(_canonical(values)).hexdigest()
    return _text(values)


def read_header(storage: Storage, directory: str) -> Header:
    """The header of an index.

    Raises:
        IndexFormatError: where there is none, it is damaged or of another version.
    """
    path = join(directory, HEADER)
    if storage.info(path) is None:
        raise IndexFormatError(
            f"{directory}: holds no finished index (no {HEADER}); make one with `provenance witness build`"
        )
    try:
        values = json.loads(read_bytes(storage, path))
        name, version = values.pop("format"), values.pop("version")
    except (ValueError, LookupError, AttributeError, TypeError) as error:
        raise IndexFormatError(f"{path}: is damaged ({error}); build the index again") from error
    if name != NAME:
        raise IndexFormatError(f"{path}: is no index of this program")
    if version != VERSION:
        raise IndexFormatError(
            f"{directory}: is an index of version {version}, this program reads version {VERSION}; build it again "
            "with `provenance witness build` from what it was made of: "
            + ", ".join(str(item.get("name")) for item in values.get("origins", []))[:300]
        )
    sealed = values["sha256"]
    stated = {"format": name, "version": version, **values}
    if hashlib.sha256(_canonical(stated)).hexdigest() != sealed:
        raise IndexFormatError(f"{path}: is not as it was written; build the index again")
    return Header(**{**values, "design": Design(**values["design"])})


def check_design(directory: str, header: Header, wanted: Design) -> None:
    """Refuse an index whose signatures or keys are not those of this job.

    Raises:
        IndexFormatError: names what differs.
    """
    found, asked = asdict(header.design), asdict(wanted)
    if not header.signatures:  # payloads are the same by any design
        return
    differs = [
        f"{name} {found[name]} there, {asked[name]} here" for name in found if found[name] != asked[name]
    ]
    if differs:
        raise IndexFormatError(
            f"{directory}: was made with another configuration of duplicates ({'; '.join(differs)}); build it again "
            "with `provenance witness build --config` and the configuration of this job"
        )


def _canonical(values: dict[str, Any]) -> bytes:
    return _text({key: value for key, value in values.items() if key != "sha256"})


def _text(values: dict[str, Any]) -> bytes:
    return (json.dumps(values, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode(
        "utf-8", "surrogateescape"
    )
