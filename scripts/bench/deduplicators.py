"""Deduplication beside other programs on the same texts: `python -m scripts.bench.deduplicators [--datatrove PYTHON] [--text-dedup PYTHON]`.

Each program reads the same JSON lines and says which documents it keeps. *Found* is the share of pairs of which not both are kept, by their similarity over all runs of five
words; *lost* are documents that were dropped though nothing that is kept is like them (similarity .5). On the development crawl pairs are found exactly; of generated texts those of
an original and its copies are known. The two options are Pythons of environments with these programs. Processor time is less that of ten texts; memory is that of all processes.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from scripts.bench._programs import NGRAM, Program, programs, shingles
from scripts.bench.measuring import Watched, need_crawl, processor

_LOST = 0.5
_BINS = ((0.6, 0.7), (0.7, 0.8), (0.8, 1.01))
#: Share of the words of a generated copy that are changed.
_CHANGED = (0.0, 0.01, 0.02, 0.04, 0.06, 0.1, 0.2)
_WORDS = 60_000
#: Originals of which copies are made: the last so many.
_HELD = 2_000


def crawl_texts() -> list[str]:
    """Main texts of the development crawl."""
    from scripts.evaluate.duplicates import read_crawl

    return [str(text) for text in read_crawl(need_crawl()).text]


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
        stays = np.isin(np.arange(documents), np.fromiter(kept, np.int64, len(kept)))
        row: dict[str, float] = {"dropped": float((~stays).sum())}
        for (least, _), pairs in zip(_BINS, self.bins(), strict=True):
            both = stays[self.low[pairs]] & stays[self.high[pairs]]
            row[f"{least:g}"] = 1 - float(both.mean()) if pairs.any() else float("nan")
        backed = np.zeros(documents, np.bool_)
        backed[self.high[stays[self.low]]] = True
        backed[self.low[stays[self.high]]] = True
        return {**row, "lost": float((~stays & ~backed).sum())}

    def bins(self) -> Iterator[NDArray[np.bool_]]:
        """Which pairs are in each bin of similarity."""
        for least, beyond in _BINS:
            yield (self.similarity >= least) & (self.similarity < beyond)


class Generated:
    """Texts of some 400 words that follow Zipf's law; a fifth are copies of one of the last originals with a share of their words changed.

    `pairs` are those of a family, an original and its copies, as far as texts were made.
    """

    def __init__(self, seed: int = 1) -> None:
        self._random = np.random.default_rng(seed)
        letters = np.array(list("etaoinshrdlucmfwypvbgk"))
        sizes = self._random.integers(2, 11, _WORDS)
        self._vocabulary = np.array(["".join(self._random.choice(letters, size)) for size in sizes])
        self._families: list[tuple[NDArray[np.int32], list[tuple[int, NDArray[np.uint64]]]]] = []
        self._found: list[tuple[int, int, float]] = []

    def texts(self, documents: int) -> Iterator[str]:
        """The texts, one at a time."""
        for number in range(documents):
            if self._families and self._random.random() < 0.2:
                words, members = self._families[self._random.integers(len(self._families))]
                words = words.copy()
                changed = self._random.random(len(words)) < self._random.choice(_CHANGED)
                words[changed] = self._random.integers(0, _WORDS, int(changed.sum()))
                runs = _runs(words)
                self._found += [(other, number, _jaccard(theirs, runs)) for other, theirs in members]
            else:
                count = int(self._random.lognormal(np.log(400), 0.7)) + 20
                words = np.minimum(self._random.zipf(1.15, count), _WORDS).astype(np.int32) - 1
                members, runs = [], _runs(words)
                self._families = [*self._families[1 - _HELD :], (words, members)]
            members.append((number, runs))
            yield " ".join(self._vocabulary[words])

    @property
    def pairs(self) -> Exact:
        """Pairs of the texts that were made."""
        near = [pair for pair in self._found if pair[2] >= _LOST]
        low, high, share = zip(*near, strict=True) if near else ((), (), ())
        return Exact(np.array(low, np.int64), np.array(high, np.int64), np.array(share, np.float64))


def _runs(words: NDArray[np.int32]) -> NDArray[np.uint64]:
    """Hashes of the runs of five words, each once."""
    found = np.zeros(max(1, len(words) - NGRAM + 1), np.uint64)
    for at in range(NGRAM):
        found = (found + words[at : at + len(found)].astype(np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
        found ^= found >> np.uint64(29)
    return np.unique(found)


def _jaccard(one: NDArray[np.uint64], other: NDArray[np.uint64]) -> float:
    common = len(np.intersect1d(one, other, assume_unique=True))
    return common / (len(one) + len(other) - common)


def write_texts(folder: Path, texts: Iterable[str]) -> tuple[int, int]:
    """JSON lines in `folder`/texts; how many texts there are, and their characters."""
    documents = characters = 0
    (folder / "texts").mkdir(parents=True)
    with gzip.open(folder / "texts/0.jsonl.gz", "wt", encoding="utf-8", compresslevel=1) as file:
        for text in texts:
            file.write(json.dumps({"id": str(documents), "text": text}) + "\n")
            documents, characters = documents + 1, characters + len(text)
    return documents, characters


@dataclass(frozen=True)
class Spent:
    """Processor seconds, bytes of memory of all processes, and what was kept: None if it did not end in time."""

    seconds: float
    memory: int
    kept: set[int] | None


def run(program: Program, texts: Path, limit: float) -> Spent:
    """Run a program on the texts of a folder, in a folder of its own."""
    with tempfile.TemporaryDirectory(dir=texts) as name:
        folder = Path(name)
        (folder / "texts").symlink_to(texts / "texts")
        before, end, watched = processor(), time.monotonic() + limit, Watched()
        watched.run(program.command(folder), lambda: time.monotonic() > end)
        kept = None if watched.ended is None else program.kept(folder)
        return Spent(processor() - before, watched.together, kept)


def measure(name: str, place: Path, pairs: Exact, chosen: dict[str, Program], limit: float) -> None:
    """Print a row for each program on the texts of `place`/all, beside those of `place`/few."""
    with gzip.open(place / "all/texts/0.jsonl.gz", "rt") as file:
        documents = sum(1 for _ in file)
    counts = ", ".join(
        f"{int(bin.sum()):,} of {least:g}" for bin, (least, _) in zip(pairs.bins(), _BINS, strict=True)
    )
    print(f"{name}; pairs: {counts} and more")
    print(
        f"{'':<50}{'CPU s':>9}{'MB':>8}{'dropped':>9}{'found .6':>10}{'.7':>7}{'.8':>7}{'lost':>7}{'load':>6}"
    )
    for label, program in chosen.items():
        fixed, spent = run(program, place / "few", limit), run(program, place / "all", limit)
        begun = f"{label:<50}{spent.seconds - fixed.seconds:>9.2f}{spent.memory / 1e6:>8,.0f}"
        if spent.kept is None:
            print(f"{begun}  did not end within {limit:.0f} s", flush=True)
            continue
        row = pairs.judge(spent.kept, documents)
        print(
            f"{begun}{row['dropped']:>9,.0f}{row['0.6']:>10.2f}{row['0.7']:>7.2f}{row['0.8']:>7.2f}{row['lost']:>7,.0f}"
            f"{os.getloadavg()[0]:>6.0f}",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--datatrove", metavar="PYTHON")
    parser.add_argument("--text-dedup", metavar="PYTHON")
    parser.add_argument("--sizes", type=int, nargs="*", default=[10_000], metavar="TEXTS", help="generated")
    parser.add_argument("--no-crawl", action="store_true")
    parser.add_argument(
        "--only", nargs="+", default=[""], metavar="NAME", help="programs whose names begin so"
    )
    parser.add_argument("--limit", type=float, default=3_600, metavar="SECONDS", help="for a program")
    parser.add_argument("--place", type=Path, help="where there is room")
    options = parser.parse_args()
    begin = tuple(options.only)
    chosen = {
        name: program
        for name, program in programs(options.datatrove, options.text_dedup).items()
        if name.startswith(begin)
    }
    for size in [*([] if options.no_crawl else [None]), *options.sizes]:
        with tempfile.TemporaryDirectory(dir=options.place) as folder:
            place, generated = Path(folder), Generated()
            texts = crawl_texts() if size is None else generated.texts(size)
            documents, characters = write_texts(place / "all", texts)
            pairs = generated.pairs if size else Exact.of(crawl_texts())
            write_texts(place / "few", Generated().texts(10))
            name = "generated" if size else "development crawl"
            measure(
                f"{name}: {documents:,} texts, {characters / 1e6:,.0f} MB",
                place,
                pairs,
                chosen,
                options.limit,
            )


if __name__ == "__main__":
    main()
