"""Exact agreement with transformers, on text that its own processors generated."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from provenance.annotators.watermarks import random as generator
from provenance.annotators.watermarks.kgw import Kgw
from provenance.annotators.watermarks.ragged import ragged
from provenance.annotators.watermarks.synthid import SynthId

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
processors = pytest.importorskip("transformers.generation.logits_process")


def generate(
    processor: Any, vocab: int, length: int, temperature: float, seed: int, batch: int = 2
) -> np.ndarray:
    """Token ids sampled from random logits that the real processor has changed; shape (batch, length)."""
    noise = torch.Generator().manual_seed(seed)
    ids = torch.randint(0, vocab, (batch, 6), generator=noise)
    for _ in range(length):
        scores = torch.randn(batch, vocab, generator=noise) * 2.0 / temperature
        probabilities = torch.softmax(processor(ids, scores), dim=-1)
        ids = torch.cat([ids, torch.multinomial(probabilities, 1, generator=noise)], dim=1)
    return ids[:, 6:].numpy()


@pytest.mark.parametrize("seed", [0, 1, -7, 2**31, 2**40 + 3, 2**64 - 1])
def test_the_generator_is_torchs(seed: int) -> None:
    torch_generator = torch.Generator()
    for size in (1, 2, 623, 5000):
        torch_generator.manual_seed(seed)
        assert np.array_equal(torch.randperm(size, generator=torch_generator), generator.randperm(seed, size))
        torch_generator.manual_seed(seed)
        assert np.array_equal(torch.rand(size, generator=torch_generator), generator.rand(seed, size))
        torch_generator.manual_seed(seed)
        assert np.array_equal(
            torch.randint(0, 2, (size,), generator=torch_generator), generator.coin_flips(seed, size)
        )


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


@pytest.mark.parametrize(
    ("vocab", "settings", "temperature"),
    [
        (500, {}, 1.0),
        (128256, {"keys": (1, 2, 3, -9, 2**50), "ngram_len": 3}, 0.7),
        (2000, {"sampling_table_size": 1000, "sampling_table_seed": 4, "context_history_size": 5}, 1.5),
    ],
)
def test_synthid_g_values_masks_and_scores_are_those_of_transformers(
    vocab: int, settings: dict[str, Any], temperature: float, tmp_path: Path
) -> None:
    mean = SynthId(score="mean", **settings)
    options = {
        "ngram_len": mean.ngram_len,
        "keys": list(mean.keys),
        "sampling_table_size": mean.sampling_table_size,
        "sampling_table_seed": mean.sampling_table_seed,
        "context_history_size": mean.context_history_size,
        "device": "cpu",
    }
    depth, n = len(mean.keys), mean.ngram_len
    ids = generate(processors.SynthIDTextWatermarkLogitsProcessor(**options), vocab, 60, temperature, seed=3)
    ids = np.concatenate([ids, ids[:, 10:30]], axis=1)  # repeated contexts
    processor = processors.SynthIDTextWatermarkLogitsProcessor(**options)
    g = processor.compute_g_values(torch.tensor(ids)).numpy()
    mask = processor.compute_context_repetition_mask(torch.tensor(ids)).numpy()
    tokens, offsets = ragged(list(ids))
    for row, expected in zip(ids, g, strict=True):
        assert np.array_equal(mean.g_values(row), expected)
    assert np.array_equal(mean.readable(tokens, offsets).reshape(ids.shape)[:, n - 1 :], mask)
    unmasked = depth * mask.sum(axis=1)
    np.testing.assert_allclose(
        mean.measure(tokens, offsets).score, (g * mask[..., None]).sum((1, 2)) / unmasked
    )
    weights = np.linspace(10, 1, depth) * depth / np.linspace(10, 1, depth).sum()
    np.testing.assert_allclose(
        SynthId(**settings).measure(tokens, offsets).score,
        (g * weights * mask[..., None]).sum((1, 2)) / unmasked,
    )

    torch.manual_seed(0)
    model = transformers.BayesianDetectorModel(
        transformers.BayesianDetectorConfig(watermarking_depth=depth, base_rate=0.3)
    )
    with torch.no_grad():
        model.likelihood_model_watermarked.beta.normal_(-2.5, 0.2)
        model.likelihood_model_watermarked.delta.normal_(0, 0.05)
    model.save_pretrained(tmp_path)
    eos = int(ids[0, 70])
    reference = (
        transformers.SynthIDTextWatermarkDetector(model, processor, SimpleNamespace(eos_token_id=eos))(
            torch.tensor(ids)
        )[0]
        .detach()
        .numpy()
    )
    ours = SynthId(score="bayesian", bayesian_model=str(tmp_path), eos_token_id=eos, **settings)
    np.testing.assert_allclose(ours.measure(tokens, offsets).score, reference, rtol=1e-3, atol=1e-6)


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


@pytest.mark.parametrize("seed", range(16))
def test_synthid_agrees_for_any_settings(seed: int) -> None:
    """Layers 1..39, any 64-bit keys, n-grams of 2..8, tables of any size and seed, short histories, text after the end."""
    rng = np.random.default_rng(seed)
    depth = int(rng.integers(1, 40))
    wide = rng.random() < 0.5
    settings: dict[str, Any] = {
        "keys": rng.integers(-(2**63), 2**63 - 1, depth).tolist()
        if wide
        else rng.integers(0, 1000, depth).tolist(),
        "ngram_len": int(rng.integers(2, 9)),
        "sampling_table_size": int(rng.choice([2**16, 2**10, 1000, 2**18])),
        "sampling_table_seed": int(rng.choice([0, 1, 2**35, -4])),
        "context_history_size": int(rng.choice([1, 3, 64, 1024])),
    }
    vocab = int(rng.choice([50, 1003]))
    processor = processors.SynthIDTextWatermarkLogitsProcessor(device="cpu", **settings)
    ids = generate(processor, vocab, int(rng.integers(10, 30)), 1.0, seed)
    ids = np.concatenate([ids, ids[:, 3:12]], axis=1)
    eos = int(ids[0, rng.integers(len(ids[0]))])
    processor = processors.SynthIDTextWatermarkLogitsProcessor(device="cpu", **settings)
    sequence = torch.tensor(ids)
    g = processor.compute_g_values(sequence).numpy()
    skip = settings["ngram_len"] - 1
    mask = processor.compute_context_repetition_mask(sequence).numpy()
    mask = mask * processor.compute_eos_token_mask(sequence, eos_token_id=eos).numpy()[:, skip:]
    ours = SynthId(score="mean", eos_token_id=eos, **settings)
    tokens, offsets = ragged(list(ids))
    for row, expected in zip(ids, g, strict=True):
        assert np.array_equal(ours.g_values(row), expected)
    assert np.array_equal(ours.readable(tokens, offsets).reshape(ids.shape)[:, skip:], mask)
    with np.errstate(invalid="ignore"):
        expected = (g * mask[..., None]).sum((1, 2)) / (depth * mask.sum(axis=1))
    np.testing.assert_allclose(ours.measure(tokens, offsets).score, expected)
