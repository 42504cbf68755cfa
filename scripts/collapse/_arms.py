"""The ways to come from a crawl to training text: as it is, with the truth known, or through `provenance curate` itself.

Nothing of the program is imitated: a curated arm writes a WARC file, runs the command on it, and trains on the text and
the weights of the release. The truth joins by address, only to be counted.
"""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from numpy.typing import NDArray

from pipelines.command import main as provenance
from provenance.decisions.sampling import sampling_counts
from scripts.collapse._crawl import Page, write_crawl
from scripts.collapse._models import Shape

#: What of a crawl an arm takes.
RAW, ORACLE, ACCUMULATED, CURATED = "raw", "oracle", "accumulated", "curated"


@dataclass(frozen=True)
class Arm:
    """A way to make training text of a crawl; `own` asks for the detector that knows the model's first texts.

    `whole` reads a release to its end, whatever its words; in a `slow` web models write little at first.
    """

    name: str
    takes: str
    cap: dict[str, Any] = field(default_factory=dict)
    own: bool = True
    whole: bool = False
    slow: bool = False


@dataclass(frozen=True)
class Training:
    """Texts to train on, whether a machine wrote each, and of a release the claimed and the true share of its tokens."""

    texts: list[str]
    machine: NDArray[np.bool_]
    claimed: float | None
    released: float | None
    human_kept: float

    def synthetic_share(self) -> float:
        """True share of words that a machine wrote."""
        words = np.array([len(text.split()) for text in self.texts])
        return float(words[self.machine].sum() / max(words.sum(), 1))


def capped(share: str, own: bool = True, margin: str = "0") -> Arm:
    """Curated with this cap, which stands in the name. Without a margin the claimed share is what probabilities add up to."""
    name = (
        f"cap {share}"
        + ("" if own else ", shipped detector")
        + (f", margin {margin}" if margin != "0" else "")
    )
    return Arm(name, CURATED, {"max_synthetic": share, "margin": margin}, own)


AS_IS = Arm("as it is", RAW)
SLOWLY = Arm("as it is, machines slowly more", RAW, slow=True)
ALL_SO_FAR = Arm("accumulated", ACCUMULATED)
TRUTH = Arm("oracle", ORACLE)
READ_WHOLE = Arm("cap 0.05, read whole", CURATED, {"max_synthetic": "0.05", "margin": "0"}, whole=True)
WEIGHTED = Arm(
    "weights (1 - p)^k, .05", CURATED, {"max_synthetic": "0.05", "margin": "0", "policy": "weights"}
)


@dataclass(frozen=True)
class Size:
    """How much is run."""

    documents: int
    generations: int
    seeds: int
    nulls: int
    arms: tuple[Arm, ...]
    shape: Shape | None = None  # of transformers; without one models are trigrams


#: Arms in two halves, so that a quick run has what matters most.
FIRST = (
    AS_IS,
    SLOWLY,
    ALL_SO_FAR,
    TRUTH,
    capped("0.01"),
    capped("0.02"),
    capped("0.05"),
    READ_WHOLE,
    capped("0.05", own=False),
)
OTHERS = (
    *(capped(share) for share in ("0", "0.10", "0.30")),
    *(capped(share, margin="0.8") for share in ("0.02", "0.05")),
    WEIGHTED,
)
#: Shapes of transformers. The rate of the large one is the best of .001, .002 and .004 by perplexity of generation 0 on seed 7.
TINY = Shape(pieces=512, layers=2, width=48, heads=2, context=320, batch=8, steps=40, rate=2e-3)
SMALL = Shape(pieces=1024, layers=2, width=96, heads=4, context=256, batch=12, steps=150, rate=4e-3)
MEDIUM = Shape(pieces=2048, layers=3, width=128, heads=4, context=256, batch=12, steps=250, rate=3e-3)
LARGE = Shape(
    pieces=4096, layers=4, width=256, heads=4, context=288, batch=16, steps=600, rate=2e-3, together=2000
)
#: By kind of model. Transformers of the standard size take CUDA.
SIZES = {
    "ngrams": {
        "small": Size(1500, 4, 1, 5, FIRST),
        "others": Size(1500, 1, 1, 20, OTHERS),
        "standard": Size(1000, 8, 3, 20, FIRST),
        "whole": Size(1000, 8, 3, 20, (*FIRST, *OTHERS)),
    },
    "transformer": {
        "tiny": Size(160, 1, 1, 1, (AS_IS, TRUTH, capped("0.5")), shape=TINY),
        "small": Size(300, 3, 1, 2, (AS_IS, TRUTH, capped("0.05")), shape=SMALL),
        "medium": Size(500, 5, 2, 4, (AS_IS, capped("0.02"), READ_WHOLE, TRUTH, SLOWLY), shape=MEDIUM),
        "standard": Size(1000, 8, 3, 20, FIRST, shape=LARGE),
    },
}


def prepare(
    arm: Arm, pages: Sequence[Page], words: int, folder: Path, detector: Path | None, seed: int
) -> Training:
    """What an arm trains on: at most `words` words of the pages it takes, drawn at random; of accumulated and whole ones all.

    `folder` must not be there yet; it gets the crawl, the workspace and the release of a curated arm.
    """
    random = np.random.default_rng([seed, 3])
    people = sum(not page.machine for page in pages)
    claimed = released = None
    if arm.takes == CURATED:
        texts, machine, claimed, released = curate(arm, pages, folder, detector, random)
    else:
        chosen = [page for page in pages if not (arm.takes == ORACLE and page.machine)]
        texts, machine = [page.text for page in chosen], np.array([page.machine for page in chosen], bool)
    kept = float((~machine).sum() / people)
    order = random.permutation(len(texts))
    if arm.takes != ACCUMULATED and not arm.whole:
        length = np.array([len(texts[place].split()) for place in order])
        order = order[np.cumsum(length) - length < words]
    return Training([texts[place] for place in order], machine[order], claimed, released, kept)


def curate(
    arm: Arm, pages: Sequence[Page], folder: Path, detector: Path | None, random: np.random.Generator
) -> tuple[list[str], NDArray[np.bool_], float, float]:
    """(texts of the release as often as they are to be sampled, whether a machine wrote each, claimed and true share).

    The true share is of the release's tokens by `sampling_weight`, as the claimed one is.
    """
    folder.mkdir(parents=True)
    write_crawl(folder / "crawl.warc", pages)
    configuration: dict[str, Any] = {"cap": {"on_failure": "warn", **arm.cap}, "release": {"samples": False}}
    if arm.own and detector is not None:
        configuration["detector"] = {"model": str(detector)}
    (folder / "provenance.yaml").write_text(yaml.safe_dump(configuration))
    said, trouble = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(trouble):
        code = provenance(
            ["curate", str(folder / "crawl.warc"), "--output", str(folder / "release"), "--quiet"]
            + ["--workspace", str(folder / "workspace"), "--config", str(folder / "provenance.yaml")]
        )
    if code != 0:
        raise SystemExit(f"error: curate ended with {code}: {said.getvalue()}{trouble.getvalue()}")
    files = sorted((folder / "release" / "data").glob("*.parquet"))
    columns = ["url", "text", "token_count", "sampling_weight"]
    rows = pd.concat([pd.read_parquet(file, columns=columns) for file in files])
    truth = {page.url: page.machine for page in pages}
    weight = rows.sampling_weight.fillna(1).to_numpy(np.float32)
    tokens, by_machine = weight * rows.token_count, np.array([truth[url] for url in rows.url], bool)
    released = float(tokens[by_machine].sum() / max(tokens.sum(), 1))
    copies = sampling_counts(weight, random.integers(0, 2**64, len(rows), dtype=np.uint64))
    sampled = np.repeat(np.arange(len(rows)), copies)
    manifest = json.loads((folder / "release" / "manifest.json").read_text())
    claimed = float(manifest["synthetic"]["claimed"])
    return rows.text.iloc[sampled].tolist(), by_machine[sampled], claimed, released
