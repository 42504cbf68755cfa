"""The model file and the compiled pass that scores documents straight from the Arrow text buffer.

A model holds one linear *expert* for each family of generators. An expert's score of a document is the mean over
its passages of: bias + style·w + sum of the weights of the known n-grams / sqrt(their number). The document's score is the
log of the sum of what the experts' calibrated odds are: a mixture, because a text comes from one family or another.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import pyarrow as pa
from numba import njit
from numpy.typing import NDArray

from provenance.annotators.columns import text_buffers
from provenance.detectors.embedded import features, tokens
from provenance.detectors.embedded.calibration import Languages, rows_by
from provenance.detectors.embedded.features import (
    MAX_GRAMS,
    MAX_PASSAGES,
    PASSAGE,
    STYLE,
    grams,
    index_vocabulary,
    mask,
    style,
)
from provenance.detectors.embedded.tokens import IDEOGRAPH, MAX_TOKENS, WORD, character_tables, tokenise

FORMAT = 2
ARRAYS = (
    "keys",
    "weights",
    "scale",
    "bias",
    "style_mean",
    "style_scale",
    "style_weights",
    "mixture",
    "vocabulary",
)
#: Standard deviations beyond which a measure of style counts no further.
STYLE_LIMIT = 3.0
#: Characters of running Chinese and Japanese that count as one word.
IDEOGRAPHS_PER_WORD = 1.6
#: Entries of the table of n-grams met in a passage; over twice MAX_GRAMS.
SEEN = 8192


@dataclass(frozen=True)
class Scores:
    """What the model says of n documents, each array of shape (n,)."""

    score: NDArray[np.float32]  # raw, no unit; 0 where a document has no tokens
    words: NDArray[np.int32]  # words read of it (ideographs count 1/1.6)
    known: NDArray[np.float32]  # share of its words among the model's common words


@dataclass(frozen=True)
class Model:
    """Weights of the embedded detector for n n-grams and k experts; `describe` says what it was trained on."""

    version: str
    languages: tuple[str, ...]  # of `mixture`; the first one's lines serve any other language
    keys: NDArray[np.uint32]  # (n,) of the n-grams it knows, ascending
    weights: NDArray[np.int8]  # (n, k)
    scale: NDArray[np.float32]  # (k,) of one step of `weights`
    bias: NDArray[np.float32]  # (k,)
    style_mean: NDArray[np.float32]  # (measures,)
    style_scale: NDArray[np.float32]  # (measures,)
    style_weights: NDArray[np.float32]  # (k, measures) of standardised measures
    #: (languages, k, 2): intercept and slope from an expert's score to log-odds, with its share of the mixture;
    #: intercept -inf where the expert has not learned the language.
    mixture: NDArray[np.float32]
    vocabulary: NDArray[np.uint32]  # sorted hashes of common words
    describe: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def tables(self) -> tuple[NDArray[np.uint32], NDArray[np.int8], NDArray[np.uint32]]:
        """Open-addressing tables for the kernel: keys, their weights in the same places, common words."""
        size = 1 << max(4, int(3 * len(self.keys)).bit_length())
        placed = np.zeros(size, np.uint32), np.zeros((size, self.weights.shape[1]), np.int8)
        place_keys(self.keys, self.weights, *placed)
        return *placed, index_vocabulary(self.vocabulary)

    def score(self, texts: pa.Array, languages: Languages | None = None) -> Scores:
        """Score a string or large_string array in `languages` (default: the model's first); nulls read as empty."""
        experts, words, known = self.expert_scores(texts)
        mixed = mix_experts(experts, self.mixture[:1])
        for language, rows in rows_by(languages).items() if languages is not None else ():
            if language in self.languages[1:]:
                mixed[rows] = mix_experts(experts[rows], self.mixture[self.languages.index(language)])
        return Scores(np.where(words + known > 0, mixed, 0).astype(np.float32), words, known)

    def expert_scores(
        self, texts: pa.Array
    ) -> tuple[NDArray[np.float32], NDArray[np.int32], NDArray[np.float32]]:
        """(scores of the experts of shape (documents, k), words read, share of common words)."""
        data, offsets = text_buffers(texts)
        count = len(texts)
        experts = np.zeros((count, len(self.bias)), np.float32)
        words = np.zeros(count, np.int32)
        known = np.zeros(count, np.float32)
        _score(  # type: ignore[call-arg]
            data,
            offsets,
            *character_tables(),
            *features.empty_tokens(tokens.MAX_TOKENS),
            np.zeros(MAX_TOKENS, np.uint32),
            np.zeros(MAX_GRAMS, np.uint32),
            np.zeros(SEEN, np.uint64),
            np.zeros(65536, np.int64),
            np.zeros(len(STYLE), np.float32),
            *self.tables,
            self.scale,
            self.bias,
            self.style_mean,
            self.style_scale,
            self.style_weights,
            experts,
            words,
            known,
        )
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


def mix_experts(experts: NDArray[Any], lines: NDArray[Any]) -> NDArray[np.float64]:
    """Scores of n documents, shape (n,), from those of the experts, (n, k), and lines for all or each, ([n,] k, 2)."""
    lines = np.asarray(lines, float)
    return np.asarray(np.logaddexp.reduce(lines[..., 0] + lines[..., 1] * experts, axis=1))


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
        model.mixture.shape == (len(model.languages), experts, 2),
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


@njit(cache=True, nogil=True)
def passages(count):  # type: ignore[no-untyped-def]
    """(number of passages read, tokens in each) of a document of `count` tokens."""
    parts = (count + PASSAGE - 1) // PASSAGE
    if parts == 0:
        return 0, 0
    size = (count + parts - 1) // parts
    return min(parts, MAX_PASSAGES), size


@njit(cache=True, nogil=True)
def place_keys(keys, values, table, placed):  # type: ignore[no-untyped-def]
    """Fill the open-addressing `table` (a power of two, all 0) with `keys`, and `placed` with their values."""
    for i in range(len(keys)):
        at = keys[i] & np.uint32(len(table) - 1)
        while table[at] != 0:
            at = (at + np.uint32(1)) & np.uint32(len(table) - 1)
        table[at] = keys[i]
        placed[at] = values[i]


@njit(cache=True, nogil=True)
def is_new(key, stamp, seen):  # type: ignore[no-untyped-def]
    """Note `key` in `seen` under `stamp`; whether it was not there. Entries of other stamps are free."""
    mine = np.uint64(stamp) << np.uint64(32) | np.uint64(key)
    at = np.int64(key >> np.uint32(19))
    while seen[at] >> np.uint64(32) == np.uint64(stamp):
        if seen[at] == mine:
            return False
        at = (at + 1) & (SEEN - 1)
    seen[at] = mine
    return True


@njit(cache=True, nogil=True)
def _score(  # type: ignore[no-untyped-def]
    data,
    offsets,
    kinds,
    upper,
    fold,
    hashes,
    types,
    flags,
    lengths,
    suffixes,
    masked,
    keys,
    seen,
    recent,
    vector,
    table,
    weights,
    index,
    scale,
    bias,
    style_mean,
    style_scale,
    style_weights,
    experts,
    words,
    known,
):
    stamp = 0
    last_slot = np.uint32(len(table) - 1)
    summed = np.zeros(len(bias), np.int64)
    for document in range(len(words)):
        count = tokenise(
            data,
            offsets[document],
            offsets[document + 1],
            kinds,
            upper,
            fold,
            hashes,
            types,
            flags,
            lengths,
            suffixes,
        )
        if count == 0:
            continue
        common = mask(count, hashes, types, flags, lengths, suffixes, index, masked)
        words[document], known[document] = measure(count, types, common)
        parts, size = passages(count)
        for part in range(parts):
            first, last = part * size, min(count, (part + 1) * size)
            stamp += 1
            found = 0
            summed[:] = 0
            for k in range(grams(first, last, hashes, types, masked, keys)):
                key = keys[k]
                at = key & last_slot
                while table[at] != 0:
                    if table[at] == key:
                        if is_new(key, stamp, seen):
                            found += 1
                            for expert in range(len(summed)):
                                summed[expert] += weights[at, expert]
                        break
                    at = (at + np.uint32(1)) & last_slot
            style(first, last, hashes, types, flags, lengths, recent, stamp * 4096, vector)
            for k in range(len(vector)):
                z = (vector[k] - style_mean[k]) / style_scale[k]
                vector[k] = min(STYLE_LIMIT, max(-STYLE_LIMIT, z))
            for expert in range(len(summed)):
                value = bias[expert] + summed[expert] * scale[expert] / np.sqrt(max(1, found))
                for k in range(len(vector)):
                    value += style_weights[expert, k] * vector[k]
                experts[document, expert] += np.float32(value / parts)


@njit(cache=True, nogil=True)
def measure(count, types, common):  # type: ignore[no-untyped-def]
    """(words, share of common ones) of a document of `count` tokens; ideographs are all known."""
    plain = 0
    ideographs = 0
    for i in range(count):
        plain += types[i] == WORD
        ideographs += types[i] == IDEOGRAPH
    return plain + int(ideographs / IDEOGRAPHS_PER_WORD), (common + ideographs) / max(1, plain + ideographs)
