"""Expressions are conditions on one document: read before any work, and unable to reach for anything else."""

from __future__ import annotations

import pyarrow as pa
import pytest

from provenance.errors import ConfigurationError, DataError
from provenance.filters.expression import read_condition
from provenance.schema import ANNOTATED, QUALITY

TABLE = pa.table(
    {
        "token_count": pa.array([10, 200, None], pa.int32()),
        "language": ["en", "de", None],
        "quality": pa.array([{"words": 9.0}, {"words": 180.0}, None], QUALITY),
    }
)


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("token_count > 50", [False, True, False]),
        ("language IN ('en', 'fr') OR quality.words > 100", [True, True, False]),
        ("token_count IS NULL", [False, False, True]),
        ("len(list_filter([token_count], lambda n: n > 50)) = 1", [False, True, False]),
        ("CASE WHEN regexp_matches(language, '^d') THEN true ELSE token_count < 20 END", [True, True, False]),
    ],
)
def test_rows_stay_where_the_condition_is_true_and_null_is_not(text: str, holds: list[bool]) -> None:
    assert read_condition(text, ANNOTATED, "filters: mine").holds(TABLE).tolist() == holds


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tokens > 3", "there is no column 'tokens'; there are: .*token_count"),
        ("token_count >", "is no expression"),
        ("true); DROP TABLE documents; SELECT (true", "."),
        ("token_count + 1", "not a condition"),
        ("(SELECT count(*) FROM read_csv('/etc/passwd')) > 0", "no subquery"),
        ("row_number() OVER () < 5", "no window"),
        ("count(token_count) > 5", "'count' cannot be used"),
        ("random() < 0.5", "'random' cannot be used"),
        ("capture_time < now()", "'now' cannot be used"),
        ("capture_time < current_date", "there is no column 'current_date'"),
        ("getenv('HOME') = 'x'", "'getenv' cannot be used"),
        ("nosuchfunction(token_count)", "'nosuchfunction' cannot be used"),
        ("quality.nosuch > 1", "nosuch"),
    ],
)
def test_what_is_no_condition_on_one_document_is_refused_with_what_to_do(text: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as raised:
        read_condition(text, ANNOTATED, "filters: mine")
    assert str(raised.value).startswith("filters: mine: ")


def test_a_value_that_cannot_be_computed_with_names_the_expression() -> None:
    condition = read_condition("CAST(language AS INTEGER) > 3", ANNOTATED, "filters: mine")
    with pytest.raises(DataError, match="TRY_CAST"):
        condition.holds(TABLE)


def test_only_the_columns_of_the_expression_are_read() -> None:
    assert read_condition("token_count > 5 AND Language = 'en'", ANNOTATED, "f").columns == (
        "language",
        "token_count",
    )
