"""Annotating measured: a whole crawl file beside fastwarc + resiliparse alone, each annotator, the detector, `score`.

    python scripts/bench annotate [--only annotate|detector|score] [--repeats 3]

Processor time of this process and of the extraction child, best of several.
"""

from __future__ import annotations

import argparse
import io
import json
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from fastwarc.warc import ArchiveIterator, WarcRecordType
from resiliparse.extract.html2text import extract_plain_text
from resiliparse.parse.encoding import bytes_to_str, detect_encoding

from provenance.annotate import Annotation, annotate_records
from provenance.annotators.annotator import Annotator
from provenance.annotators.text import MainText
from provenance.configuration import Configuration
from provenance.detectors.embedded import EmbeddedDetector, score_texts
from provenance.files.inputs import InputFile
from provenance.files.shards import write_shard
from scripts.bench.measuring import SHARED, best, need_crawl, processor

FILES = (
    "mini-crawl-a-00000.warc.gz",
    "mini-crawl-b-00001.warc.gz",
    "mini-crawl-b-00002.warc.gz",
    "mini-crawl-text-00004.warc.gz",
)


class Timed:
    """An annotator whose processor seconds are added up."""

    def __init__(self, inner: Annotator, seconds: defaultdict[str, float], extraction: MainText) -> None:
        self.inner, self.seconds, self.extraction = inner, seconds, extraction
        self.name, self.version, self.schema = inner.name, inner.version, inner.schema

    def setup(self) -> None:
        self.inner.setup()

    def __call__(self, batch: pa.RecordBatch) -> Sequence[pa.Array]:
        before = processor(self.extraction.child)
        columns = self.inner(batch)
        self.seconds[self.name] += processor(self.extraction.child) - before
        return columns


def baseline(path: Path) -> tuple[float, int]:
    """Processor seconds to read a file's responses and extract their main content, and how many they are."""
    start, pages = processor(), 0
    with path.open("rb") as stream:
        for record in ArchiveIterator(stream, record_types=WarcRecordType.response):
            body = record.reader.read()
            extract_plain_text(bytes_to_str(body, detect_encoding(body) or "utf-8"), main_content=True)
            pages += 1
    return processor() - start, pages


def annotate(
    path: Path, annotation: Annotation, extraction: MainText, at_once: bool = True
) -> tuple[float, float]:
    """Processor and wall seconds of the annotate stage on a file, written to memory.

    `at_once` is False to work on one batch after the other, so that each second belongs to one annotator.
    """
    item = InputFile(str(path), path.name, path.stat().st_size, "")
    wall, start = time.perf_counter(), processor(extraction.child)
    with path.open("rb") as stream:
        batches = annotate_records(stream, item, annotation, at_once)
        write_shard(batches, annotation.schema, io.BytesIO(), item=item, fingerprint="bench")
    return processor(extraction.child) - start, time.perf_counter() - wall


def compare(repeats: int) -> None:
    crawl = need_crawl()
    annotation = Annotation(Configuration())
    annotation.setup()
    extraction = next(item for item in annotation.page if isinstance(item, MainText))
    annotate(crawl / FILES[0], annotation, extraction)  # starts the child, loads what is loaded late
    print(
        f"{'annotate stage':<30}{'pages':>7}{'alone s':>9}{'ours CPU s':>12}{'ratio':>7}{'ours wall s':>13}{'ratio':>7}"
        "  target 2.00"
    )
    total = [0.0, 0.0, 0.0, 0.0]
    for name in FILES:
        runs = [
            (*baseline(crawl / name), *annotate(crawl / name, annotation, extraction)) for _ in range(repeats)
        ]
        alone, pages, ours, wall = (min(values) for values in zip(*runs, strict=True))
        total = [a + b for a, b in zip(total, (pages, alone, ours, wall), strict=True)]
        _row(name, pages, alone, ours, wall)
    pages, alone, ours, wall = total
    _row("all", int(pages), alone, ours, wall)
    print()

    seconds: defaultdict[str, float] = defaultdict(float)
    annotation.page = [Timed(item, seconds, extraction) for item in annotation.page]
    annotation.text = [Timed(item, seconds, extraction) for item in annotation.text]
    whole = sum(annotate(crawl / name, annotation, extraction, at_once=False)[0] for name in FILES)
    seconds["reading, identifiers, writing"] = whole - sum(seconds.values())
    print(f"{'by annotator':<34}{'CPU s':>9}{'us a page':>11}")
    for name, spent in sorted(seconds.items(), key=lambda item: -item[1]):
        print(f"{name:<34}{spent:>9.2f}{spent / pages * 1e6:>11.0f}")


def _row(name: str, pages: int, alone: float, ours: float, wall: float) -> None:
    print(
        f"{name:<30}{pages:>7}{alone:>9.2f}{ours:>12.2f}{ours / alone:>7.2f}{wall:>13.2f}{wall / alone:>7.2f}",
        flush=True,
    )


def detector(repeats: int) -> None:
    path = SHARED / "data/detector/pool_train.parquet"
    table = pq.read_table(path, columns=["text", "language"]).slice(0, 20_000)
    texts = table["text"].combine_chunks()
    words = pa.compute.count_substring_regex(texts, r"\s+")
    print(f"{'default detector':<34}{'documents':>10}{'words':>8}{'us/document':>13}  target 200")
    subject = EmbeddedDetector()
    subject.setup()
    for least, most in ((100, 300), (300, 700), (700, 100_000)):
        chosen = pa.compute.and_(pa.compute.greater_equal(words, least), pa.compute.less(words, most))
        part = table.filter(chosen).combine_chunks().slice(0, 2_000)
        batch = pa.record_batch(
            {
                "text": part["text"].combine_chunks().cast(pa.large_string()),
                "language": part["language"].combine_chunks().cast(pa.string()),
            }
        )

        def once(batch: pa.RecordBatch = batch) -> float:
            start = time.process_time()
            subject(batch)
            return time.process_time() - start

        once()
        mean = pa.compute.mean(words.filter(chosen)).as_py() or 0
        spent = best(repeats, once) / max(1, batch.num_rows) * 1e6
        print(f"{f'{least} to {most} words':<34}{batch.num_rows:>10}{mean:>8.0f}{spent:>13.1f}")


def scoring(repeats: int) -> None:
    """`provenance score` as a process of its own, on standard input, beside `score_texts` in this one."""
    path = SHARED / "data/detector/pool_train.parquet"
    pool = pq.read_table(path, columns=["text", "language"]).slice(0, 20_000)
    texts, languages = pool["text"].to_pylist(), pool["language"].to_pylist()
    score_texts(texts[:10])  # loads models and kernels
    print(
        f"{'20,000 passages':<24}{'library s':>11}{'command s':>11}{'ratio':>7}{'of it start':>13}  target 0.70"
    )
    nobody: list[str | None] = [None] * len(texts)
    for name, given in (("language given", languages), ("language identified", nobody)):
        rows = zip(texts, given, strict=True)
        lines = "".join(
            json.dumps({"id": i, "text": text} | ({"language": code} if code else {})) + "\n"
            for i, (text, code) in enumerate(rows)
        ).encode()

        def library(given: Sequence[str | None] = given) -> float:
            start = processor()
            score_texts(texts, given)
            return processor() - start

        def command(lines: bytes) -> float:
            start = processor()
            arguments = [sys.executable, "-m", "pipelines.command", "score"]
            subprocess.run(arguments, input=lines, stdout=subprocess.DEVNULL, check=True)
            return processor() - start

        ours = best(repeats, library)
        whole, empty = (best(repeats, partial(command, data)) for data in (lines, b'{"text": ""}\n'))
        print(f"{name:<24}{ours:>11.2f}{whole:>11.2f}{ours / whole:>7.2f}{empty:>13.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=("annotate", "detector", "score"))
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    for name, measure in (("annotate", compare), ("detector", detector), ("score", scoring)):
        if options.only in (None, name):
            measure(options.repeats)


if __name__ == "__main__":
    main()
