"""The lines that stand in most documents: menus, notices, prompts. Listed with their text, from a bounded sample.

Sampled are pairs of line and document, so a line is in the sample as often as it is common; one that stands in a thousandth
of all pairs is seen eight times. Sketches of shards give the list of the whole.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from provenance.annotators.hashing import BASIS, GOLDEN, PRIME
from provenance.annotators.kernel import kernel
from provenance.audit.sketches.chosen import Chosen
from provenance.audit.sketches.stored import cut_texts, join_texts, table
from provenance.audit.sketches.types import type_key

#: Pairs of line and document that are kept, of a whole dataset and of one of its strata.
CAPACITY, STRATUM_CAPACITY = 8_192, 512
#: Bytes of a line that are shown, and the fewest that one has to have: shorter ones are headings.
SHOWN, LEAST_BYTES = 160, 24
#: Sampled documents in which a line has to stand to be called a template, and how many are listed.
_FEWEST, LISTED = 3, 20

#: A line's hash and the beginning of its text.
Line = tuple[int, bytes]


def add_lines(
    chosen: Chosen[Line],
    data: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    documents: NDArray[np.uint64],
) -> None:
    """Count the lines of texts (UTF-8 bytes and offsets) with the hashes of the documents, shape (documents,)."""
    most = int(offsets[-1] - offsets[0]) // LEAST_BYTES + 1
    found = np.empty((4, most), np.int64)
    keys = np.empty((2, most), np.uint64)
    count = _find_lines(data, offsets, documents, chosen.last, (found, keys))
    seen = set()
    for row, begin, end, pair, line in zip(
        *(column[:count].tolist() for column in (*found[:3], *keys)), strict=True
    ):
        if (row, pair) not in seen:  # a document counts once for a line that it repeats
            seen.add((row, pair))
            chosen.add(pair, (line, data[begin : min(end, begin + SHOWN)].tobytes()))


def arrays(chosen: Chosen[Line]) -> dict[str, NDArray[Any]]:
    """What is kept, by name, for a file."""
    things = chosen.things()
    return {
        "template_level": np.array(chosen.level),
        "template_pairs": chosen.keys(),
        "template_counts": chosen.counts(),
        "template_lines": np.array([line for line, _ in things], np.uint64),
    } | join_texts("template_", [text for _, text in things])


def restore(chosen: Chosen[Line], stored: Mapping[str, NDArray[Any]], prefix: str) -> None:
    """Fill an empty sample from the arrays of a file; raises ValueError where they do not fit together."""
    texts = cut_texts(stored, f"{prefix}template_")
    lines = table(stored, f"{prefix}template_lines", np.uint64, (len(texts),))
    chosen.restore(stored, f"{prefix}template_", [*zip(lines.tolist(), texts)], keys="pairs")


def list_templates(
    chosen: Chosen[Line], documents: int, baseline: Mapping[int, float] | None = None
) -> list[dict[str, Any]]:
    """The commonest lines as JSON values: text, estimated documents and share of all, that share in a baseline."""
    rows = []
    for line, (text, count) in _by_line(chosen).items():
        if count >= _FEWEST:
            rows.append((count, text, line))
    rows.sort(key=lambda row: (-row[0], row[1]))
    listed = []
    for count, text, line in rows[:LISTED]:
        about = min(count << chosen.level, documents)
        item = {
            "text": text.decode("utf-8", "ignore"),
            "sampled": count,
            "documents": about,
            "share": about / documents,
        }
        listed.append(item if baseline is None else item | {"baseline": baseline.get(line, 0.0)})
    return listed


def template_shares(chosen: Chosen[Line], documents: int) -> dict[int, float]:
    """Estimated share of documents in which each sampled line stands, by the line's hash."""
    return {
        line: min((count << chosen.level) / documents, 1.0) for line, (_, count) in _by_line(chosen).items()
    }


def _by_line(chosen: Chosen[Line]) -> dict[int, tuple[bytes, int]]:
    found: dict[int, tuple[bytes, int]] = defaultdict(lambda: (b"", 0))
    for (line, text), count in zip(chosen.things(), chosen.counts().tolist(), strict=True):
        found[line] = (max(text, found[line][0]), found[line][1] + count)
    return found


@kernel
def next_line(data, at, stop):  # type: ignore[no-untyped-def]
    """(begin, end, where it stopped, FNV-1a hash of the bytes that are no blanks) of the first line of a text from `at` on, without blanks around it."""
    while at < stop and data[at] <= 0x20:
        at += 1
    begin = end = at
    value = BASIS
    while at < stop and data[at] != 0x0A:
        if data[at] > 0x20:
            end = at + 1
            value = (value ^ np.uint64(data[at])) * PRIME
        at += 1
    return begin, end, at, value


@njit(cache=True, nogil=True)
def _find_lines(data, offsets, documents, last, out):  # type: ignore[no-untyped-def]
    """Fill `out` (row, begin, end; hash of the pair, of the line) with the pairs up to `last`; returns their number."""
    found, keys = out
    count = 0
    for row in range(len(offsets) - 1):
        at, stop = offsets[row], offsets[row + 1]
        while at < stop:
            begin, end, at, value = next_line(data, at, stop)
            if end - begin >= LEAST_BYTES:
                line = type_key(value)
                pair = type_key(line * GOLDEN + documents[row])
                if pair <= last:
                    found[0, count], found[1, count], found[2, count] = row, begin, end
                    keys[0, count], keys[1, count] = pair, line
                    count += 1
    return count
