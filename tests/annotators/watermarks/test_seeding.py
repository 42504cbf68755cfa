"""Seeds are those of the published functions, written out in torch."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest

from provenance.annotators.watermarks.seeding import (
    ORIGINAL_TABLE_SEED,
    TABLE_SIZE,
    hash_table,
    resolve,
    seeds,
)

torch = pytest.importorskip("torch")


VOCABULARY = 3000


@pytest.fixture(scope="module")
def table() -> Any:
    generator = torch.Generator().manual_seed(ORIGINAL_TABLE_SEED)
    return torch.randperm(TABLE_SIZE, generator=generator)


def published_seed(prf: str, ids: Any, key: int, table: Any) -> int:
    """The seeding functions of the original repository, as torch computes them."""

    def hashed(values: Any) -> Any:
        return table[values % TABLE_SIZE] + 1

    if prf == "noncomm_prf":
        state = torch.as_tensor(key, dtype=torch.long)
        for entry in ids:
            state = state * hashed(state * entry) % 2**32
        return int(state)
    pairs = list(combinations(hashed(key * ids), 2))
    found = {
        "multiplicative_prf": lambda: key * ids.prod().item(),
        "additive_prf": lambda: key * ids.sum().item(),
        "minfunc_prf": lambda: key * ids.min().item(),
        "simple_skip_prf": lambda: hashed(key * ids[::2]).prod().item(),
        "skipgram_prf": lambda: hashed(key * ids[0]).item(),
        "anchored_skipgram_prf": lambda: (hashed(key * ids[0]) * hashed(key * ids[-1])).item(),
        "minhash_prf": lambda: hashed(key * ids).min().item(),
        "anchored_minhash_prf": lambda: (key * hashed(ids) * hashed(ids[-1])).min().item(),
        "minskipgram_prf": lambda: torch.as_tensor(pairs).prod(dim=1).min().item(),
        "position_prf": lambda: (key * ids * torch.arange(1, len(ids) + 1)).sum().item(),
    }[prf]()
    return int(found)


@pytest.mark.parametrize("key", [15485863, 2**50 + 77, -3])
@pytest.mark.parametrize("width", [2, 5])
@pytest.mark.parametrize(
    "prf",
    "multiplicative_prf additive_prf minfunc_prf simple_skip_prf skipgram_prf anchored_skipgram_prf minhash_prf "
    "anchored_minhash_prf minskipgram_prf noncomm_prf position_prf".split(),
)
def test_seeds_are_those_of_the_original_repository(prf: str, width: int, key: int, table: Any) -> None:
    rng = np.random.default_rng(width)
    ids = rng.integers(0, 130_000, 40)
    for salted in (False, True):
        seeding = resolve(f"ff-{prf}-{width}-{salted}", None, key, VOCABULARY)
        ours = seeds(ids, np.array([0, 40]), seeding, hash_table(seeding))
        for i in range(width, 40):
            context = torch.as_tensor(ids[i - width + salted : i + salted])
            expected = published_seed(prf, context, key, table) % (2**64 - 1)
            assert int(ours[i]) == expected & 0xFFFFFFFF


def test_named_seedings_are_the_published_combinations() -> None:
    for name, same in {
        "simple_1": "ff-additive_prf-1-False",
        "minhash": "ff-minhash_prf-4-False",
        "skipgram": "ff-skipgram_prf-5-False",
        "algorithm-3": "ff-anchored_minhash_prf-4-True-15485863",
    }.items():
        assert resolve(name, None, 15485863, 100) == resolve(same, None, 15485863, 100)
