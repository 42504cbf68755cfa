"""Registers: formal prose loses of its score, whoever wrote it, and style alone counts only where a family has no expert."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from provenance.detectors.embedded import load_model, mixture
from provenance.detectors.embedded.model import MOST_FORMAL, mix_experts
from provenance.detectors.embedded.register import fit_damping

ABSTRACT = (
    "We consider the problem of estimating the spectral density of a stationary process from irregularly spaced observations. "
    "A consistent estimator is constructed, and its asymptotic distribution is derived under mild regularity conditions. "
    "Simulations indicate that the proposed method compares favourably with existing approaches. Applications to climatological "
    "records are discussed, and several generalizations concerning nonstationary processes are briefly considered. "
)
CHAT = (
    "So I got there late, again! Mum was cross. I didn't say much, did I? We ate, we talked, she asked about the dog. "
    "He's fine. He ate my shoe. Then it rained and we sat by the window and played cards till ten. I lost. I always lose. "
) * 2


def test_an_abstract_is_more_formal_than_talk() -> None:
    formality = load_model().expert_scores(pa.array([ABSTRACT, CHAT], pa.large_string()))[0][:, -1]
    start, cost = load_model().mixture[0, -1]
    assert formality[0] > start > formality[1] and cost > 0


def test_formality_takes_from_the_score_up_to_a_bound_and_never_adds() -> None:
    lines = np.array([(0.0, 1.0), (1.0, 0.5)])  # one expert, then: from 1 on, half a nat a unit
    scores = mix_experts(np.array([(3.0, -9.0), (3.0, 1.0), (3.0, 3.0), (3.0, 99.0)]), lines)
    assert scores.tolist() == [3.0, 3.0, 2.0, 3.0 - MOST_FORMAL]


def test_damping_begins_where_few_web_pages_are_and_needs_people_of_both_registers() -> None:
    random = np.random.RandomState(3)
    table = pd.DataFrame({"language": "en", "stem": ["blog"] * 900 + ["abstract"] * 100, "synthetic": False})
    formality, web = random.uniform(size=1000), (table.stem == "blog").to_numpy()
    start, cost = fit_damping(table, formality, web, np.ones(900))
    assert 0.05 < (formality[web] > start).mean() < 0.35 and cost > 0
    assert fit_damping(table[:950], formality[:950], web[:950], np.ones(900)) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("areas", "counting"),
    [
        ({"earlier": 0.9, "makers": 0.9, "rhythm": 0.9}, ["earlier", "makers"]),
        ({"makers": 0.9, "rhythm": 0.9}, ["makers", "rhythm"]),
        ({"earlier": 0.7, "makers": 0.9, "rhythm": 0.9}, ["makers", "rhythm"]),
    ],
)
def test_style_alone_counts_where_a_family_has_no_expert(
    areas: dict[str, float], counting: list[str]
) -> None:
    proof = {"en": {"earlier": 0.9, "makers": 0.9, "rhythm": 0.9}, "de": areas}
    assert mixture.spoken(proof)["de"] == counting


def test_a_corpus_of_one_family_keeps_its_expert() -> None:
    assert mixture.spoken({"en": {"rhythm": 0.9}}) == {"en": ["rhythm"]}
    assert mixture.spoken({"en": {"earlier": 0.6, "rhythm": 0.9}}) == {"en": ["earlier"]}
