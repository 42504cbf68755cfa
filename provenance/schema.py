"""Every column of every table of the project, named once.

The reader emits `RECORDS`, annotators add columns to it, `RELEASE` is what is
published and `LEDGER` is one row for each record that was read. The published
JSON form is in `schemas/` (exported by `scripts/export_schemas`, checked in a test).
"""

from __future__ import annotations

import pyarrow as pa

TIME = pa.timestamp("us", tz="UTC")
MINHASH_PERMUTATIONS = 128

SIGNALS = pa.list_(pa.struct([("signal", pa.string()), ("value", pa.string()), ("where", pa.string())]))
WATERMARKS = pa.list_(
    pa.struct(
        [
            ("scheme", pa.string()),
            ("key", pa.string()),
            ("z", pa.float32()),
            ("p_value", pa.float64()),
            ("tokens", pa.int32()),
        ]
    )
)
DETECTORS = pa.list_(
    pa.struct([("name", pa.string()), ("version", pa.string()), ("score", pa.float32()), ("llr", pa.float32())])
)
#: One piece of evidence: its log-likelihood ratio in nats for "synthetic" against "human", and why.
EVIDENCE = pa.list_(pa.struct([("source", pa.string()), ("llr", pa.float32()), ("because", pa.string())]))

#: What a reader yields: one row per record, in file order. `body` is null where the
#: input carries text already; `outcome` is null for a record that may become a document,
#: otherwise the reason code (see `provenance.outcomes`) and `detail` says it for a person.
RECORDS = pa.schema(
    [
        ("record_offset", pa.int64()),  # bytes into the stored file; JSONL: into the decompressed text; Parquet: row
        ("record_id", pa.string()),
        ("record_type", pa.string()),  # response, resource, conversion, revisit, line, row
        ("url", pa.string()),
        ("capture_time", TIME),
        ("http_status", pa.int16()),
        ("http_headers", pa.string()),  # as sent, CRLF removed, at most 16 KiB
        ("mime", pa.string()),  # sniffed, not believed
        ("charset", pa.string()),  # as the HTTP header declares it
        ("content_digest", pa.string()),  # "sha256:" + hex of the decoded payload or of the text
        ("body", pa.large_binary()),
        ("text", pa.large_string()),
        ("source", pa.string()),  # what the archive calls itself (warcinfo isPartOf), if it says so
        ("outcome", pa.string()),
        ("detail", pa.string()),
    ]
)
