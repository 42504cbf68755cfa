"""Schemes of keyed uniforms, against MarkLLM's detectors written out in torch."""

from __future__ import annotations

from math import log

import numpy as np
import pytest

from provenance.annotators.watermarks import detect
from provenance.annotators.watermarks.gumbel import Gumbel, PermuteAndFlip
from provenance.annotators.watermarks.seeding import (
    hash_table,
    resolve,
    seeds,
)

torch = pytest.importorskip("torch")


VOCABULARY = 3000


def test_gumbel_scores_are_those_of_markllm_exp() -> None:
    ids = np.random.default_rng(0).integers(0, VOCABULARY, 80)
    scheme = Gumbel(vocab_size=VOCABULARY)
    total = 0.0
    for i in range(4, 80):
        product = 1
        for token in ids[i - 4 : i]:
            product *= int(token)
        generator = torch.Generator().manual_seed(scheme.hashing_key * (product % VOCABULARY))
        total += log(1 / (1 - torch.rand(VOCABULARY, generator=generator)[ids[i]].item()))
    found = detect(ids, scheme)
    assert found.score == pytest.approx(total, rel=1e-6)
    assert found.scored == 76


def test_a_text_sampled_with_gumbel_noise_is_found() -> None:
    rng = np.random.default_rng(0)
    ids = [int(token) for token in rng.integers(0, VOCABULARY, 4)]
    scheme = Gumbel(vocab_size=VOCABULARY, seeding_scheme="ff-minhash_prf-3-False")
    for _ in range(60):
        seeding = resolve(scheme.seeding_scheme, None, scheme.hashing_key, VOCABULARY)
        seed = seeds(np.array([*ids, 0]), np.array([0, len(ids) + 1]), seeding, hash_table(seeding))[-1]
        uniform = torch.rand(VOCABULARY, generator=torch.Generator().manual_seed(int(seed))).numpy()
        likely = rng.dirichlet(np.full(VOCABULARY, 0.05)) + 1e-12
        ids.append(int(np.argmax(np.log(uniform) / likely)))
    assert detect(ids, scheme).p_value < 1e-10
    assert detect(ids, Gumbel(vocab_size=VOCABULARY, seeding_scheme="skipgram")).p_value > 1e-4


def test_permute_and_flip_scores_are_those_of_markllm_pf() -> None:
    ids = np.random.default_rng(0).integers(0, VOCABULARY, 60)
    total = 0.0
    for i in range(8, 60):
        seed = 0
        for token in ids[i - 8 : i]:
            seed = (seed * 35317 + int(token)) % (2**64 - 1)
        uniform = torch.rand(VOCABULARY, generator=torch.Generator().manual_seed(seed))
        total -= torch.log(uniform[ids[i]]).item()
    assert detect(ids, PermuteAndFlip(vocab_size=VOCABULARY)).score == pytest.approx(total, rel=1e-5)
