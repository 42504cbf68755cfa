"""Plant pieces of an evaluation set in real texts: how many are found, and how many texts without one are flagged.

python scripts/evaluate decontamination [--peer PYTHON] [--documents N]: texts are the development texts, the set is cut from others of them;
PYTHON is an interpreter that has datatrove with spacy, whose own n-gram filter is measured on the same texts in the same run.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from provenance.duplicates.words import tokens
from provenance.filters.grams import make_index
from scripts.evaluate._tables import table

SHARED = Path(os.environ.get("PROVENANCE_SHARED", Path(__file__).resolve().parents[3] / "shared"))
#: What a set asks again and again: a run of 24 words that many of its texts have.
TEMPLATE = (
    "Read the passage below with care and then choose the one statement among the four that follow which the "
    "author of the passage would most likely accept:"
)
#: Runs under the other interpreter: the set and the documents as JSON in, seconds and verdicts out.
PEER = r"""
import json, os, sys, tempfile, time
import numpy as np
from datatrove.data import Document
from datatrove.pipeline.decont.n_grams import NGramsDecontConfig, NGramsDecontFilter, NGramsDecontIndexer
given = json.load(sys.stdin)
NGramsDecontIndexer._requires_dependencies = []  # only its own hashing is asked for, no task of lighteval
answer = {}
for size in given["sizes"]:
    config = NGramsDecontConfig(n_grams=size)
    with tempfile.TemporaryDirectory() as folder:
        indexer = NGramsDecontIndexer(folder, config=config)
        hashes = {value for text in given["set"] for value in indexer.compute_hashes(text)}
        np.array(list(hashes), dtype=config.hash_config.np_descr).tofile(os.path.join(folder, "set.index.hashes"))
        step = NGramsDecontFilter(folder, config=config)
        step.filter(Document(text="warm up", id=""))
        start = time.process_time()
        found = [step.filter(Document(text=text, id="")) is not True for text in given["documents"]]
        answer[size] = {"seconds": time.process_time() - start, "found": found}
print(json.dumps(answer))
"""
Words = list[str]


def planted(item: Words, chance: np.random.Generator) -> dict[str, str]:
    """The ways in which a text of the set stands in a document."""
    half = item[: len(item) // 2]
    changed = [word if chance.random() > 0.1 else "other" for word in item]
    lines = "".join(word + ("\n\n  " if place % 9 == 8 else " ") for place, word in enumerate(item))
    return {
        "as it is": " ".join(item),
        "other case and punctuation": ", ".join(item).upper(),
        "in lines of nine words": lines,
        "first half": " ".join(half),
        "one word in ten another": " ".join(changed),
    }


def cut(texts: list[Words], least: int, most: int, chance: np.random.Generator) -> list[Words]:
    """A run of words out of each text."""
    found = []
    for words in texts:
        size = int(chance.integers(least, most + 1))
        start = int(chance.integers(0, max(len(words) - size, 1)))
        found.append(words[start : start + size])
    return found


def make_cases(documents: int) -> tuple[list[str], list[tuple[str, bool, str]]]:
    """The texts of a set, and (case, whether something is planted, text) of documents."""
    column = pq.read_table(SHARED / "data/web/pages/texts.parquet", columns=["text"])["text"].to_pylist()
    texts = [text.split() for text in column if len(text.split()) >= 120]
    chance = np.random.default_rng(0)
    chance.shuffle(texts)
    sources, hosts = texts[:documents], texts[documents : 3 * documents]
    others = texts[3 * documents : 4 * documents]
    long, short = cut(sources, 30, 60, chance), cut(others, 8, 12, chance)
    few = [item for item in cut(others, 4, 7, chance) if len(tokens(" ".join(item))) < 8]
    shared = [TEMPLATE.split() + item for item in cut(sources[::-1], 30, 60, chance)]
    cases: list[tuple[str, bool, str]] = []

    def insert(name: str, is_planted: bool, number: int, piece: str) -> None:
        host = hosts[number % len(hosts)]
        half = len(host) // 2
        cases.append((name, is_planted, f"{' '.join(host[:half])} {piece} {' '.join(host[half:])}"))

    for number, item in enumerate(long):
        for name, piece in planted(item, chance).items():
            insert(name, True, number, piece)
        insert("a text of 8 to 12 words", True, number, " ".join(short[number]))
        insert("template and its question", True, number, " ".join(shared[number]))
        insert("template alone", False, number, TEMPLATE)
        common = next(item[5:end] for end in range(17, 5, -1) if len(tokens(" ".join(item[5:end]))) <= 11)
        insert("11 words in common", False, number, " ".join(common))
        insert("a text of 4 to 7 words", False, number, " ".join(few[number % len(few)]))
    cases += [("nothing", False, " ".join(host)) for host in hosts]
    return [" ".join(item) for item in [*long, *short, *few, *shared]], cases


def ours(texts: list[str], documents: list[str], least: float) -> tuple[float, list[bool]]:
    """Processor seconds and verdicts of the filter that ships."""
    index = make_index(texts, [""] * len(texts), words=13, least=8, common=10)
    column = pa.array(documents, pa.large_string())
    index.find(column.slice(0, 1))
    start = time.process_time()
    found = index.find(column)
    seconds = time.process_time() - start
    return seconds, [row in found and found[row].share >= least for row in range(len(documents))]


def peer(python: str, texts: list[str], documents: list[str]) -> dict[str, tuple[float, list[bool]]]:
    """The same of datatrove's filter, by the length of its runs."""
    given = json.dumps({"set": texts, "documents": documents, "sizes": [12, 13]})
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [python, "-c", PEER],
            input=given,
            capture_output=True,
            text=True,
            env=environment,
            cwd=folder,
            check=False,
        )
    if done.returncode:
        raise SystemExit(f"{python}: {done.stderr[-2000:]}")
    answers = json.loads(done.stdout.splitlines()[-1])
    return {f"datatrove, {size}": (item["seconds"], item["found"]) for size, item in answers.items()}


def flagged(verdicts: list[bool], cases: list[tuple[str, bool, str]], name: str) -> float:
    """Share of the documents of a case that are flagged."""
    return float(np.mean([verdict for verdict, case in zip(verdicts, cases, strict=True) if case[0] == name]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer", metavar="PYTHON")
    parser.add_argument("--documents", type=int, default=200)
    options = parser.parse_args()
    texts, cases = make_cases(options.documents)
    documents = [text for _, _, text in cases]
    size = sum(len(text.encode()) for text in documents)
    found = {
        "any run": ours(texts, documents, 0.0),
        "half of a text": ours(texts, documents, 0.5),
    }
    if options.peer:
        found |= peer(options.peer, texts, documents)
    names = list(dict.fromkeys((name, is_planted) for name, is_planted, _ in cases))
    rows = [
        [
            name,
            "planted" if is_planted else "none",
            *(f"{flagged(verdicts, cases, name):.3f}" for _, verdicts in found.values()),
        ]
        for name, is_planted in names
    ]
    clean = [text for name, _, text in cases if name == "nothing"] * 5
    speed = sum(len(text.encode()) for text in clean) / ours(texts, clean, 0.0)[0] / 1e6
    rows.append(["MB a second where nothing is planted", "", f"{speed:.1f}"])
    rows.append(
        ["MB a second and core", "", *(f"{size / seconds / 1e6:.1f}" for seconds, _ in found.values())]
    )
    print(
        f"{len(texts):,} texts of a set, {len(documents):,} documents of {size / 1e6:.1f} MB; share that is flagged"
    )
    print("\n".join(table(["in the document", "", *found], rows)))


if __name__ == "__main__":
    main()
