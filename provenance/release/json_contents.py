"""JSON Schema of the sections of a manifest on what was read, by which runs, and what the release holds."""

from __future__ import annotations

from typing import Any

from provenance.release.json_values import COUNT, NAME, described, object_


def input_section() -> dict[str, Any]:
    """One crawl file that was read."""
    found = object_({"name": NAME, "bytes": COUNT, "records": COUNT})
    digest = "of the whole file; null: it could not be read, or was cut into spans"
    found["properties"]["sha256"] = {
        "type": ["string", "null"],
        "pattern": "^[0-9a-f]{64}$",
        "description": digest,
    }
    ranges = object_({"offset": COUNT, "bytes": COUNT, "records": COUNT})
    ranges["properties"]["sha256"] = {**found["properties"]["sha256"], "description": "of these bytes"}
    found["properties"]["spans"] = {
        "type": "array",
        "items": ranges,
        "description": "of a file that was cut: which bytes were read as one, and the records that begin in them; of chosen records: the number of the first, and the bytes of all",
    }
    return found


def run_section() -> dict[str, Any]:
    """The run of one stage: the same work has the same identifier."""
    run = {"type": "string", "format": "uuid", "description": "UUID (version 5) of what decides its result"}
    return object_({"stage": NAME, "run": run, "rows": described(COUNT, "rows that it left")})


def contents_section() -> dict[str, Any]:
    """What the published documents, and all records that were read, add up to."""
    row = object_({"value": {"type": ["string", "null"]}, "documents": COUNT, "tokens": COUNT})
    rows = {"type": "array", "items": row}
    day = {"type": ["string", "null"], "pattern": r"^\d{4}-\d{2}-\d{2}$"}
    span = object_({"first": day, "last": day})
    lists = "languages licenses sources domains disclosures rights_signals marks personal_data".split()
    documents = {
        **dict.fromkeys(lists, rows),
        "licenses_in_all": COUNT,
        "domains_in_all": COUNT,
        "domains_listed": described(COUNT, "in domains.csv"),
        "captured": span,
        "train_opt_out": object_({"documents": COUNT, "tokens": COUNT}),
    }
    return object_({"documents": object_(documents), "records": object_({"sources": rows, "captured": span})})


def license_section() -> dict[str, Any]:
    """The mixture of the licences that pages declare."""
    whole = "SPDX expression of all texts; NOASSERTION where one declares none"
    return object_(
        {
            "expression": {"type": "string", "description": whole},
            "declared": {
                "type": "string",
                "description": "SPDX expression of the texts that declare a licence",
            },
            "references": {"type": "object", "additionalProperties": {"type": "string"}},
            "documents_without": described(COUNT, "documents that declare none"),
        }
    )
