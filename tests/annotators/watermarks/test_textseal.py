"""TextSeal, against MarkLLM's detector written out in torch."""

from __future__ import annotations

import numpy as np
import pytest

from provenance.annotators.watermarks import detect
from provenance.annotators.watermarks.ragged import ragged
from provenance.annotators.watermarks.textseal import TextSeal

torch = pytest.importorskip("torch")


VOCABULARY = 3000


@pytest.mark.parametrize(("ngram", "alpha"), [(1, 0.5), (4, 0.7)])
def test_textseal_scores_are_those_of_markllm_textseal(ngram: int, alpha: float) -> None:
    ids = np.random.default_rng(0).integers(0, 130_000, 90)
    ids[50:60] = ids[10:20]  # repeated n-grams count once
    primes = [10000019, 10000247, 10000439, 10000643]
    keys, total, seen = (2**40 + 7, -12345), 0.0, set()
    for i in range(ngram + 1, 90):
        gram = tuple(int(token) for token in ids[i - ngram : i + 1])
        if gram in seen:
            continue
        seen.add(gram)
        for key, share in zip(keys, (alpha, 1 - alpha), strict=True):
            value = torch.tensor(sum(token * prime for token, prime in zip(gram[:-1], primes, strict=False)))
            value = (value + 100000007 * torch.tensor(gram[-1]) + 500001713 * torch.tensor(key)) * 15485863
            value = value * 40499
            uniform = ((value ^ (value >> 13)) % 8191).float() / 8191
            total -= share * float(torch.log1p(-uniform.double()))
    found = detect(ids, TextSeal(key_a=keys[0], key_b=keys[1], ngram=ngram, mixing_alpha=alpha))
    assert found.scored == len(seen) < 89 - ngram
    assert found.score == pytest.approx(total, rel=1e-6)


def test_a_text_sampled_with_two_keys_is_found() -> None:
    rng, scheme = np.random.default_rng(0), TextSeal(key_a=7, key_b=8, ngram=2)
    one, other = (
        TextSeal(key_a=7, key_b=9, ngram=2, mixing_alpha=0.999999),
        TextSeal(key_a=8, key_b=9, ngram=2, mixing_alpha=0.999999),
    )
    ids = [int(token) for token in rng.integers(0, VOCABULARY, 3)]
    for _ in range(100):
        some = rng.integers(0, VOCABULARY, 40)
        likely = rng.dirichlet(np.full(40, 0.5)) + 1e-12
        grams, offsets = ragged([[*ids[-3:], token] for token in some])
        worth = (one if rng.random() < 0.5 else other).marks(grams, offsets).value[3::4]
        ids.append(int(some[np.argmax(np.log(1 - np.exp(-worth) + 1e-9) / likely)]))
    assert detect(ids, scheme).p_value < 1e-8
    assert detect(ids, TextSeal(key_a=1, key_b=2, ngram=2)).p_value > 1e-4
