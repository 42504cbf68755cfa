"""Learn which blocks of a page are its main text, and print what that finds on sites that it never saw.

    python scripts/train/text.py [SHARED] [--folds] [--write]

Labels of the development pages, block by block: the whole article where people wrote it down (90 pages), what people
marked as wanted and unwanted (534 pages), and elsewhere, with less weight, what trafilatura takes. One page in three is
learned without its class names, so that a page that names nothing is read as well. Five folds; a site, and pages of one
group, lie in one fold. `--write` ships the trees learned from all pages.
"""

from __future__ import annotations

import argparse
import hashlib
import html
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import HistGradientBoostingClassifier

from provenance.annotators.text import choice
from provenance.annotators.text.blocks import CHARS, START, STOP, Blocks, read_blocks
from provenance.annotators.text.choice import Trees
from provenance.annotators.text.extraction import extract_with_trafilatura
from provenance.annotators.text.features import NAMES, describe
from scripts.evaluate.text import Labelled, load, squeeze

FOLDS = 5
TREES, LEAVES, RATE, LEAST_LEAF, SHRINKAGE = 200, 16, 0.08, 40, 5.0
#: Weight of a block by who labelled it: trafilatura, the whole article, a snippet.
BY_TEACHER, BY_BODY, BY_SNIPPET = 1.0, 1.5, 6.0
_FIRST_WORD = NAMES.index(".nav")
_SEED = 1
_WORD = re.compile(r"\w+")
#: Words of a long line, share of its runs of three words, and lines beside long ones.
_LONG, _MOST_RUNS, _NEAR = 6, 0.7, 3
_MOST_OF_TITLE = 0.4


@dataclass(frozen=True)
class Lesson:
    """A page as the trees see it: blocks, their features, labels (0 or 1) and weights, and the fold of its site."""

    page: Labelled
    blocks: Blocks
    table: npt.NDArray[np.float32]
    labels: npt.NDArray[np.float64]
    weights: npt.NDArray[np.float64]
    fold: int


def lessons(pages: list[Labelled]) -> list[Lesson]:
    """What there is to learn from each page that holds text."""
    folds = folds_of(pages)
    made = []
    for page, fold in zip(pages, folds, strict=True):
        blocks = read_blocks(page.text.encode("utf-8", "replace"))
        if len(blocks.rows):
            table = describe(blocks)
            made.append(Lesson(page, blocks, table, *_labels(page, blocks, table), fold))
    return made


def folds_of(pages: list[Labelled]) -> list[int]:
    """The fold of each page: all pages of one site, and of one group, have the same."""
    parent: dict[str, str] = {}

    def root(key: str) -> str:
        while parent.setdefault(key, key) != key:
            key = parent[key]
        return key

    for page in pages:
        parent[root(f"group {page.group}")] = root(f"site {page.site}")
    return [int(hashlib.sha1(root(f"site {page.site}").encode()).hexdigest(), 16) % FOLDS for page in pages]


def _labels(
    page: Labelled, blocks: Blocks, table: npt.NDArray[np.float32]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    lines = [
        squeeze(html.unescape(blocks.text[row[START] : row[STOP]].tobytes().decode("utf-8", "replace")))
        for row in blocks.rows
    ]
    labels = _found_in(lines, page.body or squeeze(extract_with_trafilatura(page.text).text))
    # People who write an article down leave out its title, which is a column of its own; trafilatura keeps half of them.
    labels[(table[:, NAMES.index("titled")] > _MOST_OF_TITLE) | (table[:, NAMES.index("<h1>")] > 0)] = 0
    weights = np.full(len(lines), BY_BODY if page.body else BY_TEACHER)
    for row, line in enumerate(lines):
        for snippets, label in ((page.unwanted, 0.0), (page.wanted, 1.0)):
            if any(snippet in line for snippet in snippets):
                labels[row], weights[row] = label, BY_SNIPPET
    # Long blocks matter more, and no page more than another because it has more blocks.
    length = np.minimum(blocks.rows[:, CHARS], 400) / 50 + 0.3
    return labels, weights * np.sqrt(length / len(lines)) * 10


def _found_in(lines: list[str], reference: str) -> npt.NDArray[np.float64]:
    """Which lines stand in a text (1) or not (0): most of a long line's runs of words, and a short one among long ones.

    A word of a menu also stands somewhere in most texts, and a paragraph differs from its copy by a blank beside a link.
    """
    words = _WORD.findall(reference)
    runs, joined = {*zip(words, words[1:], words[2:], strict=False)}, f" {' '.join(words)} "
    labels = np.zeros(len(lines))
    short = []
    for row, line in enumerate(lines):
        own = _WORD.findall(line)
        if len(own) >= _LONG:
            its = [*zip(own, own[1:], own[2:], strict=False)]
            labels[row] = sum(run in runs for run in its) >= _MOST_RUNS * len(its)
        elif own and f" {' '.join(own)} " in joined:
            short.append(row)
    found = np.flatnonzero(labels)
    if len(found):
        labels[[row for row in short if found[0] - _NEAR <= row <= found[-1] + _NEAR]] = 1
    else:
        labels[short] = 1
    return labels


def learn(some: list[Lesson]) -> Trees:
    """Trees from the labelled blocks of some pages; the same pages give the same trees."""
    tables = [lesson.table.copy() for lesson in some]
    for table in tables[::3]:
        table[:, _FIRST_WORD:] = 0
    model = HistGradientBoostingClassifier(
        max_iter=TREES, max_leaf_nodes=LEAVES, learning_rate=RATE, min_samples_leaf=LEAST_LEAF,
        l2_regularization=SHRINKAGE, early_stopping=False, random_state=_SEED,
    )  # fmt: skip
    model.fit(
        np.concatenate(tables),
        np.concatenate([lesson.labels for lesson in some]),
        sample_weight=np.concatenate([lesson.weights for lesson in some]),
    )
    return _exported(model)


def _exported(model: Any) -> Trees:
    """The trees of a fitted model as flat arrays."""
    trees = [stage[0].nodes for stage in model._predictors]
    roots = np.cumsum([0, *map(len, trees)])[:-1]
    nodes = np.concatenate(trees)
    shift = np.repeat(roots, [len(tree) for tree in trees])
    threshold = nodes["num_threshold"].astype(np.float32)
    above = threshold > nodes["num_threshold"]  # rounded down, every float32 compares as before
    threshold[above] = np.nextafter(threshold[above], np.float32(-np.inf))
    leaf = nodes["is_leaf"].astype(bool)
    return Trees(
        feature=np.where(leaf, -1, nodes["feature_idx"]).astype(np.int16),
        threshold=threshold,
        left=(nodes["left"] + shift).astype(np.int32),
        right=(nodes["right"] + shift).astype(np.int32),
        value=np.where(leaf, nodes["value"], 0).astype(np.float32),
        roots=roots.astype(np.int32),
        base=float(np.ravel(model._baseline_prediction)[0]),
    )


def held_out(some: list[Lesson]) -> dict[int, Trees]:
    """For each fold, trees learned from the pages of all others."""
    return {fold: learn([lesson for lesson in some if lesson.fold != fold]) for fold in range(FOLDS)}


def main() -> None:
    """Do what the options ask for."""
    from scripts.evaluate.text import print_scores, texts_of_folds

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = os.environ.get("PROVENANCE_SHARED", Path(__file__).resolve().parents[3] / "shared")
    parser.add_argument("shared", nargs="?", type=Path, default=Path(default))
    parser.add_argument("--folds", action="store_true", help="print the figures of the folds")
    parser.add_argument("--write", action="store_true", help="ship trees learned from all pages")
    arguments = parser.parse_args()
    some = lessons(load(arguments.shared))
    if arguments.folds:
        print_scores("sites not learned from", [lesson.page for lesson in some], texts_of_folds(some))
    if arguments.write:
        trees = learn(some)
        path = Path(choice.__file__).parent / "data" / choice.MODEL
        path.parent.mkdir(exist_ok=True)
        np.savez_compressed(path, names=np.array(NAMES), **trees._asdict())
        print(f"{path}: {path.stat().st_size} bytes, {len(trees.feature)} nodes")


if __name__ == "__main__":
    main()
