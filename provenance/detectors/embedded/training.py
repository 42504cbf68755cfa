"""Trains the experts of the embedded detector on labelled passages: same input, same bytes.

Weights keep any one source or domain from becoming the detector, and labels weigh the same in each language.
What the scores are worth is found in `mixture`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from provenance.detectors.embedded import learning
from provenance.detectors.embedded.folds import assign_folds, folds, makers
from provenance.detectors.embedded.learning import Expert, Passages
from provenance.detectors.embedded.model import ARRAYS, Model
from provenance.detectors.embedded.pieces import with_pieces
from provenance.detectors.embedded.register import fit_register
from provenance.detectors.embedded.rhythm import Network, fit_network
from provenance.detectors.embedded.style import STYLE
from provenance.detectors.embedded.weights import damped, document_weights

#: Name of the expert that reads style alone, and of the experts whose human partners weigh more.
RHYTHM, PAIRED = "rhythm", ("recent", "assistant", "rhythm")
#: Name of the network that tells no authors but formal prose from other.
REGISTER = "register"
#: The expert for which registers are balanced. Its passages are of the registers of human ones; the makers' are chat.
BALANCED = "assistant"
#: Human passages that a language needs to have means and deviations of style of its own.
_LEAST_STYLE = 100


@dataclass(frozen=True)
class Settings:
    """What can be chosen in training; the defaults make the shipped model."""

    seed: int = 20221130
    epochs: int = 6
    rate: float = 0.15
    style_rate: float = 0.015
    ridge: float = 1e-4
    #: Common words, which are never masked: of the language with most documents, and of each other one. With one
    #: list for all, German pages had too few of them to be judged.
    vocabulary: int = 3000
    other_vocabulary: int = 1000
    #: Generators of one assistant that wrote passages on the subjects of human ones. What it writes has next to
    #: nothing in common with older models (an expert of those has AUROC .4 on it).
    recent: tuple[str, ...] = ("assistant-2026",)
    #: Base models, which continue human text without instruction; no expert learns from them.
    left_out: tuple[str, ...] = ("gpt-j-6B", "gpt-neo-2.7B", "gpt-neox-20b", "gpt2-xl", "opt-2.7b")
    #: An n-gram counts from this many sources on, fewer where the corpus has fewer than five times as many.
    sources: int = 12
    #: Or from this many of one language other than the first.
    other_sources: int = 5
    #: Weight of human passages that share their subject with a recent synthetic one, so that subjects cancel.
    partner: float = 5.0


@dataclass(frozen=True)
class Corpus:
    """A labelled corpus as the experts read it; `table` comes from `prepare`, short `pieces` below its rows."""

    table: pd.DataFrame
    rows: Passages  # places in `keys`
    keys: NDArray[np.uint32]
    languages: tuple[str, ...]  # with measures of style of their own; the first one's serve all others
    style_mean: NDArray[np.float32]  # (languages, measures)
    style_scale: NDArray[np.float32]
    vocabulary: NDArray[np.uint32]
    settings: Settings

    @property
    def synthetic(self) -> NDArray[np.bool_]:
        """Whether each document is synthetic."""
        return np.asarray(self.table.synthetic, bool)

    @property
    def whole(self) -> NDArray[np.bool_]:
        """Whether each document is a passage of the corpus, not a piece of one."""
        return ~np.asarray(self.table.piece, bool)

    def families(self) -> dict[str, NDArray[np.bool_]]:
        """Name of each expert → which documents are its synthetic side; families without documents are absent.

        A text is of earlier models, of the many makers that the corpus names, or of the recent assistant. One expert
        knows the last two together (better on makers it never saw), and the last one, of style, knows all.
        """
        base = self.table.generator.isin(self.settings.left_out).to_numpy()
        known = self.synthetic & ~base
        assistant = self.table.recent.to_numpy() & known
        named = self.table.named.to_numpy() & known & ~assistant
        found = {"earlier": known & ~assistant & ~named, "makers": named, "assistant": assistant}
        if named.any() and assistant.any():
            found["recent"] = named | assistant
        found[RHYTHM] = known
        return {name: chosen for name, chosen in found.items() if chosen.any()}


def prepare(corpus: pd.DataFrame, settings: Settings | None = None) -> pd.DataFrame:
    """The corpus with synthetic, recent, named, piece (bool), repository, stem (coarse domain), maker and folds added.

    Needs text, label (human or synthetic), generator, domain, language, source, group; `maker` may name who made a
    generator. Raises ValueError for a missing column or label.
    """
    missing = {"text", "label", "generator", "domain", "language", "source", "group"} - set(corpus.columns)
    if missing:
        raise ValueError(f"the corpus lacks the columns {sorted(missing)}")
    if not corpus.label.isin(["human", "synthetic"]).all():
        raise ValueError("labels must be 'human' or 'synthetic'")
    corpus = corpus.reset_index(drop=True)
    synthetic = (corpus.label == "synthetic").to_numpy()
    named = corpus.maker.notna().to_numpy() if "maker" in corpus else np.zeros(len(corpus), bool)
    return assign_folds(
        corpus.assign(
            synthetic=synthetic,
            recent=corpus.generator.isin((settings or Settings()).recent).to_numpy() & synthetic,
            named=named & synthetic,
            piece=False,
            repository=corpus.source.astype(str).str.split("/").str[:2].str.join("/").to_numpy(),
            stem=corpus.domain.astype(str).str.split("/").str[0].str.split("-").str[0].to_numpy(),
            maker=makers(corpus).to_numpy(),
        )
    )


def read_corpus(table: pd.DataFrame, settings: Settings) -> Corpus:
    """Encode a prepared table and pieces of it, and list the n-grams that occur in enough sources to count."""
    vocabulary = _vocabulary(table, settings)
    table = with_pieces(table)
    texts = pa.array(table.text, pa.large_string())
    rows = learning.encode(texts, vocabulary)
    keys = np.unique(
        np.concatenate(
            [learning.shared_grams(rows, *wanted) for wanted in _languages_sources(table, None, settings)]
        )
    )
    rows = learning.known_grams(rows, keys)
    languages, mean, scale = _human_style(table, rows)
    place = table.language.map({name: at for at, name in enumerate(languages)}).fillna(0)
    rows = learning.standardised(rows, mean, scale, np.asarray(place, np.int64))
    return Corpus(
        table=table,
        rows=rows,
        keys=keys,
        languages=languages,
        style_mean=mean,
        style_scale=scale,
        vocabulary=vocabulary,
        settings=settings,
    )


def _vocabulary(table: pd.DataFrame, settings: Settings) -> NDArray[np.uint32]:
    """Sorted hashes of the common words of every language with `_LEAST_STYLE` documents, sources damped."""
    counts = table.language.value_counts()
    weight = damped(table)
    found = []
    for language in counts.index:
        rows = np.flatnonzero(table.language == language)
        if counts[language] >= _LEAST_STYLE or language == counts.index[0]:
            size = settings.vocabulary if language == counts.index[0] else settings.other_vocabulary
            texts = pa.array(table.text.to_numpy()[rows], pa.large_string())
            found.append(learning.common_words(texts, weight[rows], size))
    return np.unique(np.concatenate(found))


def _human_style(
    table: pd.DataFrame, rows: Passages
) -> tuple[tuple[str, ...], NDArray[np.float32], NDArray[np.float32]]:
    """(languages, means, deviations) of the measures of human passages, sources damped; commonest language first."""
    human = ~(table.synthetic | table.piece).to_numpy()
    counts = table.language[human].value_counts()
    counts = counts[(counts >= _LEAST_STYLE) | (counts == counts.max())]
    alike = table[human].groupby(["language", "repository", "stem"])
    weight = np.zeros(len(table))
    weight[human] = 1 / np.sqrt(alike.synthetic.transform("size").to_numpy())
    means, scales = np.zeros((len(counts), len(STYLE))), np.zeros((len(counts), len(STYLE)))
    for place, language in enumerate(counts.index):
        chosen = (human & (table.language == language).to_numpy())[rows.document]
        values, spread = rows.style[chosen].astype(float), weight[rows.document[chosen]]
        means[place] = np.average(values, axis=0, weights=spread)
        scales[place] = np.sqrt(np.average((values - means[place]) ** 2, axis=0, weights=spread)) + 1e-6
    return tuple(counts.index), means.astype(np.float32), scales.astype(np.float32)


def source_numbers(table: pd.DataFrame) -> NDArray[np.int64]:
    """A number from 0 for each (repository, coarse domain, label)."""
    return np.asarray(table.groupby(["repository", "stem", "synthetic"]).ngroup(), np.int64)


def least_sources(source: NDArray[np.int64], settings: Settings) -> int:
    """Sources in which an n-gram has to occur; documents of source -1 are not counted."""
    return max(1, min(settings.sources, len(np.unique(source[source >= 0])) // 5))


def _languages_sources(
    table: pd.DataFrame, use: NDArray[np.bool_] | None, settings: Settings
) -> list[tuple[NDArray[np.int64], int]]:
    """(source of each document in `use`, -1 for others; sources that an n-gram needs): of all, then by language."""
    source = source_numbers(table)
    if use is not None:
        source = np.where(use, source, -1)
    found = [(source, least_sources(source, settings))]
    counts = table.language.value_counts()
    for language in counts.index[1:]:
        here = np.where((table.language == language).to_numpy(), source, -1)
        if counts[language] >= 2 * _LEAST_STYLE:
            found.append((here, settings.other_sources))
    return found


def train_experts(corpus: Corpus, use: NDArray[np.bool_]) -> dict[str, Expert | Network]:
    """One expert for each family, trained on the passages in `use` (documents,), then the network of registers."""
    settings, synthetic = corpus.settings, corpus.synthetic
    use = use & corpus.whole
    listed = np.zeros(len(corpus.keys), bool)
    for source, least in _languages_sources(corpus.table, use, settings):
        listed |= learning.sources_of(corpus.rows, len(corpus.keys), source) >= least
    groups = corpus.table.group.astype(str)
    partners = groups.isin(groups[corpus.table.recent & use]).to_numpy() & ~synthetic
    experts: dict[str, Expert | Network] = {}
    for name, members in corpus.families().items():
        weight = document_weights(
            corpus.table,
            use & (members | ~synthetic),
            partners if name in PAIRED else None,
            settings.partner,
            registers=name == BALANCED,
        )
        if name == RHYTHM:
            rows = corpus.rows
            spread = learning.passage_weights(rows, weight)
            experts[name] = fit_network(rows.style, synthetic[rows.document], spread, settings.seed)
            continue
        experts[name] = learning.fit(
            corpus.rows,
            listed,
            synthetic,
            weight,
            seed=settings.seed,
            epochs=settings.epochs,
            rate=settings.rate,
            style_rate=settings.style_rate,
            ridge=settings.ridge,
        )
    experts[REGISTER] = fit_register(corpus.table, corpus.rows, use, settings.seed)
    return experts


def expert_scores(corpus: Corpus, experts: Mapping[str, Expert | Network]) -> NDArray[np.float64]:
    """Scores of all documents, shape (documents, experts), in the order of `experts`."""
    rows = corpus.rows
    return np.stack(
        [
            expert.scores(rows)
            if isinstance(expert, Expert)
            else learning.document_means(rows, expert.scores(rows.style))
            for expert in experts.values()
        ],
        axis=1,
    )


def held_out_scores(
    corpus: Corpus, parts: Iterable[tuple[NDArray[np.bool_], NDArray[np.bool_]]] | None = None
) -> NDArray[np.float64]:
    """Scores of documents by experts that never saw their domain nor their maker, (documents, experts), registers last.

    `parts` are pairs of (held out, judged), by default those of `folds`. NaN where no part judges a document.
    """
    scores = np.full((len(corpus.table), len(corpus.families()) + 1), np.nan)
    for held, judged in parts if parts is not None else folds(corpus.table):
        if judged.any():
            scores[judged] = expert_scores(corpus, train_experts(corpus, ~held))[judged]
    return scores


def build_model(
    corpus: Corpus,
    experts: Mapping[str, Expert | Network],
    mixture: Mapping[str, NDArray[np.float32]],
    describe: Mapping[str, object],
) -> Model:
    """The model file's content; n-grams that no expert lists are left out. A language without lines has the first one's."""
    linear = [expert for expert in experts.values() if isinstance(expert, Expert)]
    networks = [expert for expert in experts.values() if isinstance(expert, Network)]
    listed = np.logical_or.reduce([expert.listed for expert in linear])
    first = next(iter(mixture.values()))
    model = Model(
        version="",
        languages=corpus.languages,
        keys=corpus.keys[listed],
        weights=np.stack([expert.steps[listed] for expert in linear], axis=1),
        scale=np.array([expert.scale for expert in linear], np.float32),
        bias=np.array([expert.bias for expert in linear], np.float32),
        style_mean=corpus.style_mean,
        style_scale=corpus.style_scale,
        style_weights=np.stack([expert.style for expert in linear]),
        hidden=np.stack([network.hidden for network in networks]),
        out=np.stack([network.out for network in networks]),
        out_bias=np.array([network.bias for network in networks], np.float32),
        mixture=np.stack([mixture.get(language, first) for language in corpus.languages]),
        vocabulary=corpus.vocabulary,
        describe={**describe, "experts": list(experts)},
    )
    digest = hashlib.sha256()
    for name in ARRAYS:
        digest.update(getattr(model, name).tobytes())
    return replace(model, version=f"3.{digest.hexdigest()[:8]}")
