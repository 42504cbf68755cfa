"""What a payload is, from its bytes: HTML, XHTML, XML, JSON, plain text or one of the binary types.

Follows the order of the WHATWG MIME Sniffing Standard, section 7, with two leanings of archives: a
page may begin with stray text, and a declared type only chooses among kinds of text.
"""

from __future__ import annotations

import codecs
import re

#: Types whose text is worth extracting; all else is `not_text`.
DOCUMENTS = frozenset({"text/html", "application/xhtml+xml", "text/plain", "text/markdown"})

_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"%PDF-", "application/pdf"),
    (b"%!PS", "application/postscript"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x00\x00\x01\x00", "image/x-icon"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"PK\x03\x04", "application/zip"),
    (b"\x1f\x8b\x08", "application/gzip"),
    (b"Rar!\x1a\x07", "application/vnd.rar"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (b"BZh", "application/x-bzip2"),
    (b"\xfd7zXZ\x00", "application/x-xz"),
    (b"\x28\xb5\x2f\xfd", "application/zstd"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
    (b"{\\rtf", "application/rtf"),
    (b"\x1a\x45\xdf\xa3", "video/webm"),
    (b"OggS\x00", "application/ogg"),
    (b"ID3", "audio/mpeg"),
    (b"fLaC", "audio/flac"),
    (b"FWS", "application/x-shockwave-flash"),
    (b"CWS", "application/x-shockwave-flash"),
    (b"wOFF", "font/woff"),
    (b"wOF2", "font/woff2"),
    (b"\x00\x01\x00\x00", "font/ttf"),
    (b"OTTO", "font/otf"),
    (b"MZ\x90\x00", "application/x-msdownload"),
    (b"\x7fELF", "application/x-executable"),
    (b"\xca\xfe\xba\xbe", "application/java-vm"),
    (b"SQLite format 3\x00", "application/vnd.sqlite3"),
    (b"PAR1", "application/vnd.apache.parquet"),
)
_FIRST_BYTES = frozenset(signature[0] for signature, _ in _SIGNATURES) | {0x52, 0x42}  # R: RIFF, B: BMP

_TAGS = (
    rb"!doctype\s+html|html|head|title|body|meta|link|script|style|base|iframe|frameset|frame|noscript|h[1-6]|div|p|a|b|i|u"
    rb"|font|center|table|tbody|tr|td|br|hr|ul|ol|li|dl|span|img|form|input|article|section|main|header|footer|nav|pre"
    rb"|blockquote|strong|em|small|figure|template"
)
_LEADING_TAG = re.compile(rb"<(?:" + _TAGS + rb")(?=[\s>/]|\Z)|<!--", re.IGNORECASE)
_PAGE = re.compile(rb"<!doctype\s+html\s*>\s*<html[\s>]", re.IGNORECASE)
#: Declared types that make something else of such a page, or may.
_NOT_BY_MARKUP = ("text/plain", "application/xhtml+xml")
_STRONG_TAG = re.compile(rb"<(?:!doctype\s+html|html|head|body)[\s>]", re.IGNORECASE)
_ANY_TAG = re.compile(
    rb"<(?:/?(?:p|div|br|title|table|td|li|h[1-6]|span|a|article|section))(?=[\s>/])", re.IGNORECASE
)
_XML_SKIP = re.compile(
    rb"\s+|<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^\[>]*(?:\[.*?\]\s*)?>", re.IGNORECASE | re.DOTALL
)
_XML_ROOT = re.compile(rb"<(?:[\w.-]+:)?([A-Za-z_][\w.-]*)")
_XML_NAMES = frozenset(
    {b"rss", b"feed", b"svg", b"urlset", b"sitemapindex", b"rdf", b"opml", b"kml", b"math", b"wml"}
)
_JSON = re.compile(rb"\s*(?:\{\s*(?:\"|\})|\[\s*(?:[\[\{\"\]\d-]|true|false|null))")
_CONTROLS = bytes([*range(0x09), 0x0B, *range(0x0E, 0x1B), *range(0x1C, 0x20)])
_WIDE = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_SAMPLE = 4096
#: Declared kinds of text that are data or programs. They are text by their bytes too: only the label tells.
_DATA = re.compile(
    r"(?:application|text)/(?:x-)?(?:javascript|ecmascript|json|css|calendar|vcard|dns|event-stream|typescript|csv"
    r"|tab-separated-values|pgp-keys|pgp-signature)|[\w.-]+/[\w.-]+\+json"
)


def sniff(body: bytes, declared: str | None, charset: str | None = None) -> str:
    """The MIME type of a non-empty payload. `declared` is a Content-Type, with parameters or without."""
    kind = declared.split(";", 1)[0].strip().lower() if declared else ""
    if _PAGE.match(body) and kind not in _NOT_BY_MARKUP and body.find(b"\0", 0, 2 * _SAMPLE) < 0:
        return "text/html"  # as it is in the end: most pages begin so
    head = body[: _SAMPLE * 2]
    if head[:3] == codecs.BOM_UTF8:
        head = head[3:]
    wide = _wide_encoding(head, charset)
    if wide:
        head = head.decode(wide, "replace").lstrip("\ufeff").encode("utf-8", "replace")
    elif (head and head[0] in _FIRST_BYTES) or head[4:8] == b"ftyp":
        binary = _signature(head)
        if binary:
            return binary
    start = head.lstrip(b" \t\r\n\f\0")
    if start[:1] == b"<":
        markup = _markup(start, kind)
        if markup:
            return markup
    if kind != "text/plain" and _STRONG_TAG.search(head) and not _DATA.fullmatch(kind):
        return "text/html"
    if not wide and _is_binary(body):
        return "application/octet-stream"
    if _JSON.match(start) and body.rstrip(b" \t\r\n\0")[-1:] in b"}]" and not kind.startswith("text/plain"):
        return "application/json"
    if _DATA.fullmatch(kind):
        return kind
    if kind in ("text/html", "application/xhtml+xml") and _ANY_TAG.search(head):
        return "text/html"
    return "text/markdown" if kind == "text/markdown" else "text/plain"


def _wide_encoding(head: bytes, charset: str | None) -> str | None:
    """UTF-16 or UTF-32, by byte order mark, or by the pattern of zeros that Latin markup leaves in it."""
    for mark, name in _WIDE:
        if head.startswith(mark):
            return name
    if b"\0" not in head[:64]:
        if charset and charset.startswith("utf-16") and b"\0" in head:
            return "utf-16-le" if charset.endswith("le") else "utf-16-be"
        return None
    sample = head[:256]
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    half = max(1, len(sample) // 2)
    if odd > half * 0.7 and even < half * 0.1:
        return "utf-16-le"
    if even > half * 0.7 and odd < half * 0.1:
        return "utf-16-be"
    return None


def _signature(head: bytes) -> str | None:
    for signature, name in _SIGNATURES:
        if head.startswith(signature):
            return name
    if head[:4] == b"RIFF" and len(head) > 12:
        return {b"WEBP": "image/webp", b"WAVE": "audio/wave", b"AVI ": "video/avi"}.get(head[8:12])
    if head[:2] == b"BM" and head[6:10] == b"\0\0\0\0":
        return "image/bmp"
    if head[4:8] == b"ftyp":
        return "image/avif" if head[8:12] in (b"avif", b"heic", b"mif1") else "video/mp4"
    return None


def _markup(start: bytes, kind: str) -> str | None:
    """HTML, XHTML or XML for bytes that begin with "<"; None where they are no known markup."""
    at = 0
    declared_xml = start[:5].lower() == b"<?xml"
    while found := _XML_SKIP.match(start, at):
        at = found.end()
    root = _XML_ROOT.match(start, at)
    name = root.group(1).lower() if root else b""
    if declared_xml or kind == "application/xhtml+xml":
        if name == b"html" or (not name and kind in ("application/xhtml+xml", "text/html")):
            return "application/xhtml+xml"
        if declared_xml and not _LEADING_TAG.match(start, at):
            return "image/svg+xml" if name == b"svg" else "text/xml"
    if name in _XML_NAMES:
        return "image/svg+xml" if name == b"svg" else "text/xml"
    if _LEADING_TAG.match(start, at) or _LEADING_TAG.match(start):
        return "text/html" if kind != "text/plain" or _STRONG_TAG.search(start) else None
    if name and kind == "text/html":
        return "text/html"
    return "text/xml" if name and (kind.endswith("xml") or b"xmlns" in start[:1024]) else None


def _is_binary(body: bytes) -> bool:
    """True where over 1% of the bytes sampled (beginning, middle, end) are control bytes that no text has."""
    if len(body) <= 3 * _SAMPLE:
        sample = body
    else:
        middle = len(body) // 2
        sample = body[:_SAMPLE] + body[middle : middle + _SAMPLE] + body[-_SAMPLE:]
    return (len(sample) - len(sample.translate(None, _CONTROLS))) * 100 > len(sample)
