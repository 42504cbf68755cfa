"""The model file and the compiled pass that scores documents straight from the Arrow text buffer.

A model holds one linear *expert* for each family of generators and two networks that read style alone, for authors and for registers.
A linear expert's score of a document is the mean over its passages of: bias + style·w + sum of the weights of the known n-grams / sqrt(their
number). The document's score is the log of the sum of the experts' odds, because a text comes from one family or another, less what formal prose loses.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import BadZipFile

import numpy as np
import pyarrow as pa
from numba import njit
from numpy.typing import NDArray

from provenance.annotators.columns import text_buffers
from provenance.annotators.kernel import kernel
from provenance.detectors.embedded import features
from provenance.detectors.embedded.calibration import Languages, rows_by
from provenance.detectors.embedded.features import (
    MAX_PASSAGES,
    PASSAGE,
    grams,
    index_vocabulary,
    mask,
)
from provenance.detectors.embedded.lookup import place_keys, sieve_of, sum_weights
from provenance.detectors.embedded.repeats import count_once
from provenance.detectors.embedded.style import STYLE, style
from provenance.detectors.embedded.tokens import (
    IDEOGRAPH,
    MAX_TOKENS,
    WORD,
    character_tables,
    empty_tokens,
    tokenise,
)

FORMAT = 4
ARRAYS = (
    "keys",
    "weights",
    "scale",
    "bias",
    "style_mean",
    "style_scale",
    "style_weights",
    "hidden",
    "out",
    "out_bias",
    "mixture",
    "vocabulary",
)
#: Standard deviations beyond which a measure of style counts no further.
STYLE_LIMIT = 3.0
#: Characters of running Chinese and Japanese that count as one word.
IDEOGRAPHS_PER_WORD = 1.6
#: Most that a score loses for formality, in nats.
MOST_FORMAL = 2.5


@dataclass(frozen=True)
class Scores:
    """What the model says of n documents, each array of shape (n,)."""

    score: NDArray[np.float32]  # raw, no unit; 0 where a document has no tokens
    words: NDArray[np.int32]  # words read of it (ideographs count 1/1.6)
    known: NDArray[np.float32]  # share of its words among the model's common words


@dataclass(frozen=True)
class Model:
    """Weights of the embedded detector for n n-grams and k linear experts; `describe` says what it was trained on."""

    version: str
    languages: tuple[str, ...]  # the first one's lines and measures serve any other language
    keys: NDArray[np.uint32]  # (n,) of the n-grams it knows, ascending
    weights: NDArray[np.int8]  # (n, k)
    scale: NDArray[np.float32]  # (k,) of one step of `weights`
    bias: NDArray[np.float32]  # (k,)
    style_mean: NDArray[np.float32]  # (languages, measures) of humans
    style_scale: NDArray[np.float32]  # (languages, measures)
    style_weights: NDArray[np.float32]  # (k, measures) of standardised measures
    #: (2, units, measures + 1) of the networks over standardised measures: author, register
    hidden: NDArray[np.float32]
    out: NDArray[np.float32]  # (2, units)
    out_bias: NDArray[np.float32]  # (2,)
    #: (languages, k + 2, 2): intercept and slope from an expert's score to nats, with its share of the mixture, the
    #: network of authors last; intercept -inf where the expert does not count in the language. Then of the network of
    #: registers the score from which on formality costs, and what a unit costs in nats.
    mixture: NDArray[np.float32]
    vocabulary: NDArray[np.uint32]  # sorted hashes of common words
    describe: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def tables(self) -> tuple[NDArray[np.uint32], NDArray[np.int8], NDArray[np.uint32]]:
        """Open-addressing tables for the kernel: keys, their weights in the same places, common words."""
        size = 1 << max(4, int(2 * len(self.keys)).bit_length())
        experts = self.weights.shape[1]
        # A key and its weights side by side: whoever finds the one has fetched the others.
        placed = np.zeros((size, 1 + (experts + 3) // 4), np.uint32)
        places, weights = placed[:, 0], placed.view(np.int8)[:, 4 : 4 + experts]
        place_keys(self.keys, self.weights, places, weights)
        return places, weights, index_vocabulary(self.vocabulary)

    @cached_property
    def _weights(self) -> _Weights:
        places, weights, common = self.tables
        return _Weights(
            places=places,
            weights=weights,
            common=common,
            sieve=sieve_of(self.keys),
            scale=self.scale,
            bias=self.bias,
            style_mean=self.style_mean,
            style_scale=self.style_scale,
            style_weights=self.style_weights,
            hidden=np.ascontiguousarray(self.hidden.transpose(0, 2, 1)),
            out=self.out,
            out_bias=self.out_bias,
        )

    def score(self, texts: pa.Array, languages: Languages | None = None) -> Scores:
        """Score a string or large_string array in `languages` (default: the model's first); nulls read as empty."""
        spoken = np.zeros(len(texts), np.int64)
        for language, rows in rows_by(languages).items() if languages is not None else ():
            if language in self.languages:
                spoken[rows] = self.languages.index(language)
        experts, words, known = self.expert_scores(texts, spoken)
        mixed = mix_experts(experts, self.mixture[spoken])
        score = np.where(words + known > 0, mixed, 0).astype(np.float32)
        return Scores(score, count_once(texts, words), known)

    def expert_scores(
        self, texts: pa.Array, spoken: NDArray[np.int64] | None = None
    ) -> tuple[NDArray[np.float32], NDArray[np.int32], NDArray[np.float32]]:
        """(scores of the experts of shape (documents, k + 2), registers last; words read; share of common words).

        `spoken` (documents,) are places in `languages`, by default the first.
        """
        data, offsets = text_buffers(texts)
        count = len(texts)
        experts = np.zeros((count, len(self.bias) + len(self.out)), np.float32)
        words = np.zeros(count, np.int32)
        known = np.zeros(count, np.float32)
        reading = (character_tables(), empty_tokens(MAX_TOKENS), features.empty_buffers())
        places = np.zeros(count, np.int64) if spoken is None else spoken
        _score((data, offsets), reading, self._weights, places, (experts, words, known))
        return experts, words, known

    def save(self, path: Path) -> None:
        """Write the model; equal models give equal bytes."""
        header = {
            "format": FORMAT,
            "version": self.version,
            "languages": self.languages,
            "describe": self.describe,
        }
        arrays = {name: getattr(self, name) for name in ARRAYS}
        arrays["keys"] = np.diff(self.keys, prepend=np.uint32(0))  # small steps compress
        with path.open("wb") as file:
            np.savez_compressed(
                file, header=np.frombuffer(json.dumps(header, sort_keys=True).encode(), np.uint8), **arrays
            )


class _Weights(NamedTuple):
    """What the compiled pass reads of a model, by the names of `Model`."""

    places: NDArray[np.uint32]
    weights: NDArray[np.int8]
    common: NDArray[np.uint32]
    sieve: NDArray[np.uint64]
    scale: NDArray[np.float32]
    bias: NDArray[np.float32]
    style_mean: NDArray[np.float32]
    style_scale: NDArray[np.float32]
    style_weights: NDArray[np.float32]
    hidden: NDArray[np.float32]  # (2, measures + 1, units): those of a measure side by side
    out: NDArray[np.float32]
    out_bias: NDArray[np.float32]


def mix_experts(experts: NDArray[Any], lines: NDArray[Any]) -> NDArray[np.float64]:
    """Scores of n documents, shape (n,), from those of k experts and of the register, (n, k + 1), and lines for all or each, ([n,] k + 1, 2)."""
    lines = np.asarray(lines, float)
    own, register = lines[..., :-1, :], lines[..., -1, :]
    with np.errstate(invalid="ignore"):  # a document without scores has none
        nats = np.logaddexp.reduce(own[..., 0] + own[..., 1] * experts[:, :-1], axis=1)
        return np.asarray(
            nats - np.clip(register[..., 1] * (experts[:, -1] - register[..., 0]), 0, MOST_FORMAL)
        )


def read_model(path: Path) -> Model:
    """Read a model file; raises ValueError if it is not one or of another format."""
    with np.load(path, allow_pickle=False) as stored:
        if "header" not in stored:
            raise ValueError(f"{path}: not a detector model")
        header = json.loads(stored["header"].tobytes())
        if header.get("format") != FORMAT:
            raise ValueError(f"{path}: model format {header.get('format')}, this version reads {FORMAT}")
        arrays = {name: stored[name] for name in ARRAYS}
    arrays["keys"] = np.cumsum(arrays["keys"], dtype=np.uint32)
    model = Model(header["version"], tuple(header["languages"]), describe=header["describe"], **arrays)
    experts = len(model.bias)
    shapes = [
        model.weights.shape == (len(model.keys), experts),
        model.mixture.shape == (len(model.languages), experts + 2, 2),
        model.style_mean.shape == model.style_scale.shape == (len(model.languages), len(STYLE)),
        model.hidden.shape == (*model.out.shape, len(STYLE) + 1),
        model.out_bias.shape == (len(model.out),) == (2,),
        model.style_weights.shape == (experts, len(STYLE)),
    ]
    if not all([*shapes, model.scale.shape == (experts,), bool(np.all(model.keys[1:] > model.keys[:-1]))]):
        raise ValueError(f"{path}: the arrays of the model do not fit each other")
    return model


@lru_cache(maxsize=4)
def load_model(folder: str | None = None) -> Model:
    """The model of a folder that `scripts/train/detector.py` wrote, by default the one that ships in the package.

    Raises:
        ValueError: where the folder has no model that this version reads.
    """
    if folder is not None:
        try:
            return read_model(Path(folder) / "embedded.npz")
        except (OSError, EOFError, KeyError, ValueError, BadZipFile, zlib.error) as error:
            raise ValueError(f"{folder}: no detector model there ({error})") from error
    with as_file(files("provenance.detectors.embedded") / "data" / "embedded.npz") as path:
        return read_model(path)


@kernel
def passages(count):  # type: ignore[no-untyped-def]
    """(number of passages read, tokens in each) of a document of `count` tokens."""
    parts = (count + PASSAGE - 1) // PASSAGE
    if parts == 0:
        return 0, 0
    size = (count + parts - 1) // parts
    return min(parts, MAX_PASSAGES), size


@njit(cache=True, nogil=True)
def _score(texts, reading, model, spoken, found):  # type: ignore[no-untyped-def]
    """Fill `found` (scores of the experts, words, share of common words) for documents in languages `spoken`."""
    data, offsets = texts
    characters, tokens, buffers = reading
    experts, words, known = found
    vector = np.zeros(len(STYLE), np.float32)
    units = np.zeros(model.hidden.shape[2], np.float32)
    stamp = 0
    summed = np.zeros(len(model.bias), np.int64)
    for document in range(len(words)):
        count = tokenise(data, offsets[document], offsets[document + 1], characters, tokens)
        if count == 0:
            continue
        common = mask(count, tokens, model.common, buffers.masked)
        words[document], known[document] = measure(count, tokens.types, common)
        parts, size = passages(count)
        for part in range(parts):
            first, last = part * size, min(count, (part + 1) * size)
            stamp += 1
            listed = grams(first, last, tokens, buffers.masked, buffers.keys)
            different = sum_weights(listed, model, buffers, stamp=stamp, summed=summed)
            style(first, last, tokens, recent=buffers.recent, base=stamp * 4096, out=vector)
            standardise(vector, model.style_mean[spoken[document]], model.style_scale[spoken[document]])
            answers = experts[document]
            _add_experts(vector, summed, different, parts=parts, model=model, answers=answers)
            _add_networks(vector, units, parts=parts, model=model, answers=answers[len(summed) :])


@kernel
def standardise(vector, mean, scale):  # type: ignore[no-untyped-def]
    """Bring measures of style to limited standard deviations, in place."""
    for k in range(len(vector)):
        vector[k] = min(STYLE_LIMIT, max(-STYLE_LIMIT, (vector[k] - mean[k]) / scale[k]))


@kernel
def _add_experts(vector, summed, found, parts, model, answers):  # type: ignore[no-untyped-def]
    """Add to `answers` what each linear expert says of one of `parts` passages."""
    for expert in range(len(summed)):
        value = model.bias[expert] + summed[expert] * model.scale[expert] / np.sqrt(max(1, found))
        for k in range(len(vector)):
            value += model.style_weights[expert, k] * vector[k]
        answers[expert] += np.float32(value / parts)


@kernel
def _add_networks(vector, units, parts, model, answers):  # type: ignore[no-untyped-def]
    """The same of each network (`rhythm.answer`, all its units at a time); `units` is room for those."""
    for network in range(len(model.out)):
        hidden, out = model.hidden[network], model.out[network]
        for unit in range(len(units)):
            units[unit] = hidden[len(vector), unit]
        for k in range(len(vector)):
            for unit in range(len(units)):
                units[unit] += hidden[k, unit] * vector[k]
        value = model.out_bias[network]
        for unit in range(len(units)):
            if units[unit] > 0:
                value += out[unit] * units[unit]
        answers[network] += np.float32(value / parts)


@kernel
def measure(count, types, common):  # type: ignore[no-untyped-def]
    """(words, share of common ones) of a document of `count` tokens; ideographs are all known."""
    plain = 0
    ideographs = 0
    for i in range(count):
        plain += types[i] == WORD
        ideographs += types[i] == IDEOGRAPH
    return plain + int(ideographs / IDEOGRAPHS_PER_WORD), (common + ideographs) / max(1, plain + ideographs)
