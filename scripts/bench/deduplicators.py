"""Deduplication beside other programs on the same texts: `python -m scripts.bench.deduplicators [--peer PYTHON] [--generated 20000]`.

Each program is a process that reads JSON lines and writes the numbers of the documents that it keeps. Pairs are found exactly, over all runs of five
words: *found* is the share of pairs of which not both are kept, by their similarity; *lost* are documents that were dropped though nothing that is kept is like them (similarity
.5). `--peer` is the Python of an environment with datatrove. Processor time, less that of the same program on ten texts.
"""

from __future__ import annotations

import argparse
import gzip
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.sparse import csr_array

from provenance.duplicates import (
    Blocks,
    LocalScratch,
    addresses,
    deduplicate_local,
    optimal_bands,
    sketches,
)
from provenance.duplicates.minhash import MinHash
from scripts.bench.measuring import need_crawl, processor

THRESHOLD, NGRAM = 0.6, 5
_LOST = 0.5
_BINS = ((0.6, 0.7), (0.7, 0.8), (0.8, 1.01))
#: Share of the words of a generated copy that are changed.
_CHANGED = (0.0, 0.01, 0.02, 0.04, 0.06, 0.1, 0.2)


def ours(source: Path, target: Path) -> None:
    """This package: signatures, bands, verified edges, keepers; the first document is kept."""
    texts = read(source)
    _, minhash, digests = MinHash()(pa.record_batch({"text": pa.array(texts, pa.large_string())}))
    known = sketches(addresses(0, 0, len(texts)), minhash, digests)
    with tempfile.TemporaryDirectory() as folder:
        found = deduplicate_local(
            LocalScratch(folder),
            Blocks((len(texts),), len(texts)),
            lambda _: known,
            lambda _: np.arange(len(texts), dtype=np.uint64)[known.addresses.astype(int)][:, None],
            threshold=THRESHOLD,
        )
    write(target, set(range(len(texts))) - set(found.addresses[found.addresses != found.keepers].tolist()))


def rensa(source: Path, target: Path, bands: int) -> None:
    """rensa: its deduplicator, document by document, as its own description shows."""
    from rensa import RMinHash, RMinHashDeduplicator

    held = RMinHashDeduplicator(threshold=THRESHOLD, num_perm=128, use_lsh=True, num_bands=bands)
    kept = set()
    for number, text in enumerate(read(source)):
        sketch = RMinHash(num_perm=128, seed=42)
        sketch.update(shingles(text))
        if held.add(str(number), sketch):
            kept.add(number)
    write(target, kept)


def read(source: Path) -> list[str]:
    with gzip.open(source, "rt", encoding="utf-8") as file:
        return [json.loads(line)["text"] for line in file]


def write(target: Path, kept: set[int]) -> None:
    target.write_text(json.dumps(sorted(kept)))


def shingles(text: str) -> list[str]:
    words = text.lower().split()
    return [" ".join(words[at : at + NGRAM]) for at in range(max(1, len(words) - NGRAM + 1))]


def crawl_texts() -> list[str]:
    """Main texts of the development crawl."""
    from scripts.evaluate.duplicates import read_crawl

    return [str(text) for text in read_crawl(need_crawl()).text]


def generated_texts(documents: int, seed: int = 1) -> list[str]:
    """Documents of some 400 words that follow Zipf's law; a fifth are copies of earlier ones with a share of their words changed."""
    random = np.random.default_rng(seed)
    letters = np.array(list("etaoinshrdlucmfwypvbgk"))
    vocabulary = np.array(["".join(random.choice(letters, size)) for size in random.integers(2, 11, 60_000)])
    found: list[NDArray[np.int64]] = []
    for number in range(documents):
        if number and random.random() < 0.2:
            words = found[random.integers(number)].copy()
            changed = random.random(len(words)) < random.choice(_CHANGED)
            words[changed] = random.integers(0, len(vocabulary), int(changed.sum()))
        else:
            words = np.minimum(random.zipf(1.15, int(random.lognormal(np.log(400), 0.7)) + 20), 60_000) - 1
        found.append(words)
    return [" ".join(vocabulary[words]) for words in found]


@dataclass(frozen=True)
class Exact:
    """Pairs of documents, lower number first, and their Jaccard similarity, where it is at least `_LOST`."""

    low: NDArray[np.int64]
    high: NDArray[np.int64]
    similarity: NDArray[np.float64]

    @classmethod
    def of(cls, texts: Sequence[str]) -> Exact:
        """By all shingles; rows are multiplied some hundred at a time."""
        numbers: dict[str, int] = {}
        rows = [{numbers.setdefault(item, len(numbers)) for item in shingles(text)} for text in texts]
        sizes = np.array([len(row) for row in rows])
        ends = np.cumsum([0, *sizes])
        columns = np.fromiter((item for row in rows for item in row), np.int64, ends[-1])
        table = csr_array((np.ones(len(columns), np.int32), columns, ends), (len(texts), len(numbers)))
        across, parts = table.T.tocsr(), []
        for first in range(0, len(texts), 500):
            common = (table[first : first + 500] @ across).tocoo()
            low, high = common.row + first, common.col
            share = common.data / (sizes[low] + sizes[high] - common.data)
            near = (low < high) & (share >= _LOST)
            parts.append((low[near], high[near], share[near]))
        low, high, share = (np.concatenate(column) for column in zip(*parts, strict=True))
        return cls(low.astype(np.int64), high.astype(np.int64), share)

    def judge(self, kept: set[int], documents: int) -> dict[str, float]:
        """What a program found and lost, given what it kept."""
        stays = np.isin(np.arange(documents), list(kept))
        row: dict[str, float] = {"dropped": float((~stays).sum())}
        for least, beyond in _BINS:
            pairs = (self.similarity >= least) & (self.similarity < beyond)
            both = stays[self.low[pairs]] & stays[self.high[pairs]]
            row[f"{least:g}"] = 1 - float(both.mean()) if pairs.any() else float("nan")
        backed = np.zeros(documents, np.bool_)
        backed[self.high[stays[self.low]]] = True
        backed[self.low[stays[self.high]]] = True
        return {**row, "lost": float((~stays & ~backed).sum())}


def programs(peer: str | None) -> dict[str, Callable[[Path, Path], set[int]]]:
    """Name → from a folder whose `texts` are JSON lines, and a file to write to, to what is kept."""
    bands, rows = optimal_bands(THRESHOLD, 128)

    def here(*options: str) -> Callable[[Path, Path], set[int]]:
        def run(folder: Path, target: Path) -> set[int]:
            source = str(folder / "texts/0.jsonl.gz")
            command = [
                sys.executable,
                "-m",
                "scripts.bench.deduplicators",
                "--run",
                *options,
                source,
                str(target),
            ]
            subprocess.run(command, check=True)
            return set(json.loads(target.read_text()))

        return run

    def datatrove(buckets: int, hashes: int) -> Callable[[Path, Path], set[int]]:
        def run(folder: Path, target: Path) -> set[int]:
            script = str(Path(__file__).with_name("_datatrove.py"))
            command = [str(peer), script, "texts", str(folder), str(buckets), str(hashes)]
            subprocess.run(command, check=True, capture_output=True)
            lines = [
                gzip.decompress(path.read_bytes()).splitlines() for path in (folder / "kept").glob("*.gz")
            ]
            return {int(json.loads(line)["id"]) for line in chain(*lines)}

        return run

    found = {
        f"provenance, {bands} bands of {rows}, verified": here("ours"),
        "rensa, 32 bands of 4, verified by its estimate": here("rensa", "32"),
        "rensa, 16 bands of 8, verified by its estimate": here("rensa", "16"),
    }
    if peer is not None:
        found["datatrove, 14 buckets of 8 (its default)"] = datatrove(14, 8)
        found[f"datatrove, {bands} buckets of {rows}"] = datatrove(bands, rows)
    return found


def measure(name: str, texts: Sequence[str], peer: str | None) -> None:
    """Print a row for each program."""
    exact = Exact.of(texts)
    counts = [
        int(((exact.similarity >= least) & (exact.similarity < beyond)).sum()) for least, beyond in _BINS
    ]
    told = ", ".join(f"{count:,} of {least:g}" for count, (least, _) in zip(counts, _BINS, strict=True))
    print(f"{name}: {len(texts):,} texts, {sum(map(len, texts)) / 1e6:.0f} MB; pairs: {told} and more")
    print(f"{'':<50}{'CPU s':>8}{'dropped':>9}{'found .6':>10}{'.7':>7}{'.8':>7}{'lost':>6}")
    for program, run in programs(peer).items():
        spent = []
        for part in (texts[:10], texts):
            with tempfile.TemporaryDirectory() as place:
                folder = Path(place)
                (folder / "texts").mkdir()
                with gzip.open(folder / "texts/0.jsonl.gz", "wt", encoding="utf-8", compresslevel=1) as file:
                    for number, text in enumerate(part):
                        file.write(json.dumps({"id": str(number), "text": text}) + "\n")
                before = processor()
                kept = run(folder, folder / "kept.json")
                spent.append(processor() - before)
        row = exact.judge(kept, len(texts))
        print(
            f"{program:<50}{spent[1] - spent[0]:>8.2f}{row['dropped']:>9,.0f}"
            f"{row['0.6']:>10.2f}{row['0.7']:>7.2f}{row['0.8']:>7.2f}{row['lost']:>6,.0f}",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer", metavar="PYTHON")
    parser.add_argument("--generated", type=int, default=20_000, metavar="TEXTS")
    parser.add_argument("--run", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run:
        program, *given, source, target = options.run
        if program == "ours":
            ours(Path(source), Path(target))
        else:
            rensa(Path(source), Path(target), int(given[0]))
        return
    measure("development crawl", crawl_texts(), options.peer)
    print()
    measure("generated", generated_texts(options.generated), options.peer)


if __name__ == "__main__":
    main()
