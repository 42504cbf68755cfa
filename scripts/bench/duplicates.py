"""Deduplication measured: signatures a second beside other libraries, and the whole stage by size.

    python scripts/bench duplicates [--only signatures|tasks] [--documents 4000] [--sizes 100000,300000,1000000] [--hot]

One core. Peak memory is that of a fresh process, less what it held after a run on a few documents.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from provenance.duplicates import (
    Blocks,
    LocalScratch,
    Sketches,
    addresses,
    deduplicate_local,
    optimal_bands,
    policy_keys,
)
from provenance.duplicates.minhash import MinHash, shingle_hashes
from provenance.duplicates.sketches import block_rows_for
from provenance.duplicates.words import tokens

THRESHOLD = 0.6


def texts(documents: int) -> list[str]:
    """English-looking documents of 500 words."""
    rng = random.Random(1)
    letters = "etaoinshrdlucmfwypvbgk"
    words = ["".join(rng.choices(letters, k=rng.randint(2, 9))) for _ in range(20_000)]
    return [" ".join(rng.choices(words, k=500)) for _ in range(documents)]


def best_rate(documents: int, work: Callable[[], object], repeats: int = 3) -> float:
    """Documents per second of processor time, best of several."""
    seconds = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        seconds.append(time.process_time() - start)
    return documents / min(seconds)


def signatures(documents: int) -> None:
    from datasketch import MinHash as Datasketch
    from rensa import RMinHash

    sample = texts(documents)
    batch = pa.record_batch({"text": pa.array(sample, pa.large_string())})
    annotator = MinHash()
    annotator.setup()
    few = sample[: documents // 10]
    hashes = [shingle_hashes(text) for text in few]

    def shingles(text: str) -> list[str]:
        words = tokens(text)
        return [" ".join(words[i : i + 5]) for i in range(len(words) - 4)]

    def datasketch(hashed: bool) -> None:
        for text, ready in zip(few, hashes):
            if hashed:
                sketch = Datasketch(num_perm=128, scheme="affine32", hashfunc=lambda value: value)
                sketch.update_batch(ready)
            else:
                sketch = Datasketch(num_perm=128, scheme="affine32")
                sketch.update_batch([s.encode() for s in shingles(text)])

    ready = [shingles(text) for text in few]

    def rensa(shingled: bool) -> None:
        for text, items in zip(few, ready):
            sketch = RMinHash(num_perm=128, seed=1)
            sketch.update(items if shingled else shingles(text))
            sketch.digest()

    print(f"{'500-word documents, 128 permutations, one core':<58}{'documents/s':>12}")
    rows: list[tuple[str, float]] = [
        ("provenance, from text (tokens, signature, digest)", best_rate(documents, lambda: annotator(batch))),
        ("datasketch update_batch, from text", best_rate(len(few), lambda: datasketch(False))),
        ("datasketch update_batch, from shingle hashes", best_rate(len(few), lambda: datasketch(True))),
        ("rensa RMinHash, from text", best_rate(len(few), lambda: rensa(False))),
        ("rensa RMinHash, from shingles", best_rate(len(few), lambda: rensa(True))),
    ]
    for name, rate in rows:
        print(f"{name:<58}{rate:>12,.0f}")


def generated(first: int, stop: int, total: int) -> tuple[np.ndarray, np.ndarray]:
    """Signatures and digests of documents [first, stop): 30% lie in clusters of four on average.

    Members of a cluster differ from its root in up to an eighth of the positions.
    """
    number = np.arange(first, stop, dtype=np.uint64)
    drawn = np.random.default_rng([1, first])
    inside = drawn.random(len(number)) < 0.3
    root = drawn.integers(0, max(1, total * 3 // 40), len(number)).astype(np.uint64)
    root = np.where(inside, root, number + np.uint64(total))
    mixed = np.asarray(root[:, None] * np.uint64(128) + np.arange(128, dtype=np.uint64), np.uint64)
    mixed *= np.uint64(0x9E3779B97F4A7C15)
    mixed ^= mixed >> np.uint64(29)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    values = (mixed >> np.uint64(32)).astype(np.uint32)
    redrawn = (drawn.random(values.shape) < drawn.random((len(number), 1)) / 8) & inside[:, None]
    values[redrawn] = drawn.integers(0, 1 << 32, int(redrawn.sum()), dtype=np.uint32)
    return values, drawn.integers(0, 1 << 63, (len(number), 2)).astype(np.uint64)


def generated_block(blocks: Blocks, block: int) -> Sketches:
    """Signatures of a block, made when asked for, a few at a time so that making them needs no memory."""
    where = np.concatenate([addresses(*span) for span in blocks.spans(block)])
    signatures = np.empty((len(where), 128), np.uint32)
    digests = np.empty((len(where), 2), np.uint64)
    for i in range(0, len(where), 512):
        first, stop = block * blocks.block_rows + i, block * blocks.block_rows + min(i + 512, len(where))
        signatures[i : i + 512], digests[i : i + 512] = generated(first, stop, sum(blocks.rows))
    return Sketches(where, np.full(len(where), 3, np.uint8), digests, signatures)


def generated_keys(blocks: Blocks, block: int) -> np.ndarray:
    rows = min(blocks.block_rows, sum(blocks.rows) - block * blocks.block_rows)
    rng = np.random.default_rng([2, block])
    ids = rng.integers(0, 256, (rows, 16), np.uint8)
    return policy_keys(rng.integers(0, 1 << 50, rows), rng.normal(size=rows), rng.integers(0, 999, rows), ids)


def resident() -> int:
    """Bytes of memory that this process has now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def peak() -> int:
    """The most bytes that it ever had (not ru_maxrss, which counts the parent's before the exec)."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


def forget_peak() -> None:
    """From here on `peak` is that of what follows."""
    Path("/proc/self/clear_refs").write_text("5")


class CountedScratch(LocalScratch):
    """Scratch files of which the bytes are counted by the task that wrote them: what a cluster would shuffle.

    A task ends with its file, so the memory between two files is that of one task: what a worker needs beside its start.
    """

    def __init__(self, root: str) -> None:
        super().__init__(root)
        self.written: Counter[str] = Counter()
        self.task, self.most = 0, 0
        self._before = resident()
        forget_peak()

    def write(self, path: str, chunks: Iterable[bytes]) -> None:
        name = path.rpartition("/")[0]

        def counted() -> Iterator[bytes]:
            for chunk in chunks:
                self.written[name] += len(chunk)
                yield chunk

        super().write(path, counted())
        self.task, self.most = max(self.task, peak() - self._before), max(self.most, peak())
        self._before = resident()
        forget_peak()


def hot(sketches: Sketches) -> Sketches:
    """The same with one band in common to all: a key that every document shares."""
    signatures = sketches.signatures.copy()
    signatures[:, : optimal_bands(THRESHOLD, 128)[1]] = 7
    return Sketches(sketches.addresses, sketches.flags, sketches.digests, signatures)


def stage(documents: int, one_task: bool, shared: bool) -> dict[str, Any]:
    """Run one size in this process; `one_task`: edges are connected at once, not in rounds."""

    def run(count: int) -> tuple[int, CountedScratch]:
        shards = (count // 10,) * 10
        blocks = Blocks(shards, block_rows_for(count))
        with tempfile.TemporaryDirectory() as folder:
            scratch = CountedScratch(folder)
            found = deduplicate_local(
                scratch,
                blocks,
                lambda block: (hot if shared else lambda same: same)(generated_block(blocks, block)),
                lambda block: generated_keys(blocks, block),
                threshold=THRESHOLD,
                most_bytes=1 << 62 if one_task else 0,
            )
        return int((found.addresses != found.keepers).sum()), scratch

    run(2_000)
    base, start, processor = resident(), time.perf_counter(), time.process_time()
    dropped, scratch = run(documents)
    written = scratch.written
    seconds, processor = time.perf_counter() - start, time.process_time() - processor
    return {
        "seconds": seconds,
        "processor": processor,
        "dropped": dropped,
        "beyond": max(peak(), scratch.most) - base,
        "task": scratch.task,
        "written": dict(written),
        "rounds": sum(name.startswith("components/large") for name in written),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--documents", type=int, default=4_000)
    parser.add_argument("--sizes", default="100000,300000,1000000")
    parser.add_argument("--only", choices=("signatures", "tasks"))
    parser.add_argument("--hot", action="store_true", help="all documents share the key of one band")
    parser.add_argument("--one-task", action="store_true", help="connect edges in one task, not in rounds")
    parser.add_argument("--stage", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.stage:
        print(json.dumps(stage(options.stage, options.one_task, options.hot)))
        return
    if options.only != "tasks":
        signatures(options.documents)
    if options.only == "signatures":
        return
    print(
        f"\n{'generated signatures through deduplication':<44}{'seconds':>9}{'CPU s':>8}{'dropped':>10}{'MB beyond':>11}{'of a task':>11}"
        f"{'rounds':>8}{'MB shuffled':>13}{'bytes/doc':>11}"
    )
    for size in map(int, options.sizes.split(",")):
        command = [sys.executable, "-m", "scripts.bench.duplicates", "--stage", str(size)]
        command += ["--hot"] * options.hot + ["--one-task"] * options.one_task
        measured = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        total = sum(measured["written"].values())
        print(
            f"{size:<44,}{measured['seconds']:>9.1f}{measured['processor']:>8.1f}{measured['dropped']:>10,.0f}"
            f"{measured['beyond'] / 1e6:>11.1f}{measured['task'] / 1e6:>11.1f}{measured['rounds']:>8}{total / 1e6:>13,.0f}{total / size:>11,.0f}",
            flush=True,
        )
        for name, count in measured["written"].items():
            print(f"    {name:<40}{count / 1e6:>20,.1f} MB written", flush=True)


if __name__ == "__main__":
    main()
