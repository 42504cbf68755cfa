"""Every column of every table of the project, named once.

The reader emits `RECORDS`, annotators add columns to it, `RELEASE` is what is
published and `LEDGER` is one row for each record that was read. The published
JSON form is in `schemas/` (exported by `scripts/make/schemas.py`, checked in a test).
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa

TIME = pa.timestamp("us", tz="UTC")
MINHASH_PERMUTATIONS = 128

SIGNALS = pa.list_(pa.struct([("signal", pa.string()), ("value", pa.string()), ("where", pa.string())]))
#: What a host's own file (robots.txt, ai.txt, tdmrep.json, RSL) says of its pages, by path.
SITE_RIGHTS = pa.list_(
    pa.struct([(name, pa.string()) for name in ("group", "path", "signal", "value", "where")])
)
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
    pa.struct(
        [("name", pa.string()), ("version", pa.string()), ("score", pa.float32()), ("llr", pa.float32())]
    )
)
#: One piece of evidence: its log-likelihood ratio in nats for "synthetic" against "human", and why.
EVIDENCE = pa.list_(pa.struct([("source", pa.string()), ("llr", pa.float32()), ("because", pa.string())]))

#: What the published quality rules measure of a text, in this order (docs/filters.md); each a float32.
QUALITY = pa.struct(
    [
        (name, pa.float32())
        for name in (
            "words word_length number_signs ellipses bullet_lines ellipsis_lines letter_words stop_words "
            "sentences terminal_sentences lorem_ipsum curly_brackets "
            "punctuated_lines short_lines repeated_line_characters newlines "
            "duplicate_paragraphs duplicate_paragraph_characters duplicate_lines duplicate_line_characters "
            "top_2_gram top_3_gram top_4_gram "
            "repeated_5_grams repeated_6_grams repeated_7_grams repeated_8_grams repeated_9_grams repeated_10_grams"
        ).split()
    ]
)
#: Personal data and secrets found in a text, how many of each kind.
PERSONAL_DATA = pa.struct([(name, pa.int32()) for name in ("email", "phone", "ip", "iban", "card", "secret")])

#: What a reader yields: one row per record, in file order. `body` is null where the
#: input carries text already; `outcome` is null for a record that may become a document,
#: otherwise the reason code (see `provenance.outcomes`) and `detail` says it for a person.
RECORDS = pa.schema(
    [
        # bytes into the stored file; JSONL: into the decompressed text; Parquet: row
        ("record_offset", pa.int64()),
        # bytes of the stored file to the next record; null where it is not known
        ("record_length", pa.int64()),
        ("record_id", pa.string()),
        ("record_type", pa.string()),  # response, resource, conversion, revisit, line, row
        ("url", pa.string()),
        ("capture_time", TIME),
        ("capture_evidence", pa.string()),  # what proves it: WARC-Date, ARC, "field NAME"
        ("claimed_time", TIME),  # what the input gives as the publisher's own date
        ("claimed_by", pa.string()),  # "field NAME"
        ("time_remark", pa.string()),  # a time that is there and was not believed or not read: "KIND: …"
        ("http_status", pa.int16()),
        ("http_headers", pa.string()),  # as sent, CRLF removed, at most 16 KiB
        ("mime", pa.string()),  # sniffed, not believed
        ("charset", pa.string()),  # as the HTTP header declares it
        ("content_digest", pa.string()),  # "sha256:" + hex of the decoded payload or of the text
        # "sha1:" + base32 of the payload as stored, as Common Crawl's indexes name it
        ("payload_digest", pa.string()),
        # whether the digest of the record's header is right; null: it states none
        ("digest_verified", pa.bool_()),
        ("body", pa.large_binary()),
        ("text", pa.large_string()),
        ("source", pa.string()),  # what the archive calls itself (warcinfo isPartOf), if it says so
        ("outcome", pa.string()),
        ("detail", pa.string()),
    ]
)

#: What the built-in annotators and the annotate stage add; further annotators follow in their order.
ANNOTATED = pa.schema(
    [
        ("doc_id", pa.string()),
        ("input_file", pa.string()),
        ("record_offset", pa.int64()),
        ("record_length", pa.int64()),
        ("record_id", pa.string()),
        ("record_type", pa.string()),
        ("outcome", pa.string()),
        ("detail", pa.string()),
        ("url", pa.string()),
        ("host", pa.string()),
        ("domain", pa.string()),
        ("source", pa.string()),
        ("capture_time", TIME),
        ("capture_evidence", pa.string()),
        ("time_remark", pa.string()),
        ("published_time", TIME),
        ("published_evidence", pa.string()),
        ("http_status", pa.int16()),
        ("mime", pa.string()),
        ("content_digest", pa.string()),
        ("payload_digest", pa.string()),
        ("digest_verified", pa.bool_()),
        ("title", pa.string()),
        ("text_source", pa.string()),  # article, main, fallback: where in the page the text was found
        ("text", pa.large_string()),
        ("text_bytes", pa.int64()),  # UTF-8 bytes of `text`
        ("token_count", pa.int32()),  # tokens of text.tokenizer
        ("word_count", pa.int32()),
        ("language", pa.string()),
        ("language_score", pa.float32()),
        ("license", pa.string()),
        ("train_opt_out", pa.bool_()),
        ("rights_signals", SIGNALS),
        ("site_rights", SITE_RIGHTS),  # of records that are such files
        ("disclosures", SIGNALS),
        ("marks", SIGNALS),
        ("quality", QUALITY),
        ("personal_data", PERSONAL_DATA),
        ("watermarks", WATERMARKS),
        ("detectors", DETECTORS),
        ("detector_abstained", pa.bool_()),
        ("detector_words", pa.int32()),  # words that the embedded detector read
        ("detector_known", pa.float32()),  # share of them among its common words
        ("evidence", EVIDENCE),
        ("minhash", pa.binary(4 * MINHASH_PERMUTATIONS)),  # little-endian uint32 values
        ("text_digest", pa.binary(16)),
        ("word_sample", pa.list_(pa.uint32())),  # hashes of one different word in 16, ascending
    ]
)

#: What the select stage decides, row for row with an annotated shard.
DECISIONS = pa.schema(
    [
        ("decision", pa.string()),  # kept, dropped, failed
        ("reason", pa.string()),  # null where kept, else a code of provenance.outcomes
        ("detail", pa.string()),  # of the record, or of the filter that drops it
        ("duplicate_of", pa.string()),  # doc_id of the document kept in its place
        ("similarity", pa.float32()),  # to that document
        ("duplicate_count", pa.int32()),
        ("duplicate_hosts", pa.list_(pa.string())),
        ("replaces", pa.list_(pa.string())),  # doc_ids of documents of earlier releases that give way to it
        ("earliest_capture", TIME),  # of its cluster in the crawl
        ("proven_by", TIME),
        ("witness", pa.string()),  # doc_id of the capture that proves it, or the address of one that has none
        ("witness_place", pa.string()),  # where that lies, if in an index: origin, file, offset, address
        ("witness_similarity", pa.float32()),  # of the witness to the document; null: it is its own
        ("low_background", pa.bool_()),
        ("prior_log_odds", pa.float32()),  # nats
        ("prior_because", pa.string()),
        # As annotated, read anew with the calibration of this job and limited by the crawl's own humans.
        ("detectors", DETECTORS),
        ("detector_abstained", pa.bool_()),
        ("detector_flagged", pa.bool_()),
        ("evidence", EVIDENCE),
        ("synthetic_probability", pa.float32()),  # from prior_log_odds + sum of evidence
        ("synthetic_probability_upper", pa.float32()),  # what it is at most, one-sided 95%
        ("sampling_weight", pa.float32()),  # null where nothing is sampled
        # As annotated, with what the files of the host say.
        ("train_opt_out", pa.bool_()),
        ("rights_signals", SIGNALS),
    ]
)

#: What a page and its host say of its use: the last columns of decisions.
RIGHTS = ("train_opt_out", "rights_signals")

#: Columns of a published document, in order; further annotators' columns follow.
RELEASE_COLUMNS = (
    "doc_id text token_count word_count title text_source "
    "url host domain source input_file record_offset record_length record_id content_digest payload_digest digest_verified mime http_status "
    "capture_time capture_evidence time_remark published_time published_evidence "
    "proven_by witness witness_place witness_similarity low_background "
    "language language_score "
    "license train_opt_out rights_signals "
    "disclosures marks personal_data watermarks detectors detector_abstained detector_flagged "
    "prior_log_odds prior_because evidence synthetic_probability synthetic_probability_upper sampling_weight "
    "duplicate_count duplicate_hosts replaces earliest_capture"
).split()

#: One row for each record that was read.
LEDGER_COLUMNS = (
    "doc_id url domain source input_file record_offset record_id decision reason detail duplicate_of similarity "
    "synthetic_probability synthetic_probability_upper prior_log_odds prior_because evidence token_count "
    "capture_time capture_evidence time_remark proven_by witness witness_place witness_similarity low_background language"
).split()


def without_zone(times: Any) -> Any:
    """Times of UTC (array or column) as times without a zone: what Arrow reads of those needs no database of zones, which small machines lack."""
    return times.cast(pa.timestamp(times.type.unit))


def _columns(names: list[str]) -> pa.Schema:
    known = {field.name: field for field in [*ANNOTATED, *DECISIONS]}
    return pa.schema([known[name] for name in names])


RELEASE = _columns(RELEASE_COLUMNS)
LEDGER = _columns(LEDGER_COLUMNS)
