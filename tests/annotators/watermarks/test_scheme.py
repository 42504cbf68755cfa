"""What holds for every scheme: a batch is its documents, repetition proves nothing, mistakes are refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from provenance.annotators.watermarks import detect, registered_schemes
from provenance.annotators.watermarks.gumbel import Gumbel
from provenance.annotators.watermarks.kgw import Kgw
from provenance.annotators.watermarks.ragged import ragged
from provenance.annotators.watermarks.synthid import SynthId
from provenance.annotators.watermarks.textseal import TextSeal, TextSealOneKey
from provenance.annotators.watermarks.unigram import Unigram

VOCABULARY = 3000


def all_schemes() -> list[Any]:
    return [
        made
        for name, scheme in registered_schemes().items()
        if name in ("kgw", "unigram", "synthid", "gumbel", "dipmark", "permute_and_flip")
        for made in [scheme(**({"vocab_size": VOCABULARY} if "vocab_size" in scheme.model_fields else {}))]
    ] + [
        TextSeal(key_a=11, key_b=12),
        SynthId(version="2025"),
        *(TextSealOneKey(watermark_type=name) for name in ("gumbelmax", "greenlist", "synthid")),
        Kgw(vocab_size=VOCABULARY, seeding_scheme="selfhash", context_width=4),
        SynthId(score="mean", sampling_table_size=1000),
    ]


@pytest.mark.parametrize("scheme", all_schemes(), ids=lambda scheme: f"{scheme.scheme}-{scheme.key}")
def test_a_batch_judges_each_document_as_if_it_were_alone(scheme: Any) -> None:
    rng = np.random.default_rng(3)
    documents = [rng.integers(0, VOCABULARY + 5, n) for n in (0, 1, 3, 8, 40, 250, 0, 90)]
    together = scheme.measure(*ragged(documents))
    for d, document in enumerate(documents):
        alone = detect(document, scheme)
        assert alone.tokens == together.tokens[d] == len(alone.positions)
        assert alone.p_value == pytest.approx(together.p_value[d], rel=1e-9)
        assert alone.z == pytest.approx(together.z[d], nan_ok=True)
    assert (together.p_value[:4] == 1).all()  # too short to judge


@pytest.mark.parametrize("scheme", all_schemes(), ids=lambda scheme: f"{scheme.scheme}-{scheme.key}")
def test_repetition_adds_no_evidence(scheme: Any) -> None:
    ids = np.random.default_rng(4).integers(0, VOCABULARY, 120)
    once, often = detect(ids, scheme), detect(np.tile(ids, 20), scheme)
    # the seams between the copies make a few new n-grams, the copies none
    assert once.tokens <= often.tokens <= once.tokens + 10
    assert often.p_value > 1e-6


@pytest.mark.parametrize("scheme", all_schemes(), ids=lambda scheme: f"{scheme.scheme}-{scheme.key}")
def test_a_short_text_in_a_loop_proves_no_more_than_one_round_of_it(scheme: Any) -> None:
    rng = np.random.default_rng(5)
    few = [np.tile(rng.integers(0, VOCABULARY, size), 60) for size in range(1, 9)]
    # at most a round and the starts of the text, whose contexts are shorter
    found = scheme.measure(*ragged(few))
    assert (found.tokens < scheme.min_tokens).all() and (found.p_value == 1).all()
    loops = [np.tile(rng.integers(0, VOCABULARY, size), 12) for size in rng.integers(22, 40, 90)]
    found = scheme.measure(*ragged(loops))
    assert (found.tokens <= np.array([len(loop) / 12 + 10 for loop in loops])).all()
    assert (found.p_value > 1e-5).all()


@pytest.mark.parametrize("ids", [[-1, 2, 3], [2**31, 0], [2**62]])
def test_impossible_token_ids_are_refused(ids: list[int]) -> None:
    with pytest.raises(ValueError, match="token ids must lie"):
        detect(ids, Unigram(vocab_size=10))


def test_parameters_out_of_bounds_are_refused() -> None:
    for settings in (
        {"vocab_size": 1}, {"vocab_size": 100, "greenlist_ratio": 0.001}, {"vocab_size": 2**40},
        {"vocab_size": 100, "seeding_scheme": "minhash", "context_width": 3},
        {"vocab_size": 100, "seeding_scheme": "ff-additive_prf-99-True"},
    ):  # fmt: skip
        with pytest.raises(ValidationError):
            Kgw.model_validate(settings)
    with pytest.raises(ValidationError, match="cannot be seeded by the token"):
        Gumbel(vocab_size=100, seeding_scheme="selfhash")
    with pytest.raises(ValidationError, match="bayesian needs"):
        SynthId(score="bayesian")
