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
    """The file; `schemas` are those of the folders `data` and `ledger`."""
    import mlcroissant as mlc

    context = mlc.Context(conforms_to=_CONFORMS, rdf=mlc.Rdf(context=dict(_CONTEXT)))
    try:
        found = _metadata(mlc, context, manifest, schemas).to_json()
    except mlc.ValidationError as error:
        raise DataError(
            f"{CROISSANT}: {_last_line(error)}; mend the section `about` of the configuration, whose texts it repeats"
        ) from error
    found |= _derivation(manifest)
    return (json.dumps(found, indent=1, sort_keys=True, ensure_ascii=False, default=str) + "\n").encode(
        "utf-8", "replace"
    )


def _metadata(mlc: Any, context: Any, manifest: dict[str, Any], schemas: dict[str, pa.Schema]) -> Any:
    """The whole description as mlcroissant's object, which validates it."""
    about = manifest["configuration"]["about"]
    kinds = {"documents": "data", "ledger": "ledger"}
    publisher = about["publisher"] and mlc.Organization(
        ctx=context, name=about["publisher"], url=about["url"], email=None
    )
    return mlc.Metadata(
        ctx=context,
        name=about["title"],
        description=describe(manifest),
        conforms_to=[_CONFORMS],
        version=f"{about['version']}.0.0" if about["version"].isdigit() else about["version"],
        license=[about["license"] or manifest["license"]["expression"]],
        url=about["url"] or f"urn:uuid:{release_id(manifest)}",
        cite_as=_citation(manifest),
        date_published=day_of(manifest),
        creators=[publisher] if publisher else [],
        publisher=[publisher] if publisher else [],
        in_language=[row["value"] for row in manifest["contents"]["documents"]["languages"] if row["value"]],
        keywords=["web crawl", "provenance", "deduplicated", "synthetic text"],
        distribution=_distribution(mlc, context, manifest),
        record_sets=[
            _record_set(mlc, context, name, folder, schemas[folder]) for name, folder in kinds.items()
        ],
        **_responsible(manifest),
    )


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


def _distribution(mlc: Any, context: Any, manifest: dict[str, Any]) -> list[Any]:
    """Every file of data and ledger, and the two sets that they form."""
    files = [
        mlc.FileObject(
            ctx=context,
            id=item["path"],
            name=item["path"],
            content_url=item["path"],
            content_size=f"{item['bytes']} B",
            encoding_formats=[_PARQUET],
            sha256=item["sha256"],
        )
        for item in _tables(manifest)
    ]
    sets = [
        mlc.FileSet(
            ctx=context,
            id=f"{table}-files",
            name=table,
            includes=[f"{folder}/*.parquet"],
            encoding_formats=[_PARQUET],
        )
        for table, folder in (("data", DATA), ("ledger", LEDGER))
    ]
    return [*files, *sets]


def _record_set(mlc: Any, context: Any, name: str, folder: str, schema: pa.Schema) -> Any:
    what = "published documents" if name == "documents" else "what became of every record that was read"
    fields = [_field(mlc, context, field, (name, folder)) for field in schema]
    key = [f"{name}/doc_id"] if "doc_id" in schema.names else None
    return mlc.RecordSet(ctx=context, id=name, name=name, description=what, key=key, fields=fields)


def _field(mlc: Any, context: Any, field: pa.Field, place: tuple[str, str]) -> Any:
    """A column as a field, with those inside of it where it is nested."""
    name, folder = place
    id_ = f"{name}/{field.name}"
    meaning = MEANING.get(field.name, "column of a further annotator")
    type_, many = field.type, pa.types.is_list(field.type)
    inner = type_.value_type if many else type_
    shared: dict[str, Any] = {"ctx": context, "id": id_, "name": field.name, "description": meaning}
    if many:
        shared |= {"is_array": True, "array_shape": "-1"}
    if field.name in _PROVENANCE:
        shared["equivalentProperty"] = [_PROVENANCE[field.name]]
    if not pa.types.is_struct(inner):
        source = _source(mlc, context, folder, field.name)
        return mlc.Field(data_types=[_data_type(mlc, inner)], source=source, **shared)
    below = [
        mlc.Field(
            ctx=context,
            id=f"{id_}/{item.name}",
            name=item.name,
            data_types=[_data_type(mlc, item.type)],
            source=_source(mlc, context, folder, field.name, f"$['{item.name}']"),
        )
        for item in (inner.field(at) for at in range(inner.num_fields))
    ]
    return mlc.Field(sub_fields=below, **shared)


def _source(mlc: Any, context: Any, folder: str, column: str, path: str | None = None) -> Any:
    transforms = [mlc.Transform(ctx=context, json_path=path)] if path else []
    extract = mlc.Extract(ctx=context, column=column)
    return mlc.Source(ctx=context, file_set=f"{folder}-files", extract=extract, transforms=transforms)


def _data_type(mlc: Any, type_: pa.DataType) -> Any:
    tests = (
        (pa.types.is_boolean, mlc.DataType.BOOL),
        (pa.types.is_integer, mlc.DataType.INTEGER),
        (pa.types.is_floating, mlc.DataType.FLOAT),
        (pa.types.is_timestamp, mlc.DataType.DATE),
    )
    return next((known for test, known in tests if test(type_)), mlc.DataType.TEXT)


def _responsible(manifest: dict[str, Any]) -> dict[str, Any]:
    """The responsible-AI properties, as far as they are known."""
    contents, configuration = manifest["contents"], manifest["configuration"]
    personal = configuration["personal_data"]
    treated = ", ".join(f"{kind}: {policy}" for kind, policy in personal.items() if policy != "ignore")
    captured = contents["records"]["captured"]
    detector = manifest["detector"]
    return {
        "data_collection": "Records of web crawls, read from archives; no page was fetched for this release.",
        "data_collection_type": ["Web Scraping"],
        "data_collection_timeframe": [
            f"{captured[end]}T00:00:00" for end in ("first", "last") if captured[end]
        ],
        "data_preprocessing_protocol": [
            "main text extracted; near-duplicates verified and dropped in favour of one; filters as configured; capped by synthetic share "
            "(manifest.json has the whole configuration and the counts)"
        ],
        "machine_annotation_tools": [
            f"{PROGRAM} {version_of(manifest)}",
            f"detector {detector['name']} {detector['version']}, calibration {detector['calibration']} {detector['calibration_version']}",
        ],
        "data_limitations": limits(manifest),
        "data_biases": [limits(manifest)[-1]],
        "personal_sensitive_information": [
            f"personal data looked for: {treated}" if treated else "personal data was not looked for"
        ],
        "data_use_cases": ["training and study of language models"],
        "data_release_maintenance_plan": "removal requests: "
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
