"""DiPmark, against MarkLLM's detector written out."""

from __future__ import annotations

import hashlib
import random

import numpy as np
import pytest

from provenance.annotators.watermarks import detect
from provenance.annotators.watermarks.dipmark import DipMark

torch = pytest.importorskip("torch")


VOCABULARY = 3000


@pytest.mark.parametrize("ignore_history", [False, True])
@pytest.mark.parametrize(("gamma", "prefix"), [(0.5, 1), (0.3, 2), (0.5, 5)])
def test_dipmark_statistic_is_that_of_markllm_dip(gamma: float, prefix: int, ignore_history: bool) -> None:
    ids = np.random.default_rng(0).integers(0, VOCABULARY, 60)
    ids[30:45] = ids[5:20]  # contexts that come again, as in a text that repeats itself
    secret = random.Random(42).getrandbits(1024).to_bytes(128, "big")
    green, length, history = 0, 60, set()
    for i in range(59):
        context = torch.as_tensor(ids[: i + 1])[-prefix:].numpy().tobytes()
        if context in history and not ignore_history:
            length -= 1
            continue
        history.add(context)
        seed = int.from_bytes(hashlib.sha256(context + secret).digest(), "big") % (2**32 - 1)
        order = torch.randperm(VOCABULARY, generator=torch.Generator().manual_seed(seed))
        quantile = (torch.where(order == int(ids[i + 1]))[0] + 1) / VOCABULARY
        green += int((quantile >= gamma).item())
    settings = {"gamma": gamma, "prefix_length": prefix, "ignore_history": ignore_history}
    found = detect(ids, DipMark.model_validate({"vocab_size": VOCABULARY, **settings}))
    assert found.score == green
    assert found.z == pytest.approx((green - (1 - gamma) * length) / np.sqrt(length))
    assert ignore_history == (length == 60)
