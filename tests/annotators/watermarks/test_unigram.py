"""Unigram's list is the published mask."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from provenance.annotators.watermarks import detect
from provenance.annotators.watermarks.unigram import Unigram


def test_unigram_is_the_published_mask() -> None:
    for key, fraction in ((0, 0.5), (15485863, 0.25)):
        mask = np.array([True] * int(fraction * 1001) + [False] * (1001 - int(fraction * 1001)))
        digest = hashlib.sha256(np.int64(key)).digest()  # type: ignore[arg-type]
        np.random.default_rng(int.from_bytes(digest[:4], "little")).shuffle(mask)
        scheme = Unigram(vocab_size=1001, fraction=fraction, watermark_key=key)
        assert np.array_equal(scheme.green, mask)
        ids = np.random.default_rng(1).integers(0, 1001, 400)
        z = (mask[ids].sum() - fraction * 400) / np.sqrt(fraction * (1 - fraction) * 400)
        assert detect(ids, scheme).z == pytest.approx(z)
