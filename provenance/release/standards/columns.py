"""Of what each column of each table is made: the lineage of columns, written down once.

A test holds that every column of `schema.ANNOTATED` and `schema.DECISIONS` stands here, and that what it is made of exists.
"""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from provenance.release.standards.origin import PROGRAM
from provenance.schema import ANNOTATED, DECISIONS

_TEXT = "body text charset mime"
_CLAIMS = "body http_headers url"
#: Columns of a shard and the columns of a record (`schema.RECORDS`) that each is made of.
FROM_RECORDS: dict[str, str] = {
    "doc_id": "record_offset url content_digest",
    "input_file": "record_offset",
    "record_offset": "record_offset",
    "record_length": "record_length",
    "record_id": "record_id",
    "record_type": "record_type",
    "outcome": f"outcome {_TEXT}",
    "detail": f"detail {_TEXT}",
    "url": "url",
    "host": "url",
    "domain": "url",
    "source": "source",
    "capture_time": "capture_time",
    "capture_evidence": "capture_evidence",
    "time_remark": "time_remark",
    "published_time": f"{_CLAIMS} capture_time claimed_time",
    "published_evidence": f"{_CLAIMS} capture_time claimed_by",
    "http_status": "http_status",
    "mime": "mime",
    "content_digest": "content_digest",
    "payload_digest": "payload_digest",
    "digest_verified": "digest_verified",
    "title": "body charset",
    "text_source": _TEXT,
    "license": _CLAIMS,
    "train_opt_out": _CLAIMS,
    "rights_signals": _CLAIMS,
    "site_rights": "url body",
    "disclosures": _CLAIMS,
    "marks": f"{_TEXT} http_headers",
}
#: Columns of decisions and the columns of a shard that each is made of; those of clusters enter through the first two.
_EVIDENCE = "detectors evidence disclosures marks language word_count token_count capture_time minhash"
FROM_SHARDS: dict[str, str] = {
    "decision": f"outcome rights_signals personal_data quality language url text_digest word_sample {_EVIDENCE}",
    "reason": f"outcome rights_signals personal_data quality language url text_digest word_sample {_EVIDENCE}",
    "detail": "detail rights_signals personal_data quality language url",
    "duplicate_of": "doc_id minhash text_digest",
    "similarity": "minhash",
    "duplicate_count": "minhash text_digest",
    "duplicate_hosts": "host minhash",
    "replaces": "minhash text_digest",
    "earliest_capture": "capture_time minhash",
    "proven_by": "capture_time minhash payload_digest",
    "witness": "doc_id capture_time minhash payload_digest",
    "witness_place": "minhash text_digest payload_digest",
    "witness_similarity": "minhash text_digest",
    "low_background": "capture_time minhash payload_digest",
    "prior_log_odds": "capture_time language source detectors",
    "prior_because": "capture_time language source detectors",
    "detectors": "detectors detector_words detector_known language",
    "detector_abstained": "detectors detector_abstained",
    "detector_flagged": "detectors language",
    "evidence": _EVIDENCE,
    "synthetic_probability": _EVIDENCE,
    "synthetic_probability_upper": _EVIDENCE,
    "sampling_weight": f"source {_EVIDENCE}",
    "train_opt_out": "train_opt_out site_rights host url",
    "rights_signals": "rights_signals site_rights host url",
}

#: What readers make of all inputs (`schema.RECORDS`), as a dataset: its namespace and name.
RECORDS_READ = ("crawl", "records")
#: For each column the namespace, dataset and column of what it is made of.
Origins = dict[str, tuple[tuple[str, str, str], ...]]


def comes_from(table: str, runs: Mapping[str, str], schema: pa.Schema | None = None) -> Origins:
    """Of what the columns of a table are made: `annotated`, `decisions`, or `data` and `ledger` with their schema."""
    annotated = (PROGRAM, f"annotated/{runs['annotate']}")
    if table == "annotated":
        return {
            name: tuple((*RECORDS_READ, column) for column in FROM_RECORDS.get(name, _TEXT).split())
            for name in ANNOTATED.names
        }
    if table == "decisions":
        return {
            name: tuple((*annotated, column) for column in FROM_SHARDS.get(name, "").split())
            for name in DECISIONS.names
        }
    if table == "clusters":
        return {}
    decisions = (PROGRAM, f"decisions/{runs['select']}")
    return {
        name: ((*(decisions if name in DECISIONS.names else annotated), name),)
        for name in (schema.names if schema is not None else ())
    }
