"""How the adapter is made and kept: factors of low rank that lose least of what a matrix puts out."""

from __future__ import annotations

import numpy as np
import pytest

from provenance.detectors.neural.adapter import MATRICES, VECTORS, pack_adapter
from provenance.detectors.neural.pretrained import WIDTH


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


@pytest.mark.parametrize("shape", [(24, 60), (60, 24)])
def test_factors_keep_what_moves_the_output_on_the_inputs_that_occur(shape: tuple[int, int]) -> None:
    """A large change of inputs that hardly occur counts for less than a small one of those that do."""
    pytest.importorskip("torch")
    from scripts.train._encoder_adapter import _factors

    random = np.random.default_rng(1)
    rare, common = random.normal(size=(2, shape[0], 1)), random.normal(size=(2, 1, shape[1]))
    common[0, :, shape[1] // 2 :], common[1, :, : shape[1] // 2] = 0, 0
    change = 10 * rare[0] @ common[0] + rare[1] @ common[1]
    moment = np.diag(np.repeat([1e-6, 1.0], shape[1] // 2))
    left, energy, right = _factors(change, moment)
    kept = left[:, :1] @ right[:1]
    assert energy[0] > 100 * energy[1]
    half = shape[1] // 2
    np.testing.assert_allclose(kept[:, half:], change[:, half:], rtol=1e-2, atol=1e-3)
    np.testing.assert_allclose(left[:, :2] @ right[:2], change, rtol=1e-3, atol=1e-3)
