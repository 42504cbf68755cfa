"""Check a release against its manifest: digests, schema, counts, ledger arithmetic and the cap, all recomputed.

Nothing but the release is read, so anyone who holds a copy can do it.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import combinations
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from provenance import outcomes
from provenance.decisions.certificate import build_certificate, read_request
from provenance.decisions.filters import report_filters
from provenance.decisions.measure import Sums, add_sums, measure_documents, whole
from provenance.decisions.request import ASKED, CapRequest
from provenance.decisions.tail import describe_tail
from provenance.evidence import evidence_sum
from provenance.files.ownership import MANIFEST
from provenance.files.storage import Storage, StoreError, join, read_bytes
from provenance.release.agreement import SAID_TWICE, Prints, disagreements, fingerprints
from provenance.release.contents import (
    DOMAINS,
    count_data,
    count_ledger,
    describe_contents,
    list_domains,
    merge_contents,
)
from provenance.release.findings import Findings, check_files, check_one, find_part
from provenance.release.layout import is_data, is_ledger
from provenance.release.manifest import ReleaseError, read_manifest
from provenance.release.parts import describe_splits, expected_share
from provenance.release.proof import PROOF_COLUMNS, add_proof, count_proof
from provenance.release.sections import check_sections
from provenance.release.standards.files import CHECKS, check_file, check_standards
from provenance.release.standards.licenses import spdx_of_mixture
from provenance.release.times import COLUMNS, count_times, report_times
from provenance.schema import LEDGER, RELEASE

#: Documents with one of these reasons passed all filters; with one of those a filter dropped them.
_PASSED = pa.array(["duplicate", "earlier_release", "synthetic_cap"])
_FILTERS = pa.array(["removed", "opt_out", "personal_data", "contaminated"])
_SCORED = (
    "doc_id token_count synthetic_probability synthetic_probability_upper prior_log_odds evidence "
    "language source domain proven_by"
).split()
_NEW = ("capture_evidence", "time_remark")
_DATA_READ = [*dict.fromkeys([*_SCORED, *SAID_TWICE, "sampling_weight", *PROOF_COLUMNS[1:]])]
_LEDGER_READ = [
    *dict.fromkeys([*_SCORED, *SAID_TWICE, *COLUMNS]),
    "decision",
    "reason",
    "duplicate_of",
    "similarity",
]


def verify(storage: Storage, release: str) -> list[str]:
    """Everything that is wrong with a release, one sentence each; an empty list means that it verifies."""
    return inspect(storage, release).problems


def inspect(storage: Storage, release: str) -> Findings:
    """What is wrong with a release, and what is only worth a remark: what a hub left or changed around it."""
    findings = Findings()
    try:
        manifest = read_manifest(storage, release)
    except ReleaseError as error:
        findings.problems.append(str(error))  # without a manifest there is nothing to verify against
        return findings
    with _explained(release, findings):
        findings.problems += check_sections(manifest)
        check_files(storage, release, manifest, findings)
        if not findings.problems:  # rows of damaged files prove nothing more
            findings.problems += _rows(storage, release, manifest)
        if not findings.problems:  # what describes wrong rows is wrong with them
            read = partial(_read, storage, release)
            findings.problems += check_standards(read, manifest)
    return findings


def inspect_part(storage: Storage, release: str, name: str) -> Findings:
    """What is wrong with one file of a release: its digest, and its rows or its validity by its standard.

    `name` is its path below the release, or how that ends where only one file's does.

    Raises:
        UsageError: where no file or more than one is called so.
        ReleaseError: where there is no finished release.
    """
    manifest, findings = read_manifest(storage, release), Findings()
    item = find_part(manifest, name)
    path = item["path"]
    with _explained(release, findings):
        findings.problems += check_one(storage, release, item)
        if findings.problems:
            return findings
        if path in CHECKS:
            findings.problems += check_file(path, _read(storage, release, path), manifest)
        elif is_data(path) or is_ledger(path):
            request = read_request(manifest["synthetic"])
            with storage.open(join(release, path)) as file:
                findings.problems += _file(pq.ParquetFile(file, pre_buffer=False), item, request, _Rows())
    return findings


@contextmanager
def _explained(release: str, findings: Findings) -> Iterator[None]:
    """What cannot be read is a problem like others."""
    try:
        yield
    except StoreError:
        raise  # nothing is known of the release
    except (pa.ArrowException, OSError) as error:
        findings.problems.append(f"{release}: rows cannot be read: {error}")
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        findings.problems.append(f"{join(release, MANIFEST)}: is not as the program writes it: {error!r}")


def _read(storage: Storage, release: str, path: str) -> bytes:
    return read_bytes(storage, join(release, path))


@dataclass
class _Rows:
    """What the rows of a release add up to."""

    kept_ids: list[np.ndarray] = field(default_factory=list)
    ledger_ids: list[np.ndarray] = field(default_factory=list)
    ledger_kept: list[np.ndarray] = field(default_factory=list)
    said: list[Prints] = field(default_factory=list)  # of the documents in `kept_ids`
    told: list[Prints] = field(default_factory=list)  # of the records in `ledger_kept`
    keepers: list[np.ndarray] = field(default_factory=list)  # what the duplicates of the ledger point to
    represented: list[np.ndarray] = field(default_factory=list)  # documents that are no duplicates
    least_similar: float = 1.0
    decisions: Counter[str] = field(default_factory=Counter)
    times: Counter[str] = field(default_factory=Counter)
    with_times: bool = True  # earlier releases do not say what proved their times
    published: list[Sums] = field(default_factory=list)  # of the data
    proof: list[dict[str, int]] = field(default_factory=list)  # of the file at hand, then of the data
    #: Of all documents, by the filter that drops them.
    filtered: dict[str, list[Sums]] = field(default_factory=dict)
    before: list[Sums] = field(default_factory=list)  # of the records among which the cap chose
    sites: dict[str, set[str]] = field(default_factory=dict)  # registrable domains of each split
    unexplained: int = 0  # probabilities of the file at hand that its rows do not add up to
    contents: list[pa.Table] = field(default_factory=list)


def _rows(storage: Storage, release: str, manifest: dict[str, Any]) -> Iterator[str]:
    synthetic = manifest["synthetic"]
    request = read_request(synthetic)
    rows = _Rows(with_times="times" in manifest)
    for item in manifest["files"]:
        if is_data(item["path"]) or is_ledger(item["path"]):
            with storage.open(join(release, item["path"])) as file:
                table = pq.ParquetFile(file, pre_buffer=False)
                yield from _file(table, item, request, rows)
                count = count_data if is_data(item["path"]) else count_ledger
                rows.contents.append(count(table))
    published = add_sums(rows.published)
    yield from _ledger_arithmetic(manifest["counts"], rows.decisions, published["tokens"]["weight"])
    if "proof" in manifest:
        yield from _differences("proof", add_proof(rows.proof), manifest["proof"])
    if rows.with_times:
        times = report_times([rows.times], []) | {"claims": manifest["times"]["claims"]}
        yield from _differences("times", times, manifest["times"])
    kept_ids, ledger_kept = _joined(rows.kept_ids), _joined(rows.ledger_kept)
    yield from _identities(kept_ids, _joined(rows.ledger_ids), ledger_kept)
    said, told = _joined(rows.said, "u8"), _joined(rows.told, "u8")
    yield from disagreements(kept_ids, said, ledger_kept, told)
    yield from _representation(rows, manifest["configuration"]["duplicates"]["threshold"])
    for name, value in manifest["configuration"]["cap"].items():
        if name in ASKED and value != synthetic[name]:
            yield f"cap: {name} is {value} in the configuration of the manifest, {synthetic[name]} in its certificate"
    certificate = build_certificate(request, add_sums(rows.before), published, synthetic["selection"])
    yield from _differences("cap", certificate, synthetic)
    stated = manifest.get("filters", [])
    by_reason = {reason: add_sums(parts) for reason, parts in rows.filtered.items()}
    reasons = [item["reason"] for item in stated]
    for number, item in enumerate(report_filters(reasons, by_reason)):
        yield from _differences(f"filters: {item['reason']}", item, stated[number])
    data = [item for item in manifest["files"] if is_data(item["path"])]
    yield from _differences("splits", describe_splits(data), manifest.get("splits", {}))
    yield from _leaks(rows.sites)
    if "contents" in manifest:  # not in releases of format 1
        yield from _contents(manifest, merge_contents(rows.contents))
    if not certificate["holds"]:
        yield f"cap: {certificate['note']}"
    if "tail" in manifest and not manifest["tail"]["holds"]:
        yield f"rare words: {describe_tail(manifest['tail'])}"


def _contents(manifest: dict[str, Any], counts: pa.Table) -> Iterator[str]:
    """What is counted by language, licence, source, domain and day is what the files hold."""
    found = describe_contents(counts)
    for part, section in found.items():
        for name, value in section.items():
            if value != manifest["contents"].get(part, {}).get(name):
                yield f"contents: {part}: {name}: what the manifest says is not what the files hold"
    if spdx_of_mixture(found) != manifest["license"]:
        yield "license: the SPDX expression is not that of the licences that the documents declare"
    digests = {item["path"]: item["sha256"] for item in manifest["files"]}
    if DOMAINS in digests and hashlib.sha256(list_domains(counts)).hexdigest() != digests[DOMAINS]:
        yield f"{DOMAINS}: does not list the domains that the files hold"


def _file(table: pq.ParquetFile, item: dict[str, Any], request: CapRequest, rows: _Rows) -> Iterator[str]:
    path, documents = item["path"], is_data(item["path"])
    for column in RELEASE if documents else LEDGER:
        if column.name in _NEW and not rows.with_times:
            continue
        at = table.schema_arrow.get_field_index(column.name)
        if at < 0:
            yield f"{path}: column {column.name} is missing"
        elif table.schema_arrow.field(at).type != column.type:
            yield f"{path}: column {column.name} is {table.schema_arrow.field(at).type}, not {column.type}"
    if documents:
        before = len(rows.proof)
        sites = rows.sites.setdefault(item["split"], set()) if "split" in item else None
        sums = add_sums(_data_batches(table, request, rows, sites))
        rows.published.append(sums)
        found = {
            "documents": table.metadata.num_rows,
            "tokens": sums["tokens"]["weight"],
            "sums": whole(sums),
        }
        if "proof" in item:  # neither this nor the share is in releases of format 1
            found["proof"] = add_proof(rows.proof[before:])
        if "expected_share" in item:
            found["expected_share"] = expected_share(sums, request)
    else:
        decisions: Counter[str] = Counter()
        times: Counter[str] = Counter()
        for batch in table.iter_batches(columns=_LEDGER_READ):
            decisions.update(_ledger_batch(batch, request, rows))
            times += count_times(batch) if rows.with_times else Counter()
        rows.decisions.update(decisions)
        rows.times.update(times)
        found = {"records": table.metadata.num_rows, "decisions": dict(decisions)}
        found |= {"times": dict(times)} if rows.with_times else {}
    if rows.unexplained:
        yield f"{path}: {rows.unexplained:,} probabilities are not what prior and evidence add up to"
        rows.unexplained = 0
    yield from _differences(path, found, {name: item[name] for name in found})


def _leaks(sites: dict[str, set[str]]) -> Iterator[str]:
    """A site is in one split only."""
    for (one, left), (other, right) in combinations(sites.items(), 2):
        if both := left & right:
            yield f"splits: {len(both):,} sites are in both {one} and {other}, such as {min(both)}"


def _data_batches(
    table: pq.ParquetFile, request: CapRequest, rows: _Rows, sites: set[str] | None
) -> Iterator[Sums]:
    for batch in table.iter_batches(columns=_DATA_READ):
        if sites is not None:
            sites.update(pc.unique(batch["domain"]).drop_null().to_pylist())
        rows.unexplained += _unexplained(batch)
        rows.kept_ids.append(_ids(batch["doc_id"]))
        rows.said.append(fingerprints(batch))
        if "witness_place" in batch.schema.names:
            rows.proof.append(count_proof(batch))
        yield measure_documents(batch, request, sampled=True)


def _unexplained(batch: pa.RecordBatch) -> int:
    """How many probabilities are not those of prior and evidence, or above what they are to be at most.

    The last bit may be another processor's.
    """
    stated = np.asarray(batch["synthetic_probability"].fill_null(np.nan), float)
    log_odds = np.asarray(batch["prior_log_odds"].fill_null(np.nan), float) + evidence_sum(batch["evidence"])
    upper = np.asarray(batch["synthetic_probability_upper"].fill_null(np.nan), float)
    close = (np.abs(1 / (1 + np.exp(-log_odds)) - stated) <= 1e-6) & (upper >= stated)
    return int((~close & ~np.isnan(stated)).sum())


def _ledger_batch(batch: pa.RecordBatch, request: CapRequest, rows: _Rows) -> dict[str, int]:
    rows.unexplained += _unexplained(batch)
    ids, kept = _ids(batch["doc_id"]), pc.equal(batch["decision"], "kept")
    rows.ledger_ids.append(ids)
    rows.ledger_kept.append(ids[np.asarray(kept)])
    rows.told.append(fingerprints(batch.filter(kept)))
    capped = pc.equal(batch["reason"].fill_null(""), "synthetic_cap")
    duplicate = pc.equal(batch["reason"].fill_null(""), "duplicate")
    earlier = batch.filter(pc.equal(batch["reason"].fill_null(""), "earlier_release"))
    duplicates = batch.filter(duplicate)
    rows.keepers.append(_ids(duplicates["duplicate_of"].fill_null("")))
    rows.represented.append(ids[np.asarray(pc.or_(kept, capped))])
    for similar in (duplicates, earlier):
        if similar.num_rows:
            rows.least_similar = min(rows.least_similar, pc.min(similar["similarity"].fill_null(0)).as_py())
    for reason, sums in _by_filter(batch, request):
        rows.filtered.setdefault(reason, []).append(sums)
    rows.before.append(measure_documents(batch.filter(pc.or_(kept, capped)), request))
    both = pc.binary_join_element_wise(batch["decision"], batch["reason"].fill_null(""), ":")
    return {row["values"].rstrip(":"): row["counts"] for row in pc.value_counts(both).to_pylist()}


def _by_filter(batch: pa.RecordBatch, request: CapRequest) -> Iterator[tuple[str, Sums]]:
    """Sums over the documents of the ledger by the filter that dropped them; "" for those that none did."""
    passed = pc.or_(pc.equal(batch["decision"], "kept"), pc.is_in(batch["reason"], _PASSED))
    filters = pc.or_(pc.is_in(batch["reason"], _FILTERS), pc.starts_with(batch["reason"], outcomes.FILTER))
    reason = pc.if_else(passed, "", pc.if_else(filters, batch["reason"], pa.scalar(None, pa.string())))
    for value in pc.unique(reason).drop_null().to_pylist():
        yield value, whole(measure_documents(batch.filter(pc.equal(reason, value)), request))


def _differences(where: str, found: Any, stated: Any) -> Iterator[str]:
    """One sentence for each value of the manifest that is not what was found."""
    if isinstance(found, dict) and isinstance(stated, dict):
        for name in sorted({*found, *stated}):
            yield from _differences(f"{where}: {name}", found.get(name), stated.get(name))
    elif found != stated:
        yield f"{where}: is {found}, the manifest says {stated}"


def _ledger_arithmetic(counts: dict[str, Any], decisions: Counter[str], tokens: int) -> Iterator[str]:
    found = {"kept": 0, "dropped": 0, "failed": 0}
    for key, count in decisions.items():
        decision, _, reason = key.partition(":")
        if decision not in found:
            yield f"ledger: {count:,} records have the unknown decision {decision!r}"
            continue
        found[decision] += count
        known = {
            "kept": not reason,
            "dropped": outcomes.is_dropped(reason),
            "failed": reason in outcomes.FAILED,
        }
        if not known[decision]:
            yield f"ledger: {count:,} records are {decision} for the unknown reason {reason!r}"
    found_counts = {
        **found,
        "records": decisions.total(),
        "reasons": {key: count for key, count in decisions.items() if key != "kept"},
        "tokens": tokens,
    }
    yield from _differences("ledger", found_counts, counts)


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


def _representation(rows: _Rows, threshold: float) -> Iterator[str]:
    """Each duplicate is similar enough to a document that is none (promise 3)."""
    lost = np.setdiff1d(_joined(rows.keepers), _joined(rows.represented))
    if len(lost):
        yield (
            f"ledger: {len(lost):,} doc_ids stand for duplicates but are no documents kept or left to the cap, "
            f"such as {lost[0].decode() or 'none at all'}"
        )
    if rows.least_similar < np.float32(threshold):
        yield f"ledger: a duplicate is only {rows.least_similar:.3f} similar to the document in its place, not {threshold}"


def _ids(column: pa.Array) -> np.ndarray:
    return np.asarray(column.to_pylist(), dtype="S32")


def _joined(parts: list[np.ndarray], kind: str = "S32") -> np.ndarray:
    return np.concatenate(parts) if parts else np.empty(0, kind)
