"""Measures what the published quality rules (C4, Gopher, FineWeb) ask about a text, once, for any threshold.

The rules themselves are `provenance.filters.presets`: a threshold can change without reading a text again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from provenance.annotators.columns import bytes_and_offsets, read_column
from provenance.annotators.kernel import kernel
from provenance.annotators.quality.characters import POINT, SPACE, character_table
from provenance.annotators.quality.lines import (
    BRACES,
    BULLETS,
    ELLIPSES,
    ELLIPSIS_ENDS,
    FULL,
    HASHES,
    LINES,
    LOREM,
    NEWLINES,
    PUNCTUATED,
    SENTENCES,
    SHORT,
    SUMS,
    TERMINAL_SENTENCES,
    count_symbols,
    read_line,
)
from provenance.annotators.quality.repeats import Grams, Seen, grams_room, repeated, repeated_grams, room
from provenance.annotators.quality.stop_words import LANGUAGES, Stops, stops
from provenance.annotators.quality.words import HAS_LETTER, HASH, IS_WORD, decode
from provenance.schema import QUALITY

#: Bytes of a text that are read: more than the 100,000 words above which Gopher's rules leave a text out, and a
#: bound on what a hostile text can cost (about 60 MB and 60 ms).
READ_BYTES = 2 << 20
_FIELDS = [item.name for item in QUALITY]
#: What each field of `quality` is. Words are spaCy's tokens, punctuation among them where nothing else is said.
MEASURES = {
    "words": "words that are more than symbols",
    "word_length": "their mean length in characters",
    "number_signs": "number signs for a word",
    "ellipses": "ellipses (… or ...) for a word",
    "bullet_lines": "share of lines that begin with • or -",
    "ellipsis_lines": "share of lines that end in an ellipsis",
    "letter_words": "share of words with a letter",
    "stop_words": "different stop words of the language (of English where it has no list)",
    "sentences": "sentences in the lines that C4 keeps, whatever mark they end in",
    "terminal_sentences": "the same, in lines that end in a terminal punctuation mark",
    "lorem_ipsum": "2: a line with a terminal mark has “lorem ipsum”; 1: another one; 0: none",
    "curly_brackets": "the same of {",
    "punctuated_lines": "share of lines that end in a terminal punctuation mark",
    "short_lines": "share of lines of at most 30 characters",
    "repeated_line_characters": "share of characters in lines that stood there before",
    "newlines": "line breaks for a word",
    "duplicate_paragraphs": "share of paragraphs that stood there before",
    "duplicate_paragraph_characters": "share of characters in them",
    "duplicate_lines": "share of lines that stood there before",
    "duplicate_line_characters": "share of characters in them",
    **{f"top_{order}_gram": f"share of characters in the most frequent {order}-gram" for order in (2, 3, 4)},
    **{
        f"repeated_{order}_grams": f"share of characters in {order}-grams that stood there before"
        for order in range(5, 11)
    },
}
_NEWLINE = 10
#: Where the nine values of runs of words begin.
_GRAMS = _FIELDS.index("top_2_gram")


class Tables(NamedTuple):
    """What every text is read with."""

    characters: NDArray[np.uint32]
    stops: Stops


class _Buffers(NamedTuple):
    """Scratch memory for texts of up to so many characters."""

    chars: NDArray[np.uint32]
    words: NDArray[np.uint64]
    starts: NDArray[np.int32]
    stops: NDArray[np.int32]
    grams: Grams
    sums: NDArray[np.int64]
    seen: Seen


def _buffers(characters: int) -> _Buffers:
    return _Buffers(
        chars=np.empty(characters + 1, np.uint32),
        words=np.empty((characters + 1, 2), np.uint64),
        starts=np.empty(characters + 2, np.int32),
        stops=np.empty(characters + 2, np.int32),
        grams=grams_room(characters + 1),
        sums=np.empty(SUMS, np.int64),
        seen=room(characters + 1),
    )


@dataclass
class Quality:
    """Adds `quality`, a struct of float32 values (`schema.QUALITY`); null where there is no text."""

    name: ClassVar[str] = "quality"
    version: ClassVar[str] = "1"
    schema: ClassVar[pa.Schema] = pa.schema([("quality", QUALITY)])
    _stops: Stops = field(default_factory=stops, repr=False, compare=False)

    def setup(self) -> None:
        """Build the table of characters."""
        character_table()

    def __call__(self, batch: pa.RecordBatch) -> Sequence[pa.Array]:
        """Return `quality` from the `text` and `language` of each row."""
        texts = read_column(batch, "text", pa.large_string())
        languages = read_column(batch, "language", pa.string())
        return [measure(texts, languages, self._stops)]

    def __getstate__(self) -> dict[str, Any]:
        return {}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._stops = stops()


def measure(texts: pa.LargeStringArray, languages: pa.StringArray, stop_table: Stops) -> pa.StructArray:
    """`schema.QUALITY` of each text; null where it is null or empty."""
    codes = {language: number for number, language in enumerate(LANGUAGES)}
    code = np.array([codes.get(language, codes["en"]) for language in languages.to_pylist()], np.int64)
    data, offsets = bytes_and_offsets(texts)
    empty = np.asarray(texts.is_null()) | (offsets[1:] == offsets[:-1])
    rows = np.flatnonzero(~empty)
    values = np.zeros((len(texts), len(_FIELDS)), np.float32)
    if len(rows):
        longest = min(int((offsets[rows + 1] - offsets[rows]).max()), READ_BYTES)
        tables = Tables(character_table(), stop_table)
        spans = np.column_stack([offsets[rows], offsets[rows + 1], code[rows]])
        measured = np.zeros((len(rows), len(_FIELDS)), np.float32)
        _measure_all(data, spans, tables, _buffers(longest), measured)
        values[rows] = measured
    columns = [pa.array(values[:, i]) for i in range(len(_FIELDS))]
    return pa.StructArray.from_arrays(columns, fields=list(QUALITY), mask=pa.array(empty))


@kernel
def _measure_all(data, spans, tables, buffers, values):  # type: ignore[no-untyped-def]
    """Fill a row of `values` for each (start, stop, language) of `spans`."""
    for row in range(len(spans)):
        start, stop, language = spans[row, 0], spans[row, 1], spans[row, 2]
        if stop - start > READ_BYTES:
            stop = start + READ_BYTES
            while data[stop] & 0xC0 == 0x80:
                stop -= 1
        size = decode(data, start, stop, tables.characters, buffers.chars)
        count = _read_lines(size, tables.stops.styles[language], buffers)
        own = values[row]
        _ratios(count, buffers.sums, buffers.words, own)
        own[7] = _stop_words(buffers.words, count, tables.stops, language)
        _repetition(size, buffers, own)
        grams = own[_GRAMS:]
        repeated_grams(buffers.words, count, buffers.grams, buffers.seen, grams)
        grams /= max(size, 1)


@kernel
def _read_lines(size, style, buffers):  # type: ignore[no-untyped-def]
    """Sums over the lines of a text into `buffers.sums`; returns how many words there are."""
    chars, words, sums = buffers.chars, buffers.words, buffers.sums
    sums[:] = 0
    count_symbols(chars, size, sums)
    count = start = 0
    while start < size:  # what follows a last newline is no line
        stop = start
        while stop < size and chars[stop] & POINT != _NEWLINE:
            stop += 1
        count = read_line(chars, start, stop, style, words, count=count, sums=sums)
        start = stop + 1
    return count


@kernel
def _ratios(count, sums, words, values):  # type: ignore[no-untyped-def]
    """The values that follow from sums over lines and words."""
    wordy = lettered = 0
    length = np.int64(0)
    for at in range(np.uint64(count)):
        place, kind = words[at, 0], words[at, 1]
        is_word = kind & IS_WORD != 0
        lettered += kind & HAS_LETTER != 0
        wordy += is_word
        length += np.int64((place & np.uint64(0xFFFFFFFF)) - (place >> np.uint64(32))) * is_word
    lines, full = max(sums[LINES], 1), max(sums[FULL], 1)
    values[0] = wordy
    values[1] = length / max(wordy, 1)
    values[2] = sums[HASHES] / max(count, 1)
    values[3] = sums[ELLIPSES] / max(count, 1)
    values[4] = sums[BULLETS] / lines
    values[5] = sums[ELLIPSIS_ENDS] / lines
    values[6] = lettered / max(count, 1)
    values[8] = sums[SENTENCES]
    values[9] = sums[TERMINAL_SENTENCES]
    values[10] = sums[LOREM]
    values[11] = sums[BRACES]
    values[12] = sums[PUNCTUATED] / full
    values[13] = sums[SHORT] / full
    values[15] = sums[NEWLINES] / max(count, 1)


@kernel
def _stop_words(words, count, stops, language):  # type: ignore[no-untyped-def]
    """How many different stop words of the language the text has."""
    first, last = stops.offsets[language], stops.offsets[language + 1]
    near = np.uint64(0)  # six bits of their hashes: most words are told apart by them
    for at in range(first, last):
        near |= np.uint64(1) << (stops.hashes[at] >> np.uint64(58))
    found = np.uint64(0)
    for at in range(count):
        value = words[at, 1] & HASH
        if near >> (value >> np.uint64(58)) & np.uint64(1):
            for i in range(first, last):
                if stops.hashes[i] == value:
                    found |= np.uint64(1) << np.uint64(i - first)
    different = 0
    while found:
        found &= found - np.uint64(1)
        different += 1
    return different


@kernel
def _repetition(size, buffers, values):  # type: ignore[no-untyped-def]
    """Shares of repeated lines and paragraphs, of their number and of the characters."""
    chars, starts, stops, keys = buffers.chars, buffers.starts, buffers.stops, buffers.seen.keys
    count = _pieces(chars, 0, size, 1, starts, stops=stops)
    lines, characters = repeated(chars, starts, stops, count, keys)
    values[18] = lines / max(count, 1)
    values[19] = characters / max(size, 1)
    full = 0
    for at in range(count):  # the same pieces, those of white space left out
        begin = starts[at]
        while begin < stops[at] and chars[begin] & SPACE:
            begin += 1
        if begin < stops[at]:
            starts[full], stops[full] = starts[at], stops[at]
            full += 1
    if full < count:
        _, characters = repeated(chars, starts, stops, full, keys)
    values[14] = characters / max(size - buffers.sums[NEWLINES], 1)
    first, last = 0, size
    while first < last and chars[first] & SPACE:
        first += 1
    while last > first and chars[last - 1] & SPACE:
        last -= 1
    count = _pieces(chars, first, last, 2, starts, stops=stops)
    paragraphs, characters = repeated(chars, starts, stops, count, keys)
    values[16] = paragraphs / max(count, 1)
    values[17] = characters / max(size, 1)


@kernel
def _pieces(chars, first, last, newlines, starts, stops):  # type: ignore[no-untyped-def]
    """Divide chars[first:last] at runs of at least so many newlines; returns how many pieces there are."""
    count = 0
    begin = at = first
    while at < last:
        run = 0
        while at + run < last and chars[at + run] & POINT == _NEWLINE:
            run += 1
        if run >= newlines:
            starts[count], stops[count] = begin, at
            count += 1
            begin = at + run
        at += max(run, 1)
    starts[count], stops[count] = begin, last
    return count + 1
