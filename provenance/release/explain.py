"""Every piece of evidence behind one decision, from the release alone (promise 2)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from provenance import outcomes
from provenance.decisions.certificate import FOUND_ONLY
from provenance.errors import plain
from provenance.files.storage import Storage, join
from provenance.release.layout import data_files, ledger_files
from provenance.release.manifest import read_manifest
from provenance.release.neighbours import find_neighbours
from provenance.schema import LEDGER, RELEASE

#: Neighbours of each kind that are named in a terminal.
_NEIGHBOURS = 3
_CAP = ("max_synthetic", "guarantee", "unit", "threshold", "policy", "seed", "strata")
_GUARANTEE = {
    "expected": "expected share",
    "confident": "share with 95% confidence",
    "hard": f"share found from a probability of {{threshold}}, which bounds {FOUND_ONLY}",
}
#: Columns that releases of version 0.1.0 may lack.
_LACKING: dict[str, Any] = dict.fromkeys([*LEDGER.names, *(name for name in RELEASE.names if name != "text")])
#: What the document is that a dropped one resembles, by the reason.
_RESEMBLES = {"removed": "resembles", "earlier_release": "held by an earlier release"}


def explain(storage: Storage, release: str, doc_id: str) -> dict[str, Any] | None:
    """The ledger row of a document, its published columns (without text), the sum of its evidence, and its neighbours.

    None where no record has this doc_id.

    Raises:
        ReleaseError: where `release` is not a finished release.
    """
    manifest = read_manifest(storage, release)
    find = partial(_find, storage, release, manifest)
    ledger = find(ledger_files, doc_id)
    if ledger is None:
        return None
    result: dict[str, Any] = {"ledger": ledger}
    if ledger["decision"] == "kept":
        result["document"] = find(data_files, doc_id, without="text")
    elif ledger["duplicate_of"]:
        result["kept_in_its_place"] = find(ledger_files, ledger["duplicate_of"])
    if ledger["synthetic_probability"] is not None:
        result["prior_log_odds"] = ledger["prior_log_odds"]
        result["prior_because"] = ledger["prior_because"]
        result["evidence_log_odds"] = sum(item["llr"] for item in ledger["evidence"] or [])
    if ledger["reason"] == "synthetic_cap":
        result["cap"] = {name: manifest["synthetic"][name] for name in _CAP}
    result["neighbours"] = find_neighbours(storage, release, manifest, ledger)
    return result


def describe(explanation: dict[str, Any]) -> str:
    """The explanation as text for a person."""
    return "\n".join(_lines(explanation))


def _lines(explanation: dict[str, Any]) -> Iterator[str]:
    ledger = explanation["ledger"]
    yield f"{ledger['doc_id']}: {ledger['decision']}" + (f" ({ledger['reason']})" if ledger["reason"] else "")
    if ledger["reason"]:
        yield f"  because: {outcomes.meaning(ledger['reason'])}"
    if ledger["detail"]:
        yield f"  detail: {plain(ledger['detail'])}"
    document = explanation.get("document")
    length = f", {document['record_length']:,} bytes" if document and document["record_length"] else ""
    yield f"  from: {plain(ledger['input_file'])}, offset {ledger['record_offset']:,}{length}, record {plain(ledger['record_id'])}"
    yield f"  url: {plain(ledger['url'])}"
    yield from _times(ledger)
    if ledger["duplicate_of"]:
        what = _RESEMBLES.get(ledger["reason"], "kept in its place")
        yield f"  {what}: {ledger['duplicate_of']} (similarity {ledger['similarity']:.3f})"
        other = explanation.get("kept_in_its_place")
        if other:
            yield f"    {plain(other['url'])}, captured {other['capture_time']}, itself {other['decision']}"
    if "cap" in explanation:
        cap = explanation["cap"]
        yield (
            f"  cap: {cap['max_synthetic']} of {cap['unit']}, {_GUARANTEE[cap['guarantee']].format(**cap)}; what stays "
            f"is chosen by policy {cap['policy']!r}, seed {cap['seed']}"
        )
        for item in cap["strata"]:
            values = ", ".join(plain(value) for value in item["only"]) or "each"
            yield f"    and {item['max_synthetic']} by {item['by']} ({values})"
    if document is not None:
        yield from _facts(document)
    if "prior_log_odds" in explanation:
        yield from _evidence(explanation)
    yield from _neighbours(explanation["neighbours"])


def _evidence(explanation: dict[str, Any]) -> Iterator[str]:
    ledger = explanation["ledger"]
    upper = ledger["synthetic_probability_upper"]
    yield f"  synthetic probability: {ledger['synthetic_probability']:.4f} (at most {upper:.4f}), which is in log-odds:"
    yield f"    {explanation['prior_log_odds']:+.2f} nats prior ({plain(explanation['prior_because'])})"
    for item in ledger["evidence"] or []:
        yield f"    {item['llr']:+.2f} nats {item['source']}, because {plain(item['because'])}"
    if not ledger["evidence"]:
        yield "    +0.00 nats: no detector, mark or disclosure had anything to say"
    total = explanation["prior_log_odds"] + explanation["evidence_log_odds"]
    yield f"    {total:+.2f} nats together"


def _neighbours(neighbours: dict[str, Any]) -> Iterator[str]:
    duplicates, host = neighbours["duplicates"], neighbours["host"]
    if duplicates["records"]:
        yield f"  near-duplicates: {duplicates['records']:,} other records for which the same document stands"
        for row in duplicates["rows"][:_NEIGHBOURS]:
            yield f"    {row['doc_id']}  {row['similarity']:.3f} similar to it, {plain(row['url'])}"
    if host is not None and host["records"]:
        counted = ", ".join(f"{number:,} {plain(reason)}" for reason, number in host["decisions"].items())
        yield f"  host {plain(host['name'])}: {host['records']:,} other records, {counted}"
        for row in host["rows"][:_NEIGHBOURS]:
            probability = row["synthetic_probability"]
            stated = "-" if probability is None else f"{probability:.4f}"
            yield f"    {row['doc_id']}  {row['reason'] or row['decision']}, probability {stated}, {plain(row['url'])}"


def _times(row: dict[str, Any]) -> Iterator[str]:
    """When it was fetched, and by what it is proven to have existed."""
    by = f" ({plain(row['capture_evidence'])})" if row["capture_evidence"] else ""
    yield f"  captured: {row['capture_time'] or 'not known'}{by}, proven by: {row['proven_by'] or 'nothing'}{witness_of(row)}"
    if row["time_remark"]:
        yield f"  time: {plain(row['time_remark'])}"
    if row["witness_place"]:
        yield f"    which lies in {plain(row['witness_place'])}"
    if row["witness_similarity"] is not None:
        least = "at least " if row["decision"] != "kept" else ""
        yield f"    and is {least}{row['witness_similarity']:.3f} similar to this document"


def witness_of(row: Mapping[str, Any]) -> str:
    """Whose capture proves a row of the ledger, in brackets; nothing where nothing does."""
    if not row["witness"]:
        return ""
    return " (its own capture)" if row["witness"] == row["doc_id"] else f" (witness {plain(row['witness'])})"


def digest_of(document: Mapping[str, Any]) -> str:
    """The digest of the payload, and whether the header of the record states the same."""
    stated = {
        True: "as the header of its record states",
        False: "not the one that the header of its record states",
        None: "the header of its record states none to compare",
    }
    return f"{plain(document['payload_digest'])}, {stated[document['digest_verified']]}"


def _facts(document: dict[str, Any]) -> Iterator[str]:
    if document["payload_digest"]:
        yield f"  payload: {digest_of(document)}"
    for earlier in document["replaces"] or []:
        yield f"  takes the place of {plain(earlier)}, of an earlier release"
    if document["published_time"]:
        yield f"  claims to be published: {document['published_time']:%Y-%m-%d} ({document['published_evidence']})"
    yield (
        f"  language: {document['language']} ({document['language_score'] or 0:.2f}), "
        f"{document['token_count']:,} tokens, {document['word_count']:,} words"
    )
    if document["duplicate_count"]:
        hosts = ", ".join(plain(host) for host in document["duplicate_hosts"][:5])
        yield f"  stands for {document['duplicate_count']:,} dropped duplicates on {hosts or 'no known host'}"
    for name in ("disclosures", "rights_signals", "marks"):
        for item in document[name] or []:
            yield f"  {name}: {plain(item['signal'])} = {plain(item['value'])} at {plain(item['where'])}"


def _find(
    storage: Storage,
    release: str,
    manifest: dict[str, Any],
    files: Callable[[dict[str, Any]], list[dict[str, Any]]],
    doc_id: str,
    without: str | None = None,
) -> dict[str, Any] | None:
    """The row of a document in the files that `files` names, without one column; None where there is none."""
    for item in files(manifest):
        with storage.open(join(release, item["path"])) as file:
            table = pq.ParquetFile(file, pre_buffer=False)
            for group in range(table.num_row_groups):
                ids = table.read_row_group(group, columns=["doc_id"])["doc_id"]
                row = pc.index(ids, pa.scalar(doc_id)).as_py()
                if row >= 0:
                    names = [name for name in table.schema_arrow.names if name != without]
                    found: dict[str, Any] = (
                        table.read_row_group(group, columns=names).slice(row, 1).to_pylist()[0]
                    )
                    return _LACKING | found
    return None
