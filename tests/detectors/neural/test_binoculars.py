"""Binoculars: the score its authors define, from straightforward torch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from provenance.detectors.neural.annotator import NeuralDetectors
from provenance.detectors.neural.load import load_scorer
from provenance.detectors.neural.weights import NeuralError
from tests.detectors.neural.models import detector, logits_of, save_causal, texts, torch


def test_binoculars_is_log_perplexity_over_cross_entropy(causal: tuple[str, str]) -> None:
    sample = texts()
    expected = []
    for text in sample:
        ids, observer = logits_of(causal[0], text)
        _, performer = logits_of(causal[1], text)
        loss = torch.nn.functional.cross_entropy
        perplexity = loss(performer[0, :-1], ids[0, 1:])
        crossed = loss(performer[0], observer[0].softmax(-1))
        expected.append(float(perplexity / crossed))
    scores = load_scorer(detector("binoculars", causal[0], second_model=causal[1])).score(sample)
    np.testing.assert_allclose(scores.score, expected, atol=1e-5)
    assert scores.tokens.tolist() == [len(text.split()) for text in sample]


def test_binoculars_refuses_models_of_different_vocabularies(causal: tuple[str, str], tmp_path: Path) -> None:
    wide = save_causal(tmp_path / "wide", 3, vocabulary=40)
    with pytest.raises(NeuralError, match="sizes"):
        NeuralDetectors([detector("binoculars", causal[0], second_model=wide)]).setup()
