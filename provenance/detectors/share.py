"""The share of documents that a machine wrote, where neither the people nor the generators are in any reference.

A text's kind shifts its scores: abstracts look like a machine's, some generators like people. So the people of a dataset are
taken for a mixture of a few kinds like the known ones, its machines for a few generators like the known ones; which ones is
drawn many times, and each draw counts by how well it explains the scores. The width was measured, not assumed: docs/audit.md.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import as_file, files
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from provenance.detectors.embedded.calibration import Calibration
from provenance.detectors.prevalence import Estimate

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

#: Ratios in nats, before their bounds, are counted in bins of this width from the lowest on; the end bins are open.
LOWEST, WIDTH, BINS = -6.0, 0.5, 28
#: Sites fall into so many groups by their hash.
GROUPS = 64
#: Shares that are weighed, finer where they are small.
SHARES = np.concatenate(
    [[0, 0.001, 0.002, 0.004, 0.006, 0.008], np.arange(2, 20) / 200, np.arange(10, 101) / 100]
)
_EDGES = np.concatenate([[0.0], (SHARES[1:] + SHARES[:-1]) / 2, [1.0]])
#: Mass of the neighbourhood of each share before anything is seen: of a Beta(.6, 1), which leans towards little.
PRIOR = np.diff(_EDGES**0.6)
#: Draws of kinds; of how many kinds each is made.
_DRAWS, _KINDS = 600, (1, 2, 4)
#: Kinds of other languages count as much as this many of the language's own: ratios mean the same in each.
_BORROWED = 10.0
#: Standard deviation in nats by which a kind that nobody has seen lies beside the drawn ones.
_ASIDE = 0.5
#: Documents of the whole reference that are added to each kind, so that none has empty bins.
_SMOOTHED = 5.0
#: However many documents there are, kinds unlike all known ones let them say no more than this many; fewer where a language
#: has few kinds of people. Found on kinds left out (docs/audit.md): with 100, intervals held in 89% in French and Portuguese.
_MOST, _MOST_FEW, _MANY_KINDS = 200.0, 70.0, 20
#: Cuts (nats) and their softness, as they may have been made in data from which something took what scored high.
_CUTS, _SOFTNESS = (-3.0, 8.0), (0.1, 0.5, 1.0)
#: Share of its own old documents in what stands for the people of a dataset, in half of the draws.
_OWN = (0.5, 1.0)
_LEVEL = 0.95
_SEED = 20221130
FORMAT = 1


@dataclass(frozen=True)
class Side:
    """Kinds of text of one label: binned ratios of detectors that had not seen the kind, shape (kinds, BINS)."""

    counts: I64
    languages: NDArray[np.str_]
    names: NDArray[np.str_]
    owners: NDArray[np.str_]  # the repository of human text, the maker of a generator

    def without(self, owners: set[str]) -> Side:
        """The kinds of all other owners."""
        keep = ~np.isin(self.owners, sorted(owners))
        return Side(self.counts[keep], self.languages[keep], self.names[keep], self.owners[keep])

    def own_kinds(self, language: str) -> int:
        """How many kinds a language has."""
        return int((self.languages == language).sum())


@dataclass(frozen=True)
class Kinds:
    """How kinds of text score that the detector `detector` never saw, read with the calibration `calibration`.

    `languages` are those of which shares are stated: elsewhere people of the next source may score as nobody known does.
    """

    detector: str
    calibration: str
    languages: tuple[str, ...]
    human: Side
    synthetic: Side

    def without(self, repositories: set[str], makers: set[str]) -> Kinds:
        """The kinds that share no source with these."""
        return replace(self, human=self.human.without(repositories), synthetic=self.synthetic.without(makers))

    def save(self, path: Path) -> None:
        """Write as npz; equal kinds give equal bytes."""
        sides = {"human": self.human, "synthetic": self.synthetic}
        np.savez_compressed(
            path,
            allow_pickle=False,
            format=np.array(FORMAT),
            detector=np.array(self.detector),
            calibration=np.array(self.calibration),
            languages=np.array(self.languages, np.str_),
            **{f"{name}_counts": side.counts.astype(np.int32) for name, side in sides.items()},
            **{f"{name}_languages": side.languages for name, side in sides.items()},
            **{f"{name}_names": side.names for name, side in sides.items()},
            **{f"{name}_owners": side.owners for name, side in sides.items()},
        )


def read_kinds(path: Path) -> Kinds:
    """Read a file of kinds; raises ValueError, naming the file, if it is of another format or cannot be read."""
    try:
        return _read_kinds(path)
    except (OSError, EOFError, KeyError, ValueError, BadZipFile) as error:
        raise ValueError(f"{path}: not a file of kinds that can be read ({error})") from error


def _read_kinds(path: Path) -> Kinds:
    with np.load(path, allow_pickle=False) as stored:
        if "format" not in stored or int(stored["format"]) != FORMAT:
            raise ValueError(f"not of format {FORMAT}")
        sides = [
            Side(
                stored[f"{name}_counts"].astype(np.int64),
                *(stored[f"{name}_{field}"] for field in ("languages", "names", "owners")),
            )
            for name in ("human", "synthetic")
        ]
        languages = tuple(stored["languages"].tolist())
        return Kinds(str(stored["detector"]), str(stored["calibration"]), languages, *sides)


@lru_cache(maxsize=1)
def load_kinds() -> Kinds:
    """The kinds that ship with the detector."""
    with as_file(files("provenance.detectors.embedded") / "data" / "kinds.npz") as path:
        return read_kinds(path)


def find_kinds(folder: str | None) -> Kinds | None:
    """The kinds of a trained detector's folder, None where it has none; without a folder those that ship.

    Raises:
        ValueError: where the file is of another format or cannot be read; the message names it.
    """
    if folder is None:
        return load_kinds()
    path = Path(folder) / "kinds.npz"
    return read_kinds(path) if path.exists() else None


def ratio_bins(calibration: Calibration, language: str, scores: F64, words: I64) -> I64:
    """Bin of the ratio of each document of a language that the calibration claims, before its bounds; shape (documents,).

    `words` must not be less than the detector judges.
    """
    return bin_ratios(calibration.unbounded(scores, words, language))


def bin_ratios(ratios: F64) -> I64:
    """Bin of each ratio, in nats before its bounds."""
    return np.clip((ratios - LOWEST) / WIDTH, 0, BINS - 1).astype(np.int64)


@dataclass(frozen=True)
class Worlds:
    """What documents could have scored: log-probability of each bin by draw and share, (draws · shares, BINS)."""

    logs: NDArray[np.float32]
    most: float

    def estimate(self, counts: I64, method: str) -> Estimate:
        """The share of documents counted by group of sites and bin, shape (GROUPS, BINS), with its 95% interval.

        The point is the posterior's median, the interval the shortest that holds 95% of it.

        Raises:
            ValueError: where nothing is counted.
        """
        documents = int(counts.sum())
        if not documents:
            raise ValueError("a share needs documents")
        likelihood = (self.logs @ told(counts, self.most).astype(np.float32)).reshape(-1, len(SHARES))
        posterior = np.exp(likelihood - likelihood.max()).astype(float).sum(axis=0) * PRIOR
        posterior /= posterior.sum()
        share = float(SHARES[np.searchsorted(np.cumsum(posterior), 0.5)])
        low, high = _shortest(posterior)
        return Estimate(method, share, min(low, share), max(high, share), documents)


def make_worlds(kinds: Kinds, language: str, own: I64 | None = None, selected: bool = False) -> Worlds:
    """The worlds of a language; seeded, so that equal arguments give equal worlds.

    `own` are the counts of the dataset's own human documents, shape (GROUPS, BINS): in half of the draws they are most of what
    stands for people. `selected` says that something may have taken what scored high.
    """
    human, synthetic = draw_sides(kinds, language, own, selected)
    mixed = (1 - SHARES)[None, :, None] * human[:, None] + SHARES[None, :, None] * synthetic[:, None]
    return Worlds(np.log(mixed).astype(np.float32).reshape(-1, BINS), most_told(kinds, language))


def draw_sides(
    kinds: Kinds, language: str, own: I64 | None = None, selected: bool = False
) -> tuple[F64, F64]:
    """(what people may score, what machines may score) as distributions over bins, shape (draws, BINS) each; as `make_worlds`."""
    random = np.random.RandomState(_SEED)
    human = _draw(kinds.human, language, random)
    synthetic = _draw(kinds.synthetic, language, random)
    if own is not None and own.sum():
        says = 1 / design_effect(own)
        mean = human.mean(axis=0)
        texts = random.standard_gamma(
            np.broadcast_to(own.sum(axis=0) * says + _SMOOTHED * mean, human.shape) + 1e-9
        )
        texts /= texts.sum(axis=1, keepdims=True)
        part = random.uniform(*_OWN, (_DRAWS, 1)) * (random.random_sample((_DRAWS, 1)) < 0.5)
        human = part * texts + (1 - part) * human
    if selected:
        human, synthetic = _cut(human, synthetic, random)
    return human, synthetic


def most_told(kinds: Kinds, language: str) -> float:
    """The documents beyond which more of a language tell nothing more, since they tell of the kinds that they are of."""
    return _MOST if kinds.human.own_kinds(language) >= _MANY_KINDS else _MOST_FEW


def told(counts: I64, most: float) -> F64:
    """What documents counted by group of sites and bin tell, as so many independent ones in each bin, shape (BINS,)."""
    total = counts.sum(axis=0)
    return np.asarray(total / (design_effect(counts) + total.sum() / most))


@lru_cache(maxsize=24)
def shipped_worlds(language: str, selected: bool = False) -> Worlds:
    """`make_worlds` of the kinds that ship."""
    return make_worlds(load_kinds(), language, selected=selected)


def design_effect(counts: I64) -> float:
    """By how much documents of one site are alike: the mean of Rao and Scott (1981) over four-bin classes, at least 1.

    So many documents say as much as one. `counts` has the shape (GROUPS, BINS); of one group it is 1, for nothing is known.
    """
    table = counts.reshape(len(counts), -1, 4).sum(axis=2)
    table = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0].astype(float)
    if min(table.shape) < 2:
        return 1.0
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0) / table.sum()
    statistic = ((table - expected) ** 2 / expected).sum()
    return max(1.0, float(statistic / ((table.shape[0] - 1) * (table.shape[1] - 1))))


def _draw(side: Side, language: str, random: np.random.RandomState) -> F64:
    """Distributions over bins of mixtures of a few kinds, moved a little, shape (_DRAWS, BINS)."""
    own = side.languages == language
    size = side.counts.sum(axis=1)
    weight = np.sqrt(np.minimum(size, 400.0))
    share = own.sum() / (own.sum() + _BORROWED)
    for part, total in ((own, share), (~own, 1 - share)):
        if part.any():
            weight[part] *= total / weight[part].sum()
    weight /= weight.sum()
    pooled = weight @ (side.counts / size[:, None])
    kinds = (side.counts + _SMOOTHED * pooled) / (size + _SMOOTHED)[:, None]
    most = max(_KINDS)
    drawn = random.choice(len(kinds), (_DRAWS, most), p=weight)
    parts = random.standard_exponential((_DRAWS, most)) * (
        np.arange(most) < random.choice(_KINDS, _DRAWS)[:, None]
    )
    mixed = np.einsum("dk,dkb->db", parts / parts.sum(axis=1, keepdims=True), kinds[drawn])
    moved = np.maximum(_moved(mixed, random.normal(0, _ASIDE / WIDTH, _DRAWS)), 1e-5)
    return np.asarray(moved / moved.sum(axis=1, keepdims=True))


def _moved(parts: F64, by: F64) -> F64:
    """Distributions moved by some bins each; what leaves at an end stays in the end bin."""
    running = np.concatenate([np.zeros((len(parts), 1)), np.cumsum(parts, axis=1)], axis=1)
    edges = np.arange(BINS + 1) - by[:, None]
    below = np.clip(np.floor(edges).astype(np.int64), 0, BINS - 1)
    within = np.clip(edges - below, 0, 1)
    rows = np.arange(len(parts))[:, None]
    at = (1 - within) * running[rows, below] + within * running[rows, below + 1]
    at[:, 0], at[:, -1] = 0, running[:, -1]
    return np.diff(at, axis=1)


def _cut(human: F64, synthetic: F64, random: np.random.RandomState) -> tuple[F64, F64]:
    """Both after a cut somewhere, as it may have been made."""
    place = random.uniform(*_CUTS, (_DRAWS, 1))
    softness = random.choice(_SOFTNESS, (_DRAWS, 1))
    ratio = LOWEST + WIDTH * (np.arange(BINS) + 0.5)
    kept = np.maximum(1 / (1 + np.exp((ratio - place) / softness)), 1e-4)
    human, synthetic = human * kept, synthetic * kept
    return human / human.sum(axis=1, keepdims=True), synthetic / synthetic.sum(axis=1, keepdims=True)


def _shortest(posterior: F64) -> tuple[float, float]:
    """The ends of the cells of highest density that together hold _LEVEL."""
    order = np.argsort(-posterior / np.diff(_EDGES), kind="stable")
    count = int(np.searchsorted(np.cumsum(posterior[order]), _LEVEL)) + 1
    held = np.sort(order[:count])
    low = 0.0 if held[0] == 0 else float(_EDGES[held[0]])
    return low, float(_EDGES[held[-1] + 1])
