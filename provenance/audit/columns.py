"""The columns of any dataset that `provenance audit` reads: text, and language, source, time and watermarks if there.

A column of another type than expected counts as missing; only the text has to be there.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash
from numpy.typing import NDArray

from provenance.annotators.language import identify, load_model
from provenance.annotators.source import split_urls
from provenance.audit.inputs import AuditError
from provenance.detectors.embedded.calibration import base_language
from provenance.records.dates import time_of
from provenance.schema import without_zone

_TIME = pa.timestamp("us", "UTC")
_LAST_SECOND = 253_402_300_800  # the year 10000


def texts_of(batch: pa.RecordBatch) -> pa.Array:
    """The column `text`; raises AuditError where it is no string."""
    column = batch["text"]
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        raise AuditError(f"the column `text` is {column.type}, not a string")
    return column.cast(pa.large_string())


def languages_of(batch: pa.RecordBatch, texts: pa.Array) -> list[str | None]:
    """Base languages as given, identified where the dataset does not say."""
    given = _optional_strings(batch, "language") if "language" in batch.schema.names else None
    if given is None:
        model = load_model()
        return [language for language, _ in identify(model, texts.to_pylist())]
    base = {value: base_language(value) or None if value else None for value in set(given)}
    return [base[value] for value in given]


def sites_of(batch: pa.RecordBatch) -> NDArray[np.uint64]:
    """A hash of what documents have in common: domain, else host, else that of the address; 0 where nothing is known."""
    for name in ("domain", "host", "url"):
        column = batch[name] if name in batch.schema.names else None
        if column is not None and pa.types.is_dictionary(column.type):
            column = column.dictionary_decode()
        if column is not None and (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
            if name == "url":
                hosts, domains = split_urls(column.cast(pa.string()))
                column = pc.coalesce(domains, hosts)
            coded = column.fill_null("").dictionary_encode()
            names = coded.dictionary.to_pylist()
            hashes = np.array([xxhash.xxh3_64_intdigest(value) if value else 0 for value in names], np.uint64)
            return np.asarray(hashes[np.asarray(coded.indices)])
    return np.zeros(batch.num_rows, np.uint64)


def strings_of(batch: pa.RecordBatch, name: str) -> list[str]:
    """The values of a column, "unknown" where there is none."""
    given = _optional_strings(batch, name) if name in batch.schema.names else None
    return [value or "unknown" for value in given] if given is not None else ["unknown"] * batch.num_rows


def proof_of(batch: pa.RecordBatch) -> tuple[NDArray[np.datetime64], list[str]]:
    """When each document is proven to exist (NaT: never), and that year as a string."""
    for name in ("proven_by", "capture_time"):
        column = _times(batch[name]) if name in batch.schema.names else None
        if column is not None:
            years = pc.year(without_zone(column)).to_pylist()
            proven = np.asarray(column, dtype="datetime64[us]")
            return proven, [str(year) if year is not None else "unknown" for year in years]
    return np.full(batch.num_rows, np.datetime64("NaT", "us")), ["unknown"] * batch.num_rows


def has_p_values(kind: pa.DataType) -> bool:
    """Whether a column is a list of structs with a number `p_value`, as releases have it."""
    if not (pa.types.is_list(kind) or pa.types.is_large_list(kind)) or not pa.types.is_struct(
        kind.value_type
    ):
        return False
    names = [kind.value_type.field(i).name for i in range(kind.value_type.num_fields)]
    return "p_value" in names and pa.types.is_floating(kind.value_type.field("p_value").type)


def _optional_strings(batch: pa.RecordBatch, name: str) -> list[str | None] | None:
    """The values of a column as strings; None where they have no such form."""
    try:
        return batch[name].cast(pa.large_string()).to_pylist()  # type: ignore[no-any-return]
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return None


def _times(column: pa.Array) -> pa.Array | None:
    """A column as UTC times in microseconds, null what is no time; None if it is of another kind."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        known = {value: time_of(value) for value in set(column.to_pylist())}
        return pa.array([known[value] for value in column.to_pylist()], _TIME)
    if pa.types.is_date(column.type):
        column = column.cast(pa.timestamp("s" if pa.types.is_date32(column.type) else "ms"))
    if not pa.types.is_timestamp(column.type):
        return None
    # Counts of seconds beyond the calendar would wrap around when they are cast.
    counted = column.view(pa.int64())
    limit = _LAST_SECOND * {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[column.type.unit]
    limit = min(limit, 2**63 - 1)
    there = pc.and_(pc.less(counted, limit), pc.greater(counted, -limit))
    return pc.if_else(there, column, pa.scalar(None, column.type)).cast(_TIME, safe=False)
