"""Write the data files of a release from the sections that are gathered for them.

Which documents go into which file, and in which order, follows from the decisions and the seed alone, so workers,
retries and crashes cannot change a byte (promise 5).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from provenance.annotators.personal.annotator import mask_personal
from provenance.decisions.measure import SAMPLED, Sums, add_sums, measure_documents, whole
from provenance.decisions.request import MILLION, CapRequest
from provenance.files.digests import WrittenFile
from provenance.release.layout import data_folder, part_path
from provenance.release.order import Order
from provenance.release.proof import add_proof, count_proof
from provenance.release.writing import open_writer


@dataclass(frozen=True)
class DataPart:
    """One data file: its number among all of them, its split, and what it is to hold."""

    path: str  # below the release directory
    number: int
    split: str | None
    documents: int
    text_bytes: int


@dataclass(frozen=True)
class DataFormat:
    """What data files look like.

    Attributes:
        schema: their columns.
        row_group_bytes: text in one row group.
        request: in whose sense synthetic text is counted.
        masked: kinds of personal data that are replaced.
    """

    schema: pa.Schema
    row_group_bytes: int
    request: CapRequest
    masked: tuple[str, ...] = ()


def plan_data(order: Order, splits: tuple[str | None, ...]) -> list[DataPart]:
    """The data files of an order, those of each split named by number."""
    documents = np.zeros(len(order.splits), np.int64)
    text_bytes = np.zeros(len(order.splits), np.int64)
    for section in order.sections:
        if section.part >= 0:
            documents[section.part] += section.documents
            text_bytes[section.part] += section.text_bytes
    parts = []
    for number, split in enumerate(order.splits):
        first = order.splits.index(split)
        path = part_path(data_folder(splits[split]), number - first, order.splits.count(split))
        parts.append(DataPart(path, number, splits[split], int(documents[number]), int(text_bytes[number])))
    return parts


def write_data(
    part: DataPart, tables: Iterator[pa.Table], *, file: BinaryIO, form: DataFormat
) -> dict[str, Any]:
    """Write one data file from its documents in their order; returns its counts for the manifest."""
    documents = tokens = text_bytes = 0
    sums: list[Sums] = []
    proof: list[dict[str, int]] = []
    digest = WrittenFile(file)
    group_rows = min(part.documents, -(-part.documents * form.row_group_bytes // max(part.text_bytes, 1)))
    with open_writer(digest, form.schema, group_rows) as writer:
        for table in _row_groups(tables, form.row_group_bytes):
            table = _without_personal(table, form.masked)
            writer.write_table(table, row_group_size=len(table))
            documents += len(table)
            tokens += pc.sum(table["token_count"]).as_py()
            text_bytes += pc.sum(pc.binary_length(table["text"])).as_py()
            sums.append(measure_documents(table, form.request, sampled=True))
            proof.append(count_proof(table))
    total = add_sums(sums)
    return {
        **digest.entry(part.path),
        **({} if part.split is None else {"split": part.split}),
        "documents": documents,
        "tokens": tokens,
        "text_bytes": text_bytes,
        "expected_share": expected_share(total, form.request),
        "sums": total,
        "proof": add_proof(proof),
    }


def expected_share(sums: Sums, request: CapRequest) -> float:
    """The expected synthetic share in the unit of the cap, by sampling weights where there are any; to the millionth."""
    found: dict[str, int] = sums[SAMPLED] if request.sampled else sums[request.unit]
    return round(found["expected"] / MILLION / max(found["weight"], 1), 6)


def describe_order(order: Order, seed: int, parts: list[dict[str, Any]]) -> dict[str, Any]:
    """The `order` section of a manifest: how documents were mixed, and how far from the whole any part is."""
    filled = [item for item in parts if item["documents"]]
    tokens = [item["tokens"] for item in filled]
    shares = [item["expected_share"] for item in filled]
    return {
        "seed": seed,
        "windows": order.merged,
        "sections": sum(1 for section in order.sections if section.documents),
        "tokens": {"least": min(tokens, default=0), "most": max(tokens, default=0)},
        "expected_share": {"least": min(shares, default=0.0), "most": max(shares, default=0.0)},
    }


def describe_splits(parts: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The `splits` section of a manifest: what each of them holds, and its part of all tokens; empty without splits."""
    total = sum(item["tokens"] for item in parts)
    found: dict[str, dict[str, Any]] = {}
    for name in dict.fromkeys(item["split"] for item in parts if "split" in item):
        files = [item for item in parts if item["split"] == name]
        tokens = sum(item["tokens"] for item in files)
        found[name] = {
            "documents": sum(item["documents"] for item in files),
            "tokens": tokens,
            "share": round(tokens / max(total, 1), 6),
            "sums": whole(add_sums(item["sums"] for item in files)),
        }
    return found


def _without_personal(table: pa.Table, kinds: tuple[str, ...]) -> pa.Table:
    """The documents with placeholders for personal data of some kinds; identifiers and counts stay the text's as read."""
    if not kinds:
        return table
    texts = mask_personal(table["text"].combine_chunks(), table["language"].to_pylist(), kinds)
    return table.set_column(table.schema.get_field_index("text"), table.schema.field("text"), texts)


def _row_groups(tables: Iterator[pa.Table], limit: int) -> Iterator[pa.Table]:
    """Cut a stream of documents into tables of about `limit` bytes of text, whatever the pieces' sizes."""
    pending: list[pa.Table] = []
    size = 0
    for table in tables:
        ends = np.cumsum(np.asarray(pc.binary_length(table["text"]), dtype=np.int64))
        start = 0
        while start < len(table):
            consumed = int(ends[start - 1]) if start else 0
            stop = int(np.searchsorted(ends, consumed + limit - size, side="left")) + 1
            pending.append(table.slice(start, stop - start))
            size += int(ends[min(stop, len(table)) - 1]) - consumed
            start = stop
            if size >= limit:
                yield pa.concat_tables(pending).combine_chunks()
                pending, size = [], 0
    if pending:
        yield pa.concat_tables(pending).combine_chunks()
