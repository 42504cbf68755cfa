"""Time the marks annotator's parts on 500-word documents, one core: `python scripts/bench marks
[--documents 4000]`.

Documents are cut from the shared detector pool (`PROVENANCE_SHARED`), so they hold the languages and
punctuation of real text.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from provenance.annotators.marks.annotator import Marks
from provenance.annotators.marks.characters import find_characters
from provenance.annotators.marks.invisible import clean_invisible
from provenance.annotators.marks.residue import may_have_residue

SHARED = Path(os.environ.get("PROVENANCE_SHARED", Path(__file__).resolve().parents[3] / "shared"))


def documents(count: int, words: int = 500) -> dict[str, list[str]]:
    """English and other documents of `words` words (or the same bytes, where words are not spaced)."""
    table = pq.read_table(SHARED / "data/detector/pool_train.parquet", columns=["text", "language"])
    pools: dict[str, list[str]] = {"English": [], "other languages": []}
    for text, language in zip(table["text"].to_pylist(), table["language"].to_pylist(), strict=True):
        pools["English" if language == "en" else "other languages"].append(text)
    made: dict[str, list[str]] = {}
    for name, pool in pools.items():
        made[name], at = [], 0
        for _ in range(count):
            parts: list[str] = []
            while sum(len(part.split()) for part in parts) < words and sum(map(len, parts)) < 8 * words:
                parts.append(pool[at % len(pool)])
                at += 1
            text = "\n".join(parts)
            made[name].append(
                " ".join(text.split(" ")[: words + 1]) if len(text.split()) > words else text[: 8 * words]
            )
    return made


def main() -> None:
    """Print microseconds a document for each part, best of five."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=4000)
    count = parser.parse_args().documents
    marks = Marks()
    marks.setup()
    print(
        f"{'documents':<18}{'bytes':>7}{'characters':>12}{'residue':>9}"
        f"{'clean':>7}{'annotator':>11}  us a document"
    )
    for name, texts in documents(count).items():
        array = pa.array(texts, pa.large_string())
        use = np.ones(len(array), np.bool_)
        batch = pa.record_batch({"text": array})
        steps: list[Callable[[], object]] = [
            partial(find_characters, array, use),
            partial(may_have_residue, array, use),
            partial(clean_invisible, array),
            partial(marks, batch),
        ]
        times = []
        for step in steps:
            best = 1e9
            for _ in range(5):
                start = time.perf_counter()
                step()
                best = min(best, time.perf_counter() - start)
            times.append(best / len(array) * 1e6)
        size = sum(len(text.encode()) for text in texts) // len(texts)
        print(f"{name:<18}{size:>7}{times[0]:>12.2f}{times[1]:>9.2f}{times[2]:>7.2f}{times[3]:>11.2f}")
        flagged = may_have_residue(array, use).mean()
        print(f"{'':<18}{flagged:.2%} of documents are read again for residue")


if __name__ == "__main__":
    main()
