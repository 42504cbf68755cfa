"""What an invisible run says: tag characters, variation selectors and zero-width bits read as bytes; the C2PA wrapper.

Everything shown is escaped and bounded; nothing that is read is believed (a C2PA manifest is reported, not verified).
"""

from __future__ import annotations

import struct
from collections import Counter
from typing import Final

from provenance.annotators.marks.characters import EXOTIC_SPACE, HOMOGLYPH, SIGNAL_NAMES

#: C2PA 2.4, appendix A.8: the identifier at the head of a C2PATextManifestWrapper.
C2PA_MAGIC: Final = b"C2PATXT\0"
#: Bytes of a payload that are decoded.
DECODED_LIMIT: Final = 1 << 20
PREVIEW: Final = 60
#: Digital source types (IPTC) that a manifest may name, and what they say.
_SOURCES: Final = (
    b"compositeWithTrainedAlgorithmicMedia",
    b"trainedAlgorithmicMedia",
    b"digitalCapture",
    b"humanEdits",
)


def selector_bytes(run: str) -> bytes:
    """Bytes that the variation selectors of `run` stand for (VS1–VS256 are 0–255); others are passed over."""
    values = bytearray()
    for char in run[:DECODED_LIMIT]:
        point = ord(char)
        if 0xFE00 <= point <= 0xFE0F:
            values.append(point - 0xFE00)
        elif 0xE0100 <= point <= 0xE01EF:
            values.append(point - 0xE0100 + 16)
    return bytes(values)


def _shown(payload: bytes) -> str:
    return (
        payload[:PREVIEW]
        .decode("utf-8", "backslashreplace")
        .encode("unicode_escape")
        .decode("ascii")[:PREVIEW]
    )


def _bits(run: str) -> str | None:
    """Text hidden as two kinds of characters for 0 and 1, where either reading is printable ASCII."""
    kinds = [char for char, _ in Counter(run).most_common(2)]
    bits = [char for char in run[: 8 * PREVIEW] if char in kinds]
    if len(kinds) < 2 or len(bits) < 16:
        return None
    for one in kinds:
        word = "".join("1" if char == one else "0" for char in bits)
        for width in (8, 7):
            read = bytes(int(word[i : i + width], 2) for i in range(0, len(word) - width + 1, width))
            if all(32 <= b < 127 for b in read):
                return read.decode("ascii")
    return None


def describe(kind: int, raw: bytes, count: int) -> tuple[str, str]:
    """Signal and value of a place found by `find_characters` (`raw`: its bytes, `count`: its kind in the text)."""
    run = raw.decode("utf-8", "replace")
    signal = SIGNAL_NAMES[kind]
    if kind in (EXOTIC_SPACE, HOMOGLYPH):
        shown = run[:PREVIEW].encode("unicode_escape").decode("ascii")
        return signal, f"{shown[:PREVIEW]} ({count} in the text)"
    if signal == "variation-selectors":
        payload = selector_bytes(run)
        if C2PA_MAGIC in payload[:64]:
            return "c2pa", _wrapper(payload[payload.index(C2PA_MAGIC) :])
        return signal, f"{len(payload)} bytes: {_shown(payload)}"
    if signal == "tag-characters":
        letters = "".join(chr(ord(c) - 0xE0000) for c in run[:DECODED_LIMIT] if 0xE0020 <= ord(c) <= 0xE007E)
        return signal, f"{len(run)} characters: {letters[:PREVIEW]}"
    hidden = _bits(run) if signal == "zero-width" else None
    if hidden is not None:
        return signal, f"{len(run)} characters: {hidden}"
    kinds = Counter(run[:DECODED_LIMIT])
    parts = ", ".join(f"U+{ord(char):04X} x {times}" for char, times in sorted(kinds.items())[:5])
    return signal, f"{parts} ({count} in the text)"


def describe_line_ends(runs: list[str]) -> str:
    """The value of white space at line ends that spells something."""
    hidden = _bits("".join(runs))
    said = f": {hidden}" if hidden is not None else ""
    return f"{sum(map(len, runs))} characters on {len(runs)} lines{said}"


def _wrapper(payload: bytes) -> str:
    if len(payload) < 13:
        return "C2PA text wrapper, cut short"
    version, size = struct.unpack(">BI", payload[8:13])
    manifest = payload[13 : 13 + size]
    state = "whole" if len(manifest) == size else f"only {len(manifest)} present"
    box = " JUMBF" if manifest[4:8] == b"jumb" else ""
    source = next((f", source type {name.decode()}" for name in _SOURCES if name in manifest), "")
    return (
        f"C2PA text wrapper version {version}: manifest of {size} bytes ({state}){box}{source}, not verified"
    )


def evidence_of(signal: str, value: str) -> float:
    """What a finding is worth, in nats for "synthetic"."""
    if signal == "c2pa":
        return 2.0 if "source type trainedAlgorithmicMedia" in value else 0.0
    return 0.0
