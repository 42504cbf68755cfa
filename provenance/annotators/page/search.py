"""Where the strings occur that the readers of a page read around, and how it divides into markup and text.

Each page is searched once, alone or with all of its batch, and what was found is handed to its readers (promise 5).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from provenance.annotators.kernel import kernel
from provenance.annotators.page.spans import NAMES, SCRIPT, TAG, Spans, room_for, visible, write_spans
from provenance.annotators.page.strings import (
    FEW,
    MOST_PLACES,
    Compiled,
    compile_strings,
    find_places,
    holds_one,
)
from provenance.annotators.references import resolve as resolve_references
from provenance.annotators.text.charset import decode, is_utf8

#: Bytes of a page that are read: the longest of 842 real pages has 1.4 MB. What lies beyond is unknown, not absent.
SCANNED: Final = 8 << 20
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

#: What a screen says of a page: that it may state anything, no day, or no day and nothing in its `<meta>` elements either.
TELLING, UNDATED, SILENT = 0, 1, 2
#: Judges all pages that are searched together: their bytes, where each begins and ends, their spans and where each page's end.
Screen = Callable[
    [NDArray[np.uint8], tuple[NDArray[np.int64], NDArray[np.int64]], Spans, NDArray[np.int64]],
    NDArray[np.uint8],
]
#: Offsets of each string in a page, ascending.
Places = dict[bytes, Sequence[int]]
_NOWHERE: Final[Places] = dict.fromkeys(STRINGS, ())

#: Of each of STRINGS a part: of 120,000 stretches of real pages 1.5% hold one.
_PROBES: Final = (
    b"tepu", b"emod", b"sclo", b"i-ge", b"cens", b"c2pa", b"ns.o", b"lsou", b"n/ld", b"rsl+", WRAPPER[:4], b"wayb", b"aigc",
)  # fmt: skip
_SEARCH = compile_strings([string.lower() for string in STRINGS], _PROBES)


@dataclass(slots=True)
class Page:
    """The part of a page that is read, in UTF-8, how it divides into markup and text, and where `STRINGS` occur.

    `cut`: something was left unread (a page longer than SCANNED, or more than MOST_PLACES of a string), so what was
    not found may yet be there. `marked`: one of STRINGS occurs. `undated`: it was cleared of stating a day.
    """

    content: bytes
    spans: Spans
    places: Places
    #: Numbers of the spans that are tags of NAMES, and at -1 of the contents of scripts.
    named: dict[int, list[int]]
    cut: bool = False
    marked: bool = False
    undated: bool = False
    _tags: dict[bytes, list[tuple[int, bytes]]] = field(default_factory=dict, compare=False, repr=False)
    #: First byte of each opening tag of an element, and the byte after what is read of it.
    _bounds: dict[bytes, tuple[NDArray[np.int64], NDArray[np.int64]]] = field(
        default_factory=dict, compare=False, repr=False
    )

    def tags(self, name: bytes) -> list[tuple[int, bytes]]:
        """The opening tags of the element `name` (one of `spans.NAMES`) with their first bytes, in page order."""
        if name not in self._tags:
            self._tags[name] = [self._tag(number) for number in self.named.get(NAMES.index(name), ())]
        return self._tags[name]

    def tags_holding(self, name: bytes, strings: Compiled) -> list[bytes]:
        """The opening tags of the element `name` (one of `spans.NAMES`) that hold one of `strings`, in page order."""
        return self.tags_where(name, _hold_one, strings)

    def tags_where(self, name: bytes, judge: Callable[..., None], *more: Any) -> list[bytes]:
        """The opening tags of the element `name` (one of `spans.NAMES`) that `judge` chooses, in page order.

        It is a kernel of the page's bytes, the first byte of each tag and the byte after it, `more`, and where to write
        its judgements.
        """
        if name not in self._bounds:
            numbers = np.array(self.named.get(NAMES.index(name), ()), np.int64)
            starts = self.spans.starts[numbers]
            self._bounds[name] = starts, np.minimum(self.spans.ends[numbers], starts + LONGEST_TAG)
        starts, ends = self._bounds[name]
        told = np.zeros(len(starts), np.bool_)
        judge(np.frombuffer(self.content, np.uint8), starts, ends, *more, told)
        bounds = zip(starts[told].tolist(), ends[told].tolist(), strict=True)
        return [self.content[start:end] for start, end in bounds]

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
        starts, ends = self.spans.starts, self.spans.ends
        if not at or not len(starts):
            return []
        numbers = starts.searchsorted(at, "right") - 1
        found = zip(at, numbers.tolist(), ends[numbers].tolist(), strict=True)
        return list(dict.fromkeys(number for place, number, end in found if number >= 0 and place < end))

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

    def places_in_scripts(self, strings: Compiled) -> Iterator[tuple[int, int, list[int]]]:
        """First byte and byte after of the content of each script that holds one of `strings`, and their places, ascending."""
        numbers = self.named.get(-1)
        if not numbers:
            return
        bounds = self.spans.starts[numbers], self.spans.ends[numbers]
        found, _ = _find_in(np.frombuffer(self.content, np.uint8), bounds, strings)
        for start, end, pairs in zip(bounds[0].tolist(), bounds[1].tolist(), found, strict=True):
            if pairs:
                yield start, end, [start + at for at, _ in pairs]

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


#: Stands for every page that states nothing and holds none of STRINGS, of which nothing is kept.
SILENT_PAGE: Final = Page(b"", room_for(0).part(0, 0), _NOWHERE, {}, undated=True)


def search_page(body: bytes, charset: str | None = None) -> Page:
    """Return the searched page of a `body`; `charset` is the label that its HTTP header declares."""
    content = body[:SCANNED]
    if not is_utf8(content):
        decoded = decode(content, charset)
        if decoded.codec != "utf-8":  # all readers read UTF-8
            content = decoded.text.encode("utf-8", "replace")
    (page,) = search_all(
        np.frombuffer(content, np.uint8), np.zeros(1, np.int64), np.array([len(content)], np.int64)
    )
    page.cut = page.cut or len(body) > SCANNED
    return page


def search_all(
    data: NDArray[np.uint8], starts: NDArray[np.int64], stops: NDArray[np.int64], screen: Screen | None = None
) -> Iterator[Page]:
    """The pages that stand in `data` (UTF-8) from `starts` to `stops`, each searched, in their order.

    `screen` judges those without any of STRINGS; SILENT_PAGE stands for what it calls silent.
    """
    places, full = _places(data, (starts, stops))
    spans, ends = _spans(data, (starts, stops))
    judged = screen(data, (starts, stops), spans, ends) if screen else np.zeros(len(starts), np.uint8)
    said = judged.tolist()
    told = np.flatnonzero((spans.names >= 0) | (spans.kinds == SCRIPT))
    numbers, names = told.tolist(), spans.names[told].tolist()
    bounds, ends_of_spans = np.searchsorted(told, ends).tolist(), ends.tolist()
    for row, (start, stop) in enumerate(zip(starts.tolist(), stops.tolist(), strict=True)):
        marked = places[row] is not _NOWHERE
        if said[row] == SILENT and not marked:
            yield SILENT_PAGE
            continue
        first = ends_of_spans[row]
        named: dict[int, list[int]] = {}
        for place in range(bounds[row], bounds[row + 1]):
            named.setdefault(names[place], []).append(numbers[place] - first)
        own = spans.part(first, ends_of_spans[row + 1])
        undated = said[row] != TELLING and not marked
        content = data[start:stop].tobytes()
        yield Page(content, own, places[row], named, cut=full[row], marked=marked, undated=undated)


def _places(
    data: NDArray[np.uint8], bounds: tuple[NDArray[np.int64], NDArray[np.int64]]
) -> tuple[list[Places], list[bool]]:
    """Where `STRINGS` stand in each page, and whether one stands in more places than are kept."""
    found, full = _find_in(data, bounds, _SEARCH)
    places: list[Places] = []
    for pairs in found:
        own: dict[bytes, list[int]] = {}
        for at, number in pairs:
            own.setdefault(STRINGS[number], []).append(at)
        places.append({**_NOWHERE, **own} if own else _NOWHERE)
    return places, full


def _find_in(
    data: NDArray[np.uint8], bounds: tuple[NDArray[np.int64], NDArray[np.int64]], strings: Compiled
) -> tuple[list[list[list[int]]], list[bool]]:
    """(place, number of the string) of all that stand in each part of `data`, and whether one has more places than are kept."""
    rows = len(bounds[0])
    ends, full = np.zeros(rows + 1, np.int64), np.zeros(rows, np.bool_)
    counts, found = np.zeros(len(strings.bounds) - 1, np.int64), np.empty((FEW + 4 * rows, 2), np.int64)
    _find_all(data, bounds, strings, (counts, full), found=found, ends=ends)
    if ends[-1] > len(found):
        found = np.empty((ends[-1], 2), np.int64)
        _find_all(data, bounds, strings, (counts, full), found=found, ends=ends)
    pairs, stops = found[: ends[-1]].tolist(), ends.tolist()
    return [pairs[first:last] for first, last in pairwise(stops)], full.tolist()


def _spans(
    data: NDArray[np.uint8], bounds: tuple[NDArray[np.int64], NDArray[np.int64]]
) -> tuple[Spans, NDArray[np.int64]]:
    """The spans of all pages, one page's after the other's, and how many there are up to the end of each, from 0 on."""
    starts, stops = bounds
    ends = np.zeros(len(starts) + 1, np.int64)
    stretch = data[starts[0] : stops[-1]] if len(starts) else data[:0]
    spans = room_for(int(np.count_nonzero(stretch == 60)))
    _divide_all(data, bounds, spans, ends)
    return spans.part(0, int(ends[-1])), ends


@kernel
def _hold_one(page, starts, ends, strings, told):  # type: ignore[no-untyped-def]
    """Say of each tag whether it holds one of the strings."""
    for tag in range(len(starts)):
        told[tag] = holds_one(page[starts[tag] : ends[tag]], strings)


@kernel
def _find_all(data, bounds, strings, counted, found, ends):  # type: ignore[no-untyped-def]
    """Write the places in all pages to `found` as far as it reaches, and to `ends` how many there are up to each page's end."""
    starts, stops = bounds
    counts, full = counted
    for row in range(len(starts)):
        counts[:] = 0
        size = ends[row]
        ends[row + 1] = size + find_places(
            data[starts[row] : stops[row]], strings, counts, found[min(size, len(found)) :]
        )
        for count in counts:
            full[row] |= count == MOST_PLACES


@kernel
def _divide_all(data, bounds, spans, ends):  # type: ignore[no-untyped-def]
    """Write the spans of all pages, one page's after the other's, and to `ends` how many there are up to each page's end."""
    starts, stops = bounds
    for row in range(len(starts)):
        at = ends[row]
        ends[row + 1] = at + write_spans(
            data[starts[row] : stops[row]],
            spans.starts[at:],
            spans.ends[at:],
            spans.kinds[at:],
            spans.names[at:],
        )
