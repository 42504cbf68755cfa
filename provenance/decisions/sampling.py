"""Sampling weights in place of dropping: down with the probability, and up or down to a mixture.

(1 − p)ᵏ is the resampling of Drayson et al. (2025, arXiv:2502.15654), which kept models trained on their own text from
collapsing without a threshold. A document repeated up to four times is worth nearly as much as fresh text (Muennighoff
et al. 2023, arXiv:2305.16264), hence the most that a mixture weighs one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from provenance.decisions.documents import Documents, Integers, counted
from provenance.decisions.histogram import SYNTHETIC, WEIGHT, Cell, Histogram
from provenance.decisions.request import MILLION, CapRequest

#: Exponents that are tried, and how much below the cap the share must come: bins stand for their mean.
_STEPS_A_UNIT, _LARGEST, _MARGIN = 20, 64, 0.001


def least_exponent(merged: Histogram, request: CapRequest) -> float:
    """The configured exponent, or the least (in twentieths, at most 64) with which the weighted share meets the cap."""
    if request.exponent is not None:
        return request.exponent
    bins = merged.sums[:, [WEIGHT, SYNTHETIC]].astype(np.float64)
    chance = bins[:, 1] / np.maximum(bins[:, 0], 1) / MILLION
    free_weight, free_synthetic = (float(merged.free[:, k].sum()) for k in (WEIGHT, SYNTHETIC))
    for step in range(_LARGEST * _STEPS_A_UNIT):
        weight = bins[:, 0] * (1 - chance) ** (step / _STEPS_A_UNIT)
        synthetic = free_synthetic / MILLION + (weight * chance).sum()
        if synthetic <= float(request.share) * (1 - _MARGIN) * (free_weight + weight.sum()):
            return step / _STEPS_A_UNIT
    return float(_LARGEST)


def mixture_factors(request: CapRequest, cells: tuple[Cell, ...], kept: Integers) -> dict[str, float]:
    """By part of the mixture, what its documents weigh; `kept` are the sums of what is published, (cells, 4).

    The sum over all weights is that of the documents as they are, as far as no part needs more than the most; what it
    cannot take goes to the others in proportion. Parts that hold nothing are left out.
    """
    mixture = request.mixture
    assert mixture is not None
    column = next(k for k, family in enumerate(request.families) if family.name == "mixture")
    held: dict[str, int] = {}
    for cell, weight in zip(cells, kept[:, WEIGHT].tolist(), strict=True):
        held[cell[column]] = held.get(cell[column], 0) + weight
    targets = {part: float(share) for part, share in mixture.targets().items() if held.get(part, 0)}
    total = float(sum(held.values()))
    factors: dict[str, float] = {}
    while open_parts := [part for part in sorted(targets) if part not in factors]:
        left = total - sum(factors[part] * held[part] for part in factors)
        shares = sum(targets[part] for part in open_parts)
        wanted = {part: targets[part] / shares * left / held[part] if shares else 0.0 for part in open_parts}
        capped = [part for part in open_parts if wanted[part] > mixture.most]
        factors |= dict.fromkeys(capped, mixture.most) if capped else wanted
    return factors


def sampling_weight(
    documents: Documents, request: CapRequest, exponent: float | None, factors: dict[str, float] | None
) -> NDArray[np.float32]:
    """How often each document is to be sampled, of shape (documents,). What is human by construction is never weighed down."""
    weight = np.ones(len(documents))
    if exponent is not None:
        chance = np.minimum(counted(documents, request), MILLION) / MILLION
        weight = (1 - chance) ** exponent
        if documents.proven is not None:
            weight[documents.proven] = 1.0
    if factors is not None:
        family = next(item for item in request.families if item.name == "mixture")
        column = documents.strata[family.by]
        parts = [factors.get(family.part(value), 0.0) for value in column.dictionary.to_pylist()]
        weight = weight * np.array([*parts, 0.0])[np.asarray(column.indices)]
    return weight.astype(np.float32)


def sampling_counts(weight: NDArray[np.float32], doc_hash: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Weights as whole copies: the part after the point is one more copy for that share of the documents, by their hash."""
    whole = np.floor(weight.astype(np.float64))
    chance = doc_hash.astype(np.float64) / 2.0**64
    return (whole + (chance < weight - whole)).astype(np.int64)
