"""SynthID-Text agrees with transformers on text that its own processors generated."""

from __future__ import annotations

import hashlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from provenance.annotators.watermarks import detect
from provenance.annotators.watermarks.ragged import ragged
from provenance.annotators.watermarks.synthid import SynthId
from tests.annotators.watermarks.sampling import generate

torch = pytest.importorskip("torch")


transformers = pytest.importorskip("transformers")


processors = pytest.importorskip("transformers.generation.logits_process")


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


def accumulate(value: Any, data: int) -> Any:
    """One step of the published hash, on a tensor that wraps at 64 bits."""
    return (value + data) * 6364136223846793005 + 1


@pytest.mark.parametrize("keys", [(654, 400, 836), (2**62, -5, 0, 17)])
def test_the_hash_of_2025_is_that_of_the_published_repository(keys: tuple[int, ...]) -> None:
    ids = np.random.default_rng(0).integers(0, 2**31 - 1, 40)
    ids[20:30] = ids[3:13]  # contexts that come again
    digest = hashlib.sha256(torch.tensor(keys, dtype=torch.long).numpy().tobytes()).digest()
    start = int.from_bytes(digest, "big") % torch.iinfo(torch.int64).max
    values, fresh, history = [], [], [0] * 1024
    for end in range(4, 40):
        value = torch.tensor(start)
        for token in ids[end - 4 : end].tolist():
            value = accumulate(value, token)
        fresh.append(int(value) not in history)
        history = [int(value), *history][:1024]
        value = accumulate(value, int(ids[end]))
        row = []
        for key in keys:
            mixed = accumulate(value, key)
            for _ in range(12):
                mixed = accumulate(mixed, 1) >> 5
            row.append(int((mixed >> 30) % 2))
        values.append(row)
    scheme = SynthId(keys=keys, version="2025")
    assert scheme.g_values(ids).tolist() == values
    assert scheme.readable(*ragged([ids]))[4:].tolist() == fresh
    assert not all(fresh)


def test_a_text_marked_by_the_hash_of_one_year_is_not_found_by_that_of_the_other() -> None:
    rng, new = np.random.default_rng(0), SynthId(version="2025")
    ids = rng.integers(0, 50_000, 5).tolist()
    for _ in range(150):
        some = rng.integers(0, 50_000, 32)
        worth = [new.g_values([*ids[-4:], token]).mean() for token in some.tolist()]
        ids.append(int(some[int(np.argmax(worth))]))
    assert detect(ids, new).p_value < 1e-8
    assert detect(ids, SynthId()).p_value > 1e-4


def test_the_hash_of_2025_has_no_table() -> None:
    with pytest.raises(ValueError, match="no sampling table"):
        SynthId(version="2025", sampling_table_size=1024)
