"""JSON lines: one row for each line that is not blank, whatever the line holds.

A line that is no JSON object with a text is a `bad_row` that says what is wrong with it.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any

from provenance.records.compression import Fault, Piece
from provenance.records.fields import lookup
from provenance.records.frame import Border
from provenance.records.mime import DOCUMENTS, sniff
from provenance.records.options import ReadOptions
from provenance.records.problems import field_names, kind_of, no_json, no_text
from provenance.records.rows import Row, digest, failure
from provenance.records.times import read_times

#: What may stand before a value: zeros of broken writes, and the separator of JSON text sequences (RFC 7464).
_BEFORE = b" \t\r\0\x1e"
_MOST_DIGITS = 4_300  # of a number that Python reads by default (sys.get_int_max_str_digits)
_ADDRESS = re.compile(r"https?://", re.IGNORECASE)


def line_rows(
    pieces: Iterator[Piece | Fault], options: ReadOptions, begin: int = 0, border: Border | None = None
) -> Iterator[Row]:
    """Rows of a decoded file from byte `begin` on, where a line begins. `record_offset` counts decoded bytes to the beginning of the line.

    In messages lines have their numbers, or their offset where it is not known how many are before them.
    """
    offset, number = begin, None if begin else 0
    rest: list[bytes] = []
    held = 0
    for item in pieces:
        if isinstance(item, Fault):
            # The line cut by the damage belongs to the damage: one row for both.
            yield failure(offset, item.reason, item.detail)
            offset += held + 1
            rest, held = [], 0
            continue
        data = item.data
        end = data.find(b"\n")
        if end < 0:
            held += len(data)
            rest.append(data) if held <= options.max_line_bytes else rest.clear()
            continue
        start = 0
        while end >= 0:
            if border is not None and border.meets(offset):
                return
            size = end - start
            line = data[start:end]
            if held:
                size += held
                line = b"".join((*rest, line)) if size <= options.max_line_bytes else b""
                rest, held = [], 0
            number = None if number is None else number + 1
            yield from _line(line, size, offset, number, options)
            offset += size + 1
            start = end + 1
            end = data.find(b"\n", start)
        rest = [data[start:]] if start < len(data) else []
        held = len(data) - start
        if border is not None and border.meets(offset):
            return
    if held:
        line = b"".join(rest) if held <= options.max_line_bytes else b""
        yield from _line(line, held, offset, None if number is None else number + 1, options)


def _line(line: bytes, size: int, offset: int, number: int | None, options: ReadOptions) -> Iterator[Row]:
    where = f"the line at byte {offset:,}" if number is None else f"line {number:,}"
    if size > options.max_line_bytes:
        detail = f"{where} has {size:,} bytes, more than {options.max_line_bytes:,} (max_line_bytes)"
        yield failure(offset, "too_large", detail, record_type="line")
        return
    line = line.lstrip(_BEFORE)
    if line.startswith(b"\xef\xbb\xbf"):  # of every file, where files were put one after the other
        line = line[3:].lstrip(_BEFORE)
    if not line.strip(b" \t\r\0"):
        return
    remark = None
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        text = line.decode("utf-8", "replace")
        remark = f"{where} is not valid UTF-8 (from its byte {error.start:,}): what is not became \N{REPLACEMENT CHARACTER}"
    try:
        value = parsed(text.strip(" \t\r\0"))
    except (ValueError, RecursionError) as error:
        why = "is nested too deeply" if isinstance(error, RecursionError) else no_json(error)
        yield failure(offset, "bad_row", f"{where} {why}"[:500], record_type="line")
        return
    if not isinstance(value, dict):
        detail = f"{where} is {kind_of(value)}, not an object"
        yield failure(offset, "bad_row", detail, record_type="line")
        return
    row = value_row(value, offset, "line", where, options)
    row["detail"] = row.get("detail") or remark
    yield row


def parsed(text: str) -> Any:
    """The value of a JSON text; a whole number of more digits than Python reads is infinite, and the rest of the line is read.

    Raises:
        ValueError: where it is no JSON.
        RecursionError: where it is nested too deeply.
    """
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        raise
    except ValueError:  # legal JSON all the same
        return json.loads(text, parse_int=whole_number)


def whole_number(digits: str) -> int | float:
    """A whole number of JSON, which sets no bound to its digits."""
    return int(digits) if len(digits) <= _MOST_DIGITS else math.inf


def value_row(
    value: dict[str, object], offset: int, record_type: str, where: str, options: ReadOptions
) -> Row:
    """The row of one object with named values; `where` names it in messages."""
    columns = options.columns
    row = Row(
        record_offset=offset,
        record_type=record_type,
        record_id=_string(_first(value, columns["id"])),
        url=_string(_first(value, columns["url"])) or None,
        source=_string(_first(value, columns["source"])),
    )
    source = row.get("source")
    if source is not None and _ADDRESS.match(source):  # trafilatura calls the page's address its source
        row["source"], row["url"] = None, row.get("url") or source
    read_times(row, value, options)
    body = _first(value, columns["body"])
    if body is not None:
        content = body if isinstance(body, bytes) else _encoded(body) if isinstance(body, str) else None
        if content is None:
            return _bad(row, "bad_row", f"{where}: the body is {kind_of(body)}, not text or bytes")
        return body_row(row, content, isinstance(body, str), where, options)
    text = _first(value, columns["text"])
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    if not isinstance(text, str):
        names = field_names(value) or "none"
        what = f"there is no text field (fields: {names})" if text is None else no_text(text)
        return _bad(row, "bad_row", f"{where}: {what}")
    content = _encoded(text)
    if len(content) > options.max_payload_bytes:
        detail = f"{where}: the text is larger than {options.max_payload_bytes:,} bytes (max_payload_bytes)"
        return _bad(row, "too_large", detail)
    row["content_digest"] = digest(content)
    if not text.strip(" \t\r\n\0"):
        row["outcome"] = "empty"
        return row
    row["mime"] = "text/plain"
    row["text"] = text if text.isascii() else content.decode("utf-8")
    return row


def body_row(row: Row, body: bytes, unicode: bool, where: str, options: ReadOptions) -> Row:
    """Complete a row whose input is a payload (HTML) instead of text."""
    if len(body) > options.max_payload_bytes:
        detail = f"{where}: the body is larger than {options.max_payload_bytes:,} bytes (max_payload_bytes)"
        return _bad(row, "too_large", detail)
    row["content_digest"] = digest(body)
    if not body.strip(b" \t\r\n\0\f"):
        row["outcome"] = "empty"
        return row
    row["charset"] = "utf-8" if unicode else None
    row["mime"] = sniff(body, None, row["charset"])
    if row["mime"] not in DOCUMENTS:
        return _bad(row, "not_text", f"{where}: the payload is {row['mime']}")
    row["body"] = body
    return row


def _bad(row: Row, outcome: str, detail: str) -> Row:
    row["outcome"], row["detail"] = outcome, detail
    return row


def _first(value: dict[str, object], names: tuple[str, ...]) -> object:
    for name in names:
        found = lookup(value, name)
        if found is not None:
            return found
    return None


def _string(value: object) -> str | None:
    if isinstance(value, str):
        return value if value.isascii() else _encoded(value).decode("utf-8")
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return str(value) if isinstance(value, int) or math.isfinite(value) else None


def _encoded(text: str) -> bytes:
    """UTF-8 of a text; lone surrogates, which JSON allows, become question marks."""
    return text.encode("utf-8", "replace")
