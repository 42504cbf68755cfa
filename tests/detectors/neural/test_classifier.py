"""Classifiers: the log-odds of the label for machine-written text, padded or not."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from provenance.detectors.neural.load import load_scorer
from tests.detectors.neural.models import detector, texts, tokenizer, torch, transformers


def test_classifier_score_is_the_log_odds_of_its_label(classifier: str) -> None:
    sample = texts()
    model = transformers.AutoModelForSequenceClassification.from_pretrained(classifier).eval()
    with torch.no_grad():
        p = [
            float(model(torch.tensor([tokenizer()(text)["input_ids"]])).logits.double().softmax(-1)[0, 1])
            for text in sample
        ]
    scores = load_scorer(detector("classifier", classifier)).score(sample)
    np.testing.assert_allclose(scores.score, [math.log(x / (1 - x)) for x in p], atol=1e-5)


@pytest.mark.parametrize("pad", [None, 0])
def test_decoder_classifiers_read_their_last_word_with_and_without_padding(
    tmp_path: Path, pad: int | None
) -> None:
    torch.manual_seed(4)
    config = transformers.GPT2Config(
        vocab_size=32, n_positions=128, n_embd=16, n_layer=1, n_head=2, num_labels=3, initializer_range=0.4
    )
    config.pad_token_id = pad
    model = transformers.GPT2ForSequenceClassification(config).eval()
    model.save_pretrained(tmp_path)
    tokenizer().save_pretrained(tmp_path)
    sample = texts()
    with torch.no_grad():
        p = [
            float(model(torch.tensor([tokenizer()(text)["input_ids"]])).logits.double().softmax(-1)[0, 2])
            for text in sample
        ]
    scores = load_scorer(detector("classifier", str(tmp_path), synthetic_label=2)).score(sample)
    np.testing.assert_allclose(scores.score, [math.log(x / (1 - x)) for x in p], atol=1e-5)
