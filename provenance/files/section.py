"""The base of every section of the configuration, and what is wrong with one in words.

A value counts only as what it is written as: nothing is taken for another type, and every problem is said with its place
and the nearest that exists.
"""

from __future__ import annotations

import re
import types
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, PlainSerializer, ValidationError
from pydantic_core import ErrorDetails

from provenance.errors import suggestion

Place = tuple[int | str, ...]

_NUMBERS = frozenset({int, float, Decimal})
#: Characters that neither files nor tables of other programs hold: controls but white space, and halves of pairs.
_UNWRITABLE = re.compile(r"[\0-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
#: What pydantic calls by Python's names, as one who writes YAML knows it.
_WORDS = {
    "tuple_type": "should be a list",
    "list_type": "should be a list",
    "dict_type": "should be a mapping of keys to values",
    "model_type": "should be a mapping of keys to values",
    "model_attributes_type": "should be a mapping of keys to values",
    "invalid_key": "is no text; write it in quotation marks",
    "missing": "is missing",
    "bool_parsing": "should be true or false",
}

#: The same of numbers, behind which stands what was given.
_TYPES = {
    "int_type": "should be a whole number",
    "int_parsing": "should be a whole number",
    "int_from_float": "should be a whole number",
    "float_type": "should be a number",
    "float_parsing": "should be a number",
    "decimal_type": "should be a number",
    "decimal_parsing": "should be a number",
}
_SCALARS = (int, float, Decimal, str, date, type(None))
#: What the library says well by itself, behind which that stands, too.
_BOUNDS = frozenset(
    {"string_pattern_mismatch", "greater_than", "greater_than_equal", "less_than", "less_than_equal"}
)


def _file_name(path: str) -> str:
    return Path(path).name


#: A path. Only its name is published, as JSON: no path of a machine; what the file holds is in the fingerprint.
FilePath = Annotated[str, PlainSerializer(_file_name, when_used="json")]


class Section(BaseModel):
    """A part of the configuration: unknown keys are errors, and nothing changes after it is read."""

    model_config = ConfigDict(extra="forbid", frozen=True)


S = TypeVar("S", bound=Section)


def read_section(model: type[S], values: Any) -> S:
    """A section from what YAML, JSON or arguments say.

    Raises:
        ProblemsError: with every problem, its place and what to do.
    """
    problems = dict(_as_written(values, model, ()))
    try:
        section = model.model_validate(values)
    except ValidationError as error:
        for item in error.errors():
            problems.setdefault(item["loc"], describe_problem(item, model))
    if problems:
        raise ProblemsError([(place, text) for place, text in problems.items()])
    return section


class ProblemsError(ValueError):
    """What is wrong with a section; one place (keys and numbers of entries) and text each."""

    def __init__(self, problems: Sequence[tuple[Place, str]]) -> None:
        super().__init__("; ".join(f"{dotted_place(place)}: {text}" for place, text in problems))
        self.problems = tuple(problems)


def dotted_place(place: Place) -> str:
    """A place as people write it."""
    return ".".join(str(step) for step in place if step != "[key]") or "top level"


def _as_written(value: Any, kind: Any, place: Place) -> Iterator[tuple[Place, str]]:
    """Values that would be taken for another type, such as true for 1, and text that could not be published."""
    kinds = set(_leaves(kind))
    models = [item for item in kinds if isinstance(item, type) and issubclass(item, BaseModel)]
    if models and isinstance(value, Mapping):
        model = _meant(models, value)
        for name, inner in value.items():
            field = model.model_fields.get(name) if isinstance(name, str) else None
            if field is not None:
                yield from _as_written(inner, field.annotation, (*place, name))
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from _as_written(inner, kind, (*place, index))
    elif isinstance(value, Mapping):
        (inner_kind,) = {get_args(item)[1] for item in kinds if get_origin(item) is dict} or (Any,)
        for name, inner in value.items():
            yield from _as_written(str(name), str, (*place, str(name)))
            yield from _as_written(inner, inner_kind, (*place, name))
    else:
        problem = _mistaken(value, kinds)
        if problem is not None:
            yield place, problem


def _meant(models: Sequence[type[BaseModel]], value: Mapping[Any, Any]) -> type[BaseModel]:
    """The model of several that a mapping names by its kind; else the first."""
    named = [model for model in models if _kind_of(model) == value.get("kind", "")]
    return (named or list(models))[0]


def _kind_of(model: type[BaseModel]) -> object:
    field = model.model_fields.get("kind")
    return field.default if field else None


def _mistaken(value: object, kinds: set[Any]) -> str | None:
    """Why a value is not what its setting holds, where pydantic would take it."""
    if isinstance(value, bool):
        return (
            f"should be a number, not {str(value).lower()}"
            if kinds & _NUMBERS and bool not in kinds
            else None
        )
    if bool in kinds and isinstance(value, int | float | str):
        return f"should be true or false, not {value!r}"
    if date in kinds and isinstance(value, int | float):
        return f"should be a day such as 2026-01-31, not {value!r}"
    if not isinstance(value, str):
        return None
    found = _UNWRITABLE.search(value)
    if found is not None:
        return f"holds the character U+{ord(found[0]):04X}, which cannot be written"
    return "holds nothing but blanks" if value and not value.strip() and str in kinds else None


def describe_problem(problem: ErrorDetails, model: type[BaseModel]) -> str:
    """What is wrong with one setting of `model`, and what was probably meant."""
    message = problem["msg"].removeprefix("Value error, ").removeprefix("Input ").removeprefix("String ")
    kind, context = problem["type"], problem.get("ctx", {})
    if kind in _WORDS:
        return _WORDS[kind]
    if kind in _TYPES or kind in _BOUNDS:
        return _TYPES.get(kind, message) + _given(problem["input"])
    if kind == "string_type":
        given = problem["input"]
        quoted = isinstance(given, int | float | date)
        return f"should be text, not {given}; write it in quotation marks" if quoted else "should be text"
    if kind == "literal_error":
        return message + _nearest(problem["input"], re.findall(r"'([^']+)'", str(context["expected"])))
    if kind == "union_tag_not_found":
        return "has no kind"
    if kind == "union_tag_invalid":
        tags = re.findall(r"'([^']+)'", str(context["expected_tags"]))
        return f"there is no kind {context['tag']!r}{_nearest(context['tag'], tags)} (there are {', '.join(tags)})"
    if kind != "extra_forbidden":
        return message
    *sections, key = problem["loc"]
    if "." in str(key):
        section, _, rest = str(key).partition(".")
        return f"is no key; sections are nested: {section}: {{{rest}: ...}}"
    known = _fields(model, sections)
    return f"is no key there{suggestion(str(key), known) or '; there are ' + ', '.join(known)}"


def _given(value: object) -> str:
    """What was given instead; of what is long or nested nothing."""
    if not isinstance(value, _SCALARS):
        return ""
    return f", not {value!r}" if isinstance(value, str) else f", not {'null' if value is None else value}"


def _nearest(given: object, known: Sequence[str]) -> str:
    return suggestion(str(given), known)


def _fields(model: type[BaseModel], path: Sequence[int | str]) -> list[str]:
    """Names of the settings of the section at a path, through lists and kinds."""
    found: Any = model
    for step in path:
        models = [item for item in _leaves(found) if hasattr(item, "model_fields")]
        inner = [item.model_fields[step].annotation for item in models if step in item.model_fields]
        named = [item for item in models if _kind_of(item) == step]
        if not isinstance(step, int):  # an entry of a list is what the list holds
            found = next(iter([*inner, *named]), None)
    return [name for item in _leaves(found) for name in getattr(item, "model_fields", {})]


def _leaves(annotation: Any) -> Iterator[Any]:
    """The types that a value may have, without containers' own."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _leaves(get_args(annotation)[0])
    elif origin in (Union, types.UnionType, tuple, list):
        for inner in get_args(annotation):
            yield from _leaves(inner)
    else:
        yield annotation
