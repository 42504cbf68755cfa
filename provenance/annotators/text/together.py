"""Many pages cut, judged and joined in one call: a small page costs less than a call into compiled code and its tables.

What a page gives does not depend on those that are read with it (promise 5).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from provenance.annotators.columns import ByteRows
from provenance.annotators.kernel import kernel
from provenance.annotators.references import are_usual, resolve_usual
from provenance.annotators.text.blocks import (
    BREAKS,
    START,
    STOP,
    TABLES,
    Found,
    empty_stack,
    read_page,
    room_for,
)
from provenance.annotators.text.choice import SOURCES, score_all, settle_into, shipped_cuts
from provenance.annotators.text.features import NAMES, describe_into
from provenance.annotators.text.lines import write_tidied

#: `<` of pages that are read together: a table of their blocks is about 1 MB, as large as the second-level cache.
_TOGETHER = 4096
# What is known of a page: bytes of its text so far and blocks and elements so far, where its title is, its tags, where its
# main text was found, up to where that is written, and whether it is tidied.
(TEXT, BLOCKS, ELEMENTS, TITLE, TITLE_END, TAGS, SOURCE, WRITTEN, TIDIED, FACTS) = range(10)
_WIDTH = len(NAMES)


class MainText(NamedTuple):
    """The main text of a page: its blocks in lines, with references and blanks as they are if not `tidied`."""

    text: bytes
    tidied: bool
    source: str
    title: tuple[int, int]  # where in the page its title stands
    tags: int


def count_openings(rows: ByteRows) -> NDArray[np.int64]:
    """How many `<` each page has."""
    counts = np.zeros(len(rows.starts), np.int64)
    _count(*rows, counts)
    return counts


def read_texts(rows: ByteRows, openings: NDArray[np.int64], whole: bool) -> Iterator[MainText]:
    """The main text of each page; `openings` as `count_openings` tells, `whole`: they are UTF-8 without damage."""
    before = np.cumsum(openings) - openings
    first = 0
    while first < len(openings):
        last = max(first + 1, int(np.searchsorted(before, before[first] + _TOGETHER - openings[first])))
        starts, stops = rows.starts[first:last], rows.stops[first:last]
        size, tags = int((stops - starts).sum()), int(openings[first:last].sum())
        room = room_for(size, tags, last - first)
        facts = np.zeros((last - first + 1, FACTS), np.int64)
        out = np.empty(len(room.text) + len(room.rows), np.uint8)
        _read_all(
            rows.data,
            (starts, stops),
            (TABLES, empty_stack(), shipped_cuts()),
            room,
            facts,
            out=out,
            whole=whole,
        )
        written = facts[:, WRITTEN].tolist()
        for at, fact in enumerate(facts[1:].tolist()):
            text = out[written[at] : written[at + 1]].tobytes()
            title = fact[TITLE], fact[TITLE_END]
            yield MainText(text, bool(fact[TIDIED]), SOURCES[fact[SOURCE]], title, fact[TAGS])
        first = last


@kernel
def _count(data, starts, stops, counts):  # type: ignore[no-untyped-def]
    for row in range(len(starts)):
        count = np.uint32(0)  # of four bytes: the processor counts eight at once, and no page has as many
        for byte in data[starts[row] : stops[row]]:
            count = np.uint32(count + np.uint32(byte == 60))
        counts[row] = count


@njit(cache=True, nogil=True)
def _read_all(data, bounds, models, room, facts, out, whole):  # type: ignore[no-untyped-def]
    """Fill `facts`, a row before the first page and one for each, and write the main texts to `out`."""
    starts, stops = bounds
    tables, stack, cuts = models
    for row in range(len(starts)):
        before, fact = facts[row], facts[row + 1]
        found = _from(room, before)
        size, blocks, elements, title, title_end, tags = read_page(
            data[starts[row] : stops[row]], tables, found, stack
        )
        fact[TEXT], fact[BLOCKS] = before[TEXT] + size, before[BLOCKS] + blocks
        fact[ELEMENTS] = before[ELEMENTS] + elements
        fact[TITLE], fact[TITLE_END], fact[TAGS] = title, title_end, tags
    blocks = facts[len(starts), BLOCKS]
    columns, kept = np.zeros((_WIDTH, blocks), np.float32), np.empty(blocks, np.bool_)
    for row in range(len(starts)):
        found, first, last = _from(room, facts[row]), facts[row, BLOCKS], facts[row + 1, BLOCKS]
        if last > first:
            count, elements = last - first, facts[row + 1, ELEMENTS] - facts[row, ELEMENTS]
            describe_into(
                found.text, found.rows[:count], found.marks[:count], words=found.words[:count], paths=found.paths[:count],
                elements=found.elements[:elements], title=data[starts[row]:stops[row]][facts[row + 1, TITLE] : facts[row + 1, TITLE_END]],
                columns=columns, first=first,
            )  # fmt: skip
    odds = score_all(columns, cuts)
    for row in range(len(starts)):
        fact, found = facts[row + 1], _from(room, facts[row])
        first, last, at = facts[row, BLOCKS], fact[BLOCKS], facts[row, WRITTEN]
        rows = found.rows[: last - first]
        fact[SOURCE] = settle_into(rows, found.marks[: last - first], odds[first:last], kept[first:last])
        text = out[at : at + join(found.text, rows, kept[first:last], out[at:])]
        fact[TIDIED] = whole and are_usual(text)
        size = len(text)
        if fact[TIDIED]:
            text = text[: resolve_usual(text)]
            size = write_tidied(text, text)
        fact[WRITTEN] = at + size


@njit(cache=True, nogil=True)
def _from(room, fact):  # type: ignore[no-untyped-def]
    """The room behind what was read up to a page's end."""
    text, block, element = fact[TEXT], fact[BLOCKS], fact[ELEMENTS]
    return Found(
        room.text[text:], room.rows[block:], room.marks[block:], words=room.words[block:], paths=room.paths[block:],
        elements=room.elements[element:],
    )  # fmt: skip


@kernel
def join(text, rows, kept, out):  # type: ignore[no-untyped-def]
    """Write the kept blocks to `out`, each on a line of its own or behind the one that it continues; how many bytes."""
    size, before = 0, -1
    for i in range(len(rows)):
        if kept[i]:
            if before >= 0:
                out[size] = 32 if before == i - 1 and rows[i, BREAKS] == 1 else 10
                size += 1
            block, place = text[rows[i, START] : rows[i, STOP]], out[size:]
            for at in range(len(block)):
                place[at] = block[at]
            size += len(block)
            before = i
    return size
