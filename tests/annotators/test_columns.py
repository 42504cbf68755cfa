"""Columns of a batch: there or not, and only for rows that may become documents."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest

from provenance.annotators.columns import (
    byte_rows,
    bytes_and_offsets,
    kept_rows,
    open_rows,
    read_column,
    string_array,
    text_buffers,
    with_columns,
)

BATCH = pa.record_batch(
    {"text": ["a", "b", None], "size": pa.array([1, 2, 3]), "outcome": [None, "redirect", None]}
)


def test_a_row_with_an_outcome_reads_as_null() -> None:
    assert open_rows(BATCH).to_pylist() == [True, False, True]
    assert read_column(BATCH, "text", pa.large_string()).to_pylist() == ["a", None, None]


def test_a_missing_column_reads_as_null_and_another_type_is_cast() -> None:
    assert read_column(BATCH, "absent", pa.int64()).to_pylist() == [None, None, None]
    assert read_column(BATCH, "size", pa.float64()).type == pa.float64()


def test_without_an_outcome_every_row_is_open() -> None:
    batch = BATCH.drop_columns(["outcome"])
    assert open_rows(batch).to_pylist() == [True, True, True]
    assert read_column(batch, "text", pa.string()).to_pylist() == ["a", "b", None]


@pytest.mark.parametrize("texts", [[], ["", "é", "\ud800x", "𝔘"]])
def test_texts_become_an_array_and_lone_surrogates_question_marks(texts: list[str]) -> None:
    expected = [text.encode("utf-8", "replace").decode() for text in texts]
    array = string_array(texts)
    array.validate(full=True)
    assert array.to_pylist() == expected


def test_columns_are_added_or_replaced_in_place() -> None:
    batch = with_columns(BATCH, {"text": pa.array([1, 2, 3]), "new": pa.array([4, 5, 6])})
    assert batch.schema.names == ["text", "size", "outcome", "new"]
    assert batch["text"].to_pylist() == [1, 2, 3]


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("dropped", [None, b"", b"robots"])
def test_rows_are_kept_with_their_pages(dropped: bytes | None, first: int) -> None:
    bodies = pa.array([b"x", dropped, b"", b"<p>y", None, dropped, b"z"], pa.large_binary())
    batch = pa.record_batch({"body": bodies, "row": pa.array(range(7))}).slice(first)
    kept = pa.array([True, False, True, True, True, False, True]).slice(first)
    found = kept_rows(batch, kept)
    found.validate(full=True)
    assert found == batch.filter(kept)
    rows = byte_rows(found["body"])
    assert [rows.row(row) for row in range(5 - first)] == [b"x", b"", b"<p>y", b"", b"z"][first:]


def test_pages_are_not_copied_where_other_rows_have_none() -> None:
    batch = pa.record_batch({"body": pa.array([b"x" * 100, None, b"y"], pa.large_binary())})
    found = kept_rows(batch, pa.array([True, False, True]))["body"]
    assert found.buffers()[2].address == batch["body"].buffers()[2].address


@pytest.mark.parametrize("column", [pa.array(["ab", None, "é"]), pa.array([], pa.string()), pa.nulls(2)])
@pytest.mark.parametrize("chunked", [False, True])
def test_bytes_and_offsets_of_texts_of_any_type(column: pa.Array, chunked: bool) -> None:
    data, offsets = text_buffers(pa.chunked_array([column]) if chunked else column)
    found = [data[start:end].tobytes().decode() for start, end in pairwise(offsets)]
    assert found == [text or "" for text in column.to_pylist()]


@pytest.mark.parametrize("rows", [0, 2])
def test_the_bytes_of_a_slice_are_those_of_the_whole_and_nobody_writes_to_them(rows: int) -> None:
    column = pa.array([b"a", b"bc", b"d"], pa.large_binary())
    data, offsets = bytes_and_offsets(column.slice(1, rows))
    assert np.diff(offsets).tolist() == [2, 1][:rows]
    assert data[offsets[0] : offsets[-1]].tobytes() == b"bcd"[: 3 * bool(rows)]
    assert not data.flags.writeable and not offsets.flags.writeable
