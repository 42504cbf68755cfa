"""The share of synthetic text by EM is the published one."""

from __future__ import annotations

import numpy as np
import pytest

from provenance.detectors import prevalence


def _em_by_its_definition(ratios: np.ndarray) -> float:
    share = 0.5
    for _ in range(20_000):
        posterior = share * ratios / (share * ratios + 1 - share)
        share = posterior.mean()
    return float(share)


def test_em_share_is_the_fixed_point_of_the_published_iteration() -> None:
    random = np.random.RandomState(1)
    synthetic = random.rand(400) < 0.3
    ratios = np.exp(random.normal(np.where(synthetic, 1.0, -1.0), np.sqrt(2)))
    assert prevalence.em_share(ratios) == pytest.approx(_em_by_its_definition(ratios), abs=1e-6)
