"""KGW agrees with transformers on text that its own processors generated, and with the other published lists."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from provenance.annotators.watermarks import detect
from provenance.annotators.watermarks.kgw import Kgw
from provenance.annotators.watermarks.ragged import ragged
from provenance.annotators.watermarks.random import randperm
from tests.annotators.watermarks.sampling import generate

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
processors = pytest.importorskip("transformers.generation.logits_process")
VOCABULARY = 3000


@pytest.mark.parametrize(
    ("vocab", "scheme", "width", "key", "ratio", "temperature"),
    [
        (500, "lefthash", 1, 15485863, 0.25, 1.0),
        (500, "selfhash", 4, 15485863, 0.25, 0.7),
        (32000, "lefthash", 3, 2**41 + 9, 0.5, 1.5),
        (50257, "selfhash", 1, 7, 0.1, 1.0),
        (128256, "lefthash", 1, 15485863, 0.25, 0.7),
    ],
)
def test_kgw_counts_scores_and_decisions_are_those_of_transformers(
    vocab: int, scheme: str, width: int, key: int, ratio: float, temperature: float
) -> None:
    settings = {
        "greenlist_ratio": ratio, "hashing_key": key, "seeding_scheme": scheme, "context_width": width
    }  # fmt: skip
    processor = processors.WatermarkLogitsProcessor(vocab_size=vocab, device="cpu", bias=4.0, **settings)
    length = 25 if scheme == "selfhash" and vocab > 1000 else 50
    marked = generate(processor, vocab, length, temperature, seed=1)
    unmarked = np.random.default_rng(0).integers(0, vocab, marked.shape)
    model = SimpleNamespace(bos_token_id=-1, is_encoder_decoder=False, vocab_size=vocab)
    for ids in (marked, unmarked):
        for distinct in (True, False):
            reference = transformers.WatermarkDetector(
                model,
                "cpu",
                transformers.WatermarkingConfig(bias=4.0, **settings),
                ignore_repeated_ngrams=distinct,
            )(torch.tensor(ids), return_dict=True)
            ours = Kgw(vocab_size=vocab, ignore_repeated_ngrams=distinct, **settings).measure(
                *ragged(list(ids))
            )
            assert np.array_equal(ours.scored, reference.num_tokens_scored)
            assert np.array_equal(ours.score, reference.num_green_tokens)
            np.testing.assert_allclose(ours.z, reference.z_score, rtol=0, atol=1e-12)
            assert np.array_equal(ours.z > 3.0, reference.prediction)
    if scheme == "lefthash":
        assert (Kgw(vocab_size=vocab, **settings).measure(*ragged(list(marked))).p_value < 1e-4).all()


def test_a_leading_bos_token_is_dropped_as_transformers_drops_it() -> None:
    ids = np.random.default_rng(0).integers(0, 300, (2, 60))
    ids[:, 0] = 2
    model = SimpleNamespace(bos_token_id=2, is_encoder_decoder=False, vocab_size=300)
    reference = transformers.WatermarkDetector(model, "cpu", transformers.WatermarkingConfig())(
        torch.tensor(ids), return_dict=True
    )
    ours = Kgw(vocab_size=300, bos_token_id=2, ignore_repeated_ngrams=False).measure(*ragged(list(ids)))
    assert np.array_equal(ours.score, reference.num_green_tokens)
    assert np.array_equal(ours.scored, reference.num_tokens_scored)


@pytest.mark.parametrize("seed", range(24))
def test_kgw_agrees_for_any_settings_and_lengths(seed: int) -> None:
    """Vocabularies that are no powers of two, negative and wide keys, extreme ratios, texts shorter than a context."""
    rng = np.random.default_rng(seed)
    vocab = int(rng.choice([50, 97, 1000, 1003]))
    settings: dict[str, Any] = {
        "greenlist_ratio": float(rng.choice([0.05, 0.25, 0.33, 0.9])),
        "hashing_key": int(rng.choice([0, 1, 15485863, 2**32 + 5, -5, 2**62 + 11, -(2**40)])),
        "seeding_scheme": "lefthash",
        "context_width": int(rng.integers(1, 7)),
    }
    if (
        settings["greenlist_ratio"] > 0.05 and rng.random() < 0.5
    ):  # no candidate may be green, which selfhash needs
        settings["seeding_scheme"] = "selfhash"
    processor = processors.WatermarkLogitsProcessor(
        vocab_size=vocab, device="cpu", bias=float(rng.choice([0.5, 4.0, -1.0])), **settings
    )
    length = settings["context_width"] + 1 + int(rng.integers(1, 40))
    ids = generate(processor, vocab, length, float(rng.choice([0.3, 1.0, 2.0])), seed)
    bos = -1
    if rng.random() < 0.5:
        bos = int(ids[0, 0])
        ids[:, 0] = bos
    model = SimpleNamespace(bos_token_id=bos, is_encoder_decoder=False, vocab_size=vocab)
    for distinct in (True, False):
        detector = transformers.WatermarkDetector(
            model, "cpu", transformers.WatermarkingConfig(**settings), ignore_repeated_ngrams=distinct
        )
        reference = detector(torch.tensor(ids), return_dict=True)
        ours = Kgw(
            vocab_size=vocab,
            ignore_repeated_ngrams=distinct,
            bos_token_id=None if bos < 0 else bos,
            **settings,
        ).measure(*ragged(list(ids)))
        assert np.array_equal(ours.scored, reference.num_tokens_scored)
        assert np.array_equal(ours.score, reference.num_green_tokens)
        np.testing.assert_allclose(ours.z, reference.z_score, rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", ["markllm_time", "markllm_additive", "markllm_skip", "markllm_min"])
def test_markllm_green_lists_are_read(name: str) -> None:
    ids, key, width = np.random.default_rng(0).integers(0, VOCABULARY, 30), 15485863, 3
    order = randperm(key, VOCABULARY)
    scheme = Kgw(vocab_size=VOCABULARY, seeding_scheme=name, context_width=width, greenlist_ratio=0.5)
    found = detect(ids, scheme)
    for i, value in zip(found.positions, found.values, strict=True):
        context = [int(token) for token in ids[i - width : i]]
        product = context[0] * context[1] * context[2]
        f = {
            "markllm_time": order[product % VOCABULARY],
            "markllm_additive": order[sum(context) % VOCABULARY],
            "markllm_skip": order[context[0]],
            "markllm_min": min(order[token] for token in context),
        }[name]
        generator = torch.Generator().manual_seed(key * int(f) % VOCABULARY)
        green = torch.randperm(VOCABULARY, generator=generator)[: VOCABULARY // 2]
        assert value == float(int(ids[i]) in green)


def test_the_legacy_green_list_is_the_end_of_the_permutation() -> None:
    ids = np.random.default_rng(0).integers(0, VOCABULARY, 60)
    found = detect(ids, Kgw(vocab_size=VOCABULARY, seeding_scheme="simple_1", green_at="tail"))
    for i, value in zip(found.positions, found.values, strict=True):
        order = randperm(15485863 * int(ids[i - 1]), VOCABULARY)
        assert value == float(int(ids[i]) in order[VOCABULARY - VOCABULARY // 4 :])
