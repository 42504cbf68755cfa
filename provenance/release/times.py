"""What proved the times of a release's documents, and which times that were there did not: counted, so that it can be said.

Nobody should have to trust a proof without knowing the field it came from.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from provenance.evidence import LOW_BACKGROUND_BEFORE

#: Columns that `count_times` reads.
COLUMNS = ("capture_time", "capture_evidence", "time_remark", "token_count")
#: First words of `time_remark`: the time contradicts other evidence, cannot be, or cannot be read.
REMARKS = ("contradicted", "impossible", "unreadable")
_OLD = pa.scalar(LOW_BACKGROUND_BEFORE).cast(pa.timestamp("us")).cast(pa.timestamp("us", tz="UTC"))


def count_times(rows: pa.RecordBatch | pa.Table) -> Counter[str]:
    """Counts of rows of the ledger, by what they count and of what: `proof:WARC-Date`, `old:WARC-Date`, `remark:unreadable`.

    Proofs are counted of documents (rows with a `token_count`), remarks of all records.
    """
    documents = rows.filter(pc.is_valid(rows["token_count"]))
    old = documents.filter(pc.fill_null(pc.less(documents["capture_time"], _OLD), False))
    counts: Counter[str] = Counter()
    for name, column in (
        ("proof", documents["capture_evidence"].fill_null("")),
        ("old", old["capture_evidence"].fill_null("")),
        ("remark", pc.list_element(pc.split_pattern(rows["time_remark"].drop_null(), ":", max_splits=1), 0)),
    ):
        counts.update(
            {f"{name}:{item['values']}": item["counts"] for item in pc.value_counts(column).to_pylist()}
        )
    return counts


def count_claims(rows: pa.RecordBatch | pa.Table) -> Counter[str]:
    """Documents without proof whose time a field of the input claims, by the field."""
    claimed = pc.starts_with(rows["published_evidence"].fill_null(""), "field ")
    open_rows = np.asarray(claimed) & np.asarray(pc.is_null(rows["capture_time"]))
    found = rows["published_evidence"].filter(pa.array(open_rows))
    return Counter({item["values"]: item["counts"] for item in pc.value_counts(found).to_pylist()})


def report_times(counts: Iterable[Mapping[str, int]], claims: Iterable[Mapping[str, int]]) -> dict[str, Any]:
    """The entry `times` of the manifest, from the counts of all ledger files."""
    total: Counter[str] = Counter()
    claimed: Counter[str] = Counter()
    for item in counts:
        total.update(item)
    for item in claims:
        claimed.update(item)
    evidence = sorted(key.partition(":")[2] for key in total if key.startswith("proof:") and key != "proof:")
    return {
        "proofs": [
            {"evidence": name, "documents": total[f"proof:{name}"], "low_background": total[f"old:{name}"]}
            for name in evidence
        ],
        "without_proof": total["proof:"],
        "claims": [{"evidence": name, "documents": claimed[name]} for name in sorted(claimed)],
        "remarks": {name: total[f"remark:{name}"] for name in REMARKS},
    }


def describe_times(times: Mapping[str, Any]) -> list[str]:
    """One line for each thing that a person should know about the proofs, for the summary and the card."""
    lines = [
        f"{item['documents']:,} documents by {item['evidence']}, {item['low_background']:,} of them before 2022-11-30"
        for item in times["proofs"]
    ]
    lines.append(f"{times['without_proof']:,} documents without proof of a time")
    lines += [
        f"{item['documents']:,} of these by a claim alone, {item['evidence']}: if that is the time of the crawl, "
        "say so (reading.preset or reading.fields.capture_time)"
        for item in times["claims"]
    ]
    said = {
        "contradicted": "not believed: contradicted by their archive or their page",
        "impossible": "not believed: before 1991 or after 2037",
        "unreadable": "there but unreadable",
    }
    return lines + [
        f"{times['remarks'][name]:,} times {text}" for name, text in said.items() if times["remarks"][name]
    ]
