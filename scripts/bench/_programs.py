"""Programs that deduplicate texts, as `deduplicators` measures them: each is a command that reads FOLDER/texts/0.jsonl.gz.

    python -m scripts.bench._programs ours|rensa FOLDER [BANDS]

What a program keeps is read by `Program.kept`, as numbers of documents.
"""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
import pyarrow as pa

from provenance.duplicates import (
    Blocks,
    LocalScratch,
    Sketches,
    addresses,
    concatenate,
    deduplicate_local,
    optimal_bands,
    sketches,
)
from provenance.duplicates.minhash import MinHash
from provenance.duplicates.sketches import block_rows_for

THRESHOLD, NGRAM, PERMUTATIONS = 0.6, 5, 128
_BATCH = 2_000
#: What is known of a document, as it lies in a file.
_ROW = np.dtype([("digests", "<u8", 2), ("signatures", "<u4", PERMUTATIONS), ("flags", "u1")])


@dataclass(frozen=True)
class Program:
    """One way to deduplicate: the command for a folder, and what it kept there."""

    command: Callable[[Path], list[str]]
    kept: Callable[[Path], set[int]]


def programs(datatrove: str | None, text_dedup: str | None) -> dict[str, Program]:
    """Name → program; peers that have environments of their own, if their Python is given."""
    bands, rows = optimal_bands(THRESHOLD, PERMUTATIONS)
    found = {
        f"provenance, {bands} bands of {rows}, verified": _here("ours"),
        "rensa, 32 bands of 4, verified by its estimate": _here("rensa", "32"),
        "rensa, 16 bands of 8, verified by its estimate": _here("rensa", "16"),
    }
    if text_dedup is not None:
        found[f"text-dedup, {bands} bands of {rows}"] = _text_dedup(text_dedup, bands, rows)
        found["text-dedup, 14 bands of 9"] = _text_dedup(text_dedup, 14, 9)
    if datatrove is not None:
        found["datatrove, 14 buckets of 8 (its default)"] = _datatrove(datatrove, 14, 8)
        found[f"datatrove, {bands} buckets of {rows}"] = _datatrove(datatrove, bands, rows)
    return found


def shingles(text: str) -> list[str]:
    """Runs of five words cut at blanks, in lower case."""
    words = text.lower().split()
    return [" ".join(words[at : at + NGRAM]) for at in range(max(1, len(words) - NGRAM + 1))]


def _here(*options: str) -> Program:
    def command(folder: Path) -> list[str]:
        program, *given = options
        return [sys.executable, "-m", "scripts.bench._programs", program, str(folder), *given]

    return Program(command, lambda folder: set(json.loads((folder / "kept.json").read_text())))


def _datatrove(python: str, buckets: int, hashes: int) -> Program:
    def kept(folder: Path) -> set[int]:
        lines = (gzip.decompress(path.read_bytes()).splitlines() for path in (folder / "kept").glob("*.gz"))
        return {int(json.loads(line)["id"]) for line in chain.from_iterable(lines)}

    script = str(Path(__file__).with_name("_datatrove.py"))
    return Program(lambda folder: [python, script, "texts", str(folder), str(buckets), str(hashes)], kept)


def _text_dedup(python: str, bands: int, rows: int) -> Program:
    script = str(Path(__file__).with_name("_text_dedup.py"))
    return Program(
        lambda folder: [python, script, str(folder), str(bands), str(rows)],
        lambda folder: set(map(int, (folder / "kept.txt").read_text().split())),
    )


def ours(folder: Path) -> None:
    """This package: signatures to a file, then bands, verified edges and keepers block by block; the first document is kept."""
    texts = folder / "texts/0.jsonl.gz"
    documents = 0
    with (folder / "sketches").open("wb") as file:
        for batch in _batches(texts):
            _, minhash, digests = MinHash()(pa.record_batch({"text": pa.array(batch, pa.large_string())}))
            found = sketches(addresses(0, documents, len(batch)), minhash, digests)
            rows = np.zeros(len(batch), _ROW)
            at = (found.addresses - np.uint64(documents)).astype(int)
            rows["flags"][at], rows["digests"][at] = found.flags, found.digests
            rows["signatures"][at] = found.signatures
            rows.tofile(file)
            documents += len(batch)
    blocks = Blocks((documents,), block_rows_for(documents))
    clusters = deduplicate_local(
        LocalScratch(folder / "scratch"),
        blocks,
        lambda block: _block(folder, blocks, block),
        lambda block: _block(folder, blocks, block).addresses[:, None],
        threshold=THRESHOLD,
    )
    dropped = clusters.addresses[clusters.addresses != clusters.keepers]
    _write(folder, set(range(documents)) - set(dropped.tolist()))


def _block(folder: Path, blocks: Blocks, block: int) -> Sketches:
    """The documents of a block, from the file."""
    parts = []
    for _, first, rows in blocks.spans(block):
        read = np.fromfile(folder / "sketches", _ROW, rows, offset=first * _ROW.itemsize)
        known = np.flatnonzero(read["flags"])
        where = addresses(0, first, rows)[known]
        columns = (np.ascontiguousarray(read[name][known]) for name in ("flags", "digests", "signatures"))
        parts.append(Sketches(where, *columns))
    return concatenate(parts, PERMUTATIONS)


def rensa(folder: Path, bands: int) -> None:
    """rensa: its deduplicator, document by document, as its own description shows."""
    from rensa import RMinHash, RMinHashDeduplicator

    held = RMinHashDeduplicator(threshold=THRESHOLD, num_perm=PERMUTATIONS, use_lsh=True, num_bands=bands)
    kept = set()
    for number, text in enumerate(chain.from_iterable(_batches(folder / "texts/0.jsonl.gz"))):
        sketch = RMinHash(num_perm=PERMUTATIONS, seed=42)
        sketch.update(shingles(text))
        if held.add(str(number), sketch):
            kept.add(number)
    _write(folder, kept)


def _batches(source: Path) -> Iterator[list[str]]:
    batch: list[str] = []
    with gzip.open(source, "rt", encoding="utf-8") as file:
        for line in file:
            batch.append(json.loads(line)["text"])
            if len(batch) == _BATCH:
                yield batch
                batch = []
    if batch:
        yield batch


def _write(folder: Path, kept: set[int]) -> None:
    (folder / "kept.json").write_text(json.dumps(sorted(kept)))


if __name__ == "__main__":
    program, place, *given = sys.argv[1:]
    ours(Path(place)) if program == "ours" else rensa(Path(place), int(given[0]))
