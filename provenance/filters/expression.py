"""Conditions over annotated columns, in the SQL of DuckDB: read, checked and asked of one batch at a time.

An expression sees the row alone: nothing that reads files, depends on the clock or on other rows is let through, so
that neither batches nor workers can change what it says (promise 5).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from provenance.errors import ConfigurationError, DataError

_SETTINGS = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "python_enable_replacements": "false",
    "python_scan_all_frames": "false",
    "threads": "1",
    "memory_limit": "1GB",
    "TimeZone": "UTC",
}
_NODES = {
    "COLUMN_REF", "CONSTANT", "FUNCTION", "COMPARISON", "CONJUNCTION", "OPERATOR", "CAST", "CASE", "BETWEEN",
    "LAMBDA", "COLLATE", "TYPE",
}  # fmt: skip


@dataclass(frozen=True)
class Condition:
    """A checked expression and the columns it reads."""

    text: str
    columns: tuple[str, ...]

    def holds(self, table: pa.Table) -> NDArray[np.bool_]:
        """For each row whether the condition is true; null counts as false.

        Raises:
            DataError: where a value of the table cannot be computed with.
        """
        import duckdb

        connection = _connect()
        try:
            connection.register("documents", table.select(list(self.columns)) if self.columns else table)
            found = connection.sql(f"SELECT coalesce(({self.text})::BOOLEAN, false) AS holds FROM documents")
            return np.asarray(found.to_arrow_table()["holds"], dtype=bool)
        except duckdb.Error as error:
            raise DataError(
                f"the filter expression {self.text!r} fails on a document: {_first_line(error)}; "
                "guard it, for example with TRY_CAST or coalesce"
            ) from error
        finally:
            connection.close()


def read_condition(text: str, schema: pa.Schema, where: str) -> Condition:
    """An expression, checked against the columns of a schema.

    Raises:
        ConfigurationError: names what is wrong and what there is; `where` is the filter.
    """
    import duckdb

    connection = _connect()
    try:
        tree = json.loads(
            connection.execute("SELECT json_serialize_sql(?::VARCHAR)", [f"SELECT ({text})"]).fetchall()[0][0]
        )
        if tree["error"]:
            raise ConfigurationError(f"{where}: {text!r} is no expression: {tree['error_message']}")
        nodes = list(_nodes(tree["statements"]))
        columns = _columns(nodes, schema, where)
        _check_functions(nodes, where)
        connection.register("documents", schema.empty_table())
        kind = connection.sql(f"SELECT ({text}) FROM documents").types[0]
        if str(kind) not in ("BOOLEAN", '"NULL"'):
            raise ConfigurationError(f"{where}: {text!r} is a {kind}, not a condition that is true or false")
    except duckdb.Error as error:
        raise ConfigurationError(f"{where}: {text!r}: {_first_line(error)}") from error
    finally:
        connection.close()
    return Condition(text, columns)


def _connect() -> Any:
    """A database without files, extensions or Python's variables, whose settings an expression cannot change."""
    import duckdb

    connection = duckdb.connect()
    for name, value in _SETTINGS.items():
        connection.execute(f"SET {name}='{value}'")
    connection.execute("SET lock_configuration=true")
    return connection


def _nodes(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if "class" in value:
            yield value
        for item in value.values():
            yield from _nodes(item)
    elif isinstance(value, list):
        for item in value:
            yield from _nodes(item)


def _columns(nodes: list[dict[str, Any]], schema: pa.Schema, where: str) -> tuple[str, ...]:
    # The arguments of x -> ... stand as columns on its left.
    bound = {
        name["column_names"][0]
        for node in nodes
        if node["class"] == "LAMBDA"
        for name in _nodes(node.get("lhs"))
    }
    found = []
    for node in nodes:
        if node["class"] not in _NODES:
            what = node["class"].lower().replace("_", " ")
            raise ConfigurationError(
                f"{where}: an expression looks at one document alone: no {what} is possible"
            )
        if node["class"] == "COLUMN_REF" and node["column_names"][0] not in bound:
            found.append(node["column_names"][0])
    known = {name.lower(): name for name in schema.names}
    for name in found:
        if name.lower() not in known:
            raise ConfigurationError(
                f"{where}: there is no column {name!r}; there are: {', '.join(sorted(schema.names))}"
            )
    return tuple(sorted({known[name.lower()] for name in found}))


def _check_functions(nodes: list[dict[str, Any]], where: str) -> None:
    allowed = _functions()
    for node in nodes:
        name = str(node.get("function_name", "")).lower()
        if node["class"] == "FUNCTION" and name not in allowed:
            raise ConfigurationError(
                f"{where}: the function {name!r} cannot be used: an expression may only call functions of one row "
                "whose answer is always the same (not aggregates, nor now() or random())"
            )


@cache
def _functions() -> frozenset[str]:
    """Functions of one row that always give the same: scalars, and macros that are made of nothing else."""
    connection = _connect()
    rows = connection.execute(
        "SELECT lower(function_name), function_type, stability, lower(coalesce(macro_definition, '')) FROM duckdb_functions()"
    ).fetchall()
    connection.close()
    unstable = {name for name, kind, stability, _ in rows if kind == "scalar" and stability != "CONSISTENT"}
    stable = {name for name, kind, stability, _ in rows if kind == "scalar" and stability == "CONSISTENT"}
    macros = {
        name
        for name, kind, _, text in rows
        if kind == "macro" and "select" not in text and not any(other in text for other in unstable)
    }
    return frozenset((stable - unstable) | (macros - unstable))


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
