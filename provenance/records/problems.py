"""What a value or a line of an input is, in words for whoever wrote the input and may never have seen Python.

Promise 1: a row of the ledger says what was wrong, where, and what to do.
"""

from __future__ import annotations

import json
from collections.abc import Mapping


def kind_of(value: object) -> str:
    """What a value of a row is: `a number`, `a list`, `an object with the fields 'a', 'b'`."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "a text"
    if isinstance(value, list | tuple):
        return "a list"
    if isinstance(value, dict):
        return f"an object with the fields {field_names(value)}" if value else "an object without fields"
    return f"of the type {type(value).__name__}"


def no_text(value: object) -> str:
    """Why what stands where the text is looked for is none, and what to name instead."""
    if isinstance(value, dict) and value:
        return f"the text is {kind_of(value)}: name one by its path, reading.fields.text"
    return f"the text is {kind_of(value)} (another field: reading.fields.text)"


def field_names(value: Mapping[str, object]) -> str:
    """The names of an object's fields, as far as a message has room."""
    return ", ".join(repr(name) for name in value if name is not None)[:200]


def no_json(error: ValueError) -> str:
    """Why a text is not JSON, by its character; the line is named by who asks."""
    if not isinstance(error, json.JSONDecodeError):
        return f"is not JSON ({error})"
    if error.msg != "Extra data":
        return f"is not JSON ({error.msg.removesuffix(' at')}, at its character {error.pos + 1:,})"
    rest = error.doc[error.pos :].strip()
    if rest == ",":
        return "is not JSON: it ends in a comma, as the values of an array do (take the commas off)"
    if "\r" in error.doc:
        return "is not JSON lines: its lines end in carriage returns alone (write line feeds)"
    return f"is not JSON: more follows at its character {error.pos + 1:,} (one object a line)"
