"""The kinds of language model that the loop can hold: what each has to do, and word trigrams made to do it.

A kind belongs to one world: it knows the first texts, from which it has its words or pieces, and makes every later model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from scripts.collapse._ngrams import Trigrams, Vocabulary

#: A generator in use cuts its tail; .95 is a common setting of top-p.
NUCLEUS = 0.95


@dataclass(frozen=True)
class Shape:
    """How large a transformer is and how long it learns: `steps` of `batch` windows of `context` pieces."""

    pieces: int  # in the vocabulary
    layers: int
    width: int
    heads: int
    context: int  # a page has at most so many pieces
    batch: int
    steps: int
    rate: float  # of learning, at its highest
    together: int = 1024  # pages written at once


#: Most words of a page that trigrams write (half of it at least).
PAGE_WORDS = 210


class Model(Protocol):
    """What has learned from texts; it can be pickled."""

    def perplexity(self, texts: Sequence[str]) -> float:
        """On texts that it did not see, of the units that the kind counts in."""

    def write(self, documents: int, random: np.random.Generator) -> list[str]:
        """Pages, drawn with top-p."""


class Kind(Protocol):
    """What makes the models of one world."""

    @property
    def name(self) -> str:
        """Of the generator in the corpus of a detector."""

    def train(self, texts: Sequence[str]) -> Model:
        """A model of these texts; equal texts give an equal model."""


@dataclass(frozen=True)
class Words:
    """A trigram model with the words that its numbers stand for."""

    vocabulary: Vocabulary
    trigrams: Trigrams

    def perplexity(self, texts: Sequence[str]) -> float:
        return self.trigrams.perplexity(self.vocabulary.encode(texts))

    def write(self, documents: int, random: np.random.Generator) -> list[str]:
        return [self.vocabulary.decode(row) for row in self.trigrams.write(documents, PAGE_WORDS, random)]


class Ngrams:
    """Word trigrams over the words of the first texts."""

    name = "trigrams"

    def __init__(self, texts: Sequence[str]) -> None:
        self.vocabulary = Vocabulary(texts)

    def train(self, texts: Sequence[str]) -> Words:
        return Words(self.vocabulary, Trigrams(self.vocabulary.encode(texts), len(self.vocabulary), NUCLEUS))


def make_kind(texts: Sequence[str], shape: Shape | None, seed: int) -> Kind:
    """Transformers of a shape over pieces of these first texts, or without one trigrams over their words."""
    if shape is None:
        return Ngrams(texts)
    from scripts.collapse._transformer import make_transformers  # torch is needed for these only

    return make_transformers(texts, shape, seed)
