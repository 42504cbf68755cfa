"""Ids are hashed as the library xxhash does it, a column at a time or one by one."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
import xxhash

from provenance.decisions.hashes import selection_hash

IDS = [f"{number:032x}" for number in np.random.default_rng(5).integers(0, 2**63, 500).tolist()]


@pytest.mark.parametrize("seed", [0, 1, 2**63 - 1, 2**64 - 1])
def test_columns_of_ids_are_hashed_as_by_the_library(seed: int) -> None:
    expected = [xxhash.xxh3_64_intdigest(value, seed) for value in IDS]
    assert selection_hash(IDS, seed).tolist() == expected
    assert selection_hash(pa.array(IDS).slice(7, 20), seed).tolist() == expected[7:27]
    assert selection_hash(pa.chunked_array([IDS[:3], IDS[3:]]), seed).tolist() == expected


def test_ids_of_other_lengths_and_nulls_have_their_hash_too() -> None:
    ids = ["a", None, IDS[0], "", "ü" * 16, "x" * 33]
    expected = [0 if value is None else xxhash.xxh3_64_intdigest(value, 9) for value in ids]
    assert selection_hash(ids, 9).tolist() == expected
    assert selection_hash([], 9).tolist() == []


def test_hash_depends_on_id_and_seed_only() -> None:
    assert selection_hash(["provenance"], 0).tolist() == [HASH_OF_PROVENANCE]
    assert selection_hash(["provenance"], 1).tolist() != [HASH_OF_PROVENANCE]


HASH_OF_PROVENANCE = 15241009252570104541
