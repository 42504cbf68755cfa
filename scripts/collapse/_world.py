"""What all generations of one seed share: people's pages, text that nobody trains on, a kind of model, and the monitor.

The monitor is `provenance audit`'s own, on texts as its command reads them; the detector that knows the first model is
made by the command that makes the one that ships.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from provenance.audit.sketches.compare import FAIL, WARN
from provenance.audit.sketches.strata import Sketches
from provenance.audit.versions import Baseline, Settings, sketch_dataset
from provenance.files.storage import LocalStorage
from scripts.collapse._arms import Size
from scripts.collapse._crawl import Page, people
from scripts.collapse._models import Kind, Model, make_kind

ROOT = Path(__file__).resolve().parents[2]
#: Most passages of each label for the detector that knows the model, and for each of people's pages; they are in no crawl.
DETECTOR_PASSAGES, PASSAGES_A_PAGE = 2000, 2
#: The monitor's measure that is reported; its tolerance is the default.
WATCHED = "rare_coverage_words"


@dataclass(frozen=True)
class World:
    """People's pages, which stand in every crawl, and what generations are measured by."""

    crawl: list[Page]
    kind: Kind
    unseen: list[str]  # people's text that nobody trains on
    pages: Baseline  # people's pages
    words: int  # of people's pages, and the most that a model trains on
    seed: int

    def write(self, model: Model, documents: int, *purpose: int) -> list[str]:
        """Pages by the model; equal purposes (numbers) give equal pages."""
        return model.write(documents, np.random.default_rng([self.seed, *purpose]))


def make_world(passages: pd.DataFrame, size: Size, seed: int, folder: Path) -> tuple[World, pd.DataFrame]:
    """(a world of as many human pages as the size says, the passages that are in no crawl, for a detector)."""
    order = np.random.default_rng([seed, 0]).permutation(len(passages))
    web, unseen, rest = np.split(order, [size.documents, size.documents + size.documents // 2])
    pages = people(passages.iloc[web], seed)
    texts = [page.text for page in pages]
    world = World(
        crawl=pages,
        kind=make_kind(texts, size.shape, seed),
        unseen=passages.text.iloc[unseen].tolist(),
        pages=Baseline("people's pages", sketch(texts, folder), Settings()),
        words=sum(len(text.split()) for text in texts),
        seed=seed,
    )
    return world, passages.iloc[rest]


def train_detector(world: World, model: Model, rest: pd.DataFrame, folder: Path) -> Path:
    """The folder of a detector, with its kinds, that `python scripts/train` makes of the first model's texts and other people's."""
    human = rest.head(min(DETECTOR_PASSAGES, PASSAGES_A_PAGE * len(world.crawl)))
    texts = world.write(model, len(human), 0, 9)
    machine = human.assign(text=texts, label="synthetic", generator=world.kind.name)
    columns = ["text", "label", "generator", "domain", "language", "source", "group"]
    for name in ("corpus", "passages"):
        (folder / name).mkdir(parents=True)
    pd.concat([human, machine])[columns].to_parquet(folder / "corpus" / "texts.parquet")
    made, passages = folder / "model", ["--passages", str(folder / "passages")]
    corpus = str(folder / "corpus")
    _train(["detector", corpus, "--out", str(made), "--recent", world.kind.name, *passages])
    _train(["prevalence", corpus, "--model", str(made), *passages])
    return made


def _train(arguments: Sequence[str]) -> None:
    command = [sys.executable, str(ROOT / "scripts" / "train"), *arguments]
    made = subprocess.run(command, capture_output=True, text=True)
    if made.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {made.returncode}: {made.stderr}")


def sketch(texts: Sequence[str], folder: Path) -> Sketches:
    """What the monitor keeps of texts, read as its command reads a file of them."""
    path = folder / "written.jsonl"
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), encoding="utf-8")
    return sketch_dataset(LocalStorage(), str(path), Settings())


def judge(texts: Sequence[str], baseline: Baseline, folder: Path) -> dict[str, Any]:
    """Coverage of the baseline's rare words (1 is no loss), the monitor's status, and the measures that warned or failed."""
    found = baseline.compare(sketch(texts, folder))
    measures = found["measures"]
    spoke = [name for name, measure in measures.items() if measure["status"] in (WARN, FAIL)]
    change = measures[WATCHED]["change"] if WATCHED in measures else np.nan
    return {"coverage": 1 + change, "monitor": found["status"], "spoke": " ".join(spoke)}
