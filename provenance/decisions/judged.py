"""What a pass over a shard found, kept in files for the passes after it: no shard is scored or judged twice.

Arrow files, one of each kind for a shard: its scores in numbers; what the cap has to know of the documents among which it
chooses; and the decisions but for that choice. A pass that is tried again writes the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from provenance.decisions.detectors import Scores
from provenance.decisions.documents import Documents
from provenance.decisions.footers import Footer
from provenance.files.storage import Storage, join

#: Fast to write and to read, and a third of the size of decisions as they are.
_PACKED = pa.ipc.IpcWriteOptions(compression="lz4")
_OPEN, _STRATUM = "open", "stratum "


@dataclass(frozen=True)
class Counted:
    """The scores of one shard, and which of its rows count; each of shape (rows,)."""

    scores: Scores
    proven: NDArray[np.datetime64]
    open: NDArray[np.bool_]  # tells something about the crawl


@dataclass(frozen=True)
class Undecided:
    """Decisions but for the choice of the cap, and which rows it chooses among."""

    decisions: pa.Table
    open: NDArray[np.bool_]
    footer: Footer


@dataclass(frozen=True)
class Judged:
    """Such files by shard.

    Attributes:
        storage: where they lie,
        directory: in which directory.
    """

    storage: Storage
    directory: str

    def paths(self, shards: int) -> list[str]:
        """The files of so many judged shards."""
        return [self._path(kind, shard) for kind in ("documents", "decisions") for shard in range(shards)]

    def save_scores(self, shard: int, found: Counted) -> None:
        columns = {item.name: getattr(found.scores, item.name) for item in fields(Scores)}
        proven = pa.array(found.proven.astype("datetime64[us]"))
        self._write("scores", shard, pa.table({**columns, "proven": proven, _OPEN: found.open}))

    def read_scores(self, shard: int) -> Counted:
        table = self._read("scores", shard)
        texts = ("language", "source")
        columns = {
            item.name: _whole(table[item.name]) if item.name in texts else _array(table[item.name])
            for item in fields(Scores)
        }
        return Counted(Scores(**columns), _array(table["proven"]), _array(table[_OPEN]))

    def save(self, shard: int, documents: Documents, rest: Undecided) -> None:
        columns: dict[str, Any] = {
            item.name: getattr(documents, item.name)
            for item in fields(Documents)
            if item.name != "strata" and getattr(documents, item.name) is not None
        }
        columns |= {_STRATUM + name: column for name, column in documents.strata.items()}
        self._write("documents", shard, pa.table(columns))
        table = rest.decisions.append_column(_OPEN, pa.array(rest.open))
        self._write("decisions", shard, table.replace_schema_metadata(rest.footer.metadata()))

    def read_documents(self, shard: int) -> Documents:
        table = self._read("documents", shard)
        strata = {
            name.removeprefix(_STRATUM): _whole(table[name])
            for name in table.column_names
            if name.startswith(_STRATUM)
        }
        columns = {name: _array(table[name]) for name in table.column_names if not name.startswith(_STRATUM)}
        return Documents(**columns, strata=strata)

    def read_undecided(self, shard: int) -> Undecided:
        table = self._read("decisions", shard)
        footer = Footer.read(table.schema.metadata)
        decisions = table.drop_columns([_OPEN]).replace_schema_metadata(None)
        return Undecided(decisions, _array(table[_OPEN]), footer)

    def _path(self, kind: str, shard: int) -> str:
        return join(self.directory, kind, f"{shard:06}.arrow")

    def _write(self, kind: str, shard: int, table: pa.Table) -> None:
        with (
            self.storage.create(self._path(kind, shard)) as file,
            pa.ipc.new_file(file, table.schema, options=_PACKED) as writer,
        ):
            writer.write_table(table)

    def _read(self, kind: str, shard: int) -> pa.Table:
        with self.storage.open(self._path(kind, shard)) as file:
            return pa.ipc.open_file(pa.py_buffer(file.read())).read_all()


def _whole(column: pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)


def _array(column: pa.ChunkedArray) -> NDArray[Any]:
    return np.asarray(_whole(column))
