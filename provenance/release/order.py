"""The published order: which documents go into which part, by a seeded hash, so that any part is like the whole.

Blocks (row groups of shards) are dealt to windows by a seeded hash; within a window every document has its own hash,
and each part takes an even share of every range of probabilities. Only counts are needed for it, so a worker, a
retry or a crash cannot change a byte (promise 5), and memory follows a section, not the crawl.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xxhash
from numpy.typing import NDArray

from provenance.errors import DataError

#: Bytes of text, before anything is dropped, whose documents are mixed with one another. What is read of scratch files
#: grows with window / section for each section: 128 ranges of 1 MiB at these sizes, 8,192 a TiB and window.
WINDOW_BYTES = 16 << 30
#: Bytes of text that a worker holds at a time while it mixes.
SECTION_BYTES = 128 << 20
#: Most text of one file: larger ones are refused by many readers' memory.
MOST_PART_BYTES = 4 << 30
#: Ranges of hashes that are counted apart; documents of one are never parted.
BINS = 4096
_BIN_SHIFT = np.uint64(64 - 12)
#: Upper ends of ranges of probabilities, each of which is spread evenly: narrow where most documents are, and the
#: usual thresholds among them.
_EDGES = np.array([0.001, 0.003, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.85])
STRATA = len(_EDGES) + 1
_ROUNDS = 8  # until the weight of a document that is larger than a part is settled

Ints = NDArray[np.int64]


class PartsError(DataError):
    """Parts that cannot be made of what was kept; the message says which can."""


def window_of(name: str, group: int, seed: int, windows: int) -> int:
    """The window of a block, which is a row group of the shard of this name."""
    key = f"{group}\0{name}".encode("utf-8", "surrogateescape")
    return xxhash.xxh3_64_intdigest(key, seed) % windows


def windows_for(text_bytes: int) -> int:
    """How many windows a crawl of so much text is dealt to."""
    return max(1, -(-text_bytes // WINDOW_BYTES))


@dataclass(frozen=True)
class Cells:
    """Kept documents counted by lane, stratum and bin: arrays of one value for each cell that has any, in order.

    Attributes:
        code: (lane · STRATA + stratum) · BINS + bin; a lane is split · windows + window.
        tokens: their tokens, at least 1 each.
        documents: how many they are.
        text_bytes: of their texts.
    """

    code: Ints
    tokens: Ints
    documents: Ints
    text_bytes: Ints

    @classmethod
    def count(cls, code: Ints, tokens: Ints, documents: Ints, text_bytes: Ints) -> Cells:
        """Cells of values by code, in any order and with repeats."""
        found, at = np.unique(code, return_inverse=True)
        sums = []
        for values in (tokens, documents, text_bytes):
            total = np.zeros(len(found), np.int64)
            np.add.at(total, at, values)
            sums.append(total)
        return cls(found, *sums)


def merge_cells(parts: Sequence[Cells]) -> Cells:
    """Cells of several shards as one."""
    names = ("code", "tokens", "documents", "text_bytes")
    joined = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
    return Cells.count(**joined)


def cell_codes(lane: Ints, hashes: NDArray[np.uint64], probability: NDArray[np.float32]) -> Ints:
    """The cell of each document."""
    stratum = np.searchsorted(_EDGES, np.nan_to_num(probability.astype(np.float64)), side="left")
    return (lane * STRATA + stratum) * BINS + (hashes >> _BIN_SHIFT).astype(np.int64)


@dataclass(frozen=True)
class Section:
    """Documents that are mixed in memory; a part is one or more of them, in their order."""

    part: int
    documents: int
    text_bytes: int


@dataclass(frozen=True)
class Order:
    """Which section each cell belongs to. Sections of a lane follow one another, lanes too.

    Attributes:
        windows: how many the shards' blocks are dealt to.
        merged: how many of them are left after what was dropped; windows are joined in equal runs.
        borders: for each lane the first bin of each section, by stratum (int[STRATA, sections + 1]).
        first: for each lane its first section.
        sections: all of them.
        splits: for each part the number of its split.
    """

    windows: int
    merged: int
    borders: tuple[Ints, ...]
    first: tuple[int, ...]
    sections: tuple[Section, ...]
    splits: tuple[int, ...]

    def place(self, code: Ints) -> Ints:
        """The section of each document, by its cell."""
        lanes = merge_lanes(code // (STRATA * BINS), self.windows, self.merged)
        stratum, bins = code // BINS % STRATA, code % BINS
        placed = np.empty(len(code), np.int64)
        for pair in np.unique(lanes * STRATA + stratum).tolist():
            rows = lanes * STRATA + stratum == pair
            border = self.borders[pair // STRATA][pair % STRATA]
            at = np.searchsorted(border, bins[rows], side="right") - 1
            placed[rows] = self.first[pair // STRATA] + np.minimum(at, len(border) - 2)
        return placed


def merge_lanes(lane: Ints, windows: int, merged: int) -> Ints:
    """Lanes of merged windows, from those of the cells."""
    return lane // windows * merged + lane % windows * merged // windows


def plan_order(cells: Cells, windows: int, *, splits: int, shard_bytes: int, parts: int | None) -> Order:
    """Deal the counted documents to parts that are even by tokens, none of them empty.

    `parts` is how many files there are to be in all, None: as many as hold about `shard_bytes` of text each. Where a
    few documents hold most of the tokens, or there are fewer than parts, there are fewer parts. A split
    without documents has one empty part, so that it still has its schema.

    Raises:
        PartsError: where so few parts would each hold more than `MOST_PART_BYTES`.
    """
    split = cells.code // (STRATA * BINS) // windows
    size = np.bincount(split, weights=cells.text_bytes, minlength=splits).astype(np.int64)
    tokens = np.bincount(split, weights=cells.tokens, minlength=splits).astype(np.int64)
    counts = _count_parts(size, tokens, shard_bytes, parts)
    merged = max(1, min(windows, -(-int(size.sum()) // WINDOW_BYTES), int(counts.min())))
    lanes = merge_lanes(cells.code // (STRATA * BINS), windows, merged)
    borders: list[Ints] = []
    first: list[int] = []
    sections: list[Section] = []
    of_part: list[int] = []
    for lane in range(splits * merged):
        rows = lanes == lane
        number = lane % merged
        # Whole parts to each window, the remainder to the first of them.
        share = int(counts[lane // merged]) // merged + (number < int(counts[lane // merged]) % merged)
        lane_bytes = int(cells.text_bytes[rows].sum())
        inner = max(1, -(-lane_bytes // (share * SECTION_BYTES)))
        dense = _dense(cells, rows)
        border = _borders(dense["tokens"], share, inner)
        first.append(len(sections))
        borders.append(border)
        found = _sections(dense, border, inner)
        sections += [Section(len(of_part) + part, *rest) for part, *rest in found]
        of_part += [lane // merged] * (1 + max(part for part, *_ in found))
    order = Order(
        windows=windows,
        merged=merged,
        borders=tuple(borders),
        first=tuple(first),
        sections=tuple(sections),
        splits=tuple(of_part),
    )
    return _without_empty(order)


def _count_parts(size: Ints, tokens: Ints, shard_bytes: int, parts: int | None) -> Ints:
    """How many parts each split gets."""
    if parts is None:
        return np.maximum(1, -(-size // shard_bytes))
    exact = parts * tokens / max(int(tokens.sum()), 1)
    counts = np.maximum(1, np.floor(exact).astype(np.int64))
    rest = np.argsort(counts - exact, kind="stable")[: max(0, parts - int(counts.sum()))]
    counts[rest] += 1
    if int((size // counts).max()) > MOST_PART_BYTES:
        least = int(np.maximum(1, -(-size // MOST_PART_BYTES)).sum())
        raise PartsError(
            f"release.parts: {parts} files would hold more than {MOST_PART_BYTES >> 30} GiB of text each; "
            f"ask for {least} or more, or leave the number out"
        )
    return counts


def _dense(cells: Cells, rows: NDArray[np.bool_]) -> dict[str, Ints]:
    """Tokens, documents and bytes of a lane by stratum and bin (int64[STRATA, BINS])."""
    at = cells.code[rows] % (STRATA * BINS)
    found = {}
    for name in ("tokens", "documents", "text_bytes"):
        found[name] = np.zeros((STRATA, BINS), np.int64)
        np.add.at(found[name].reshape(-1), at, getattr(cells, name)[rows])
    return found


def _borders(tokens: Ints, parts: int, inner: int) -> Ints:
    """First bins of all sections, by stratum (int64[STRATA, parts · inner + 1]).

    Strata are filled one after the other, each making up for what those before it left uneven: so all parts are
    even to about one document, and so are the documents up to any range of probabilities.
    """
    weight = tokens.astype(np.float64)
    for _ in range(_ROUNDS):  # a document larger than a part counts as one part
        weight = np.minimum(weight, max(weight.sum() / parts, 1.0))
    share = np.arange(parts * inner + 1) / (parts * inner)
    borders = np.zeros((STRATA, len(share)), np.int64)
    assigned, total = np.zeros(len(share)), 0.0
    for stratum in reversed(range(STRATA)):  # the few that are most probably synthetic are spread first
        ends = np.concatenate([[0.0], np.cumsum(weight[stratum])])
        total += ends[-1]
        wanted = np.clip(share * total - assigned, 0.0, ends[-1])
        middles = (ends[:-1] + ends[1:]) / 2
        found = np.maximum.accumulate(np.searchsorted(middles, wanted, side="left"))
        found[0], found[-1] = 0, BINS
        borders[stratum] = found
        assigned += ends[found]
    return borders


def _sections(dense: dict[str, Ints], border: Ints, inner: int) -> list[tuple[int, int, int]]:
    """(part, documents, bytes) of each section of a lane."""
    sums = {}
    for name in ("documents", "text_bytes"):
        ends = np.concatenate([np.zeros((STRATA, 1), np.int64), np.cumsum(dense[name], axis=1)], axis=1)
        sums[name] = np.diff(np.take_along_axis(ends, border, axis=1), axis=1).sum(axis=0)
    return [
        (number // inner, int(documents), int(size))
        for number, (documents, size) in enumerate(zip(sums["documents"], sums["text_bytes"], strict=True))
    ]


def _without_empty(order: Order) -> Order:
    """The order with its parts numbered anew, those without documents left out unless a split has no other."""
    documents = np.zeros(len(order.splits), np.int64)
    np.add.at(documents, [item.part for item in order.sections], [item.documents for item in order.sections])
    splits = np.array(order.splits)
    keep = documents > 0
    for split in np.unique(splits).tolist():
        if not keep[splits == split].any():
            keep[np.flatnonzero(splits == split)[0]] = True
    number = np.cumsum(keep) - 1
    sections = tuple(
        Section(int(number[item.part]) if keep[item.part] else -1, item.documents, item.text_bytes)
        for item in order.sections
    )
    kept: list[Any] = splits[keep].tolist()
    return replace(order, sections=sections, splits=tuple(kept))
