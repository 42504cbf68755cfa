"""Fast-DetectGPT: the analytic curvature, with one model or two."""

from __future__ import annotations

import math

import numpy as np
import pytest

from provenance.detectors.neural.load import load_scorer
from tests.detectors.neural.models import detector, logits_of, texts, torch


@pytest.mark.parametrize("models", [1, 2])
def test_fast_detect_gpt_is_the_analytic_curvature(causal: tuple[str, str], models: int) -> None:
    sample = texts()
    expected = []
    for text in sample:
        ids, scoring = logits_of(causal[0], text)
        _, sampling = logits_of(causal[models - 1], text)
        log_p = torch.distributions.Categorical(logits=scoring[0, :-1].double()).logits
        q = sampling[0, :-1].double().softmax(-1)
        total = mean = variance = 0.0
        for place, token in enumerate(ids[0, 1:].tolist()):
            expectation = float((q[place] * log_p[place]).sum())
            total += float(log_p[place, token])
            mean += expectation
            variance += float((q[place] * log_p[place] ** 2).sum()) - expectation**2
        expected.append((total - mean) / math.sqrt(variance))
    second = {"second_model": causal[1]} if models == 2 else {}
    scores = load_scorer(detector("fast_detect_gpt", causal[0], **second)).score(sample)
    np.testing.assert_allclose(scores.score, expected, atol=1e-5)
