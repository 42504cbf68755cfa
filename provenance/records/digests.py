"""The SHA-1 of a stored payload, and whether it is the one that the record's own header states.

Common Crawl's indexes name payloads by this digest, so it is how an earlier capture is recognised (promise 2).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterator, Mapping
from itertools import chain

from provenance.records.frame import Frame
from provenance.records.http import decode_payload, header_values
from provenance.records.rows import Row

#: What digests of headers are written with; others than these are neither confirmed nor denied.
_ALGORITHMS = {"sha1": 20, "sha256": 32, "md5": 16}
#: Ten bits as two signs of base 32, and where the sixteen tens of a SHA-1 are: a quarter faster than `base64.b32encode`.
_PAIRS = [base64.b32encode(number.to_bytes(5))[-2:] for number in range(1024)]
_SHIFTS = range(150, -1, -10)


def add_digests(row: Row, frame: Frame, fields: Mapping[bytes, bytes], most: int) -> None:
    """Complete the row of a document: `payload_digest`, and `digest_verified` where the header states a digest.

    `fields` are those of the record's header. Writers disagree on whether chunks of a transfer belong to the payload:
    either reading confirms. A record that is only text (conversion) has a block digest at most, and no payload.
    """
    if frame.cut or row.get("outcome") is not None:
        return
    if row.get("record_type") == "conversion":
        stated = read_digest(fields.get(b"warc-block-digest"))
        row["digest_verified"] = None if stated is None else _is(stated, frame.block)
        return
    written = fields.get(b"warc-payload-digest")
    readings = _readings(frame, most) if row.get("record_type") != "resource" else iter((frame.block,))
    payload = next(readings)
    own = encode_sha1(payload)
    if written == own:  # as most writers write it
        row["digest_verified"] = True
    elif (stated := read_digest(written)) is not None:
        found = next((item for item in chain((payload,), readings) if _is(stated, item)), None)
        row["digest_verified"] = found is not None
        own = own if found is None else encode_sha1(found)
    row["payload_digest"] = own.decode()


def encode_sha1(payload: bytes) -> bytes:
    """The SHA-1 of a payload as archives write it, in base 32."""
    number = int.from_bytes(hashlib.sha1(payload, usedforsecurity=False).digest())
    return b"sha1:" + b"".join([_PAIRS[number >> shift & 1023] for shift in _SHIFTS])


def _readings(frame: Frame, most: int) -> Iterator[bytes]:
    """The payload as stored, and without the chunks of its transfer where it says that it has some."""
    response = frame.response(most)
    yield response.payload
    (transfer,) = header_values(response.headers, (b"transfer-encoding",))
    if transfer:
        yield decode_payload(response.payload, transfer, None, len(response.payload)).payload


def read_digest(value: bytes | str | None) -> tuple[str, bytes] | None:
    """(algorithm, digest) of `sha1:BASE32` or `sha256:hex`, as headers and indexes write them; a bare one is SHA-1.

    None where it is none that can be checked.
    """
    text = value.decode("latin-1") if isinstance(value, bytes) else value or ""
    name, colon, digits = text.strip().rpartition(":")
    algorithm = name.lower().replace("-", "") if colon else "sha1"
    size = _ALGORITHMS.get(algorithm)
    if size is None:
        return None
    try:
        if len(digits) == 2 * size:
            return algorithm, bytes.fromhex(digits)
        found = base64.b32decode(digits.upper() + "=" * (-len(digits) % 8))
    except (ValueError, binascii.Error):
        return None
    return (algorithm, found) if len(found) == size else None


def _is(stated: tuple[str, bytes], data: bytes) -> bool:
    return hashlib.new(stated[0], data, usedforsecurity=False).digest() == stated[1]
