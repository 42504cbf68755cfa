"""A look at the beginning of inputs before work: whether mapped fields are there, and whether JSON is a corpus.

What is there but is not found must not be treated as absent: a mapping that no row satisfies is refused, with the
names that are there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import chain, islice
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from provenance.errors import suggestion
from provenance.records.compression import Fault, Piece, pieces
from provenance.records.fields import PRESETS, lookup, paths_of
from provenance.records.formats import SNIFF_BYTES, compression_of, content_of, is_record_start
from provenance.records.json_values import Values
from provenance.records.members import ByteSource
from provenance.records.options import ReadOptions
from provenance.records.parquet import column_of

#: Rows of a file of JSON that are looked at.
PEEKED_ROWS = 1000
_PEEKED_BYTES = 8 << 20
#: Names that a message lists.
_SHOWN = 12


@dataclass(frozen=True)
class Peeked:
    """What the beginning of an input with named fields holds.

    Attributes:
        rows: how many rows were looked at; for Parquet all of them, by the schema.
        complete: whether these are all rows of the file.
        found: which of the paths that were asked for some row has.
        names: every path of the first rows, in their order.
    """

    rows: int
    complete: bool
    found: frozenset[str]
    names: tuple[str, ...]


def peek(stream: BinaryIO, name: str, paths: frozenset[str]) -> Peeked | None:
    """Look for `paths` at the beginning of a file; None where it has no named fields (archives, damage) or no row.

    `stream` is opened for bytes and at its beginning. Raises only errors of the stream (OSError).
    """
    source = ByteSource(stream)
    if source.need(4) >= 4 and source.buf[:4] == b"PAR1":
        return _peek_table(stream, paths) if stream.seekable() else None
    found: set[str] = set()
    names: dict[str, None] = {}
    rows = 0
    values = _values(source, name)
    for value in islice(values, PEEKED_ROWS):
        rows += 1
        found.update(path for path in paths if path not in found and lookup(value, path) is not None)
        if rows <= _SHOWN:
            names.update(dict.fromkeys(paths_of(value)))
    complete = next(values, None) is None
    return Peeked(rows, complete, frozenset(found), tuple(names)) if rows else None


def sniff_json(stream: BinaryIO, name: str, options: ReadOptions) -> str | None:
    """Why a file that is called .json is no corpus; None where one of its first rows has a text."""
    paths = frozenset((*options.columns["text"], *options.columns["body"]))
    peeked = peek(stream, name, paths)
    if peeked is None:
        return "JSON without a row of named fields"
    return None if peeked.found else "JSON without a text field"


def unsatisfied(peeks: Mapping[str, Peeked], options: ReadOptions) -> list[str]:
    """One message for each mapped field that no row of the inputs (by name) has, and for a preset that fits none."""
    if not peeks:
        return []
    wanted: dict[str, tuple[str, ...]] = {
        f"reading.fields.{column}": (path,) for column, path in _mapped(options)
    }
    if options.preset is not None and "text" not in options.fields and "body" not in options.fields:
        wanted[f"reading.preset: {options.preset}"] = PRESETS[options.preset].fields["text"]
    found = frozenset(chain.from_iterable(item.found for item in peeks.values()))
    names = list(dict.fromkeys(chain.from_iterable(item.names for item in peeks.values())))
    return [
        f"{key}: {_looked_at(peeks)} has {' or '.join(map(repr, paths))}{_nearest(paths[0], names)} "
        f"(there {'is' if len(names) == 1 else 'are'} {', '.join(names[:_SHOWN])}{', …' if len(names) > _SHOWN else ''})"
        for key, paths in wanted.items()
        if not found.intersection(paths)
    ]


def asked_paths(options: ReadOptions) -> frozenset[str]:
    """The paths of which one must be found."""
    mapped = {path for _, path in _mapped(options)}
    return frozenset(mapped | set(PRESETS[options.preset].fields["text"] if options.preset else ()))


def _nearest(path: str, names: list[str]) -> str:
    """The name that was probably meant, by itself or by the last part of a path."""
    by_last = {name.rpartition(".")[2]: name for name in reversed(names)}
    near = get_close_matches(path.rpartition(".")[2], by_last, n=1)
    return suggestion(path, names) or (f"; did you mean {by_last[near[0]]}?" if near else "")


def _mapped(options: ReadOptions) -> Iterator[tuple[str, str]]:
    for column, chosen in options.fields.items():
        for path in (chosen,) if isinstance(chosen, str) else chosen:
            yield column, path


def _looked_at(peeks: Mapping[str, Peeked]) -> str:
    """Which rows were looked at, as the subject of a sentence."""
    names = sorted(peeks)
    where = names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1:,} more files"
    if all(item.complete for item in peeks.values()):
        return f"no row of {where}"
    return f"none of the {sum(item.rows for item in peeks.values()):,} rows that were looked at in {where}"


def _values(source: ByteSource, name: str) -> Iterator[Mapping[str, object]]:
    """The objects at the beginning of a file of JSON, of either form; nothing for other files."""
    decoded = _limited(pieces(source, compression_of(source, name), is_record_start))
    first = []
    for piece in decoded:
        first.append(piece)
        if sum(len(item.data) for item in first) >= SNIFF_BYTES:
            break
    if content_of(b"".join(item.data for item in first)[:SNIFF_BYTES], name) not in ("json", "jsonl"):
        return
    for _, value, problem in Values(chain(first, decoded)).read(_PEEKED_BYTES):
        if problem is None and isinstance(value, dict):
            yield value


def _limited(decoded: Iterator[Piece | Fault]) -> Iterator[Piece]:
    """The first pieces up to damage or some megabytes."""
    size = 0
    for item in decoded:
        if isinstance(item, Fault) or size > _PEEKED_BYTES:
            return
        size += len(item.data)
        yield item


def _peek_table(stream: BinaryIO, paths: frozenset[str]) -> Peeked | None:
    stream.seek(0)
    try:
        metadata = pq.read_metadata(stream)
        schema = metadata.schema.to_arrow_schema()
    except (pa.ArrowException, ValueError, OverflowError):
        return None
    found = frozenset(path for path in paths if column_of(schema, path) is not None)
    return Peeked(metadata.num_rows, True, found, tuple(_schema_paths(schema, "")))


def _schema_paths(fields: pa.Schema | pa.StructType, prefix: str) -> Iterator[str]:
    for field in fields:
        if pa.types.is_struct(field.type):
            yield from _schema_paths(field.type, f"{prefix}{field.name}.")
        else:
            yield f"{prefix}{field.name}"
