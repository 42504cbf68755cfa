"""The one extension point: an annotator turns a batch of records into more columns.

An annotator is any object with the attributes of `Annotator`. Third parties publish
theirs in the entry-point group `provenance.annotators` and users name them in the
configuration.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import pyarrow as pa

from provenance.annotators.columns import with_columns

#: Bytes of a record's own words that go into `detail`.
_DETAIL_BYTES = 500
#: What went wrong with a document: doc_id -> (reason, detail).
Failures = dict[str, tuple[str, str]]


@runtime_checkable
class Annotator(Protocol):
    """Adds the columns of `schema` to a batch.

    `name` and `version` enter the fingerprint: change `version` whenever the same
    input could give other output. `setup` is called once in each process, before
    the first batch, and may load models.
    """

    @property
    def name(self) -> str:
        """Name in the configuration, the fingerprint and messages."""
        ...

    @property
    def version(self) -> str:
        """Enters the fingerprint."""
        ...

    @property
    def schema(self) -> pa.Schema:
        """The columns that are added."""
        ...

    def setup(self) -> None:
        """Load what the calls need (models, tables)."""

    def __call__(self, batch: pa.RecordBatch) -> Sequence[pa.Array]:
        """Return one array for each field of `schema`, each of `batch.num_rows` rows.

        A row whose `outcome` is not null must get nulls. A column named `*_evidence` of type
        `schema.EVIDENCE` takes part in the synthetic probability.
        """
        ...


def annotate_batch(annotator: Annotator, batch: pa.RecordBatch, failures: Failures) -> pa.RecordBatch:
    """Add an annotator's columns; a row on which it raises gets nulls and an entry in `failures`."""
    columns = _call(annotator, batch, failures)
    for field, column in zip(annotator.schema, columns, strict=True):
        if len(column) != batch.num_rows or column.type != field.type:
            raise TypeError(
                f"annotator {annotator.name}: column {field.name} must be {batch.num_rows} x {field.type}, "
                f"got {len(column)} x {column.type}"
            )
    return with_columns(batch, dict(zip(annotator.schema.names, columns, strict=True)))


def _call(annotator: Annotator, batch: pa.RecordBatch, failures: Failures) -> Sequence[pa.Array]:
    try:
        return annotator(batch)
    except Exception as error:  # whatever a third party raises costs its record, not the job
        if batch.num_rows == 1:
            message = f"{annotator.name}: {type(error).__name__}: {error}"[:_DETAIL_BYTES]
            failures[batch["doc_id"][0].as_py()] = ("annotator_failed", message)
            return [pa.nulls(1, field.type) for field in annotator.schema]
    half = batch.num_rows // 2
    parts = [_call(annotator, part, failures) for part in (batch.slice(0, half), batch.slice(half))]
    return [pa.concat_arrays(list(pair)) for pair in zip(*parts, strict=True)]
