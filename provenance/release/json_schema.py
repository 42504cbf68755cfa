"""What every published column means, and the JSON form of the release, its ledger and its manifest.

`scripts/make/schemas.py` writes it all to `schemas/` and to the tables of `docs/`; a test holds them equal.
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from provenance.release.manifest import FORMAT
from provenance.release.times import REMARKS

#: Version of the published schemas: the first number changes when a column goes or changes its meaning.
SCHEMA_VERSION = "2.0"

_COUNT: dict[str, Any] = {"type": "integer", "minimum": 0}
_NAME: dict[str, Any] = {"type": "string", "minLength": 1}
_NUMBER: dict[str, Any] = {"type": "number"}
_SHARE: dict[str, Any] = {"type": "number", "minimum": 0, "maximum": 1}
_SHA256: dict[str, Any] = {"type": "string", "pattern": "^[0-9a-f]{64}$"}

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
    "record_id": "Identifier that the input gives the record.",
    "content_digest": "SHA-256 of the decoded payload, or of the text where the input holds text.",
    "mime": "Media type as sniffed from the bytes.",
    "http_status": "Status of the HTTP response.",
    "capture_time": "When a third party fetched the page, by its archive; null where the input proves no time or other evidence refutes it.",
    "capture_evidence": "What proves `capture_time`: `WARC-Date`, `ARC` or `field NAME` of the input.",
    "time_remark": "A time that is there and was not used, and why: `contradicted`, `impossible` or `unreadable`, then in words.",
    "published_time": "When the page claims to have been published; a claim later than the capture is left out.",
    "published_evidence": "Where the claim stands in the page, or the field of the input that makes it.",
    "proven_by": "Earliest capture of the text: its own or that of a verified near-duplicate.",
    "witness": "doc_id of the record whose capture gives `proven_by`.",
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
    "earliest_capture": "Earliest capture among the document and its near-duplicates.",
    "decision": "`kept`, `dropped` or `failed`; never null.",
    "reason": "Why it was not kept, a code of docs/ledger.md; null where it was kept.",
    "detail": "What went wrong with this record, or what a filter holds against it, in words.",
    "duplicate_of": "doc_id of the document kept in its place.",
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
        "additionalProperties": _COUNT,
    }
    counts = dict.fromkeys(("records", "kept", "dropped", "failed", "tokens"), _COUNT)
    properties = {
        "format": {"const": FORMAT},
        "fingerprint": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
        "versions": {"type": "object", "additionalProperties": {"type": ["string", "null"]}},
        "configuration": {"type": "object", "description": "see configuration.schema.json"},
        "inputs": {"type": "array", "items": _object({"name": _NAME, "bytes": _COUNT, "records": _COUNT})},
        "passed_over": {
            "type": "array",
            "items": _object({"name": _NAME, "reason": _NAME}),
            "description": "files found beside the inputs and not read, and why",
        },
        "counts": _object({**counts, "reasons": reasons}),
        "times": _times(),
        "tokenizer": _object({"name": _NAME, "vocabulary": _COUNT, "sha256": _SHA256}),
        "filters": {"type": "array", "items": _filtered()},
        "order": _order(),
        "splits": {"type": "object", "additionalProperties": _split()},
        "synthetic": _certificate(),
        "detector": _detector(),
        "prior": _prior(),
        "sites": _sites(),
        "files": {"type": "array", "items": _file()},
        "sha256": _described(_SHA256, "of the manifest's own text without this entry"),
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "manifest of a provenance release",
        **_object(properties),
    }


def _sums() -> dict[str, Any]:
    """What the cap counts, by unit."""
    return _object(
        {unit: {"type": "object", "additionalProperties": _COUNT} for unit in ("documents", "tokens")}
    )


def _file() -> dict[str, Any]:
    """One file of the release; which counts it has depends on its kind."""
    file = _object({"path": _NAME, "bytes": _COUNT, "sha256": _SHA256})
    file["properties"] |= {
        "documents": _COUNT,
        "records": _COUNT,
        "tokens": _COUNT,
        "text_bytes": _COUNT,
        "split": _described(_NAME, "of the documents; absent where there are no splits"),
        "expected_share": _described(_SHARE, "expected synthetic share of the file, in the unit of the cap"),
        "sums": _sums(),
        "decisions": {"type": "object", "additionalProperties": _COUNT},
        "times": {"type": "object", "additionalProperties": _COUNT},
        "claims": {"type": "object", "additionalProperties": _COUNT},
    }
    return file


def _order() -> dict[str, Any]:
    """How documents were mixed, and how far from one another the data files are (docs/release.md)."""
    return _object(
        {
            "seed": _COUNT,
            "windows": _described(_COUNT, "sets of blocks that were mixed apart from one another"),
            "sections": _described(_COUNT, "runs of documents, each like the whole of its window"),
            "tokens": _described(_object(dict.fromkeys(("least", "most"), _COUNT)), "of one data file"),
            "expected_share": _described(
                _object(dict.fromkeys(("least", "most"), _SHARE)), "of one data file, in the unit of the cap"
            ),
        }
    )


def _split() -> dict[str, Any]:
    """What a split holds."""
    return _object(
        {
            "documents": _COUNT,
            "tokens": _COUNT,
            "share": _described(_SHARE, "of all published tokens"),
            "sums": _sums(),
        }
    )


def _times() -> dict[str, Any]:
    """What proved the documents' times, and what did not."""
    old = _described(_COUNT, "captured by it before 2022-11-30")
    proof = {"evidence": _NAME, "documents": _COUNT, "low_background": old}
    claim = _object({"evidence": _NAME, "documents": _COUNT})
    return _object(
        {
            "proofs": {"type": "array", "items": _object(proof)},
            "without_proof": _described(_COUNT, "documents of which no capture proves a time"),
            "claims": {
                "type": "array",
                "items": claim,
                "description": "of these, by a field that only claims one",
            },
            "remarks": _described(_object(dict.fromkeys(REMARKS, _COUNT)), "records with a `time_remark`"),
        }
    )


def _filtered() -> dict[str, Any]:
    """What one filter dropped, and the synthetic shares before and after it."""
    by_unit = _object({unit: _SHARE for unit in ("documents", "tokens")})
    fractions = _object({"hard": by_unit, "expected": by_unit})
    return _object(
        {
            "reason": _NAME,
            "dropped": _described(_sums(), "documents that it drops, duplicates too"),
            "before": _described(fractions, "of all documents, duplicates too, that reach it"),
            "after": fractions,
        }
    )


def _certificate() -> dict[str, Any]:
    """The cap: what was asked, claimed and found (docs/cap.md)."""
    by_unit = _object({unit: _SHARE for unit in ("documents", "tokens")})
    fractions = _object(dict.fromkeys(("expected", "confident", "hard"), by_unit))
    measured = {"fractions": fractions, "sums": _sums()}
    return _object(
        {
            "max_synthetic": {"type": "string", "description": "the cap, a decimal number"},
            "guarantee": {"enum": ["expected", "confident", "hard"]},
            "unit": {"enum": ["tokens", "documents"]},
            "threshold": _SHARE,
            "policy": {"enum": ["lowest", "sample", "weights"]},
            "seed": _COUNT,
            "exponent": {"type": ["number", "null"]},
            "strata": {"type": "array", "items": {"type": "object"}},
            "mixture": {"type": ["object", "null"]},
            "holds": _described(
                {"type": "boolean"}, "whether the cap is certified in the sense of its guarantee"
            ),
            "note": {"type": "string", "description": "what is certified, and what is not, in words"},
            "claimed": _described(_SHARE, "expected synthetic share of what is published"),
            "claimed_at_most": _described(_SHARE, "what it is at most, with 95% confidence"),
            "found": _described(_SHARE, "share of documents at or above the threshold"),
            "published_fraction": _described(_SHARE, "in the sense of the guarantee"),
            "exceeded_by": _NUMBER,
            **measured,
            "before": _object(measured),
            "parts": {"type": "array", "items": _object(_part())},
            "parts_in_all": _COUNT,
            "selection": _object(_selection()),
        }
    )


def _part() -> dict[str, Any]:
    """A part of the release with a cap of its own."""
    return {
        "by": {"type": "string", "description": "what divides the release, or `mixture`"},
        "value": {"type": "string"},
        "max_synthetic": _SHARE,
        "weight": _described(_COUNT, "published, in the unit of the cap"),
        "weight_before": _COUNT,
        "fraction": _described(_NUMBER, "published, in the sense of the guarantee"),
        "fraction_before": _NUMBER,
        "exceeded_by": _NUMBER,
    }


def _selection() -> dict[str, Any]:
    """How documents were chosen."""
    gap = "share of the weight that the best selection could keep beyond this one; null: not known"
    over = "caps that documents which are never dropped exceed alone"
    return {
        "gap": {"type": ["number", "null"], "description": gap},
        "exponent": {"type": ["number", "null"], "description": "of policy weights"},
        "factors": {"type": ["object", "null"], "description": "sampling weight by part of the mixture"},
        "exceeded_by_proven": {"type": "array", "items": {"type": "string"}, "description": over},
    }


def _detector() -> dict[str, Any]:
    """By which calibrations the detectors were read, and what old documents prove about them."""
    old = "documents of it proven older than 2022-11-30, duplicates left out"
    limits = "whether those documents limit the detectors' ratios"
    stratum = {
        "language": _NAME,
        "words_from": _described(_COUNT, "least length of the documents, in words"),
        "low_background": _described(_COUNT, old),
        "other_documents": _COUNT,
        "limits_ratios": {"type": "boolean", "description": limits},
        "threshold": _described({"type": ["number", "null"]}, "score from which one is flagged; null: never"),
        "bound": _described(_SHARE, "most human documents that are flagged, proven or as calibrated"),
        "proven_by_documents": _described(_COUNT, "documents of this crawl that prove the bound; 0: none"),
        "from": {"type": "string", "description": "where the threshold comes from"},
    }
    band = "ratios of the embedded detector, in nats, at which it is asked; null: at all"
    cost = {
        "name": _NAME,
        "band": {"type": ["array", "null"], "items": _NUMBER, "description": band},
        "documents": _described(_COUNT, "documents with text, duplicates too"),
        "asked": _described(_COUNT, "those that the neural detector has read"),
    }
    return _object(
        {
            "name": _NAME,
            "version": _NAME,
            "calibration": _NAME,
            "calibration_version": _NAME,
            "calibration_sha256": _SHA256,
            "ranked_by": {"enum": ["score", "ratio of all detectors"]},
            "max_fpr": _SHARE,
            "strata": {"type": "array", "items": _object(stratum)},
            "documents": _object(dict.fromkeys(("documents", "judged", "flagged", "limited"), _COUNT)),
            "neural": {"type": "array", "items": _object(cost)},
        }
    )


def _prior() -> dict[str, Any]:
    """Which priors were estimated, by stratum, and the level of the ratios by language."""
    stratum = {
        "year": {
            "type": ["integer", "string", "null"],
            "description": "of proof; `all`: all years together; null: no capture proves one",
        },
        "language": _NAME,
        "source": {"type": ["string", "null"], "description": "null: all sources"},
        "documents": _COUNT,
        "share": _described(_SHARE, "synthetic share found by EM"),
        "prior": _described(
            _SHARE, "the share drawn to the wider stratum or the configured prior, and bounded"
        ),
        "low": _described(_SHARE, "lower end of the prior's 95% interval, sites being the unit"),
        "high": _described(_SHARE, "its upper end"),
        "shift": _described(_NUMBER, "nats by which the prior lies above the configured one"),
    }
    level = {
        "language": _NAME,
        "shift": _described(_NUMBER, "nats added to the ratios of the language"),
        "deviation": _described(_NUMBER, "standard deviation of the shift, in nats"),
        "documents": _described(_COUNT, "documents from before 2022-11-30 that say so"),
    }
    return _object(
        {
            "estimate": {"enum": ["none", "crawl"]},
            "fewest_documents": _COUNT,
            "pseudo_count": _COUNT,
            "most_factor": _NUMBER,
            "levels": {"type": "array", "items": _object(level)},
            "strata": {"type": "array", "items": _object(stratum)},
        }
    )


def _sites() -> dict[str, Any]:
    """How much the crawl's sites differ."""
    return _object(
        {
            "spread": _described(
                _NUMBER, "standard deviation of a site's effect, in nats; 0: sites do not differ"
            ),
            "correlation": _described(_SHARE, "of errors within a site, by which its evidence is damped"),
            "old_mean": _described(_NUMBER, "mean ratio of old documents, in nats"),
            "gain": _described(_NUMBER, "nats by which the crawl is likelier than if sites did not differ"),
            "paired_sites": _described(_COUNT, "old sites of several documents, which show the correlation"),
            "shift": _described(
                _NUMBER, "nats added to all new documents so that the mean probability stays"
            ),
        }
    )


def _described(schema: dict[str, Any], description: str) -> dict[str, Any]:
    return schema | {"description": description}


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    """All properties required; later versions may add others."""
    return {"type": "object", "required": sorted(properties), "properties": dict(properties)}


def _field(field: pa.Field) -> dict[str, Any]:
    return {"name": field.name, **_type(field.type), "nullable": field.nullable}


def _type(type_: pa.DataType) -> dict[str, Any]:
    if pa.types.is_list(type_):
        return {"type": "list", "items": _type(type_.value_type)}
    if pa.types.is_struct(type_):
        return {"type": "struct", "fields": [_field(type_.field(i)) for i in range(type_.num_fields)]}
    return {"type": str(type_)}
