"""JSON that is not one object a line: an array of objects, or objects over several lines, one row for each.

The file is read as a stream; a value that is no JSON costs itself, and reading goes on at the next object in sight.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator

from provenance.records.compression import Fault, Piece
from provenance.records.jsonl import parsed, value_row, whole_number
from provenance.records.options import ReadOptions
from provenance.records.problems import kind_of
from provenance.records.rows import Row, failure

_DECODER = json.JSONDecoder()
_OF_LONG_NUMBERS = json.JSONDecoder(parse_int=whole_number)
_BETWEEN = re.compile(r"[\s,\0\x1e\ufeff]*")
#: Where another object begins, for one who has lost the thread.
_NEXT = re.compile(r"(?:\}\s*,|\n)\s*(?=\{)")
_INVALID = re.compile(r"[\udc80-\udcff]")
#: An error this close to the end of what is held can be the cut; the longest escape has 12 characters.
_CUT = 12
_STEP = 256 << 10


def value_rows(pieces: Iterator[Piece | Fault], options: ReadOptions) -> Iterator[Row]:
    """Rows of a decoded file. `record_offset` counts decoded bytes to the beginning of the value."""
    number = 0
    for offset, value, problem in Values(pieces).read(options.max_line_bytes):
        if isinstance(problem, Fault):
            yield failure(offset, problem.reason, problem.detail)
            continue
        number += 1
        if problem is not None:
            outcome = "too_large" if problem.startswith("has more") else "bad_row"
            yield failure(offset, outcome, f"value {number:,} {problem}"[:500], record_type="line")
        elif not isinstance(value, dict):
            detail = f"value {number:,} is {kind_of(value)}, not an object"
            yield failure(offset, "bad_row", detail, record_type="line")
        else:
            yield value_row(value, offset, "line", f"value {number:,}", options)


class Values:
    """The values of a decoded file: inside one array, or one after the other."""

    def __init__(self, pieces: Iterator[Piece | Fault]) -> None:
        self._pieces = pieces
        self._decode = codecs.getincrementaldecoder("utf-8")("surrogateescape").decode
        self._text, self._at = "", 0
        self._ended = False
        self._fault: Fault | None = None
        self._depth = 0
        self.offset = 0

    def read(self, most: int) -> Iterator[tuple[int, object, str | Fault | None]]:
        """(byte offset, value, None), or in place of the value what is wrong with it; at most `most` bytes each."""
        while True:
            self._skip(_BETWEEN)
            here = self._rest()
            if not here:
                fault = self._take_fault()
                if fault is None:
                    return
                yield self.offset, None, fault
                self._skip_to_next()
            elif here not in "[]" or not self._at_bracket():
                offset = self.offset
                value, problem = self._take_value(most)
                yield offset, value, problem

    def _rest(self) -> str:
        """A character or more at the cursor, or nothing where damage or the end is."""
        while self._at >= len(self._text) and self._more():
            pass
        return self._text[self._at : self._at + 1]

    def _take_fault(self) -> Fault | None:
        """The damage at the cursor, which is then passed."""
        fault, self._fault = self._fault, None
        return fault

    def _skip(self, pattern: re.Pattern[str]) -> None:
        """Pass what matches, however long it is."""
        while self._rest():
            match = pattern.match(self._text, self._at)
            self._advance(match.end() if match else self._at)
            if self._at < len(self._text):
                return

    def _at_bracket(self) -> bool:
        """Pass the bracket that opens or closes the file's array; False where it is a value of its own."""
        opens = self._text[self._at] == "["
        if opens != (self._depth == 0):
            return False
        self._depth = 1 if opens else 0
        self._advance(self._at + 1)
        return True

    def _take_value(self, most: int) -> tuple[object, str | None]:
        """The value at the cursor, or what is wrong with it; the cursor is then behind it or at the next object."""
        wanted = 0
        while True:
            try:
                value, end = _decoded(self._text, self._at)
            except (ValueError, RecursionError) as error:
                held = len(self._text) - self._at
                if held > most:
                    problem = f"has more than {most:,} bytes (max_line_bytes)"
                elif _may_be_cut(error, len(self._text)) and self._grow(max(_STEP, 2 * wanted)):
                    wanted = len(self._text) - self._at
                    continue
                else:
                    deep = isinstance(error, RecursionError)
                    problem = "is nested too deeply" if deep else f"is not JSON ({error})"
                self._skip_to_next()
                return None, problem
            if end == len(self._text) and self._grow(1):
                continue  # a number can go on
            text = self._text[self._at : end]
            self._advance(end)
            if not text.isascii() and _INVALID.search(text):
                value = parsed(text.encode("utf-8", "surrogateescape").decode("utf-8", "replace"))
            return value, None

    def _skip_to_next(self) -> None:
        """Go on where another object can be seen to begin, or at the end."""
        begin = self._at + 1
        while True:
            found = _NEXT.search(self._text, begin)
            if found:
                self._advance(found.end())
                return
            self._advance(len(self._text))
            begin = self._at
            if not self._more():
                return

    def _grow(self, size: int) -> bool:
        before = len(self._text)
        while len(self._text) - before < size and self._more():
            pass
        return len(self._text) > before

    def _advance(self, to: int) -> None:
        self.offset += len(self._text[self._at : to].encode("utf-8", "surrogateescape"))
        self._at = to

    def _more(self) -> bool:
        """Take the next piece; False at damage and at the end."""
        if self._ended or self._fault is not None:
            return False
        item = next(self._pieces, None)
        if isinstance(item, Fault):
            self._fault = item
            return False
        self._ended = item is None
        text = self._decode(item.data if item is not None else b"", self._ended)
        self._text = self._text[self._at :] + text
        self._at = 0
        return not self._ended or bool(text)


def _decoded(text: str, at: int) -> tuple[object, int]:
    """The value at a place of a text and where it ends; raises as `parsed`."""
    try:
        return _DECODER.raw_decode(text, at)
    except json.JSONDecodeError:
        raise
    except ValueError:
        return _OF_LONG_NUMBERS.raw_decode(text, at)


def _may_be_cut(error: Exception, size: int) -> bool:
    return isinstance(error, json.JSONDecodeError) and (
        error.msg.startswith("Unterminated") or error.pos >= size - _CUT
    )
