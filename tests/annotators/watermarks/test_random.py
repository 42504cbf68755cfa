"""The generator is torch's."""

from __future__ import annotations

import numpy as np
import pytest

from provenance.annotators.watermarks import random as generator

torch = pytest.importorskip("torch")


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
