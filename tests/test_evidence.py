"""Pieces of evidence row by row: joined, filtered, added up; and what is low-background."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from provenance.evidence import at_most_one, evidence_sum, filter_lists, join_lists, low_background
from provenance.schema import EVIDENCE

NUMBERS = pa.list_(pa.int64())


def pieces(*ratios: float | None) -> list[dict[str, object]]:
    return [{"source": "s", "llr": ratio, "because": "b"} for ratio in ratios]


def test_lists_of_several_columns_are_joined_in_their_order_and_null_is_empty() -> None:
    first = pa.array([[1], None, [2, 3]], NUMBERS)
    second = pa.array([[], [4], [5]], NUMBERS)
    assert join_lists([first, second]).to_pylist() == [[1], [4], [2, 3, 5]]


def test_slices_are_joined_as_they_stand() -> None:
    column = pa.array([[9], [1], None, [2]], NUMBERS)
    assert join_lists([column.slice(1), column.slice(1)]).to_pylist() == [[1, 1], [], [2, 2]]


def test_filtering_keeps_the_rows() -> None:
    column = pa.array([[1, 2], None, [3]], NUMBERS)
    assert filter_lists(column, pa.array([False, True, False])).to_pylist() == [[2], [], []]


def test_one_value_goes_to_each_chosen_row() -> None:
    rows = np.array([True, False, False, True])
    null = np.array([False, False, True, False])
    lists = at_most_one(pa.array([7, 8]), rows, NUMBERS, null)
    assert lists.to_pylist() == [[7], [], None, [8]]


def test_ratios_are_added_by_row_and_missing_ones_count_nothing() -> None:
    column = pa.array([pieces(1.5, -0.5), None, [], pieces(None, 2.0)], EVIDENCE)
    assert evidence_sum(column).tolist() == [1.0, 0.0, 0.0, 2.0]
    assert evidence_sum(pa.chunked_array([column, column])).tolist() == [1.0, 0.0, 0.0, 2.0] * 2


def test_only_what_was_captured_before_the_release_of_chat_models_is_low_background() -> None:
    times = np.array(["2022-11-29T23:59:59", "2022-11-30T00:00:00", "NaT"], "datetime64[us]")
    assert low_background(times).tolist() == [True, False, False]
