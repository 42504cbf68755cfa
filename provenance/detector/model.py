"""The model file and the compiled pass that scores documents straight from the Arrow text buffer.

A document's score is the mean over its passages of: bias + style·w + sum of n-gram weights / sqrt(their number).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numba import njit
from numpy.typing import NDArray

from provenance.detector import features, tokens
from provenance.detector.features import (
    MAX_GRAMS,
    MAX_PASSAGES,
    PASSAGE,
    SEEN,
    STYLE,
    TABLE_BITS,
    grams,
    index_vocabulary,
    mask,
    next_stamp,
    style,
)
from provenance.detector.tokens import IDEOGRAPH, MAX_TOKENS, WORD, character_tables, tokenise

FORMAT = 1
#: Characters of running Chinese and Japanese that count as one word.
IDEOGRAPHS_PER_WORD = 1.6
_STYLE_LIMIT = 3.0


@dataclass(frozen=True)
class Scores:
    """What the model says of n documents, each array of shape (n,)."""

    score: NDArray[np.float32]  # raw, no unit; 0 where a document has no tokens
    words: NDArray[np.int32]  # words read of it (ideographs count 1/1.6)
    known: NDArray[np.float32]  # share of its words among the model's common words


@dataclass(frozen=True)
class Model:
    """Weights of the embedded detector; `describe` says what it was trained on."""

    version: str
    weights: NDArray[np.int8]  # (2**TABLE_BITS,)
    scale: float  # of one step of `weights`
    vocabulary: NDArray[np.uint32]  # sorted hashes of common words
    style_mean: NDArray[np.float32]
    style_scale: NDArray[np.float32]
    style_weights: NDArray[np.float32]
    bias: float
    describe: Mapping[str, Any] = field(default_factory=dict)

    def score(self, texts: pa.Array) -> Scores:
        """Score a string or large_string array; nulls read as empty."""
        data, offsets = text_buffers(texts)
        count = len(texts)
        score = np.zeros(count, np.float32)
        words = np.zeros(count, np.int32)
        known = np.zeros(count, np.float32)
        _score(  # type: ignore[call-arg]
            data,
            offsets,
            *character_tables(),
            *_scratch(),
            self.weights,
            np.float32(self.scale),
            index_vocabulary(self.vocabulary),
            self.style_mean,
            self.style_scale,
            self.style_weights,
            self.bias,
            score,
            words,
            known,
        )
        return Scores(score, words, known)

    def save(self, path: Path) -> None:
        """Write the model; equal models give equal bytes."""
        header = {
            "format": FORMAT,
            "version": self.version,
            "scale": self.scale,
            "bias": self.bias,
            "describe": self.describe,
        }
        with path.open("wb") as file:
            np.savez_compressed(
                file,
                header=np.frombuffer(json.dumps(header, sort_keys=True).encode(), np.uint8),
                weights=self.weights,
                vocabulary=self.vocabulary,
                style_mean=self.style_mean,
                style_scale=self.style_scale,
                style_weights=self.style_weights,
            )


def text_buffers(texts: pa.Array | pa.ChunkedArray) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """(bytes, int64 offsets of shape (n + 1,)) of a string array, without copying the text."""
    if isinstance(texts, pa.ChunkedArray):
        texts = texts.combine_chunks()
    if texts.null_count:
        texts = texts.fill_null("")
    if not pa.types.is_large_string(texts.type):
        texts = texts.cast(pa.large_string())
    _, where, data = texts.buffers()
    if len(texts) == 0 or where is None:
        return np.zeros(0, np.uint8), np.zeros(1, np.int64)
    offsets = np.frombuffer(where, np.int64)[texts.offset : texts.offset + len(texts) + 1]
    return np.frombuffer(data, np.uint8) if data is not None else np.zeros(0, np.uint8), offsets


def read_model(path: Path) -> Model:
    """Read a model file; raises ValueError if it is not one or of another format."""
    with np.load(path, allow_pickle=False) as stored:
        if "header" not in stored:
            raise ValueError(f"{path}: not a detector model")
        header = json.loads(stored["header"].tobytes())
        if header.get("format") != FORMAT:
            raise ValueError(f"{path}: model format {header.get('format')}, this version reads {FORMAT}")
        model = Model(
            version=header["version"],
            weights=stored["weights"],
            scale=float(header["scale"]),
            vocabulary=stored["vocabulary"],
            style_mean=stored["style_mean"],
            style_scale=stored["style_scale"],
            style_weights=stored["style_weights"],
            bias=float(header["bias"]),
            describe=header["describe"],
        )
    if model.weights.shape != (1 << TABLE_BITS,) or model.style_weights.shape != (len(STYLE),):
        raise ValueError(f"{path}: the arrays do not have the sizes of this version's features")
    return model


@lru_cache(maxsize=1)
def load_model() -> Model:
    """The model that ships in the package."""
    with as_file(files("provenance.detector") / "data" / "embedded.npz") as path:
        return read_model(path)


def _scratch() -> tuple[NDArray[Any], ...]:
    """Work arrays of one scoring pass: token arrays, masked stream, stamps, gap table, slots, style."""
    return (
        *features.empty_tokens(tokens.MAX_TOKENS),
        np.zeros(MAX_TOKENS, np.uint32),
        np.zeros(SEEN, np.uint32),
        np.zeros(65536, np.int64),
        np.zeros(MAX_GRAMS, np.int32),
        np.zeros(len(STYLE), np.float32),
    )


@njit(cache=True, nogil=True)
def passages(count):  # type: ignore[no-untyped-def]
    """(number of passages read, tokens in each) of a document of `count` tokens."""
    parts = (count + PASSAGE - 1) // PASSAGE
    if parts == 0:
        return 0, 0
    size = (count + parts - 1) // parts
    return min(parts, MAX_PASSAGES), size


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
    seen,
    recent,
    slots,
    vector,
    weights,
    scale,
    index,
    style_mean,
    style_scale,
    style_weights,
    bias,
    score,
    words,
    known,
):
    stamp = 0
    base = 0
    for document in range(len(score)):
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
        plain = 0
        ideographs = 0
        for i in range(count):
            plain += types[i] == WORD
            ideographs += types[i] == IDEOGRAPH
        words[document] = plain + int(ideographs / IDEOGRAPHS_PER_WORD)
        known[document] = (common + ideographs) / max(1, plain + ideographs)
        parts, size = passages(count)
        total = 0.0
        for part in range(parts):
            first = part * size
            last = min(count, first + size)
            stamp = next_stamp(stamp, seen)
            base += 4096
            found = grams(first, last, hashes, types, masked, seen, stamp, slots)
            summed = 0
            for k in range(found):
                summed += weights[slots[k]]
            style(first, last, hashes, types, flags, lengths, recent, base, vector)
            value = bias + summed * scale / np.sqrt(max(1, found))
            for k in range(len(vector)):
                z = (vector[k] - style_mean[k]) / style_scale[k]
                value += style_weights[k] * min(_STYLE_LIMIT, max(-_STYLE_LIMIT, z))
            total += value
        score[document] = total / parts
