"""Check a release against its manifest: digests, schema, counts, ledger arithmetic and the cap, all recomputed.

Nothing but the release is read, so anyone who holds a copy can do it.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from provenance import outcomes
from provenance.cap import CapRequest
from provenance.certificate import Sums, add_sums, build_certificate, measure_documents
from provenance.manifest import read_manifest
from provenance.schema import LEDGER, RELEASE
from provenance.storage import Storage, join

_CHUNK = 1 << 20


def verify(storage: Storage, release: str) -> list[str]:
    """Everything that is wrong with a release, one sentence each; an empty list means that it verifies.

    Raises:
        ReleaseError: where there is no readable manifest to verify against.
    """
    manifest = read_manifest(storage, release)
    problems = list(_files(storage, release, manifest))
    if problems:
        return problems  # rows of damaged files prove nothing more
    try:
        return list(_rows(storage, release, manifest))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError, KeyError) as error:
        return [f"{release}: rows cannot be read: {error}"]


def _files(storage: Storage, release: str, manifest: dict[str, Any]) -> Iterator[str]:
    listed = {item["path"]: item for item in manifest["files"]}
    prefix = release.rstrip("/") + "/"
    present = {item.path.removeprefix(prefix): item.size for item in storage.list(release)}
    for path, item in listed.items():
        if path not in present:
            yield f"{path}: is missing"
        elif present[path] != item["bytes"]:
            yield f"{path}: has {present[path]:,} bytes, the manifest says {item['bytes']:,}"
        elif _digest(storage, join(release, path)) != item["sha256"]:
            yield f"{path}: its SHA-256 is not the one in the manifest (the file was changed or damaged)"
    for path in sorted(set(present) - set(listed) - {"manifest.json"}):
        yield f"{path}: is not in the manifest"


def _digest(storage: Storage, path: str) -> str:
    digest = hashlib.sha256()
    with storage.open(path) as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _rows(storage: Storage, release: str, manifest: dict[str, Any]) -> Iterator[str]:
    kept_ids: list[np.ndarray] = []
    ledger_ids: list[np.ndarray] = []
    ledger_kept: list[np.ndarray] = []
    synthetic = manifest["synthetic"]
    request = CapRequest(synthetic["max_synthetic"], threshold=synthetic["threshold"])
    sums: list[Sums] = []
    decisions: Counter[str] = Counter()
    for item in manifest["files"]:
        path = item["path"]
        if not path.startswith(("data/", "ledger/")):
            continue
        expected = RELEASE if path.startswith("data/") else LEDGER
        with storage.open(join(release, path)) as file:
            table = pq.ParquetFile(file)
            for field in expected:
                found = table.schema_arrow.get_field_index(field.name)
                if found < 0:
                    yield f"{path}: column {field.name} is missing"
                elif table.schema_arrow.field(found).type != field.type:
                    yield f"{path}: column {field.name} is {table.schema_arrow.field(found).type}, not {field.type}"
            if path.startswith("data/"):
                for batch in table.iter_batches(columns=["doc_id", "token_count", "synthetic_probability"]):
                    kept_ids.append(_ids(batch["doc_id"]))
                    sums.append(measure_documents(batch, request))
                rows = table.metadata.num_rows
                if rows != item["documents"]:
                    yield f"{path}: holds {rows:,} documents, the manifest says {item['documents']:,}"
            else:
                for batch in table.iter_batches(columns=["doc_id", "decision", "reason"]):
                    ids = _ids(batch["doc_id"])
                    ledger_ids.append(ids)
                    ledger_kept.append(ids[np.asarray(pc.equal(batch["decision"], "kept"))])
                    both = pc.binary_join_element_wise(batch["decision"], batch["reason"].fill_null(""), ":")
                    decisions.update(
                        {
                            row["values"].rstrip(":"): row["counts"]
                            for row in pc.value_counts(both).to_pylist()
                        }
                    )
    yield from _ledger_arithmetic(manifest, decisions)
    yield from _identities(_joined(kept_ids), _joined(ledger_ids), _joined(ledger_kept))
    yield from _cap(synthetic, add_sums(sums))


def _ledger_arithmetic(manifest: dict[str, Any], decisions: Counter[str]) -> Iterator[str]:
    counts = manifest["counts"]
    found = {"kept": 0, "dropped": 0, "failed": 0}
    for key, count in decisions.items():
        decision, _, reason = key.partition(":")
        if decision not in found:
            yield f"ledger: {count:,} records have the unknown decision {decision!r}"
            continue
        found[decision] += count
        known = {"kept": {""}, "dropped": set(outcomes.DROPPED), "failed": set(outcomes.FAILED)}[decision]
        if reason not in known:
            yield f"ledger: {count:,} records are {decision} for the unknown reason {reason!r}"
    for decision, count in found.items():
        if count != counts[decision]:
            yield f"ledger: {count:,} records are {decision}, the manifest says {counts[decision]:,}"
    if sum(found.values()) != counts["records"]:
        yield f"ledger: {sum(found.values()):,} rows, the manifest says {counts['records']:,} records"


def _identities(kept: np.ndarray, ledger: np.ndarray, ledger_kept: np.ndarray) -> Iterator[str]:
    for name, ids in (("data", kept), ("ledger", ledger)):
        repeated = len(ids) - len(np.unique(ids))
        if repeated:
            yield f"{name}: {repeated:,} doc_ids stand more than once"
    missing = np.setdiff1d(kept, ledger_kept)
    if len(missing):
        yield f"data: {len(missing):,} documents are not kept in the ledger, such as {missing[0].decode()}"
    extra = np.setdiff1d(ledger_kept, kept)
    if len(extra):
        yield f"ledger: {len(extra):,} kept records are not in the data, such as {extra[0].decode()}"


def _cap(stated: dict[str, Any], sums: Sums) -> Iterator[str]:
    """Compare the certificate with sums that were added up again."""
    names = ("max_synthetic", "guarantee", "unit", "threshold", "policy", "seed")
    request = CapRequest(**{name: stated[name] for name in names})
    found = build_certificate(request, stated["before"]["sums"], sums)
    for guarantee, units in found["fractions"].items():
        for unit, fraction in units.items():
            claimed = stated["fractions"][guarantee][unit]
            if fraction != claimed:
                yield f"cap: the {guarantee} fraction of {unit} is {fraction:.6f}, the manifest says {claimed:.6f}"
    if found["sums"] != stated["sums"]:
        yield "cap: the sums over the published documents are not those in the manifest"
    if not found["holds"]:
        yield f"cap: {found['note']}"


def _ids(column: pa.Array) -> np.ndarray:
    return np.asarray(column.to_pylist(), dtype="S32")


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    return np.concatenate(parts) if parts else np.empty(0, dtype="S32")
