"""Whether the data say of each document what the ledger says of it: the two tables tell one story (promise 2).

The cap is counted from the data, what it chose among from the ledger: numbers that were changed in one of them alone, with
all digests and sums made to fit, would otherwise certify another release than the one that was decided.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash
from numpy.typing import NDArray

from provenance.annotators.hashing import GOLDEN

#: Where a document came from, and what decides under the cap and under which of its parts.
SAID_TWICE = (
    "url input_file record_offset capture_time proven_by token_count synthetic_probability synthetic_probability_upper "
    "language source domain"
).split()
Prints = NDArray[np.uint64]


def fingerprints(batch: pa.RecordBatch) -> Prints:
    """One number for what each row says in `SAID_TWICE`, of shape (rows,): equal rows have equal ones."""
    mixed: Prints = np.zeros(batch.num_rows, np.uint64)
    for name in SAID_TWICE:
        if name in batch.schema.names:  # a missing column is a problem of its own
            mixed = (mixed ^ _numbers(batch[name])) * GOLDEN  # odd, so that nothing is lost
            mixed ^= mixed >> np.uint64(32)
    return mixed


def disagreements(
    kept: NDArray[np.bytes_], said: Prints, ledger: NDArray[np.bytes_], told: Prints
) -> Iterator[str]:
    """A sentence where documents (ids and fingerprints of the data) are not as the ledger's kept rows tell of them."""
    _, here, there = np.intersect1d(kept, ledger, return_indices=True)
    differ = here[said[here] != told[there]]
    if len(differ):
        yield (
            f"data: {len(differ):,} documents are not as the ledger has them (one of {', '.join(SAID_TWICE)}), "
            f"such as {kept[differ[0]].decode()}"
        )


def _numbers(column: pa.Array) -> Prints:
    """Values as numbers of 64 bits, null as one of its own."""
    null = np.asarray(column.is_null())
    if pa.types.is_string(column.type):
        named = column.dictionary_encode()
        known = [xxhash.xxh3_64_intdigest(value) for value in named.dictionary.to_pylist()]
        at = np.asarray(named.indices.fill_null(0), np.int64)
        values = np.array(known, np.uint64)[at] if known else np.zeros(len(column), np.uint64)
    elif pa.types.is_floating(column.type):
        values = np.asarray(pc.cast(column, pa.float64()).fill_null(0)).view(np.uint64)
    else:
        values = np.asarray(pc.cast(column, pa.int64()).fill_null(0)).view(np.uint64)
    return np.where(null, np.uint64(0x6E756C6C), values)
