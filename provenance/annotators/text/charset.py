"""From bytes to characters: which charset a page is really in, whatever it says about itself.

Valid UTF-8 is believed first, then what the bytes look like, and labels only where the bytes leave it
open: a label is free to lie, and web servers send default labels for files they never read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from resiliparse.parse.encoding import detect_encoding

from provenance.annotators.columns import ByteRows
from provenance.annotators.kernel import kernel

#: Labels that real pages use, by the codec that browsers use for them (WHATWG Encoding Standard, section 4.2).
_CODECS: dict[str, tuple[str, ...]] = {
    "utf-8": ("utf-8", "utf8", "unicode-1-1-utf-8", "utf_8"),
    "utf-16-le": ("utf-16", "utf-16le", "utf-16-le", "ucs-2", "unicode", "csunicode"),
    "utf-16-be": ("utf-16be", "utf-16-be"),
    "cp1252": (
        "iso-8859-1",
        "iso8859-1",
        "latin1",
        "latin-1",
        "l1",
        "ascii",
        "us-ascii",
        "windows-1252",
        "cp1252",
    ),
    "cp1250": ("windows-1250", "cp1250", "x-cp1250"),
    "cp1251": ("windows-1251", "cp1251", "x-cp1251", "cp-1251", "win-1251"),
    "cp1253": ("windows-1253", "cp1253"),
    "cp1254": ("windows-1254", "cp1254", "iso-8859-9", "iso8859-9", "latin5"),
    "cp1255": ("windows-1255", "cp1255"),
    "cp1256": ("windows-1256", "cp1256"),
    "cp1257": ("windows-1257", "cp1257"),
    "cp1258": ("windows-1258", "cp1258"),
    "cp874": ("windows-874", "cp874", "tis-620", "iso-8859-11", "iso8859-11"),
    "cp866": ("ibm866", "cp866", "866"),
    "koi8-r": ("koi8-r", "koi8", "koi"),
    "koi8-u": ("koi8-u", "koi8-ru"),
    "mac-roman": ("macintosh", "mac", "x-mac-roman"),
    "gb18030": ("gb18030", "gbk", "gb2312", "gb_2312-80", "x-gbk", "cp936", "hz-gb-2312"),
    "big5hkscs": ("big5", "big5-hkscs", "cn-big5", "x-x-big5", "cp950"),
    "cp932": ("shift_jis", "shift-jis", "sjis", "x-sjis", "windows-31j", "ms_kanji", "cp932"),
    "euc_jp": ("euc-jp", "x-euc-jp", "eucjp", "euc_jp"),
    "iso2022_jp": ("iso-2022-jp", "csiso2022jp"),
    "cp949": ("euc-kr", "euckr", "euc_kr", "ks_c_5601-1987", "korean", "windows-949", "cp949", "uhc"),
    **{
        f"iso8859-{n}": (f"iso-8859-{n}", f"iso8859-{n}", f"iso_8859-{n}")
        for n in (2, 3, 4, 5, 6, 7, 8, 10, 13, 14, 15, 16)
    },
}
_BY_LABEL = {label: codec for codec, labels in _CODECS.items() for label in labels}
_MULTIBYTE = frozenset({"gb18030", "big5hkscs", "cp932", "euc_jp", "cp949"})
#: Labels that say nothing: what servers and editors write by default.
_DEFAULTS = frozenset({"utf-8", "cp1252"})
_META = re.compile(rb"<meta\b[^>]{0,400}?charset\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]{2,40})", re.IGNORECASE)
_XML = re.compile(rb"^\s*<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([A-Za-z0-9_.:-]{2,40})", re.IGNORECASE)
_HEAD = 8192  # bytes; browsers look for the meta charset in the first 1,024, pages put it later
_SAMPLE = 131072  # bytes shown to the detector
_WIDE_HEAD = 2048  # bytes in which UTF-16 shows itself
#: Signs of a row's bytes: some beyond ASCII; some that another charset than UTF-8 may explain.
_HIGH, _OTHER = 1, 2
_MARKUP = re.compile(rb"<[^>]{0,2000}>")
#: Below so many bytes outside ASCII, a detector guesses; a label that decodes cleanly is the better witness.
_ENOUGH = 12


@dataclass(frozen=True)
class Decoded:
    """The characters of a page, and the Python codec that gave them."""

    text: str
    codec: str


def codec_of(label: str | None) -> str | None:
    """The Python codec that a browser uses for a charset label; null for labels nobody knows (or UTF-7)."""
    if not label:
        return None
    return _BY_LABEL.get(label.strip(" \t\"';").lower())


def decode(body: bytes, declared: str | None = None) -> Decoded:
    """Turn the bytes of a page into text, never raising: what cannot be decoded becomes U+FFFD.

    `declared` is the label of the HTTP header; the label in the page's own head is read here. Order:
    byte order mark, UTF-16 by its zero bytes, strict UTF-8, UTF-8 with damage, a multi-byte label under
    which all bytes are valid, the detector (chardetng through resiliparse), a label.
    """
    if body.startswith(b"\xef\xbb\xbf"):
        return Decoded(body[3:].decode("utf-8", "replace"), "utf-8")
    if body.startswith((b"\xff\xfe\0\0", b"\0\0\xfe\xff")):
        return Decoded(body.decode("utf-32", "replace"), "utf-32")
    if body.startswith((b"\xff\xfe", b"\xfe\xff")):
        return Decoded(body.decode("utf-16", "replace"), "utf-16")
    wide = _wide(body)
    if wide is not None:
        return Decoded(body.decode(wide, "replace"), wide)
    if b"\x1b" in body and b"\x1b$" in body[:_SAMPLE]:  # the first alone is found many times faster
        japanese = _strict(body, "iso2022_jp")
        if japanese is not None:
            return Decoded(japanese, "iso2022_jp")
    text = _strict(body, "utf-8")
    if text is not None:
        return Decoded(text, "utf-8")
    damaged = body.decode("utf-8", "replace")
    if _mostly_utf8(body, damaged):
        return Decoded(damaged, "utf-8")
    codec = _legacy(body, declared)
    return Decoded(body.decode(codec, "replace"), codec)


def is_utf8(body: bytes) -> bool:
    """Whether `decode` reads these bytes as UTF-8 without a mark and without damage: a third of its time, and no copy."""
    if (
        body.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff"))
        or _wide(body) is not None
    ):
        return False
    if b"\x1b" in body and b"\x1b$" in body[:_SAMPLE]:
        return False
    return body.isascii() or _is_valid(pa.py_buffer(body), np.array([0, len(body)], np.int64))


def utf8_rows(rows: ByteRows) -> NDArray[np.bool_]:
    """`is_utf8` of each row: most are told by one pass, some by Arrow, and those with signs of other charsets one by one."""
    signs = np.zeros(len(rows.starts), np.uint8)
    _find_signs(*rows, signs)
    found: NDArray[np.bool_] = signs == 0
    buffer = pa.py_buffer(rows.data)
    for row in np.flatnonzero(signs == _HIGH).tolist():
        found[row] = _is_valid(buffer, np.array([rows.starts[row], rows.stops[row]]))
    for row in np.flatnonzero(signs & _OTHER).tolist():
        found[row] = is_utf8(rows.data[rows.starts[row] : rows.stops[row]].tobytes())
    return found


@kernel
def _find_signs(data, starts, stops, signs):  # type: ignore[no-untyped-def]
    """What each row holds: bytes beyond ASCII, and what `is_utf8` looks at beside them."""
    for row in range(len(starts)):
        page = data[starts[row] : stops[row]]
        every, escapes, zeros = np.uint8(0), False, False
        for byte in page:  # no branch, and bytes that stay bytes: the processor looks at many at once
            every = np.uint8(every | byte)
        for byte in page:
            escapes |= byte == 27
        for byte in page[:_WIDE_HEAD]:
            zeros |= byte == 0
        marked = len(page) > 0 and (page[0] == 0xEF or page[0] >= 0xFE)
        signs[row] = (_HIGH if every & 128 else 0) | (_OTHER if escapes or zeros or marked else 0)


def _is_valid(data: pa.Buffer, bounds: NDArray[np.int64]) -> bool:
    """Whether the bytes between two bounds are UTF-8: a third of the time of decoding them, and no copy."""
    try:
        pa.Array.from_buffers(pa.large_string(), 1, [None, pa.py_buffer(bounds), data]).validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def meta_charset(body: bytes) -> str | None:
    """The label that the page's own head or XML declaration carries, if it does."""
    found = _XML.search(body[:256]) or _META.search(body[:_HEAD])
    return found.group(1).decode("ascii") if found else None


def _strict(body: bytes, codec: str) -> str | None:
    try:
        return body.decode(codec)
    except UnicodeDecodeError:
        return None


def _wide(body: bytes) -> str | None:
    """UTF-16 without a mark: markup is ASCII, so every second byte of it is zero."""
    head = body[: min(len(body), _WIDE_HEAD) & ~1]
    if len(head) < 16 or b"\0" not in head:
        return None
    even, odd = (2 * head[first::2].count(0) / len(head) for first in (0, 1))
    if odd > 0.3 and even < 0.02:
        return "utf-16-le"
    return "utf-16-be" if even > 0.3 and odd < 0.02 else None


def _mostly_utf8(body: bytes, damaged: str) -> bool:
    """Legacy text almost never forms multi-byte sequences of UTF-8 by chance: a few good ones outweigh damage."""
    bad = damaged.count("�") - body.count(b"\xef\xbf\xbd")
    high = np.frombuffer(body, np.uint8) >= 0x80
    lead = np.frombuffer(body, np.uint8) >= 0xC0
    sequences = int(np.count_nonzero(lead[:-1] & high[1:])) if len(body) > 1 else 0
    good = int(np.count_nonzero(high)) - bad
    return sequences > 0 and (good >= 6 * bad or (bad <= 1 and good >= 3))


def _legacy(body: bytes, declared: str | None) -> str:
    labels = [codec for codec in (codec_of(declared), codec_of(meta_charset(body))) if codec is not None]
    labels = [codec for codec in labels if codec not in ("utf-16-le", "utf-16-be")]
    sample = _MARKUP.sub(b" ", body[:_SAMPLE]) if b"<" in body[:_SAMPLE] else body[:_SAMPLE]
    high = int(np.count_nonzero(np.frombuffer(sample, np.uint8) >= 0x80))
    if not high:
        sample, high = body, int(np.count_nonzero(np.frombuffer(body, np.uint8) >= 0x80))
    found = codec_of(detect_encoding(sample, html5_compatible=False)) or "cp1252"
    told = [codec for codec in labels if codec not in _DEFAULTS]
    for codec in told:
        if codec == found or (codec in _MULTIBYTE and high >= 8 and _strict(body, codec) is not None):
            return codec
    if high < _ENOUGH or found == "utf-8":
        for codec in told + [label for label in labels if label == "cp1252"]:
            if _strict(body, codec) is not None:
                return codec
    return found if found != "utf-8" else "cp1252"
