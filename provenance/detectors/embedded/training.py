"""Trains the experts of the embedded detector on labelled passages: same input, same bytes.

Weights keep any one source or domain from becoming the detector, and labels weigh the same in each language.
What the scores are worth is found in `mixture`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from provenance.detectors.embedded import learning
from provenance.detectors.embedded.learning import Expert, Passages
from provenance.detectors.embedded.model import ARRAYS, Model

FOLDS = 6


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
