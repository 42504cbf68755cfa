"""How cost grows with the crawl: `python scripts/bench scale`, each stage as a process of its own on generated crawls.

Pages are of words that follow Zipf's law, with lengths as on the web (log-normal, median 400 words, a fifth of them short), on hosts of uneven size; one in five is a
near-copy of an earlier one. Everything lies in a folder that is read and written as a store is. What is printed is processor time a document, peak memory, bytes
on disk, calls to the store and the machine's load of the last minute, and the ratio of time from size to size.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

STAGES = ("annotate", "deduplicate", "select", "publish")
_FILE_PAGES = 1_000
_WORDS = 60_000
_COPIES, _CHANGED = 0.2, 0.02


def main() -> None:
    """Print a row for each size and stage."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000], metavar="PAGES")
    options = parser.parse_args()
    print(
        f"{'pages':>9} {'stage':<12} {'s':>8} {'µs a page':>10} {'ratio':>6} {'peak MB':>8} {'bytes a page':>13} "
        f"{'calls a 1,000':>14} {'load':>5}  calls"
    )
    before: dict[str, float] = {}
    for pages in options.sizes:
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            write_crawl(folder / "store/crawl", pages)
            for found in run_stages(folder):
                each = found.seconds / pages
                ratio = f"{each / before[found.stage]:.2f}" if found.stage in before else ""
                before[found.stage] = each
                calls = ", ".join(f"{count:,} {name}" for name, count in sorted(found.calls.items()))
                print(
                    f"{pages:>9,} {found.stage:<12} {found.seconds:>8.1f} {each * 1e6:>10,.0f} {ratio:>6} "
                    f"{found.peak / 1e6:>8,.0f} {found.size / pages:>13,.0f} "
                    f"{sum(found.calls.values()) / pages * 1000:>14,.1f} {os.getloadavg()[0]:>5.1f}  {calls}",
                    flush=True,
                )


def write_crawl(folder: Path, pages: int, seed: int = 0) -> None:
    """WARC files of `pages` generated pages, the same for the same arguments."""
    folder.mkdir(parents=True)
    random = np.random.default_rng(seed)
    letters = np.array(list("etaoinshrdlucmfwypvbgk"))
    vocabulary = ["".join(random.choice(letters, size)) for size in random.integers(2, 11, _WORDS)]
    held: list[np.ndarray] = []
    for first in range(0, pages, _FILE_PAGES):
        with gzip.open(folder / f"part-{first // _FILE_PAGES:05}.warc.gz", "wb", compresslevel=1) as file:
            for number in range(first, min(pages, first + _FILE_PAGES)):
                words = _words(random, held)
                file.write(_record(number, int(random.zipf(1.6)) % (pages // 20 + 1), words, vocabulary))


def _words(random: np.random.Generator, held: list[np.ndarray]) -> np.ndarray:
    """Ranks of the words of one page: new, or those of one of the last pages with some changed."""
    if held and random.random() < _COPIES:
        words = held[random.integers(len(held))].copy()
        changed = random.random(len(words)) < _CHANGED
        words[changed] = random.integers(0, _WORDS, int(changed.sum()))
        return words
    count = int(np.clip(random.lognormal(np.log(400), 0.9), 20, 20_000))
    words = np.minimum(random.zipf(1.15, count), _WORDS) - 1
    held.append(words)
    del held[:-_FILE_PAGES]
    return words


def _record(number: int, host: int, words: np.ndarray, vocabulary: list[str]) -> bytes:
    text = [vocabulary[rank] for rank in words.tolist()]
    sentences = [" ".join(text[at : at + 14]).capitalize() + "." for at in range(0, len(text), 14)]
    paragraphs = "".join(f"<p>{' '.join(sentences[at : at + 5])}</p>\n" for at in range(0, len(sentences), 5))
    links = "".join(f'<li><a href="/{place}">{vocabulary[place]}</a></li>' for place in range(30))
    url = f"https://host-{host}.example/{number}"
    body = (
        f"<!DOCTYPE html><html lang=en><head><title>{sentences[0]}</title></head><body><nav><ul>{links}</ul></nav>"
        f"<main><h1>{sentences[0]}</h1>{paragraphs}</main><footer>About this site</footer></body></html>"
    ).encode()
    block = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n" + body
    head = (
        f"WARC/1.1\r\nWARC-Type: response\r\nWARC-Record-ID: <urn:page:{number}>\r\nWARC-Target-URI: {url}\r\n"
        f"WARC-Date: 20{14 + number % 12}-03-04T05:06:07Z\r\nContent-Length: {len(block)}\r\n\r\n"
    )
    return head.encode() + block + b"\r\n\r\n"


@dataclass(frozen=True)
class Found:
    """What a stage took: processor seconds, peak bytes of its process, bytes that it left on disk, calls to the store."""

    stage: str
    seconds: float
    peak: int
    size: int
    calls: dict[str, int]


def run_stages(folder: Path) -> Iterator[Found]:
    """Each stage on the crawl in `folder`/store, as a process of its own."""
    store, calls = folder / "store", folder / "calls.json"
    for stage in STAGES:
        before = _disk(store)
        command = [sys.executable, "-m", "scripts.bench._counted_folder", str(store), str(calls), stage]
        command += ["folder://store/crawl"] if stage == "annotate" else []
        command += ["--output", "folder://store/release"] if stage == "publish" else []
        command += ["--workspace", "folder://store/workspace", "--quiet", "--workers", "1"]
        process = subprocess.Popen(command)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{stage} ended with {process.returncode}")
        yield Found(
            stage,
            used.ru_utime + used.ru_stime,
            used.ru_maxrss * 1024,
            _disk(store) - before,
            json.loads(calls.read_text()),
        )


def _disk(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) if folder.exists() else 0


if __name__ == "__main__":
    main()
