"""How the loop goes on: generation 0 of each seed, then each arm by itself, one row for each of its generations.

Seeds and arms may run side by side; what they share lies in a file, and rows do not depend on how many run at once.
"""

from __future__ import annotations

import pickle
import shutil
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from provenance.audit.versions import Baseline, Settings
from scripts.collapse._arms import ACCUMULATED, Arm, Size, prepare
from scripts.collapse._crawl import Page, capture_again, mills
from scripts.collapse._models import Model
from scripts.collapse._world import World, judge, make_world, sketch, train_detector

#: Pages that a model writes for each of people's.
MACHINE = 2.0
#: The same where machines come slowly: twice as many in every generation, until they are as many.
SLOW = (0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.0)

Row = dict[str, Any]


@dataclass(frozen=True)
class Start:
    """Generation 0 of a seed: what all arms begin with."""

    world: World
    first: Model
    baseline: Baseline  # what the first model writes
    detector: Path | None
    others: list[str]  # people's texts that are in no crawl


def run_arm(start: Start, arm: Arm, generations: int, folder: Path) -> Iterator[Row]:
    """One row for each generation of one arm."""
    world, model, written = start.world, start.first, list[Page]()
    documents = len(world.crawl)
    for generation in range(1, generations + 1):
        written_now = round((SLOW[generation - 1] if arm.slow else MACHINE) * documents)
        texts = world.write(model, written_now, generation, 1)
        newest = mills(texts, world.crawl, generation, world.seed)
        written = [*written, *newest]
        seen = written if arm.takes == ACCUMULATED else newest
        place = folder / str(generation)
        training = prepare(
            arm,
            [*capture_again(world.crawl, generation), *seen],
            words=world.words,
            folder=place,
            detector=start.detector,
            seed=world.seed,
        )
        shutil.rmtree(place, ignore_errors=True)
        read = judge(training.texts, world.pages, folder)
        model = world.kind.train(training.texts)
        yield {
            "seed": world.seed,
            "arm": arm.name,
            "generation": generation,
            "perplexity": model.perplexity(world.unseen),
            **judge(world.write(model, documents, generation, 2), start.baseline, folder),
            **{f"read_{name}": value for name, value in read.items()},
            "words": sum(len(text.split()) for text in training.texts),
            "true": training.synthetic_share(),
            "claimed": training.claimed,
            "released": training.released,
            "human_kept": training.human_kept,
        }


def begin(
    passages: pd.DataFrame, size: Size, folder: Path, seed: int, *, own_detector: bool, parts: Path | None
) -> list[Row]:
    """Generation 0 of a seed, left in `folder`, and its row."""
    home = folder / str(seed)
    home.mkdir()
    world, rest = make_world(passages, size, seed, home)
    say(f"seed {seed}: generation 0")
    first = world.kind.train([page.text for page in world.crawl])
    detector = train_detector(world, first, rest, home / "detector") if own_detector else None
    written = sketch(world.write(first, size.documents, 0, 2), home)
    baseline = Baseline("what the first model writes", written, Settings())
    start = Start(world, first, baseline, detector, rest.text.tolist())
    (home / "start.pickle").write_bytes(pickle.dumps(start))
    row = {"seed": seed, "arm": "generation 0", "generation": 0, "perplexity": first.perplexity(world.unseen)}
    row |= {"coverage": 1.0, "words": world.words, "true": 0.0}
    keep([row], parts, str(seed))
    return [row]


def repeat(size: Size, folder: Path, parts: Path | None, seed: int) -> list[str]:
    """What the monitor says of a seed where only the draw changes: of what the first model writes, and of people's pages."""
    home = folder / str(seed)
    start: Start = pickle.loads((home / "start.pickle").read_bytes())
    world, statuses = start.world, list[str]()
    for number in range(seed, size.nulls, size.seeds):
        again = world.write(start.first, size.documents, 0, 3, number)
        for texts, baseline in ((again, start.baseline), (renew(start, number), world.pages)):
            statuses.append(judge(texts, baseline, home)["monitor"])
        if parts is not None:
            (parts / f"{seed}.statuses").write_text("\n".join(statuses))
    return statuses


def renew(start: Start, number: int) -> list[str]:
    """People's pages, of which as many as machines write slowly are replaced by other people's: a crawl without change."""
    world, pages = start.world, len(start.world.crawl)
    random = np.random.default_rng([world.seed, 4, number])
    more = min(round(SLOW[number % len(SLOW)] * pages), pages, len(start.others))
    kept = random.choice(pages, pages - more, replace=False)
    others = random.choice(len(start.others), more, replace=False)
    return [*(world.crawl[place].text for place in kept), *(start.others[place] for place in others)]


def go_on(size: Size, folder: Path, parts: Path | None, task: tuple[int, Arm]) -> list[Row]:
    """The rows of one seed and arm; where `parts` is given they are written there after each generation."""
    seed, arm = task
    start: Start = pickle.loads((folder / str(seed) / "start.pickle").read_bytes())
    place = folder / str(seed) / f"arm-{size.arms.index(arm)}"
    place.mkdir()
    rows = list[Row]()
    for row in run_arm(start, arm, size.generations, place):
        rows.append(row)
        say(f"seed {seed}: {arm.name}: generation {row['generation']}")
        keep(rows, parts, f"{seed}-{size.arms.index(arm)}")
    return rows


def keep(rows: list[Row], parts: Path | None, name: str) -> None:
    """Write rows as a file of the folder, if there is one."""
    if parts is not None:
        pd.DataFrame(rows).to_csv(parts / f"{name}.csv", index=False)


def run(
    passages: pd.DataFrame,
    size: Size,
    folder: Path,
    *,
    own_detector: bool = True,
    seeds: Sequence[int] | None = None,
    processes: int = 1,
    parts: Path | None = None,
) -> tuple[pd.DataFrame, list[str]]:
    """(a row for each seed, arm and generation, the monitor's statuses where nothing but the draw changed).

    Of `seeds`, by default all of the size, each is by itself, and each arm after generation 0; `processes` run at once.
    The rows are the same for any number; a folder `parts` gets them as they come.
    """
    chosen = seeds or range(size.seeds)
    first = partial(begin, passages, size, folder, own_detector=own_detector, parts=parts)
    then = partial(go_on, size, folder, parts)
    tasks = [(seed, arm) for seed in chosen for arm in size.arms]
    last = partial(repeat, size, folder, parts)
    if processes == 1:
        begun = [first(seed) for seed in chosen]
        gone_on = [then(task) for task in tasks]
        again = [last(seed) for seed in chosen]
    else:
        with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
            begun = list(pool.map(first, chosen))
            going_on, repeating = pool.map(then, tasks), pool.map(last, chosen)
            gone_on, again = list(going_on), list(repeating)
    rows = [row for found in (*begun, *gone_on) for row in found]
    return pd.DataFrame(rows), [status for statuses in again for status in statuses]


def say(message: str) -> None:
    """Progress on standard error."""
    print(message, file=sys.stderr, flush=True)
