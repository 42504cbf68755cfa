"""Where the strings occur that the readers of a page read around: one compiled pass a page, for all of them.

`Pages` is made once for a batch and handed to its readers, so that each page is paid for once. Each byte is judged
by three independent table look-ups (a scalar form of the filter "Teddy" of Hyperscan); ASCII case is ignored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from provenance.annotators.columns import read_column
from provenance.annotators.kernel import kernel
from provenance.annotators.page.spans import NAMES, SCRIPT, TAG, Spans, divide, visible
from provenance.annotators.references import resolve as resolve_references
from provenance.annotators.text.charset import decode, is_utf8

#: Bytes of a page that are read: the longest of 842 real pages has 1.4 MB. What lies beyond is unknown, not absent.
SCANNED: Final = 8 << 20
#: Places of one string that are kept; pages with more are not written for readers.
MOST_PLACES: Final = 1000
#: Bytes of a tag that are read.
LONGEST_TAG: Final = 4_000
#: The start of a C2PATextManifestWrapper in UTF-8 (C2PA 2.x): U+FEFF and "C2PATXT" NUL as variation selectors.
WRAPPER: Final = ("\ufeff" + "".join(chr(0xE0100 + byte - 16) for byte in b"C2PATXT") + chr(0xFE00)).encode()
#: What is looked for, in lower case; bytes beyond ASCII as they are.
STRINGS: Final = (
    b"datepublished", b"datemodified",
    b"ai-disclosure", b"aidisclosure", b"ai-generated",
    b"license", b"c2pa-manifest", b"application/c2pa", b"creativecommons.org/",
    b"digitalsourcetype", b"application/ld+json", b"application/rsl+xml",
    WRAPPER, b"begin c2pa manifest", b"wayback toolbar insert", b"aigc",
)  # fmt: skip
_BLOCK = 16
#: Places that there is room for at first: more than most pages have.
_FEW: Final = 128

#: Offsets of each string in a page, ascending.
Places = dict[bytes, list[int]]


class Compiled(NamedTuple):
    """A compiled set of strings of at least three bytes each."""

    table: NDArray[
        np.uint8
    ]  # 3 x 256: groups of strings that have a byte at their first, second, third place
    needles: NDArray[np.uint8]
    bounds: NDArray[np.int64]

    def find(self, page: bytes) -> list[list[int]]:
        """Return the offsets of each string in `page`, ascending, at most `MOST_PLACES` of each."""
        strings = len(self.bounds) - 1
        places: list[list[int]] = [[] for _ in range(strings)]
        data = np.frombuffer(page, np.uint8)
        found = np.empty((_FEW, 2), np.int64)
        count = find_places(data, self, np.zeros(strings, np.int64), found)
        if count > _FEW:
            found = np.empty((count, 2), np.int64)
            find_places(data, self, np.zeros(strings, np.int64), found)
        for at, number in found[:count].tolist() if count else ():
            places[number].append(at)
        return places


def compile_strings(strings: Sequence[bytes]) -> Compiled:
    """Return the searcher for `strings` (lower case). Raises ValueError for none or too short ones."""
    if not strings or min(map(len, strings)) < 3:
        raise ValueError("strings of at least three bytes are needed")
    table = np.zeros((3, 256), np.uint8)
    for number, string in enumerate(strings):
        for place in range(3):
            for byte in (string[place : place + 1].lower()[0], string[place : place + 1].upper()[0]):
                table[place, byte] |= 1 << number % 8
    bounds = np.cumsum([0, *map(len, strings)]).astype(np.int64)
    return Compiled(table, np.frombuffer(b"".join(strings), np.uint8), bounds)


_SEARCH = compile_strings([string.lower() for string in STRINGS])


@dataclass(slots=True)
class Page:
    """The part of a page that is read, in UTF-8, how it divides into markup and text, and where `STRINGS` occur.

    `cut`: something was left unread (a page longer than SCANNED, or more than MOST_PLACES of a string), so what was
    not found may yet be there.
    """

    content: bytes
    spans: Spans
    places: Places
    named: dict[int, list[int]]  # numbers of the spans that are tags of NAMES
    cut: bool = False
    _tags: dict[bytes, list[tuple[int, bytes]]] = field(default_factory=dict, compare=False, repr=False)
    _headline: int | None = field(default=None, compare=False, repr=False)

    def tags(self, name: bytes) -> list[tuple[int, bytes]]:
        """The opening tags of the element `name` (one of `spans.NAMES`) with their first bytes, in page order."""
        if name not in self._tags:
            self._tags[name] = [self._tag(number) for number in self.named.get(NAMES.index(name), ())]
        return self._tags[name]

    def first(self, name: bytes, after: int = 0) -> tuple[int, bytes] | None:
        """The first of `tags(name)` from byte `after` on."""
        for number in self.named.get(NAMES.index(name), ()):
            if self.bounds(number)[0] >= after:
                return self._tag(number)
        return None

    @property
    def body(self) -> int:
        """The body's start, behind the banner that a web archive puts there."""
        archive = self.places[b"wayback toolbar insert"]
        body = self.first(b"body")
        return max(archive[-1] if archive else 0, body[0] if body else 0)

    @property
    def headline(self) -> int:
        """The first byte of the first `<h1>` of the body, or of the body."""
        if self._headline is None:
            body = self.body
            first = self.first(b"h1", body)
            self._headline = first[0] if first else body
        return self._headline

    def tags_with(self, string: bytes) -> list[tuple[int, bytes]]:
        """The opening tags that hold `string` (one of STRINGS), each once, with their first bytes, in page order."""
        return self.tags_at(self.places[string])

    def tags_at(self, places: Sequence[int]) -> list[tuple[int, bytes]]:
        """The opening tags that hold one of `places`, each once, with their first bytes, in the order of `places`."""
        numbers = self._spans_at(places)
        return [self._tag(number) for number in numbers if self.spans.kinds[number] == TAG]

    def spans_with(self, string: bytes) -> list[int]:
        """The numbers of the spans that hold `string` (one of STRINGS), each once."""
        return self._spans_at(self.places[string])

    def _spans_at(self, at: Sequence[int]) -> list[int]:
        if not at or not len(self.spans.starts):
            return []
        places = np.array(at, np.int64)
        numbers = np.searchsorted(self.spans.starts, places, "right") - 1
        inside = (numbers >= 0) & (places < self.spans.ends[numbers])
        return list(dict.fromkeys(numbers[inside].tolist()))

    def scripts_with(self, *strings: bytes) -> list[tuple[bytes, bytes]]:
        """The script elements whose content or opening tag holds one of `strings` (of STRINGS): (tag, content)."""
        found: dict[int, tuple[bytes, bytes]] = {}
        for number in (number for string in strings for number in self.spans_with(string)):
            if self.spans.kinds[number] == TAG and number + 1 < len(self.spans.kinds):
                number += 1  # the content follows its opening tag
            if number not in found and self.spans.kinds[number] == SCRIPT:
                start, end = self.bounds(number)
                found[number] = self._tag(number - 1)[1], self.content[start:end]
        return list(found.values())

    def scripts(self) -> list[tuple[int, int]]:
        """First byte and byte after of the content of each script."""
        return [self.bounds(number) for number in np.flatnonzero(self.spans.kinds == SCRIPT).tolist()]

    def text(self, start: int, stop: int, *, resolve: bool = True, border: bytes = b" ") -> str:
        """What can be read between two bytes; white space is one space, white space with tags one `border`.

        Character references are resolved, or (`resolve` False, for long parts) only the usual ones for a space.
        """
        piece = visible(self.content, self.spans, start, stop, border).decode("utf-8", "replace")
        if "&" not in piece:
            return piece
        return resolve_references(piece) if resolve else piece.replace("&nbsp;", " ").replace("&#160;", " ")

    def is_text(self, at: int) -> bool:
        """Whether byte `at` can be read, and is in no tag, comment or script."""
        number = int(np.searchsorted(self.spans.starts, at, "right")) - 1
        return number < 0 or at >= int(self.spans.ends[number])

    def bounds(self, number: int) -> tuple[int, int]:
        """The first byte of a span and the byte after it."""
        return int(self.spans.starts[number]), int(self.spans.ends[number])

    def _tag(self, number: int) -> tuple[int, bytes]:
        start, end = self.bounds(number)
        return start, self.content[start : min(end, start + LONGEST_TAG)]


def search_page(body: bytes, charset: str | None = None) -> Page:
    """Return the searched page of a `body`; `charset` is the label that its HTTP header declares."""
    content = body[:SCANNED]
    if not is_utf8(content):
        decoded = decode(content, charset)
        if decoded.codec != "utf-8":  # all readers read UTF-8
            content = decoded.text.encode("utf-8", "replace")
    found = _SEARCH.find(content)
    cut = len(body) > SCANNED or any(len(places) == MOST_PLACES for places in found)
    spans = divide(content)
    named: dict[int, list[int]] = {}
    for number in np.flatnonzero(spans.names >= 0).tolist():
        named.setdefault(int(spans.names[number]), []).append(number)
    return Page(content, spans, dict(zip(STRINGS, found, strict=True)), named, cut)


class Pages:
    """The searched pages of a batch, by row; a page is searched when it is first asked for."""

    def __init__(self, bodies: pa.LargeBinaryArray, charsets: pa.StringArray | None = None) -> None:
        self._bodies = bodies
        self._charsets = charsets
        self._searched: dict[int, Page | None] = {}

    def __getitem__(self, row: int) -> Page | None:
        """The page of a row; None where it has no body, or an empty one."""
        if row not in self._searched:
            body = self._bodies[row]
            content = body.as_buffer()[: SCANNED + 1].to_pybytes() if body.is_valid else b""
            charset = self._charsets[row].as_py() if self._charsets is not None else None
            self._searched[row] = search_page(content, charset) if content else None
        return self._searched[row]


def batch_pages(batch: pa.RecordBatch) -> Pages:
    """The pages of a batch, from `body` and `charset`."""
    return Pages(read_column(batch, "body", pa.large_binary()), read_column(batch, "charset", pa.string()))


@kernel
def find_places(
    page: NDArray[np.uint8], strings: Compiled, counts: NDArray[np.int64], found: NDArray[np.int64]
) -> int:
    """Write (place, number of the string) to `found` as far as it reaches, in page order; how many there are."""
    start, last, size = 0, page.size - 2, 0
    table = strings.table
    while start < last:
        window = page[start : start + _BLOCK + 2]
        any_groups = np.uint8(0)
        for at in range(window.size - 2):  # no branch: the processor looks at several bytes at once
            any_groups |= table[0, window[at]] & table[1, window[at + 1]] & table[2, window[at + 2]]
        if any_groups:
            for at in range(start, min(start + _BLOCK, last)):
                groups = table[0, page[at]] & table[1, page[at + 1]] & table[2, page[at + 2]]
                if groups:
                    size = _note(page, at, groups, strings=strings, counts=counts, found=found, size=size)
        start += _BLOCK
    return size


@kernel
def _note(
    page: NDArray[np.uint8],
    at: int,
    groups: int,
    strings: Compiled,
    counts: NDArray[np.int64],
    found: NDArray[np.int64],
    size: int,
) -> int:
    """Write the strings of the groups that stand at `at`, behind `size` others; how many there are then."""
    for number in range(strings.bounds.size - 1):
        low, high = strings.bounds[number], strings.bounds[number + 1]
        if not groups >> (number & 7) & 1 or at + high - low > page.size:
            continue
        same = True
        for offset in range(high - low):
            byte = page[at + offset]
            if 65 <= byte <= 90:
                byte += np.uint8(32)
            if byte != strings.needles[low + offset]:
                same = False
                break
        if same and counts[number] < MOST_PLACES:
            counts[number] += 1
            if size < len(found):
                found[size, 0], found[size, 1] = at, number
            size += 1
    return size
