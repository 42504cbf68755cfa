"""The heaviest values are found and counted exactly, in bounded memory."""

from __future__ import annotations

from collections import Counter

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from provenance.release.report.leaders import Exact, Leaders

PAIRS = st.lists(st.tuples(st.sampled_from("abcdefghijklmnopqrst"), st.integers(0, 50)), max_size=200)


@settings(deadline=None)  # the first example compiles or loads a kernel
@given(PAIRS, st.integers(1, 40))
def test_whatever_weighs_more_than_its_part_of_the_whole_is_a_candidate(
    pairs: list[tuple[str, int]], size: int
) -> None:
    leaders, exact = Leaders(capacity=3), Counter[str]()
    for at in range(0, len(pairs), size):
        piece = pairs[at : at + size]
        leaders.add(pa.array([key for key, _ in piece]), pa.array([n for _, n in piece], pa.int64()))
    for key, weight in pairs:
        exact[key] += weight
    heavy = {key for key, weight in exact.items() if weight * 4 > exact.total()}
    assert heavy <= set(leaders.candidates(10**6))
    assert len(leaders.weights) <= 6
    if leaders.complete:
        assert leaders.weights == {key: weight for key, weight in exact.items() if weight}


def test_sums_are_exact_and_all_others_are_one_row() -> None:
    values = pa.chunked_array([pa.array(["a", "b", None, "c", "a"])])
    table = pa.table({"documents": [1] * 5, "tokens": [5, 4, 3, 2, 1]})
    sums = Exact(["a", "b", "c"], ("documents", "tokens"))
    sums.add(values, table)
    sums.add(values, table)
    assert sums.rows("tokens", 2) == [
        {"value": "a", "documents": 4, "tokens": 12},
        {"value": "b", "documents": 2, "tokens": 8},
        {"value": "", "documents": 4, "tokens": 10},
    ]
