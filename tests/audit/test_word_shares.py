"""Sentences are read as sets of common words, of any text in bounds."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from provenance.audit import word_shares
from provenance.detectors.embedded.model import load_model


def test_sentences_end_at_full_stops_and_count_each_word_once() -> None:
    reference = word_shares.load_reference()
    texts = pa.array(
        ["The man and the dog went to the house. Yes. It was not the same as that which we had.", None]
    )
    found = word_shares.read_sentences(texts, reference.vocabulary)
    assert found.document.tolist() == [0, 0]
    for start, stop in zip(found.starts[:-1], found.starts[1:], strict=True):
        words = found.words[start:stop].tolist()
        assert len(words) == len(set(words)) > 4
    assert len(word_shares.sentence_ratios(found, reference)) == 2


@pytest.mark.parametrize("text", ["", " ", "." * 10_000, "a " * 50_000, "\ud7ff\U0010ffff" * 500])
def test_hostile_texts_are_read_in_bounds(text: str) -> None:
    reference = word_shares.load_reference()
    counts = word_shares.count_sentences(pa.array([text]), 0, reference, np.ones(1, bool))
    assert counts.sum() <= 8192


def test_shipped_reference_is_small_and_fits_the_shipped_detector() -> None:
    reference = word_shares.load_reference()
    assert reference.detector == load_model().version
    assert reference.human.sum() > 1000
    assert reference.synthetic.sum() > 1000
    assert (np.diff(reference.curve[0]) >= 0).all()
