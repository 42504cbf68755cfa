"""Diversity of sampled documents as points: the Vendi score, and MAUVE beside a baseline.

Points are unit vectors, of a model that the user names or of hashed TF-IDF. Both measures depend on how many points there
are, so either side has as many; equal points in equal order give equal numbers.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.vq import kmeans2

from provenance.audit.sketches.replicates import Halves
from provenance.audit.sketches.types import GROUPS

Floats = NDArray[np.floating[Any]]

#: Fewest documents of either side of which anything is said.
FEWEST = 200
#: Documents for each cluster of MAUVE, as its authors advise, and most clusters.
_DOCUMENTS_OF_CLUSTER, _CLUSTERS = 10, 200
#: Mixtures on the divergence curve and the constant of its exponent (Pillutla et al. 2021).
_MIXTURES, _SCALE = 25, 5.0
#: Added to the documents of each cluster (Krichevsky and Trofimov; Pillutla et al. 2023): without it the halves of one dataset scatter
#: nearly twice as far, and a change is seen no earlier.
SMOOTHING = 0.5
_SEED, _ROUNDS = 20221130, 15
#: Eigenvalues below this part of the whole are rounding.
_LEAST = 1e-12


@dataclass(frozen=True)
class Points:
    """Sampled documents in the order of their hashes."""

    groups: NDArray[np.int64]  # (documents,)
    counts: Floats  # (documents,): copies of each
    vectors: Floats  # (documents, dimensions), of length 1

    def first(self, documents: int) -> Points:
        """Those with the lowest hashes, a sample of a sample."""
        return Points(self.groups[:documents], self.counts[:documents], self.vectors[:documents])


def compare_points(
    dataset: Points, baseline: Points, halves: Halves
) -> tuple[dict[str, Floats], dict[str, Any]]:
    """(`vendi` and `mauve` in every replicate, of shape (2, replicates): dataset and baseline; what other tools would say).

    Both need some points. The second are JSON values of all points: Vendi scores, and MAUVE without smoothing.
    """
    equal = min(len(dataset.groups), len(baseline.groups))
    sides = dataset.first(equal), baseline.first(equal)
    scores = [_vendi_of_halves(side, taken) for side, taken in zip(sides, (halves.dataset, halves.baseline))]
    tables = _quantise(*sides)
    reference = tables[1] @ halves.reference
    parts = tables[0] @ halves.dataset, tables[1] @ halves.baseline
    near = [mauve(part + SMOOTHING, reference + SMOOTHING) for part in parts]
    whole = mauve(*(table.sum(axis=1, keepdims=True) for table in tables))
    said = {"documents": equal, "vendi": vendi(sides[0]), "vendi_baseline": vendi(sides[1])}
    return {"vendi": np.array(scores), "mauve": np.array(near)}, said | {"mauve": float(whole[0])}


def vendi(points: Points) -> float:
    """Effective number of distinct documents: the exponential of the entropy of the eigenvalues of K / n (Friedman and Dieng 2023).

    K are cosines of documents; copies weigh as often as they occur.
    """
    values = np.maximum(_spectrum(points)[0], _LEAST)
    return float(np.exp(-(values * np.log(values)).sum()))


def mauve(own: Floats, other: Floats) -> Floats:
    """Area under the divergence curve of documents by cluster, of (clusters, replicates) each (Pillutla et al. 2021); 1 where they agree."""
    p, q = (part / part.sum(axis=0) for part in (own, other))
    weight = np.linspace(1e-6, 1 - 1e-6, _MIXTURES)[:, None, None]
    mixture = weight * p + (1 - weight) * q
    x, y = (np.exp(-_SCALE * _divergence(side, mixture)) for side in (q, p))
    none, all_of_it = np.zeros((1, x.shape[1])), np.ones((1, x.shape[1]))
    x, y = np.concatenate([all_of_it, x, none]), np.concatenate([none, y, all_of_it])
    return np.asarray(-np.trapezoid(y, x, axis=0))


def _vendi_of_halves(points: Points, taken: Floats) -> Floats:
    """Vendi scores of all points as each replicate weighs them, shape (replicates,).

    Linear in the weights (what a document adds to the entropy, averaged over those taken): that scatters as scores of halves
    do, costs one decomposition, and does not shrink with the number of documents as they would.
    """
    values, shares = _spectrum(points)
    adds = -shares @ np.log(np.maximum(values, _LEAST))
    sums = np.zeros((2, taken.shape[0]))
    np.add.at(sums[0], points.groups, points.counts * adds)
    np.add.at(sums[1], points.groups, points.counts)
    above, below = sums @ taken
    return np.asarray(np.exp(np.divide(above, below, out=np.full_like(above, np.nan), where=below > 0)))


def _spectrum(points: Points) -> tuple[Floats, Floats]:
    """(eigenvalues of the weighted similarities, each document's share in each of them, of (documents, eigenvalues))."""
    weight = points.counts / points.counts.sum()
    scaled = points.vectors * np.sqrt(weight)[:, None]
    if scaled.shape[1] <= len(scaled):
        values, axes = np.linalg.eigh(scaled.T @ scaled)
        return values, (points.vectors @ axes) ** 2
    values, axes = np.linalg.eigh(scaled @ scaled.T)
    return values, axes**2 * np.maximum(values, 0) / weight[:, None]


def _quantise(dataset: Points, baseline: Points) -> tuple[Floats, Floats]:
    """Documents by cluster and group, of (clusters, GROUPS), for either side; clusters are made of both, so that neither lies nearer."""
    count = min(_CLUSTERS, len(dataset.groups) // _DOCUMENTS_OF_CLUSTER)
    joint = np.concatenate([dataset.vectors, baseline.vectors])
    with warnings.catch_warnings():
        # Of equal points a cluster may stay empty, on both sides.
        warnings.simplefilter("ignore", UserWarning)
        # From points as they are: with "++" all distances are computed again for each cluster, nine tenths of the time.
        _, nearest = kmeans2(joint, count, iter=_ROUNDS, minit="points", seed=_SEED)
    tables = []
    for side, labels in zip((dataset, baseline), np.split(nearest, 2)):
        table = np.zeros((count, GROUPS))
        np.add.at(table, (labels, side.groups), side.counts)
        tables.append(table)
    return tables[0], tables[1]


def _divergence(side: Floats, mixture: Floats) -> Floats:
    """Kullback-Leibler divergence of (clusters, replicates) from each of (mixtures, clusters, replicates), in nats."""
    ratio = np.divide(side, mixture, out=np.ones_like(mixture), where=(mixture > 0) & (side > 0))
    return np.asarray((side * np.log(ratio)).sum(axis=1))
