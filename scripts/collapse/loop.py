"""Models that train on crawls of their own pages, with and without this program between crawl and training.

Each generation's model writes twice as much as people have on the web; the next one trains on as many words as the first
had, taken from that crawl by each arm. Measured against generation 0: perplexity on text that nobody saw, the monitor's
coverage of rare words and its verdict on what the model writes and reads, true and claimed synthetic share of the training text.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from provenance.audit.sketches.compare import FAIL, compare
from provenance.audit.sketches.strata import Sketches
from provenance.audit.versions import Settings, sketch_dataset
from provenance.files.storage import LocalStorage
from scripts.collapse._arms import ALL_SO_FAR, RAW, SIZES, Arm, Size, prepare
from scripts.collapse._crawl import Page, mills, people
from scripts.collapse._ngrams import Trigrams, Vocabulary
from scripts.collapse._tables import figure, table, warnings

ROOT = Path(__file__).resolve().parents[2]
#: A generator in use cuts its tail; .95 is a common setting of top-p.
NUCLEUS = 0.95
#: Most words of a page that a model writes (half of it at least), pages it writes for each of people's.
PAGE_WORDS, MACHINE = 210, 2.0
#: The same where machines come slowly: twice as many in every generation, until they are as many.
SLOW = (0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.0)
#: Passages of each label for the detector that knows the model; they are in no crawl.
DETECTOR_PASSAGES = 2000
#: The monitor's measure that is reported; its tolerance is the default.
WATCHED = "rare_coverage_words"


@dataclass(frozen=True)
class World:
    """What all generations of one seed share."""

    crawl: list[Page]  # people's pages, in every crawl
    vocabulary: Vocabulary
    unseen: np.ndarray  # numbers of human text that nobody trains on
    pages: Sketches  # of people's pages
    words: int  # of people's pages, and the most that a model trains on
    seed: int

    def train(self, texts: Sequence[str]) -> Trigrams:
        return Trigrams(self.vocabulary.encode(texts), len(self.vocabulary), NUCLEUS)

    def write(self, model: Trigrams, documents: int, *purpose: int) -> list[str]:
        """Pages by the model; equal purposes (numbers) give equal pages."""
        random = np.random.default_rng([self.seed, *purpose])
        return [self.vocabulary.decode(row) for row in model.write(documents, PAGE_WORDS, random)]


def make_world(passages: pd.DataFrame, documents: int, seed: int, folder: Path) -> tuple[World, pd.DataFrame]:
    """(a world of `documents` human pages, the passages that are in no crawl, for a detector)."""
    order = np.random.default_rng([seed, 0]).permutation(len(passages))
    web, unseen, rest = np.split(order, [documents, documents + documents // 2])
    pages = people(passages.iloc[web], seed)
    texts = [page.text for page in pages]
    vocabulary = Vocabulary(texts)
    held = vocabulary.encode(passages.text.iloc[unseen].tolist())
    world = World(
        crawl=pages,
        vocabulary=vocabulary,
        unseen=held,
        pages=sketch(texts, folder),
        words=sum(len(text.split()) for text in texts),
        seed=seed,
    )
    return world, passages.iloc[rest]


def train_detector(world: World, model: Trigrams, rest: pd.DataFrame, folder: Path) -> Path:
    """The folder of a detector that `python scripts/train detector` makes of the first model's texts and other people's."""
    human = rest.head(DETECTOR_PASSAGES)
    texts = world.write(model, len(human), 0, 9)
    machine = human.assign(text=texts, label="synthetic", generator="trigrams")
    columns = ["text", "label", "generator", "domain", "language", "source", "group"]
    for name in ("corpus", "passages"):
        (folder / name).mkdir(parents=True)
    pd.concat([human, machine])[columns].to_parquet(folder / "corpus" / "texts.parquet")
    command = [sys.executable, str(ROOT / "scripts" / "train"), "detector", str(folder / "corpus")]
    command += [
        "--out",
        str(folder / "model"),
        "--passages",
        str(folder / "passages"),
        "--recent",
        "trigrams",
    ]
    subprocess.run(command, check=True, capture_output=True)
    return folder / "model"


def sketch(texts: Sequence[str], folder: Path) -> Sketches:
    """What the monitor keeps of texts, read as its command reads a file of them."""
    path = folder / "written.jsonl"
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), encoding="utf-8")
    return sketch_dataset(LocalStorage(), str(path), Settings())


def judge(texts: Sequence[str], baseline: Sketches, folder: Path) -> dict[str, Any]:
    """Coverage of the baseline's rare words (1 is no loss), the monitor's status, and the measures that failed."""
    found = compare(sketch(texts, folder).whole, baseline.whole)
    measures = found["measures"]
    failed = [name for name, measure in measures.items() if measure["status"] == FAIL]
    change = measures[WATCHED]["change"] if WATCHED in measures else np.nan
    return {"coverage": 1 + change, "monitor": found["status"], "failed": " ".join(failed)}


def run_arm(
    world: World,
    arm: Arm,
    generations: int,
    first: Trigrams,
    baseline: Sketches,
    detector: Path | None,
    folder: Path,
) -> list[dict[str, Any]]:
    """One row for each generation of one arm."""
    model, rows, written = first, [], list[Page]()
    documents = len(world.crawl)
    for generation in range(1, generations + 1):
        written_now = round((SLOW[generation - 1] if arm.slow else MACHINE) * documents)
        texts = world.write(model, written_now, generation, 1)
        newest = mills(texts, world.crawl, generation, world.seed)
        written = [*written, *newest]
        seen = written if arm is ALL_SO_FAR else newest
        place = folder / str(generation)
        training = prepare(
            arm, [*world.crawl, *seen], words=world.words, folder=place, detector=detector, seed=world.seed
        )
        shutil.rmtree(place, ignore_errors=True)
        model = world.train(training.texts)
        read = judge(training.texts, world.pages, folder.parent) if arm.takes == RAW else {}
        rows.append(
            {
                "seed": world.seed,
                "arm": arm.name,
                "generation": generation,
                "perplexity": model.perplexity(world.unseen),
                **judge(world.write(model, documents, generation, 2), baseline, folder.parent),
                "read": read.get("monitor"),
                "read_coverage": read.get("coverage"),
                "words": sum(len(text.split()) for text in training.texts),
                "true": training.synthetic_share(),
                "claimed": training.claimed,
                "released": training.released,
                "human_kept": training.human_kept,
            }
        )
    return rows


def run_seed(
    passages: pd.DataFrame, size: Size, folder: Path, own_detector: bool, seed: int
) -> tuple[pd.DataFrame, list[str]]:
    """`run` for one seed."""
    home = folder / str(seed)
    home.mkdir()
    world, rest = make_world(passages, size.documents, seed, home)
    first = world.train([page.text for page in world.crawl])
    detector = train_detector(world, first, rest, home / "detector") if own_detector else None
    baseline = sketch(world.write(first, size.documents, 0, 2), home)
    start = {"seed": seed, "generation": 0, "perplexity": first.perplexity(world.unseen), "coverage": 1.0}
    rows: list[dict[str, Any]] = [{**start, "arm": "generation 0", "words": world.words, "true": 0.0}]
    again = (world.write(first, size.documents, 0, 3, n) for n in range(seed, size.nulls, size.seeds))
    statuses = [judge(texts, baseline, home)["monitor"] for texts in again]
    for arm in size.arms:
        say(f"seed {seed}: {arm.name}")
        rows += run_arm(
            world,
            arm,
            generations=size.generations,
            first=first,
            baseline=baseline,
            detector=detector,
            folder=home / "arm",
        )
    return pd.DataFrame(rows), statuses


def run(
    passages: pd.DataFrame,
    size: Size,
    folder: Path,
    *,
    own_detector: bool = True,
    seeds: Sequence[int] | None = None,
    processes: int = 1,
) -> tuple[pd.DataFrame, list[str]]:
    """(a row for each seed, arm and generation, the monitor's statuses where nothing but the draw changed).

    Of `seeds`, by default all of the size, each is by itself; `processes` run at once. The rows are the same for any number.
    """
    one, chosen = partial(run_seed, passages, size, folder, own_detector), seeds or range(size.seeds)
    if processes == 1:
        found = [one(seed) for seed in chosen]
    else:
        with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
            found = list(pool.map(one, chosen))
    rows = pd.concat([part for part, _ in found], ignore_index=True)
    return rows, [status for _, statuses in found for status in statuses]


def read_passages(corpus: Path) -> pd.DataFrame:
    """English text of people from the pool of web prose."""
    pool = pd.read_parquet(corpus / "pool_human_web.parquet")
    return (
        pool[(pool.language == "en") & (pool.label == "human")].drop_duplicates("text").reset_index(drop=True)
    )


def say(message: str) -> None:
    """Progress on standard error."""
    print(message, file=sys.stderr, flush=True)


def main() -> None:
    """Run a size and print its tables."""
    shared = Path(os.environ.get("PROVENANCE_SHARED", ROOT.parent / "shared"))
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("corpus", type=Path, nargs="?", default=shared / "data" / "detector")
    parser.add_argument("--size", choices=list(SIZES), default="standard")
    parser.add_argument("--rows", type=Path, help="write one row for each generation as CSV")
    parser.add_argument("--figure", type=Path, help="write the picture of coverage and perplexity as SVG")
    parser.add_argument("--seeds", type=int, nargs="+", help="some seeds of the size (all)")
    parser.add_argument("--processes", type=int, default=1, help="seeds that run at once (1)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows, statuses = run(
            read_passages(options.corpus),
            SIZES[options.size],
            Path(folder),
            seeds=options.seeds,
            processes=options.processes,
        )
    if options.rows:
        rows.to_csv(options.rows, index=False)
    if options.figure:
        figure(rows, options.figure)
    print(table(rows), warnings(rows), sep="\n\n")
    print(
        f"\nMonitor on {len(statuses)} runs without change: {statuses.count(FAIL)} alarms ({', '.join(sorted(set(statuses)))})."
    )


if __name__ == "__main__":
    main()
