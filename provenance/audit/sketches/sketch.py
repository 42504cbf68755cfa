"""The sketch of a dataset: everything its diversity is judged by, in sums of integers that add up.

Two sketches of parts of a dataset merge into the sketch of the whole, bit for bit, whichever the parts are. So shards are
sketched where they lie, versions are kept as small files, and an audit need not read a dataset twice.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import xxhash
from numpy.typing import NDArray

from provenance.annotators.columns import text_buffers
from provenance.annotators.hashing import GOLDEN
from provenance.annotators.kernel import kernel
from provenance.audit.sketches import passages, templates, topics
from provenance.audit.sketches.chosen import Chosen
from provenance.audit.sketches.measures import MEASURES, Workspace, measure_document, workspace
from provenance.audit.sketches.stored import SketchError, number, table
from provenance.audit.sketches.topics import Document
from provenance.audit.sketches.types import GROUPS, Sampled, count_type, highest, type_key
from provenance.duplicates.words import character_table, scan

#: Kinds of types that are counted: runs of one, two and three words; lines; whole documents by their words; responses to a prompt.
KINDS = ("words", "pairs", "triples", "lines", "documents", "responses")
#: Types kept of each kind, of a whole dataset and of one of its strata.
CAPACITY, STRATUM_CAPACITY = 32_768, 2_048
#: What is summed of every document, in millionths, besides the measures.
SUMMED = (*MEASURES, "compression", "words")
#: Bins of the histograms: of ratios in hundredths, of lengths by eighths of a power of two.
BINS = 256
#: Buckets into which words and pairs are counted, from which distributions are compared.
BUCKETS = 4_096
FORMAT = 2
_MILLION = 1_000_000
_SUMS = ("buckets", "totals", "sums", "histograms")
#: Compression is taken of the first bytes of every fourth document that has them.
_COMPRESSED_BYTES, _COMPRESSED_SHARE = 4_096, 4
#: Lengths of the runs of words that are counted, from one on.
_RUNS = 3


@dataclass
class Sketch:
    """Counts of a dataset; `add` reads texts, `merge` adds another sketch."""

    capacity: int = CAPACITY
    types: dict[str, Sampled] = field(default_factory=dict)
    buckets: NDArray[np.int64] = field(default_factory=lambda: np.zeros((2, GROUPS, BUCKETS), np.int64))
    #: Documents, words, bytes of each group.
    totals: NDArray[np.int64] = field(default_factory=lambda: np.zeros((3, GROUPS), np.int64))
    #: Of each of SUMMED: the sum in millionths, and how many documents have it.
    sums: NDArray[np.int64] = field(default_factory=lambda: np.zeros((len(SUMMED), 2, GROUPS), np.int64))
    histograms: NDArray[np.int64] = field(default_factory=lambda: np.zeros((len(SUMMED), BINS), np.int64))
    templates: Chosen[templates.Line] = field(init=False)
    topics: Chosen[topics.Document] = field(init=False)
    #: Beginnings of texts, where they are to be kept.
    passages: Chosen[Document] | None = None
    _space: Workspace | None = None

    def __post_init__(self) -> None:
        whole = self.capacity == CAPACITY
        self.templates = Chosen(templates.CAPACITY if whole else templates.STRATUM_CAPACITY)
        self.topics = Chosen(topics.CAPACITY if whole else topics.STRATUM_CAPACITY)
        for kind in KINDS:
            self.types.setdefault(kind, Sampled.empty(self.capacity))

    @property
    def documents(self) -> int:
        """Documents with text."""
        return int(self.totals[0].sum())

    @property
    def words(self) -> int:
        """Words of all documents, as signatures cut them."""
        return int(self.totals[1].sum())

    def add(
        self,
        texts: pa.Array | pa.ChunkedArray,
        sites: NDArray[np.uint64] | None = None,
        prompts: list[str] | None = None,
    ) -> None:
        """Count the texts of a string array; nulls and empty ones are passed over.

        `sites` are hashes of what documents have in common (uint64, shape (documents,), 0 where nothing is known): those of
        one site fall into one group. `prompts` are what the texts respond to.
        """
        data, offsets = text_buffers(texts)
        if len(offsets) < 2:
            return
        if self._space is None:
            self._space = workspace()
        count = len(offsets) - 1
        asked = np.zeros(count, np.uint64)
        if prompts is not None:
            asked = np.array([xxhash.xxh3_64_intdigest(prompt) for prompt in prompts], np.uint64)
        found = np.full((count, len(SUMMED)), -1.0)
        document_hashes, groups = np.zeros(count, np.uint64), np.zeros(count, np.int64)
        longest = int(np.diff(offsets).max())
        tables = tuple(self.types[kind].table for kind in KINDS)
        _count_batch(
            (data, offsets),
            (character_table(), np.empty(longest + 1, np.uint64), np.empty(0, np.uint8)),
            np.empty((_RUNS, longest + 1), np.uint64),
            (np.zeros(count, np.uint64) if sites is None else sites, asked, prompts is not None),
            first=self.documents,
            counts=(tables, self.buckets, self.totals),
            space=self._space,
            out=(document_hashes, groups, found),
        )
        _compress(data, offsets, document_hashes, found)
        templates.add_lines(self.templates, data, offsets, document_hashes)
        topics.add_documents(self.topics, data, offsets, documents=document_hashes, groups=groups)
        if self.passages is not None:
            passages.add_passages(self.passages, data, offsets, documents=document_hashes, groups=groups)
        self._sum(found, groups)

    def merge(self, other: Sketch) -> None:
        """Add the counts of another sketch of the same capacity."""
        if other.capacity != self.capacity:
            raise SketchError(
                f"sketches of {self.capacity:,} and {other.capacity:,} types do not add up; make both with one command"
            )
        if (other.passages is None) != (self.passages is None):
            raise SketchError(
                "sketches with texts and without do not add up; make all with --keep-texts or none"
            )
        for kind, sampled in other.types.items():
            keys, tally = sampled.rows()
            self.types[kind].merge(keys, tally, sampled.level)
        self.templates.merge(other.templates)
        self.topics.merge(other.topics)
        if self.passages is not None and other.passages is not None:
            self.passages.merge(other.passages)
        self.buckets += other.buckets
        self.totals += other.totals
        self.sums += other.sums
        self.histograms += other.histograms

    def arrays(self, prefix: str) -> dict[str, NDArray[Any]]:
        """Everything it holds, by name after a prefix; equal sketches give equal arrays."""
        found: dict[str, NDArray[Any]] = {
            "format": np.array(FORMAT),
            "capacity": np.array(self.capacity),
            **{part: getattr(self, part) for part in _SUMS},
        }
        for kind, sampled in self.types.items():
            keys, tally = sampled.rows()
            found |= {f"{kind}_keys": keys, f"{kind}_tally": tally, f"{kind}_level": np.array(sampled.level)}
        found |= templates.arrays(self.templates) | topics.arrays(self.topics)
        if self.passages is not None:
            found |= passages.arrays(self.passages)
        return {prefix + name: value for name, value in found.items()}

    @classmethod
    def from_arrays(cls, stored: Mapping[str, NDArray[Any]], prefix: str, name: str) -> Sketch:
        """The sketch of `arrays`.

        Raises:
            SketchError: where they are of another format.
            ValueError, KeyError: where they are no arrays of a sketch.
        """
        version, capacity = number(stored, f"{prefix}format"), number(stored, f"{prefix}capacity")
        if version != FORMAT or capacity not in (CAPACITY, STRATUM_CAPACITY):
            raise SketchError(
                f"{name}: a sketch of format {version} with {capacity:,} types, this version reads format {FORMAT}; sketch the dataset again"
            )
        sketch = cls(capacity)
        for part in _SUMS:
            values = getattr(sketch, part)
            values += table(stored, prefix + part, values.dtype, values.shape)
        for kind, sampled in sketch.types.items():
            keys = table(stored, f"{prefix}{kind}_keys", np.uint64, (None,))
            tally = table(stored, f"{prefix}{kind}_tally", np.uint32, (len(keys), 2, GROUPS))
            sampled.merge(keys, tally, number(stored, f"{prefix}{kind}_level", below=64))
        templates.restore(sketch.templates, stored, prefix)
        topics.restore(sketch.topics, stored, prefix)
        sketch.passages = passages.restore(stored, prefix)
        if sketch.documents == 0 and (sketch.templates.kept or sketch.topics.kept):
            raise ValueError("lines and topics of no documents")
        return sketch

    def _sum(self, found: NDArray[np.float64], groups: NDArray[np.int64]) -> None:
        for index, name in enumerate(SUMMED):
            there = found[:, index] >= 0
            values, owners = found[there, index], groups[there]
            rounded = np.rint(values * _MILLION).astype(np.int64)
            np.add.at(self.sums[index, 0], owners, rounded)
            np.add.at(self.sums[index, 1], owners, 1)
            self.histograms[index] += np.bincount(bin_of(name, values), minlength=BINS)


def bin_of(name: str, values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Bins of a histogram: lengths and MTLD by eighths of a power of two, ratios by 1/255."""
    if name in ("words", "mtld"):
        scaled = 8 * np.log2(np.maximum(values, 1.0))
    else:
        scaled = values * (BINS - 1)
    return np.asarray(np.clip(scaled, 0, BINS - 1), np.int64)


def bin_value(name: str, index: NDArray[np.int64]) -> NDArray[np.float64]:
    """Where a bin lies, the inverse of `bin_of` up to its width."""
    return np.asarray(2 ** (index / 8) if name in ("words", "mtld") else index / (BINS - 1))


def _compress(
    data: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    hashes: NDArray[np.uint64],
    found: NDArray[np.float64],
) -> None:
    """Compressed by uncompressed size of the first bytes of every fourth document, chosen by its hash."""
    long = np.diff(offsets) >= _COMPRESSED_BYTES
    column = SUMMED.index("compression")
    for row in np.flatnonzero(long & (hashes % np.uint64(_COMPRESSED_SHARE) == 0)):
        start = offsets[row]
        found[row, column] = (
            len(zlib.compress(data[start : start + _COMPRESSED_BYTES].tobytes(), 6)) / _COMPRESSED_BYTES
        )


@kernel
def _count_batch(texts, scanner, passed, known, first, counts, space, out):  # type: ignore[no-untyped-def]
    """Count every document of a batch; `first` is the number of documents that were counted before."""
    data, offsets = texts
    table, hashes, unwanted = scanner
    sites, prompts, prompted = known
    tables, buckets, totals = counts
    document_hashes, groups, found = out
    serial = first
    for row in range(len(offsets) - 1):
        start, stop = offsets[row], offsets[row + 1]
        if stop == start:
            continue
        count, _, _ = scan(data, start, stop, table, hashes=hashes, stream=unwanted)
        whole = np.uint64(count)
        for i in range(count):
            whole = whole * GOLDEN + hashes[i]
        whole = type_key(whole)
        site = type_key(sites[row]) if sites[row] else whole
        group = np.int64(site % np.uint64(GROUPS))
        document_hashes[row], groups[row] = whole, group
        totals[0, group] += 1
        totals[1, group] += count
        totals[2, group] += stop - start
        found[row, -1] = count
        _count_words(hashes, count, tables, buckets, passed, group=group, serial=serial)
        _count_lines(data, start, stop, tables[3], group=group, serial=serial)
        count_type(tables[4], whole, group, serial)
        if prompted:
            count_type(tables[5], type_key(whole ^ prompts[row]), group, serial)
        measure_document(hashes, count, space, found[row, : found.shape[1] - 2])
        serial += 1


@kernel
def _count_words(hashes, count, tables, buckets, passed, group, serial):  # type: ignore[no-untyped-def]
    """Count words, pairs and triples: first all are hashed and sieved, `passed` (3, count), without a branch; few are left to count."""
    before = last = np.uint64(0)
    shift = np.uint64(52)
    limits = highest(tables[0]), highest(tables[1]), highest(tables[2])
    words = pairs = triples = 0
    for i in range(count):
        word = hashes[i]
        key = type_key(word)
        buckets[0, group, key >> shift] += 1
        passed[0, words] = key
        words += key <= limits[0]
        pair = last * GOLDEN + word
        if i > 0:
            key = type_key(pair)
            buckets[1, group, key >> shift] += 1
            passed[1, pairs] = key
            pairs += key <= limits[1]
        if i > 1:
            key = type_key((before * GOLDEN + last) * GOLDEN + word)
            passed[2, triples] = key
            triples += key <= limits[2]
        before, last = last, word
    for i in range(words):
        count_type(tables[0], passed[0, i], group, serial)
    for i in range(pairs):
        count_type(tables[1], passed[1, i], group, serial)
    for i in range(triples):
        count_type(tables[2], passed[2, i], group, serial)


@kernel
def _count_lines(data, start, stop, table, group, serial):  # type: ignore[no-untyped-def]
    """Count the lines of some length, without the blanks around them."""
    at = start
    while at < stop:
        begin, end, at, value = templates.next_line(data, at, stop)
        if end - begin >= templates.LEAST_BYTES:
            count_type(table, type_key(value), group, serial)
