"""What every published column means, and the JSON form of the release, its ledger and its manifest.

`scripts/make/schemas.py` writes it all to `schemas/` and to the tables of `docs/`; a test holds them equal.
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from provenance.release.json_cap import (
    certificate_section,
    filter_section,
    sums_section,
    tail_section,
)
from provenance.release.json_contents import (
    contents_section,
    input_section,
    license_section,
    run_section,
)
from provenance.release.json_values import COUNT, NAME, NUMBER, SHA256, SHARE, described, object_
from provenance.release.manifest import FORMAT
from provenance.release.proof import earlier_schema, proof_schema
from provenance.release.times import REMARKS

#: Version of the published schemas: the first number changes when a column goes or changes its meaning.
SCHEMA_VERSION = "2.0"

#: Meaning of each column of `schema.RELEASE` and `schema.LEDGER`.
MEANING: dict[str, str] = {
    "doc_id": "Identifier of the record, 32 hexadecimal digits from its input's name, place and content; never null.",
    "text": "Main text of the page as UTF-8, without invisible payload characters unless the configuration keeps them, and with placeholders for personal data that is to be masked.",
    "token_count": "Tokens of the text by the tokenizer that the manifest names (`text.tokenizer`); the weight of the document under the cap.",
    "word_count": "Words of the text, or characters in scripts without spaces.",
    "title": "Title that the page gives itself.",
    "text_source": "Where the main text was found: article (an element that the page names so), main (by its structure), fallback (nothing told itself apart: all visible text, navigation included); null where the input holds text or another extractor found it.",
    "url": "Address the record was fetched from.",
    "host": "Host of the address, lower case.",
    "domain": "Registrable domain of the host by the public suffix list.",
    "source": "Name of the source: as configured, else what the archive calls itself.",
    "input_file": "Input file, named relative to the directory that was given; never null.",
    "record_offset": "Where the record starts: byte of the stored file; JSON lines: byte of the decompressed text; Parquet: row.",
    "record_length": "Bytes of the stored file from there to the next record; null where it is the last, or the input holds no archive records.",
    "record_id": "Identifier that the input gives the record.",
    "content_digest": "SHA-256 of the decoded payload, or of the text where the input holds text.",
    "payload_digest": "SHA-1 of the payload as the archive stores it, in base 32: what Common Crawl's indexes call `content_digest`; null where the input holds text.",
    "digest_verified": "Whether the digest in the record's own header is right; null where it states none.",
    "mime": "Media type as sniffed from the bytes.",
    "http_status": "Status of the HTTP response.",
    "capture_time": "When a third party fetched the page, by its archive; null where the input proves no time or other evidence refutes it.",
    "capture_evidence": "What proves `capture_time`: `WARC-Date`, `ARC` or `field NAME` of the input.",
    "time_remark": "A time that is there and was not used, and why: `contradicted`, `impossible` or `unreadable`, then in words.",
    "published_time": "When the page claims to have been published; a claim later than the capture is left out.",
    "published_evidence": "Where the claim stands in the page, or the field of the input that makes it.",
    "proven_by": "Earliest capture of the text: its own or that of a verified near-duplicate, in the crawl or in an index, of a similarity of at least `witness.threshold`.",
    "witness": "doc_id of the record whose capture gives `proven_by`; the address of a capture that only a list names.",
    "witness_place": "Where the witness lies, if in an index: origin, file, offset and address; null where it is in this crawl.",
    "witness_similarity": "Estimated Jaccard similarity of the witness to the document, of a dropped duplicate at least; null where it is the document itself.",
    "low_background": "Whether the text is proven to exist before 2022-11-30.",
    "language": "Language of the text, ISO 639 code.",
    "language_score": "Probability that the language model gives its answer.",
    "license": "Licence that the page declares.",
    "train_opt_out": "Whether the page declares that it must not be used for training.",
    "rights_signals": "Declarations about rights: what, its value and where it stands.",
    "disclosures": "What the page declares about how it was made: what, its value and where it stands.",
    "marks": "Invisible characters and left-over phrases of chat interfaces: what, its value and where it stands.",
    "personal_data": "Personal data and secrets found in the text, how many of each kind; null where not looked for.",
    "watermarks": "Watermarks found (corrected p below 0.01): scheme, name in the configuration, z, p-value and tokens tested.",
    "detectors": "Answer of each detector: name, version, raw score and calibrated log-likelihood ratio in nats.",
    "detector_abstained": "Whether the detector abstained, so that its ratio is 0.",
    "detector_flagged": "Whether the detector's score exceeds the threshold for `detector.max_fpr`; never where it abstained.",
    "prior_log_odds": "Prior log-odds in nats that a machine wrote the text, before its evidence.",
    "prior_because": "Where the prior comes from: low-background, the configured table, or an estimate from this crawl.",
    "evidence": "Every piece that entered the probability: its source, its ratio in nats and the reason in words.",
    "synthetic_probability": "Posterior probability that a machine wrote the text: its log-odds are the prior's + the sum of the evidence.",
    "synthetic_probability_upper": "What that probability is at most, one-sided at 95%: the guarantee `confident` counts it.",
    "sampling_weight": "How often to sample the document, for policy `weights` or a mixture; null where all are alike.",
    "duplicate_count": "Near-duplicates that were dropped in favour of this document.",
    "duplicate_hosts": "Hosts of those near-duplicates.",
    "replaces": "doc_ids of documents of earlier releases that gave way to this one (`increments.prefer: new`).",
    "earliest_capture": "Earliest capture among the document and its near-duplicates in the crawl.",
    "decision": "`kept`, `dropped` or `failed`; never null.",
    "reason": "Why it was not kept, a code of docs/ledger.md; null where it was kept.",
    "detail": "What went wrong with this record, or what a filter holds against it, in words.",
    "duplicate_of": "doc_id of the document kept in its place; for `earlier_release` that of an earlier release, and `detail` says which.",
    "similarity": "Estimated Jaccard similarity to the document kept in its place.",
}


def table_schema(name: str, schema: pa.Schema) -> dict[str, Any]:
    """JSON form of an Arrow schema: version, and each column's name, type, nullability and meaning.

    Raises:
        KeyError: for a column without a meaning.
    """
    return {
        "title": name,
        "version": SCHEMA_VERSION,
        "columns": [_field(field) | {"description": MEANING[field.name]} for field in schema],
        "further_columns": "those of further annotators may follow",
    }


def manifest_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of `manifest.json`."""
    reasons = {
        "type": "object",
        "propertyNames": {"pattern": "^(dropped|failed):[a-z_]+(:[a-z0-9_-]+)?$"},
        "additionalProperties": COUNT,
    }
    counts = dict.fromkeys(("records", "kept", "dropped", "failed", "tokens"), COUNT)
    properties = {
        "format": {"const": FORMAT},
        "fingerprint": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
        "versions": {"type": "object", "additionalProperties": {"type": ["string", "null"]}},
        "configuration": {"type": "object", "description": "see configuration.schema.json"},
        "inputs": {"type": "array", "items": input_section()},
        "passed_over": {
            "type": "array",
            "items": object_({"name": NAME, "reason": NAME}),
            "description": "files found beside the inputs and not read, and why",
        },
        "runs": {"type": "array", "items": run_section()},
        "counts": object_({**counts, "reasons": reasons}),
        "times": _times(),
        "contents": contents_section(),
        "license": license_section(),
        "tokenizer": object_({"name": NAME, "vocabulary": COUNT, "sha256": SHA256}),
        "filters": {"type": "array", "items": filter_section()},
        "order": _order(),
        "splits": {"type": "object", "additionalProperties": _split()},
        "earlier": {"type": "array", "items": earlier_schema()},
        "proof": proof_schema(),
        "synthetic": certificate_section(),
        "tail": tail_section(),
        "detector": _detector(),
        "prior": _prior(),
        "second_reading": {"type": "array", "items": _reading()},
        "sites": _sites(),
        "files": {"type": "array", "items": _file()},
        "sha256": described(SHA256, "of the manifest's own text without this entry"),
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "manifest of a provenance release",
        **object_(properties),
    }


def _file() -> dict[str, Any]:
    """One file of the release; which counts it has depends on its kind."""
    file = object_({"path": NAME, "bytes": COUNT, "sha256": SHA256})
    file["properties"] |= {
        "body_sha256": described(SHA256, "of a card below its header, which hubs rewrite"),
        "documents": COUNT,
        "records": COUNT,
        "tokens": COUNT,
        "text_bytes": COUNT,
        "split": described(NAME, "of the documents; absent where there are no splits"),
        "expected_share": described(SHARE, "expected synthetic share of the file, in the unit of the cap"),
        "sums": sums_section(),
        "decisions": {"type": "object", "additionalProperties": COUNT},
        "times": {"type": "object", "additionalProperties": COUNT},
        "claims": {"type": "object", "additionalProperties": COUNT},
        "proof": proof_schema(),
    }
    return file


def _order() -> dict[str, Any]:
    """How documents were mixed, and how far from one another the data files are (docs/release.md)."""
    return object_(
        {
            "seed": COUNT,
            "windows": described(COUNT, "sets of blocks that were mixed apart from one another"),
            "sections": described(COUNT, "runs of documents, each like the whole of its window"),
            "tokens": described(object_(dict.fromkeys(("least", "most"), COUNT)), "of one data file"),
            "expected_share": described(
                object_(dict.fromkeys(("least", "most"), SHARE)), "of one data file, in the unit of the cap"
            ),
        }
    )


def _split() -> dict[str, Any]:
    """What a split holds."""
    return object_(
        {
            "documents": COUNT,
            "tokens": COUNT,
            "share": described(SHARE, "of all published tokens"),
            "sums": sums_section(),
        }
    )


def _times() -> dict[str, Any]:
    """What proved the documents' times, and what did not."""
    old = described(COUNT, "captured by it before 2022-11-30")
    proof = {"evidence": NAME, "documents": COUNT, "low_background": old}
    claim = object_({"evidence": NAME, "documents": COUNT})
    return object_(
        {
            "proofs": {"type": "array", "items": object_(proof)},
            "without_proof": described(COUNT, "documents of which no capture proves a time"),
            "claims": {
                "type": "array",
                "items": claim,
                "description": "of these, by a field that only claims one",
            },
            "remarks": described(object_(dict.fromkeys(REMARKS, COUNT)), "records with a `time_remark`"),
        }
    )


def _detector() -> dict[str, Any]:
    """By which calibrations the detectors were read, and what old documents prove about them."""
    old = "documents of it proven older than 2022-11-30, duplicates left out"
    limits = "whether those documents limit the detectors' ratios"
    stratum = {
        "language": NAME,
        "words_from": described(COUNT, "least length of the documents, in words"),
        "low_background": described(COUNT, old),
        "other_documents": COUNT,
        "limits_ratios": {"type": "boolean", "description": limits},
        "threshold": described({"type": ["number", "null"]}, "score from which one is flagged; null: never"),
        "bound": described(SHARE, "most human documents that are flagged, proven or as calibrated"),
        "proven_by_documents": described(COUNT, "documents of this crawl that prove the bound; 0: none"),
        "from": {"type": "string", "description": "where the threshold comes from"},
    }
    band = "ratios of the embedded detector, in nats, at which it is asked; null: at all"
    cost = {
        "name": NAME,
        "band": {"type": ["array", "null"], "items": NUMBER, "description": band},
        "documents": described(COUNT, "documents with text, duplicates too"),
        "asked": described(COUNT, "those that the neural detector has read"),
    }
    return object_(
        {
            "name": NAME,
            "version": NAME,
            "calibration": NAME,
            "calibration_version": NAME,
            "calibration_sha256": SHA256,
            "ranked_by": {"enum": ["score", "ratio of all detectors"]},
            "max_fpr": SHARE,
            "strata": {"type": "array", "items": object_(stratum)},
            "documents": object_(dict.fromkeys(("documents", "judged", "flagged", "limited"), COUNT)),
            "neural": {"type": "array", "items": object_(cost)},
        }
    )


def _prior() -> dict[str, Any]:
    """Which priors were estimated, by stratum, and the level of the ratios by language."""
    stratum = {
        "year": {
            "type": ["integer", "string", "null"],
            "description": "of proof; `all`: all years together; null: no capture proves one",
        },
        "language": NAME,
        "source": {"type": ["string", "null"], "description": "null: all sources"},
        "documents": COUNT,
        "share": described(SHARE, "synthetic share found by EM"),
        "prior": described(
            SHARE, "the share drawn to the wider stratum or the configured prior, and bounded"
        ),
        "low": described(SHARE, "lower end of the prior's 95% interval, sites being the unit"),
        "high": described(SHARE, "its upper end"),
        "shift": described(NUMBER, "nats by which the prior lies above the configured one"),
    }
    level = {
        "language": NAME,
        "shift": described(NUMBER, "nats added to the ratios of the language"),
        "deviation": described(NUMBER, "standard deviation of the shift, in nats"),
        "documents": described(COUNT, "documents from before 2022-11-30 that say so"),
    }
    return object_(
        {
            "estimate": {"enum": ["none", "crawl"]},
            "fewest_documents": COUNT,
            "pseudo_count": COUNT,
            "most_factor": NUMBER,
            "levels": {"type": "array", "items": object_(level)},
            "strata": {"type": "array", "items": object_(stratum)},
        }
    )


def _reading() -> dict[str, Any]:
    """What the scores of one language of the crawl say by the kinds of text that explain them."""
    bins = {"type": "array", "items": NUMBER}
    return object_(
        {
            "language": NAME,
            "documents": described(COUNT, "new judged documents that were read"),
            "low_background": described(
                COUNT, "those from before 2022-11-30 that stand for people beside known kinds"
            ),
            "share": described(SHARE, "of machine text among the new ones, by this reading"),
            "log_odds": described(
                bins, "of machine text, by bins of half a nat of the calibrated ratio from -6 on"
            ),
            "upper": described(bins, "what those are below at one-sided 95%"),
        }
    )


def _sites() -> dict[str, Any]:
    """How much the crawl's sites differ."""
    return object_(
        {
            "spread": described(
                NUMBER, "standard deviation of a site's effect, in nats; 0: sites do not differ"
            ),
            "correlation": described(SHARE, "of errors within a site, by which its evidence is damped"),
            "old_mean": described(NUMBER, "mean ratio of old documents, in nats"),
            "gain": described(NUMBER, "nats by which the crawl is likelier than if sites did not differ"),
            "paired_sites": described(COUNT, "old sites of several documents, which show the correlation"),
            "shift": described(NUMBER, "nats added to all new documents so that the mean probability stays"),
        }
    )


def _field(field: pa.Field) -> dict[str, Any]:
    return {"name": field.name, **_type(field.type), "nullable": field.nullable}


def _type(type_: pa.DataType) -> dict[str, Any]:
    if pa.types.is_list(type_):
        return {"type": "list", "items": _type(type_.value_type)}
    if pa.types.is_struct(type_):
        return {"type": "struct", "fields": [_field(type_.field(i)) for i in range(type_.num_fields)]}
    return {"type": str(type_)}
