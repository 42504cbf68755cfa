"""What the experts' scores are worth: their mixture and its calibration, from scores of domains they never saw.

Each domain counts alike. An expert counts in a language only where it is proven to separate there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from provenance.detectors.embedded.calibration import BUCKETS, LEVELS, Calibration, auroc, bucket, fit_line
from provenance.detectors.embedded.model import mix_experts
from provenance.detectors.embedded.training import Corpus

#: Steepest line from an expert's score to its log-likelihood ratio.
_MAX_SLOPE = 3.0
#: The most that a score can say, in nats; the least is measured.
MOST = 4.0
#: Passages of each label that an expert needs in a language, and its AUROC there, to count in it.
_LEAST = 30
_MIN_AUROC = 0.92


def proofs(
    corpus: Corpus, scores: NDArray[np.float64], use: NDArray[np.bool_]
) -> dict[str, dict[str, float]]:
    """Language → expert → AUROC of its held-out `scores`, where `use` has documents enough to tell.

    Enough: `_LEAST` long passages of its family and of humans, and humans of two domains, so that a language is
    not known by one domain alone. The first language is the one with most documents.
    """
    usable = use & (corpus.rows.words >= BUCKETS[0])
    found: dict[str, dict[str, float]] = {}
    for language in corpus.table.language.value_counts().index:
        here = usable & (corpus.table.language == language).to_numpy()
        human = here & ~corpus.synthetic
        domains = corpus.table.stem[human].value_counts()
        if (domains >= _LEAST).sum() < 2 and found:
            continue
        for column, (name, members) in enumerate(corpus.families().items()):
            chosen = human | (here & members)
            if min(human.sum(), (here & members).sum()) >= _LEAST:
                area = auroc(scores[chosen, column], corpus.synthetic[chosen])
                found.setdefault(str(language), {})[name] = round(area, 4)
    if not found:
        raise ValueError(
            f"no language has {_LEAST} human and synthetic passages of {BUCKETS[0]} words or more"
        )
    return found


def spoken(proof: Mapping[str, Mapping[str, float]]) -> dict[str, list[str]]:
    """Language → experts that count there: all in the first language, elsewhere those proven to separate."""
    first = next(iter(proof))
    found = {
        language: [name for name, area in areas.items() if area >= _MIN_AUROC or language == first]
        for language, areas in proof.items()
    }
    return {language: names for language, names in found.items() if names}


def fit_mixture(
    corpus: Corpus, scores: NDArray[np.float64], use: NDArray[np.bool_]
) -> dict[str, NDArray[np.float32]]:
    """Language → (intercept, slope) of each expert, (experts, 2), from held-out scores of documents in `use`.

    Each domain counts alike. An expert that does not count in a language has intercept -inf there.
    """
    families = corpus.families()
    share = {"recent": corpus.settings.recent_share, "earlier": 1 - corpus.settings.recent_share}
    usable = use & (corpus.rows.words >= BUCKETS[0])
    mixture = {}
    for language, names in spoken(proofs(corpus, scores, use)).items():
        here = usable & (corpus.table.language == language).to_numpy()
        lines = np.full((len(families), 2), (-np.inf, 0.0), np.float32)
        for column, (name, members) in enumerate(families.items()):
            if name in names:
                chosen = here & (members | ~corpus.synthetic)
                weight = domain_weights(corpus.table[chosen])
                line = fit_line(scores[chosen, column], corpus.synthetic[chosen], weight, _MAX_SLOPE)
                lines[column] = line[0] + np.log(share[name] / sum(share[other] for other in names)), line[1]
        mixture[language] = lines
    return mixture


def mix(
    corpus: Corpus, scores: NDArray[np.float64], mixture: Mapping[str, NDArray[np.float32]]
) -> NDArray[np.float64]:
    """Score of each document, (documents,), from those of the experts by the lines of its language."""
    first = next(iter(mixture.values()))
    lines = np.stack([mixture.get(language, first) for language in corpus.table.language])
    return mix_experts(scores, lines)


def cross_fitted(
    corpus: Corpus, scores: NDArray[np.float64], folds: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Score of each document (documents,): held-out experts, mixed by lines fitted on the other folds."""
    result = np.zeros(len(folds))
    for fold in np.unique(folds):
        held = folds == fold
        result[held] = mix(corpus, scores, fit_mixture(corpus, scores, ~held))[held]
    return result


def calibrate(
    corpus: Corpus,
    scores: NDArray[np.float64],
    detector: str,
    describe: Mapping[str, object],
    use: NDArray[np.bool_],
) -> Calibration:
    """A calibration from held-out expert `scores` of documents in `use`: one line and one row of thresholds per language and length.

    Claimed are the languages of `spoken`. Lines come from humans and the families that an expert there knows,
    thresholds from humans; each domain counts alike, and every AUROC that was measured stands in the provenance.
    """
    proof = proofs(corpus, scores, use)
    mixed = mix(corpus, scores, fit_mixture(corpus, scores, use))
    families, words = corpus.families(), corpus.rows.words
    lines: dict[str, list[tuple[float, float]]] = {}
    thresholds: dict[str, list[list[float]]] = {}
    floors: dict[str, float] = {}
    for language, names in sorted(spoken(proof).items()):
        kind = np.logical_or.reduce([families[name] for name in names]) | ~corpus.synthetic
        chosen = use & kind & (words >= BUCKETS[0]) & (corpus.table.language == language).to_numpy()
        spread = domain_weights(corpus.table[chosen])
        own, machine, length = mixed[chosen], corpus.synthetic[chosen], words[chosen]
        human = ~machine
        lines[language], thresholds[language] = [], []
        for index in range(len(BUCKETS)):
            at = _near(index, length, machine)
            lines[language].append(_fit_upper_line(own[at], machine[at], spread[at]))
            at = _near(index, length[human], machine[human])
            cuts = [threshold(own[human][at], spread[human][at], level) for level in LEVELS]
            thresholds[language].append(cuts)
        floors[language] = float(np.quantile(corpus.rows.known[chosen], 0.005))
    bounds = (_least_ratio(corpus, mixed, lines, use), MOST)
    digest = hashlib.sha256(repr((lines, thresholds, floors, bounds)).encode()).hexdigest()
    provenance = {**describe, "scores": "held-out domains; base models left out", "auroc": proof}
    return Calibration(f"2.{digest[:8]}", detector, lines, thresholds, floors, bounds, provenance=provenance)


def _fit_upper_line(
    scores: NDArray[np.float64], synthetic: NDArray[np.bool_], weights: NDArray[np.float64]
) -> tuple[float, float]:
    """(intercept, slope) that fit best where the ratio is above -2.

    Below, ratios are cut off anyway, and the synthetic passages that look entirely human would only flatten the line.
    """
    line = fit_line(scores, synthetic, weights, max_slope=_MAX_SLOPE / 2)
    for _ in range(3):
        upper = line[0] + line[1] * scores > -2
        if min((upper & synthetic).sum(), (upper & ~synthetic).sum()) < _LEAST:
            break
        shares = [weights[upper & label].sum() / weights[label].sum() for label in (synthetic, ~synthetic)]
        intercept, slope = fit_line(scores[upper], synthetic[upper], weights[upper], max_slope=_MAX_SLOPE / 2)
        line = intercept + float(np.log(shares[0] / shares[1])), slope
    return line


def _least_ratio(
    corpus: Corpus,
    mixed: NDArray[np.float64],
    lines: Mapping[str, list[tuple[float, float]]],
    use: NDArray[np.bool_],
) -> float:
    """The least ratio that held-out scores support, in nats, not above -1: how rare synthetic passages are where the line is lowest.

    Some synthetic text looks entirely human to a detector of this kind, so a low score never proves a human.
    Measured in the first language, on the quarter of its human weight that the lines rank lowest.
    """
    language = corpus.table.language.value_counts().index[0]
    known = np.logical_or.reduce(list(corpus.families().values())) | ~corpus.synthetic
    chosen = use & known & (corpus.rows.words >= BUCKETS[0]) & (corpus.table.language == language).to_numpy()
    line = np.asarray(lines[language])[bucket(corpus.rows.words[chosen])]
    ratio = line[:, 0] + line[:, 1] * mixed[chosen]
    machine, weight = corpus.synthetic[chosen], domain_weights(corpus.table[chosen])
    order = np.argsort(ratio, kind="stable")
    human = np.cumsum(np.where(machine, 0, weight)[order]) / weight[~machine].sum()
    synthetic = np.cumsum(np.where(machine, weight, 0)[order]) / weight[machine].sum()
    at = int(np.searchsorted(human, 0.25))
    return float(np.clip(np.log(max(synthetic[at], 1e-6) / human[at]), -MOST, -1.0))


def domain_weights(corpus: pd.DataFrame) -> NDArray[np.float64]:
    """Weights that make every (label, domain) count alike, those under 100 documents in proportion."""
    size = corpus.groupby(["synthetic", "stem"]).synthetic.transform("size").to_numpy()
    return np.asarray(1.0 / np.maximum(size, 100))


def threshold(scores: NDArray[np.float64], weights: NDArray[np.float64], level: float) -> float:
    """Score exceeded by at most `level` of the weight of these human documents and one more (the conformal rule).

    Above all scores where the sample is too small to prove `level`.
    """
    order = np.argsort(-scores, kind="stable")
    spare = weights.max()
    above = (np.cumsum(weights[order]) + spare) / (weights.sum() + spare)
    index = int(np.searchsorted(above, level, side="right"))
    if spare / (weights.sum() + spare) > level:
        return float(scores.max() + 1)
    return float(scores[order][min(index, len(scores) - 1)])


def _near(index: int, words: NDArray[np.int32], synthetic: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The documents of a length bucket, with its neighbours where it alone has fewer than 400 or lacks a label."""
    lengths, labels = bucket(words), np.unique(synthetic)
    for reach in range(len(BUCKETS)):
        chosen = (lengths >= 0) & (np.abs(lengths - index) <= reach)
        if chosen.sum() >= 400 and len(np.unique(synthetic[chosen])) == len(labels):
            break
    return np.flatnonzero(chosen)
