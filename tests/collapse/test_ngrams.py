"""The language model of the collapse experiment is one: its chances sum to 1, and it learns."""

from __future__ import annotations

import numpy as np
import pytest

from scripts.collapse._ngrams import BEGIN, END, UNKNOWN, Trigrams, Vocabulary
from scripts.make.demo_articles import SUBJECTS

SENTENCES = [sentence for _, sentences in SUBJECTS.values() for sentence in sentences]
TEXTS = [" ".join(sentences) for _, sentences in SUBJECTS.values()]


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return Vocabulary(TEXTS)


@pytest.fixture(scope="module")
def model(vocabulary: Vocabulary) -> Trigrams:
    return Trigrams(vocabulary.encode(TEXTS), len(vocabulary))


def test_the_chances_of_all_words_sum_to_one_after_any_two_words(
    model: Trigrams, vocabulary: Vocabulary
) -> None:
    number = vocabulary.number
    seen, common, unheard = (BEGIN, BEGIN), (number["in"], number["the"]), (number["jar"], number["oven"])
    for first, second in (seen, common, unheard, (UNKNOWN, number["the"])):
        words = np.delete(np.arange(len(vocabulary)), BEGIN)
        chances = model.probability(np.full_like(words, first), np.full_like(words, second), words)
        assert chances.min() > 0
        assert chances.sum() == pytest.approx(1)


def test_perplexity_of_unseen_text_falls_with_more_text(vocabulary: Vocabulary) -> None:
    held = vocabulary.encode(SENTENCES[::5])
    seen = [text for place, text in enumerate(SENTENCES) if place % 5]
    few, all_ = (
        Trigrams(vocabulary.encode(seen[::step]), len(vocabulary)).perplexity(held) for step in (4, 1)
    )
    assert all_ < few < len(vocabulary)


def test_unknown_words_in_training_text_change_nothing_but_what_they_touch(vocabulary: Vocabulary) -> None:
    held = vocabulary.encode([f"Zyx {sentence}" for sentence in SENTENCES[:50]])
    plain, with_unknown = (
        Trigrams(vocabulary.encode([*TEXTS, *more]), len(vocabulary)).perplexity(held)
        for more in ([], ["Zyx"])
    )
    assert with_unknown == pytest.approx(plain, rel=1e-3)


def test_it_writes_what_it_read_and_the_same_for_the_same_seed(
    model: Trigrams, vocabulary: Vocabulary
) -> None:
    rows = model.write(50, 60, np.random.default_rng(1))
    assert np.array_equal(rows, model.write(50, 60, np.random.default_rng(1)))
    texts = [vocabulary.decode(row) for row in rows]
    assert all(30 <= len(text.split()) <= 60 for text in texts)
    assert {word for text in texts for word in text.split()} <= set(vocabulary.words)


def test_words_are_written_as_often_as_they_are_likely(model: Trigrams) -> None:
    first = model.write(40_000, 1, np.random.default_rng(2))[:, 0]
    words, counts = np.unique(first[first != END], return_counts=True)
    likely = words[np.argsort(-counts)[:5]]
    begin = np.full_like(likely, BEGIN)
    share = np.array([(first == word).mean() for word in likely])
    assert share == pytest.approx(model.probability(begin, begin, likely), rel=0.15)


def test_a_nucleus_leaves_the_tail_unwritten(vocabulary: Vocabulary) -> None:
    numbers = vocabulary.encode(TEXTS)
    whole, cut = (
        np.unique(
            Trigrams(numbers, len(vocabulary), nucleus=nucleus).write(200, 100, np.random.default_rng(3))
        )
        for nucleus in (1.0, 0.8)
    )
    assert len(cut) < 0.95 * len(whole)
