"""The one extension point: an annotator turns a batch of records into more columns.

An annotator is any object with the attributes of `Annotator`. Third parties publish
theirs in the entry-point group `provenance.annotators` and users name them in the
configuration.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import pyarrow as pa


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
