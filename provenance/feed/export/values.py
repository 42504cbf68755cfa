"""Columns as other formats take them: JSON values, or values of one type a column whatever a block holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from provenance.errors import UsageError
from provenance.feed.release import OpenRelease, collate
from provenance.schema import without_zone


def json_rows(table: pa.Table) -> Iterator[dict[str, Any]]:
    """Each document as JSON values: missing values are null, times text in UTC (ISO 8601)."""
    columns = []
    for column in table.columns:
        if pa.types.is_timestamp(column.type):
            text = pc.replace_substring(without_zone(column).cast(pa.string()), " ", "T")
            column = pc.binary_join_element_wise(text, "Z", "")
        columns.append(column.to_pylist())
    names = table.column_names
    for values in zip(*columns):
        yield dict(zip(names, values))


def typed_rows(table: pa.Table, kinds: dict[str, str]) -> Iterator[dict[str, Any]]:
    """Each document with a value of its column's kind: see `kinds_of`."""
    columns = []
    for name, values in collate(table).items():
        made = values if isinstance(values, list) else values.astype(kinds[name]).tolist()
        columns.append(made)
    names = table.column_names
    for row in zip(*columns):
        yield dict(zip(names, row))


def kinds_of(release: OpenRelease) -> dict[str, str]:
    """str, int64 or float64 of each column, the same in every shard.

    Times are microseconds since 1970 (int64). Missing text is "", a missing time -2 ** 63; whole numbers and truth values are
    float64 where some are missing anywhere in the release, with NaN for those.
    """
    kinds = {}
    for name in release.columns:
        kind = release.schema.field(name).type
        if pa.types.is_timestamp(kind):
            kinds[name] = "int64"
        elif pa.types.is_floating(kind):
            kinds[name] = "float64"
        elif pa.types.is_integer(kind) or pa.types.is_boolean(kind):
            kinds[name] = "float64" if name in release.gaps else "int64"
        else:
            kinds[name] = "str"
    return kinds


def need_columns(release: OpenRelease, names: tuple[str, ...], form: str) -> None:
    """Refuse columns without those that a format cannot do without.

    Raises:
        UsageError: names them.
    """
    missing = [name for name in names if name not in release.columns]
    if missing:
        raise UsageError(f"--to {form} needs the column {' and '.join(missing)}: add it to --columns")


def lacks(form: str, package: str, more: str = "") -> UsageError:
    """What to say where the library of a format is not installed."""
    return UsageError(
        f"--to {form} is written by {package}, which is not installed: pip install 'provenance-pipelines[{form}]'{more}"
    )
