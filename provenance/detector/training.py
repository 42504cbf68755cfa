"""Trains the embedded detector and its calibration from labelled passages: same input, same bytes.

Weights keep any one source or domain from becoming the detector, labels weigh the same in each language,
and mixture and calibration come from scores of domains that the scoring model never saw.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from provenance.detector import learning
from provenance.detector.calibration import BUCKETS, LEVELS, Calibration, bucket, fit_line
from provenance.detector.learning import Expert, Passages
from provenance.detector.model import ARRAYS, Model, mix_experts

FOLDS = 6
#: Steepest line from an expert's score to its log-likelihood ratio.
_MAX_SLOPE = 3.0
#: The most that a score can say, in nats; the least is measured.
MOST = 4.0
#: Passages of each label that an expert needs in a language, and its AUROC there, to count in it.
_LEAST = 30
_MIN_AUROC = 0.92


@dataclass(frozen=True)
class Settings:
    """What can be chosen in training; the defaults make the shipped model."""

    seed: int = 20221130
    epochs: int = 8
    rate: float = 0.15
    style_rate: float = 0.015
    ridge: float = 1e-4
    vocabulary: int = 3000  # common words, which are never masked
    #: Generators of the newest family, which has an expert of its own: what they write has next to nothing
    #: in common with the older ones (an expert of the older ones has AUROC .46 on them).
    recent: tuple[str, ...] = ("assistant-2026",)
    recent_share: float = 0.35  # of the synthetic side of the mixture
    #: Base models, which continue human text without instruction; no expert learns from them.
    left_out: tuple[str, ...] = ("gpt-j-6B", "gpt-neo-2.7B", "gpt-neox-20b", "gpt2-xl", "opt-2.7b")
    #: An n-gram counts from this many sources on, fewer where the corpus has fewer than five times as many. Of 6, 8, 12,
    #: 16 and 24 the best between unseen domains and unseen makers; without it the rate of finding is half.
    sources: int = 12
    #: Weight of human passages that share their subject with a recent synthetic one, so that subjects cancel.
    partner: float = 5.0


@dataclass(frozen=True)
class Corpus:
    """A labelled corpus as the experts read it; `table` comes from `prepare`."""

    table: pd.DataFrame
    rows: Passages  # places in `keys`
    keys: NDArray[np.uint32]
    style_mean: NDArray[np.float32]
    style_scale: NDArray[np.float32]
    vocabulary: NDArray[np.uint32]
    settings: Settings

    @property
    def synthetic(self) -> NDArray[np.bool_]:
        """Whether each document is synthetic."""
        return np.asarray(self.table.synthetic, bool)

    def families(self) -> dict[str, NDArray[np.bool_]]:
        """Name of each expert → which documents are its synthetic side; families without documents are absent."""
        recent = self.table.generator.isin(self.settings.recent).to_numpy() & self.synthetic
        base = self.table.generator.isin(self.settings.left_out).to_numpy()
        found = {"earlier": self.synthetic & ~recent & ~base, "recent": recent}
        return {name: chosen for name, chosen in found.items() if chosen.any()}


def prepare(corpus: pd.DataFrame) -> pd.DataFrame:
    """The corpus with `synthetic` (bool), `repository`, `stem` (coarse domain) and `fold` added.

    Needs text, label (human or synthetic), generator, domain, language, source, group. Raises ValueError
    for a missing column or label.
    """
    missing = {"text", "label", "generator", "domain", "language", "source", "group"} - set(corpus.columns)
    if missing:
        raise ValueError(f"the corpus lacks the columns {sorted(missing)}")
    if not corpus.label.isin(["human", "synthetic"]).all():
        raise ValueError("labels must be 'human' or 'synthetic'")
    corpus = corpus.reset_index(drop=True)
    stem = corpus.domain.astype(str).str.split("/").str[0].str.split("-").str[0]
    sizes = stem.value_counts().sort_index().sort_values(ascending=False, kind="stable")
    load = np.zeros(FOLDS)
    fold_of: dict[str, int] = {}
    for name, size in sizes.items():
        fold_of[str(name)] = int(np.argmin(load))
        load[fold_of[str(name)]] += size
    return corpus.assign(
        synthetic=(corpus.label == "synthetic").to_numpy(),
        repository=corpus.source.astype(str).str.split("/").str[:2].str.join("/").to_numpy(),
        stem=stem.to_numpy(),
        fold=stem.map(fold_of).to_numpy(),
    )


def read_corpus(table: pd.DataFrame, settings: Settings) -> Corpus:
    """Encode a prepared table and list the n-grams that occur in enough sources to count."""
    texts = pa.array(table.text, pa.large_string())
    weight = document_weights(table, np.ones(len(table), bool))
    vocabulary = learning.common_words(texts, weight, settings.vocabulary)
    rows = learning.encode(texts, vocabulary)
    source = source_numbers(table)
    keys = learning.shared_grams(rows, source, least_sources(source, settings))
    rows, mean, scale = learning.standardised(learning.known_grams(rows, keys))
    return Corpus(table, rows, keys, mean, scale, vocabulary, settings)


def source_numbers(table: pd.DataFrame) -> NDArray[np.int64]:
    """A number from 0 for each (repository, coarse domain, label)."""
    return np.asarray(table.groupby(["repository", "stem", "synthetic"]).ngroup(), np.int64)


def least_sources(source: NDArray[np.int64], settings: Settings) -> int:
    """Sources in which an n-gram has to occur; documents of source -1 are not counted."""
    return max(1, min(settings.sources, len(np.unique(source[source >= 0])) // 5))


def document_weights(
    table: pd.DataFrame,
    use: NDArray[np.bool_],
    partners: NDArray[np.bool_] | None = None,
    partner: float = 1.0,
) -> NDArray[np.float64]:
    """Weight of each document in `use`: sources damped by the root of their size, labels equal in each language.

    Documents in `partners` weigh `partner` times as much. A language with one label only gets 0 (it would
    teach nothing but the language); the rarer label is raised to the other's weight, outside English to
    twice its own at most, the commoner one lowered to meet it.
    """
    size = table.groupby(["repository", "synthetic", "stem"]).synthetic.transform("size").to_numpy()
    weight = np.minimum(1.0, np.sqrt(300 / size))
    if partners is not None:
        weight[partners] *= partner
    weight = np.where(use, weight, 0.0)
    synthetic = table.synthetic.to_numpy()
    for language in sorted(table.language.unique()):
        rows = (table.language == language).to_numpy()
        human, machine = weight[rows & ~synthetic].sum(), weight[rows & synthetic].sum()
        if human == 0 or machine == 0:
            weight[rows] = 0
            continue
        low, high = min(human, machine), max(human, machine)
        total = high if high <= 4 * low or language == "en" else 2 * low
        weight[rows & ~synthetic] *= total / human
        weight[rows & synthetic] *= total / machine
    return weight


def train_experts(corpus: Corpus, use: NDArray[np.bool_]) -> dict[str, Expert]:
    """One expert for each family, trained on the documents in `use` (documents,)."""
    settings, synthetic = corpus.settings, corpus.synthetic
    source = np.where(use, source_numbers(corpus.table), -1)
    listed = learning.sources_of(corpus.rows, len(corpus.keys), source) >= least_sources(source, settings)
    experts = {}
    for name, members in corpus.families().items():
        partners = None
        if name == "recent":
            groups = corpus.table.group.astype(str)
            partners = groups.isin(groups[members]).to_numpy() & ~synthetic
        weight = document_weights(corpus.table, use & (members | ~synthetic), partners, settings.partner)
        experts[name] = learning.fit(
            corpus.rows,
            listed,
            synthetic,
            weight,
            settings.seed,
            settings.epochs,
            settings.rate,
            settings.style_rate,
            settings.ridge,
        )
    return experts


def expert_scores(corpus: Corpus, experts: Mapping[str, Expert]) -> NDArray[np.float64]:
    """Scores of all documents, shape (documents, experts)."""
    return np.stack([expert.scores(corpus.rows) for expert in experts.values()], axis=1)


def held_out_scores(corpus: Corpus, folds: NDArray[np.int64]) -> NDArray[np.float64]:
    """Expert scores of each document by experts trained without its fold, shape (documents, experts)."""
    scores = np.zeros((len(folds), len(corpus.families())))
    for fold in np.unique(folds):
        held = folds == fold
        scores[held] = expert_scores(corpus, train_experts(corpus, ~held))[held]
    return scores


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


def build_model(
    corpus: Corpus,
    experts: Mapping[str, Expert],
    mixture: Mapping[str, NDArray[np.float32]],
    describe: Mapping[str, object],
) -> Model:
    """The model file's content; n-grams that no expert lists are left out."""
    listed = np.logical_or.reduce([expert.listed for expert in experts.values()])
    model = Model(
        version="",
        languages=tuple(mixture),
        keys=corpus.keys[listed],
        weights=np.stack([expert.steps[listed] for expert in experts.values()], axis=1),
        scale=np.array([expert.scale for expert in experts.values()], np.float32),
        bias=np.array([expert.bias for expert in experts.values()], np.float32),
        style_mean=corpus.style_mean,
        style_scale=corpus.style_scale,
        style_weights=np.stack([expert.style for expert in experts.values()]),
        mixture=np.stack(list(mixture.values())),
        vocabulary=corpus.vocabulary,
        describe={**describe, "experts": list(experts)},
    )
    digest = hashlib.sha256()
    for name in ARRAYS:
        digest.update(getattr(model, name).tobytes())
    return replace(model, version=f"2.{digest.hexdigest()[:8]}")


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
            at = _near(index, length)
            lines[language].append(_fit_upper_line(own[at], machine[at], spread[at]))
            at = _near(index, length[human])
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


def auroc(scores: NDArray[np.float64], synthetic: NDArray[np.bool_]) -> float:
    """Area under the ROC curve; ties count half."""
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    rank = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    positive = int(synthetic.sum())
    return float(
        (rank[synthetic].sum() - positive * (positive + 1) / 2) / max(1, positive * (len(scores) - positive))
    )


def _near(index: int, words: NDArray[np.int32]) -> NDArray[np.int64]:
    """The documents of a length bucket, with its neighbours where it alone has fewer than 400."""
    lengths = bucket(words)
    for reach in range(len(BUCKETS)):
        chosen = (lengths >= 0) & (np.abs(lengths - index) <= reach)
        if chosen.sum() >= 400:
            break
    return np.flatnonzero(chosen)


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
