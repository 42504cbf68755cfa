"""How much a text reads like a paper or a textbook, and what is taken from its score for that.

Formal prose of people resembles machine prose: unseen abstracts were flagged twenty times as often as web pages. A small
network over style knows the register, not the author, and the more formal a text is, the more it takes to flag it.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from provenance.detectors.embedded import learning
from provenance.detectors.embedded.learning import Passages
from provenance.detectors.embedded.rhythm import Network, fit_network
from provenance.detectors.embedded.weights import damped

#: Coarse domains of formal prose.
FORMAL = frozenset(("abstract", "academic", "pubmed", "textbook", "wikipedia"))
#: Share of human web prose that is formal enough to lose something, and nats that a unit of the network's score
#: beyond that costs. Of the settings tried (docs/decisions/detector.md) this one finds most where under 5% of unseen abstracts are flagged.
_SHARE, _COST = 0.1, 0.75
#: Passages of people of either register that it takes to tell them apart.
_LEAST = 100


def fit_register(table: pd.DataFrame, rows: Passages, use: NDArray[np.bool_], seed: int) -> Network:
    """A network whose score grows with formality, from the passages in `use` (documents,) of the first language.

    People and the recent assistant wrote in both registers; each of these four kinds weighs the same, so the author
    is not told. Makers wrote chat answers, stories and essays, and teach no register.
    """
    formal, synthetic = table.stem.isin(FORMAL).to_numpy(), table.synthetic.to_numpy()
    use = use & main_language(table) & (table.recent.to_numpy() | ~synthetic) & ~table.piece.to_numpy()
    weight = np.where(use, damped(table), 0.0)
    for kind in (formal & synthetic, formal & ~synthetic, ~formal & synthetic, ~formal & ~synthetic):
        weight[kind] /= max(weight[kind].sum(), 1e-9)
    return fit_network(rows.style, formal[rows.document], learning.passage_weights(rows, weight), seed)


def fit_damping(
    table: pd.DataFrame, formality: NDArray[np.float64], web: NDArray[np.bool_], weight: NDArray[np.float64]
) -> tuple[float, float]:
    """(formality from which on a score loses, nats that a unit costs); `weight` is that of the documents in `web`.

    The cost is 0 where the corpus has too few people of either register to know them.
    """
    people = main_language(table) & ~table.synthetic.to_numpy()
    formal = people & table.stem.isin(FORMAL).to_numpy()
    if min(formal.sum(), (people & ~formal).sum()) < _LEAST:
        return 0.0, 0.0
    order = np.argsort(formality[web], kind="stable")
    reached = np.cumsum(weight[order]) / weight.sum()
    return float(formality[web][order][np.searchsorted(reached, 1 - _SHARE)]), _COST


def main_language(table: pd.DataFrame) -> NDArray[np.bool_]:
    """Which documents are in the language with most of them."""
    return np.asarray(table.language == table.language.value_counts().index[0])
