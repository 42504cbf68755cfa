"""TextSeal, against MarkLLM's detector written out in torch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from provenance.annotators.watermarks import detect
from provenance.annotators.watermarks.ragged import ragged
from provenance.annotators.watermarks.textseal import TextSeal, TextSealOneKey

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


def uniform(context: list[int], token: int, key: int) -> Any:
    """The published `prf_uniform` of one n-gram."""
    primes = [10000019, 10000247, 10000439]
    weighted = torch.tensor(sum(value * prime for value, prime in zip(context, primes, strict=False)))
    value = (weighted + 100000007 * torch.tensor(token) + 500001713 * torch.tensor(key)) * 15485863 * 40499
    return ((value ^ (value >> 13)) % 8191).float() / 8191


@pytest.mark.parametrize("ngram", [1, 3])
@pytest.mark.parametrize("watermark_type", ["gumbelmax", "greenlist", "synthid", "synthid-weighted"])
def test_scores_by_one_key_are_those_of_the_published_detectors(watermark_type: Any, ngram: int) -> None:
    ids = np.random.default_rng(1).integers(0, 130_000, 70).tolist()
    ids[40:50] = ids[10:20]
    weights, depth, total, seen = np.linspace(10.0, 1.0, 6), 6, 0.0, set()
    weights = weights * depth / weights.sum() if watermark_type == "synthid-weighted" else np.ones(depth)
    for i in range(ngram + 1, 70):
        context, token = ids[i - ngram : i], ids[i]
        if (*context, token) in seen:
            continue
        seen.add((*context, token))
        if watermark_type == "gumbelmax":
            total += float(-torch.log1p(-uniform(context, token, 42).double()))
        elif watermark_type == "greenlist":
            total += float(uniform(context, token, 42) < 0.3)
        else:
            shifted = [token + 659101 * round_ for round_ in range(depth)]
            total += sum(
                w * float(uniform(context, t, 42) < 0.3) for w, t in zip(weights, shifted, strict=True)
            )
    scheme = TextSealOneKey(watermark_type=watermark_type, ngram=ngram, gamma=0.3, depth=depth)
    found = detect(ids, scheme)
    assert found.scored == len(seen) < 69 - ngram
    assert found.score == pytest.approx(total, rel=1e-6)


def test_the_second_key_is_the_published_one_unless_it_is_given() -> None:
    ids = np.random.default_rng(2).integers(0, 1000, 60)
    assert detect(ids, TextSeal()).score == detect(ids, TextSeal(key_a=42, key_b=42 + 12345)).score
    with pytest.raises(ValueError, match="textseal_one_key"):
        TextSeal(key_a=1, key_b=1)
