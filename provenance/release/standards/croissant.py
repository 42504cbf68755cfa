"""`croissant.json`: the release in the Croissant 1.1 format of MLCommons, with its responsible-AI vocabulary and PROV.

Every file with its SHA-256, every column as a field, nested ones too, so that `mlcroissant` iterates the records.
Sources: Croissant format specification 1.1 (2026-01-29), Croissant RAI specification 1.0.
"""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from contextlib import redirect_stderr
from typing import Any

import pyarrow as pa

from provenance.errors import DataError
from provenance.release.json_schema import MEANING
from provenance.release.layout import DATA, LEDGER, is_data, is_ledger
from provenance.release.standards.origin import (
    HOME,
    PROGRAM,
    day_of,
    describe,
    limits,
    release_id,
    sources_of,
    version_of,
)

CROISSANT = "croissant.json"
_CONFORMS = "http://mlcommons.org/croissant/1.1"
_PARQUET = "application/x-parquet"
#: What PROV calls what some columns hold: record-level provenance.
_PROVENANCE = {
    "url": "prov:hadPrimarySource",
    "source": "prov:wasDerivedFrom",
    "record_id": "prov:wasDerivedFrom",
    "input_file": "prov:wasDerivedFrom",
    "capture_time": "prov:generatedAtTime",
    "duplicate_of": "prov:alternateOf",
    "witness": "prov:alternateOf",
}
#: The context of the specification, section "JSON-LD context", and the two vocabularies that are used besides.
_TERMS = (
    "arrayShape citeAs column containedIn equivalentProperty extract field fileProperty fileObject fileSet format includes isArray "
    "isLiveDataset jsonPath key md5 parentField path recordSet references regex repeated replace samplingRate separator source subField transform"
)
_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    **{name: f"cr:{name}" for name in _TERMS.split()},
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "prov": "http://www.w3.org/ns/prov#",
    "dct": "http://purl.org/dc/terms/",
    "sc": "https://schema.org/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "description": {"@container": "@language"},
    "name": {"@container": "@language"},
}


def build_croissant(manifest: dict[str, Any], schemas: dict[str, pa.Schema]) -> bytes:
    """The file, as mlcroissant writes it; built without it, which takes .3 s to load. `schemas` are those of the folders `data` and `ledger`.

    Raises:
        DataError: where two things in it have one identifier.
    """
    found = {"@context": _CONTEXT, **_metadata(manifest, schemas), **_derivation(manifest)}
    ids = [item["@id"] for item in [*found["distribution"], *found["recordSet"]]]
    if len(set(ids)) < len(ids):
        raise DataError(f"{CROISSANT}: two files or tables of one name; run `provenance publish` again")
    return (json.dumps(found, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode("utf-8", "replace")


def _metadata(manifest: dict[str, Any], schemas: dict[str, pa.Schema]) -> dict[str, Any]:
    """The whole description; what is not known is not stated, and a list of one is that one."""
    about = manifest["configuration"]["about"]
    kinds = {"documents": "data", "ledger": "ledger"}
    publisher = about["publisher"] and _stated(
        {"@type": "sc:Organization", "name": about["publisher"], "url": about["url"]}
    )
    languages = [row["value"] for row in manifest["contents"]["documents"]["languages"] if row["value"]]
    return _stated(
        {
            "@type": "sc:Dataset",
            "name": about["title"],
            "description": describe(manifest),
            "conformsTo": _CONFORMS,
            "version": f"{about['version']}.0.0" if about["version"].isdigit() else about["version"],
            "license": about["license"] or manifest["license"]["expression"],
            "url": about["url"] or f"urn:uuid:{release_id(manifest)}",
            "citeAs": _citation(manifest),
            "datePublished": day_of(manifest),
            "creator": publisher,
            "publisher": publisher,
            "inLanguage": languages,
            "keywords": ["web crawl", "provenance", "deduplicated", "synthetic text"],
            "distribution": _distribution(manifest),
            "recordSet": [_record_set(name, folder, schemas[folder]) for name, folder in kinds.items()],
            **_responsible(manifest),
        }
    )


def _stated(properties: dict[str, Any]) -> dict[str, Any]:
    shown = {name: value for name, value in properties.items() if value not in (None, [], "")}
    return {
        name: value[0] if isinstance(value, list) and len(value) == 1 else value
        for name, value in shown.items()
    }


def check_croissant(data: bytes) -> Iterator[str]:
    """What is wrong with a file by `mlcroissant`, one sentence each."""
    import mlcroissant as mlc

    logging.getLogger("absl").setLevel(logging.ERROR)
    try:
        with redirect_stderr(io.StringIO()):
            mlc.Dataset(jsonld=json.loads(data))
    except (mlc.ValidationError, AssertionError, AttributeError, ValueError, TypeError, KeyError) as error:
        yield f"is no valid Croissant: {_last_line(error)}"


def _last_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [repr(error)])[-1].strip(" -")


def differing_digests(data: bytes, manifest: dict[str, Any]) -> Iterator[str]:
    """Files of data and ledger of which Croissant and manifest do not say the same SHA-256."""
    stated = {item.get("contentUrl"): item.get("sha256") for item in json.loads(data)["distribution"]}
    for item in _tables(manifest):
        if stated.get(item["path"]) != item["sha256"]:
            yield f"does not have the SHA-256 of {item['path']} that the manifest states"


def _tables(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    """The Parquet files of data and ledger."""
    return [item for item in manifest["files"] if is_data(item["path"]) or is_ledger(item["path"])]


def _distribution(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    """Every file of data and ledger, and the two sets that they form."""
    files = [
        {
            "@type": "cr:FileObject",
            "@id": item["path"],
            "name": item["path"],
            "contentUrl": item["path"],
            "contentSize": f"{item['bytes']} B",
            "encodingFormat": _PARQUET,
            "sha256": item["sha256"],
        }
        for item in _tables(manifest)
    ]
    sets = [
        {
            "@type": "cr:FileSet",
            "@id": f"{table}-files",
            "name": table,
            "includes": f"{folder}/*.parquet",
            "encodingFormat": _PARQUET,
        }
        for table, folder in (("data", DATA), ("ledger", LEDGER))
    ]
    return [*files, *sets]


def _record_set(name: str, folder: str, schema: pa.Schema) -> dict[str, Any]:
    what = "published documents" if name == "documents" else "what became of every record that was read"
    key = {"key": {"@id": f"{name}/doc_id"}} if "doc_id" in schema.names else {}
    fields = [_field(field, (name, folder)) for field in schema]
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "description": what,
        **key,
        "field": fields,
    }


def _field(field: pa.Field, place: tuple[str, str]) -> dict[str, Any]:
    """A column as a field, with those inside of it where it is nested."""
    name, folder = place
    meaning = MEANING.get(field.name, "column of a further annotator")
    type_, many = field.type, pa.types.is_list(field.type)
    inner = type_.value_type if many else type_
    found: dict[str, Any] = {
        "@type": "cr:Field",
        "@id": f"{name}/{field.name}",
        "name": field.name,
        "description": meaning,
    }
    if many:
        found |= {"isArray": True, "arrayShape": "-1"}
    if field.name in _PROVENANCE:
        found["equivalentProperty"] = _PROVENANCE[field.name]
    if not pa.types.is_struct(inner):
        return found | {"dataType": _data_type(inner), "source": _source(folder, field.name)}
    below = [
        {
            "@type": "cr:Field",
            "@id": f"{name}/{field.name}/{item.name}",
            "name": item.name,
            "dataType": _data_type(item.type),
            "source": _source(folder, field.name) | {"transform": {"jsonPath": f"$['{item.name}']"}},
        }
        for item in (inner.field(at) for at in range(inner.num_fields))
    ]
    return found | _stated({"subField": below})


def _source(folder: str, column: str) -> dict[str, Any]:
    return {"fileSet": {"@id": f"{folder}-files"}, "extract": {"column": column}}


def _data_type(type_: pa.DataType) -> str:
    tests = (
        (pa.types.is_boolean, "sc:Boolean"),
        (pa.types.is_integer, "sc:Integer"),
        (pa.types.is_floating, "sc:Float"),
        (pa.types.is_timestamp, "sc:Date"),
    )
    return next((known for test, known in tests if test(type_)), "sc:Text")


def _responsible(manifest: dict[str, Any]) -> dict[str, Any]:
    """The responsible-AI properties, as far as they are known."""
    contents, configuration = manifest["contents"], manifest["configuration"]
    personal = configuration["personal_data"]
    treated = ", ".join(f"{kind}: {policy}" for kind, policy in personal.items() if policy != "ignore")
    captured = contents["records"]["captured"]
    detector = manifest["detector"]
    return {
        "rai:dataCollection": "Records of web crawls, read from archives; no page was fetched for this release.",
        "rai:dataCollectionType": ["Web Scraping"],
        "rai:dataCollectionTimeFrame": [captured[end] for end in ("first", "last") if captured[end]],
        "rai:dataPreprocessingProtocol": [
            "main text extracted; near-duplicates verified and dropped in favour of one; filters as configured; capped by synthetic share "
            "(manifest.json has the whole configuration and the counts)"
        ],
        "rai:machineAnnotationTools": [
            f"{PROGRAM} {version_of(manifest)}",
            f"detector {detector['name']} {detector['version']}, calibration {detector['calibration']} {detector['calibration_version']}",
        ],
        "rai:dataLimitations": limits(manifest),
        "rai:dataBiases": [limits(manifest)[-1]],
        "rai:personalSensitiveInformation": [
            f"personal data looked for: {treated}" if treated else "personal data was not looked for"
        ],
        "rai:dataUseCases": ["training and study of language models"],
        "rai:dataReleaseMaintenancePlan": "removal requests: "
        + (configuration["about"]["contact"] or "no contact is stated"),
    }


def _derivation(manifest: dict[str, Any]) -> dict[str, Any]:
    """What PROV says of the whole: from which crawls, by which activity."""
    sources = [
        {"@type": "prov:Entity", "name": item["name"]} | ({"@id": item["url"]} if item["url"] else {})
        for item in sources_of(manifest)
    ]
    activity = {
        "@type": "prov:Activity",
        "@id": f"urn:uuid:{release_id(manifest)}",
        "prov:wasAssociatedWith": {
            "@type": "prov:SoftwareAgent",
            "@id": HOME,
            "name": f"{PROGRAM} {version_of(manifest)}",
        },
    }
    return {"prov:wasDerivedFrom": sources, "prov:wasGeneratedBy": activity}


def _citation(manifest: dict[str, Any]) -> str:
    about = manifest["configuration"]["about"]
    who = about["publisher"] or "publisher not stated"
    return f"{who}: {about['title']}, version {about['version']}, {day_of(manifest)}, made with {PROGRAM} {version_of(manifest)}"
