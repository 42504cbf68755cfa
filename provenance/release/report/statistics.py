"""What the page shows of a release, gathered from its ledger and its data, a batch and a few columns at a time.

Memory follows the number of values that are shown, not of documents; all sums are integers, so the page has the same
bytes on every machine (promise 5).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from provenance.decisions.documents import millionths
from provenance.decisions.measure import Sums
from provenance.files.storage import Storage, join
from provenance.release.layout import data_files, ledger_files
from provenance.release.listing import hosts
from provenance.release.report.leaders import Exact, Leaders
from provenance.release.report.published import Published, add_published, count_values
from provenance.release.report.shares import add_both, measure_both, plain_request

#: Lower ends of the classes of probability that are drawn; probabilities crowd near 0 and 1.
BINS = (0.0, 0.001, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 0.8, 0.95, 0.99)
#: Rows of each table of values.
SHOWN = 15
_BATCH = 65_536
_SUMS = ("documents", "tokens", "expected", "kept_documents", "kept_tokens", "kept_expected")
_LEDGER = "url decision reason language source token_count synthetic_probability synthetic_probability_upper".split()
#: Columns of the ledger by whose values documents are counted, and what makes a value one of the first.
_DIMENSIONS = {"host": "expected", "language": "tokens", "source": "tokens"}


@dataclass
class Statistics:
    """Counts over a release.

    Attributes:
        by_reason: sums of the documents of the ledger by reason, "" for those kept (`shares.measure_both`).
        published: the same over the data files.
        bins: documents and tokens by class of probability, of all documents read and of those published.
        values: rows of `leaders.Exact` by dimension: host, language, source.
        data: what the published documents say of themselves.
    """

    by_reason: dict[str, dict[str, Sums]] = field(default_factory=dict)
    published: dict[str, Sums] = field(default_factory=dict)
    bins: dict[str, list[int]] = field(default_factory=dict)
    values: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    hosts_complete: bool = True
    data: Published = field(default_factory=Published)


def gather_statistics(storage: Storage, release: str, manifest: Mapping[str, Any]) -> Statistics:
    """Read the ledger and the data of a release twice: for what is heaviest, then for its exact counts."""
    found = Statistics()
    _count_ledger(found, storage, release, manifest)
    _count_data(found, storage, release, manifest)
    return found


def _count_ledger(found: Statistics, storage: Storage, release: str, manifest: Mapping[str, Any]) -> None:
    request = plain_request(manifest["synthetic"])
    leaders = {name: Leaders() for name in _DIMENSIONS}
    bins = {name: np.zeros(len(BINS), np.int64) for name in ("read", "published")}
    parts: dict[str, list[dict[str, Sums]]] = {}
    for table in _documents(storage, release, manifest):
        for name, by in _DIMENSIONS.items():
            leaders[name].add(table[name], table[by])
        for name, rows in (("read", table), ("published", table.filter(table["kept"]))):
            np.add.at(bins[name], _bin(rows), np.asarray(rows["tokens"]))
        for reason in pc.unique(table["reason"]).to_pylist():
            rows = table.filter(pc.equal(table["reason"], reason))
            parts.setdefault(reason, []).append(measure_both(rows, request))
            parts[reason] = [add_both(parts[reason])]
    found.by_reason = {reason: added for reason, (added,) in sorted(parts.items())}
    found.bins = {name: counts.tolist() for name, counts in bins.items()}
    found.hosts_complete = leaders["host"].complete
    # Those that may be among the first of a table, whatever their weight in the second pass.
    exact = {name: Exact(leader.candidates(4 * SHOWN), _SUMS) for name, leader in leaders.items()}
    for table in _documents(storage, release, manifest):
        for name, sums in exact.items():
            sums.add(table[name], table)
    found.values = {name: exact[name].rows(by, SHOWN) for name, by in _DIMENSIONS.items()}


def _documents(storage: Storage, release: str, manifest: Mapping[str, Any]) -> Iterator[pa.Table]:
    """The documents of the ledger with what is summed of them."""
    for batch in read_files(storage, release, ledger_files(dict(manifest)), _LEDGER):
        table = batch.filter(batch["synthetic_probability"].is_valid())
        weight = np.asarray(table["token_count"].fill_null(0), np.int64)
        probability = np.asarray(table["synthetic_probability"], np.float32)
        expected = weight * millionths(weight, probability)
        kept = np.asarray(pc.equal(table["decision"], "kept"))
        sums = {"documents": np.ones(len(table), np.int64), "tokens": weight, "expected": expected}
        columns = {name: pa.array(values) for name, values in sums.items()}
        columns |= {f"kept_{name}": pa.array(np.where(kept, values, 0)) for name, values in sums.items()}
        columns |= {"kept": pa.array(kept), "host": hosts(table["url"])}
        columns["reason"] = pc.fill_null(table["reason"], "")
        own = ("language", "source", "token_count", "synthetic_probability", "synthetic_probability_upper")
        yield pa.table(columns | {name: table[name] for name in own})


def _bin(table: pa.Table) -> np.ndarray:
    values = np.asarray(table["synthetic_probability"], np.float32)
    return np.searchsorted(np.array(BINS, np.float32), values, side="right") - 1


def _count_data(found: Statistics, storage: Storage, release: str, manifest: Mapping[str, Any]) -> None:
    request = plain_request(manifest["synthetic"], sampled=_sampled(manifest["synthetic"]))
    files = data_files(dict(manifest))
    domains, licenses = Leaders(), Leaders()
    sums: list[dict[str, Sums]] = []
    for table in read_files(storage, release, files, list(Published.COLUMNS)):
        sums = [add_both([*sums, measure_both(table, request)])]
        domains.add(table["domain"], table["token_count"])
        licenses.add(table["license"], pa.array(np.ones(len(table), np.int64)))
        add_published(found.data, table)
    found.published = add_both(sums)
    exact = {
        name: Exact(leader.candidates(4 * SHOWN), ("documents", "tokens"))
        for name, leader in (("domain", domains), ("license", licenses))
    }
    for table in read_files(storage, release, files, ["domain", "license", "token_count"]):
        count_values(table, exact)
    for name, by in (("domain", "tokens"), ("license", "documents")):
        found.values[name] = exact[name].rows(by, SHOWN)


def _sampled(synthetic: Mapping[str, Any]) -> bool:
    return synthetic["policy"] == "weights" or synthetic["mixture"] is not None


def read_files(
    storage: Storage, release: str, files: Sequence[Mapping[str, Any]], columns: list[str]
) -> Iterator[pa.Table]:
    """Batches of some columns of some files of a release (entries of its manifest), in their order."""
    for item in files:
        with storage.open(join(release, item["path"])) as file:
            for batch in pq.ParquetFile(file, pre_buffer=False).iter_batches(_BATCH, columns=columns):
                yield pa.Table.from_batches([batch])


def reasons_by_decision(manifest: Mapping[str, Any]) -> Counter[tuple[str, str]]:
    """(decision, reason) of the records that were not kept, with their numbers."""
    found: Counter[tuple[str, str]] = Counter()
    for key, count in manifest["counts"]["reasons"].items():
        decision, _, reason = key.partition(":")
        found[decision, reason] += count
    return found
