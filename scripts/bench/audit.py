"""Speed and memory of `provenance audit` as a dataset grows: `python -m scripts.bench.audit --sizes 1 10`, sizes in 10⁹ bytes of text.

Words follow Zipf's and Mandelbrot's law without an end, so that new ones come as long as there is text; lengths are those of the web (log-normal, median 400 words), and
one document in twenty repeats one of its file. A dataset is a folder of Parquet files of 256 MB of text (zstd), which are written first and deleted after.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

_FILE_BYTES = 256_000_000
_BATCH_DOCUMENTS = 2_000
_WORDS = 100_000
#: Of Zipf's and Mandelbrot's law: the commonest word is 4.6% of all, words beyond the 60,000 commonest are 2.8%.
_SHIFT, _SLOPE = 8.0, 0.4
_REPEATED = 0.05


def main() -> None:
    """Print a row for each size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=float, nargs="+", default=[1, 10], metavar="GB")
    options = parser.parse_args()
    print(
        f"{'GB':>5} {'documents':>10} {'GB on disk':>10} {'s':>7} {'MB a second':>11} {'wall s':>7} {'peak MB':>8} {'load':>5}"
    )
    for size in options.sizes:
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            documents, text = write_dataset(folder, int(size * 1e9))
            started = time.monotonic()
            command = [sys.executable, "-m", "pipelines.command", "audit", str(folder), "--json"]
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode:
                raise SystemExit(f"audit ended with {process.returncode}")
            seconds, wall = used.ru_utime + used.ru_stime, time.monotonic() - started
            disk = sum(path.stat().st_size for path in folder.iterdir())
            print(
                f"{text / 1e9:>5.1f} {documents:>10,} {disk / 1e9:>10.2f} {seconds:>7.0f} {text / 1e6 / seconds:>11.1f} "
                f"{wall:>7.0f} {used.ru_maxrss / 1e3:>8,.0f} {os.getloadavg()[0]:>5.1f}",
                flush=True,
            )


def write_dataset(folder: Path, size: int, seed: int = 0) -> tuple[int, int]:
    """Files of generated documents with about `size` bytes of text in all; how many documents and bytes there are."""
    random = np.random.default_rng(seed)
    letters = np.array(list("etaoinshrdlucmfwypvbgk"))
    lengths = random.integers(3, 9, _WORDS)
    words = ["".join(random.choice(letters, length)) for length in lengths.tolist()]
    vocabulary = pa.array([*words, *(f"{word}." for word in words)])
    documents = written = 0
    while written < size:
        goal = min(written + _FILE_BYTES, size)
        with pq.ParquetWriter(
            folder / f"part-{documents:010}.parquet", pa.schema({"text": pa.string()}), compression="zstd"
        ) as file:
            while written < goal:
                texts = _documents(random, vocabulary)
                file.write_table(pa.table({"text": texts}))
                documents += len(texts)
                written += pc.sum(pc.binary_length(texts)).as_py()
    return documents, written


def _documents(random: np.random.Generator, vocabulary: pa.Array) -> pa.Array:
    """Texts of sentences of 14 words, one of them in twenty a repetition of another of the batch."""
    counts = np.clip(random.lognormal(np.log(400), 0.9, _BATCH_DOCUMENTS), 20, 20_000).astype(np.int64)
    ends = np.cumsum(counts)
    last = np.arange(ends[-1]) % 14 == 13
    last[ends - 1] = True
    words = _words(random, last, vocabulary)
    offsets = pa.array(np.concatenate([[0], ends]), pa.int32())
    texts = pc.binary_join(pa.ListArray.from_arrays(offsets, words), " ")
    chosen = np.arange(_BATCH_DOCUMENTS)
    repeated = random.random(_BATCH_DOCUMENTS) < _REPEATED
    chosen[repeated] = random.integers(0, _BATCH_DOCUMENTS, int(repeated.sum()))
    return texts.take(pa.array(chosen))


def _words(random: np.random.Generator, last: NDArray[np.bool_], vocabulary: pa.Array) -> pa.Array:
    """A word for each place, with a full stop where `last` says; one beyond the vocabulary is several of its words in one.

    `vocabulary` holds each word twice: with a full stop, `_WORDS` later.
    """
    ranks = (_SHIFT * (random.random(len(last)) ** (-1 / _SLOPE) - 1)).clip(0, 1e15).astype(np.int64)
    words = vocabulary.take(pa.array(ranks % _WORDS + _WORDS * last))
    far = np.flatnonzero(ranks >= _WORDS)
    beyond, compounds = ranks[far] // _WORDS, words.take(pa.array(far))
    while beyond.any():
        more = pc.if_else(pa.array(beyond > 0), vocabulary.take(pa.array(beyond % _WORDS)), "")
        compounds = pc.binary_join_element_wise(more, compounds, "")
        beyond //= _WORDS
    return pc.replace_with_mask(words, pa.array(ranks >= _WORDS), compounds)


if __name__ == "__main__":
    main()
