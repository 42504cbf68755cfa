"""`prov.json`: how the release came to be in the W3C PROV data model, as PROV-JSON.

Entities are inputs, what stages left for each other, and files of the release; activities are the stages, named by their
fingerprints. No times are stated: nothing here reads a clock (promise 5).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from provenance.release.standards.origin import HOME, PROGRAM, release_id, sources_of, version_of

PROV = "prov.json"
#: What each stage makes for the next one.
_MADE = {"annotate": "annotated", "deduplicate": "clusters", "select": "decisions", "publish": "release"}
_USED = {
    "annotate": (),
    "deduplicate": ("annotated",),
    "select": ("annotated", "clusters"),
    "publish": ("annotated", "decisions"),
}


class _Document:
    """Records of PROV-JSON, numbered as the library numbers them."""

    def __init__(self, **prefixes: str) -> None:
        self.records: dict[str, dict[str, Any]] = {"prefix": prefixes}
        self._relations = 0

    def add(self, kind: str, name: str, **attributes: Any) -> str:
        """An entity, an activity or an agent; `prov_label` and its like are attributes of a vocabulary."""
        told = {key.replace("_", ":", 1): value for key, value in attributes.items()}
        self.records.setdefault(kind, {})[name] = told
        return name

    def relate(self, kind: str, **ends: str) -> None:
        self._relations += 1
        related = {f"prov:{role}": name for role, name in ends.items()}
        self.records.setdefault(kind, {})[f"_:id{self._relations}"] = related


def _whole(number: int) -> dict[str, str]:
    return {"$": str(number), "type": "xsd:long"}


def _kind(name: str) -> dict[str, str]:
    return {"$": f"prov:{name}", "type": "xsd:QName"}


def build_prov(manifest: dict[str, Any]) -> bytes:
    """The file, as the library `prov` writes it; built without it, which takes .1 s to load."""
    document = _Document(pp=f"{HOME}:", run=f"urn:uuid:{release_id(manifest)}/", stage="urn:uuid:")
    about = manifest["configuration"]["about"]
    program = document.add(
        "agent",
        "pp:program",
        prov_type=_kind("SoftwareAgent"),
        prov_label=f"{PROGRAM} {version_of(manifest)}",
    )
    if about["publisher"]:
        publisher = document.add(
            "agent", "run:publisher", prov_type=_kind("Organization"), prov_label=about["publisher"]
        )
        document.relate("actedOnBehalfOf", delegate=program, responsible=publisher)
    for name in _MADE.values():
        told = {"prov_type": _kind("Collection"), "prov_label": about["title"]} if name == "release" else {}
        document.add("entity", f"run:{name}", **told)
    stages = {}
    for item in (run for run in manifest["runs"] if run["stage"] in _MADE):
        stages[item["stage"]] = stage = document.add(
            "activity", f"stage:{item['run']}", prov_label=item["stage"], pp_rows=_whole(item["rows"])
        )
        document.relate("wasAssociatedWith", activity=stage, agent=program)
        document.relate("wasGeneratedBy", entity=f"run:{_MADE[item['stage']]}", activity=stage)
        for name in _USED[item["stage"]]:
            document.relate("used", activity=stage, entity=f"run:{name}")
    _add_origins(document, manifest, stages["annotate"])
    for item in manifest["files"]:
        part = document.add(
            "entity", f"run:file/{item['path']}", pp_sha256=item["sha256"], pp_bytes=_whole(item["bytes"])
        )
        document.relate("hadMember", collection="run:release", entity=part)
        document.relate("wasGeneratedBy", entity=part, activity=stages["publish"])
    return (json.dumps(document.records, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode(
        "utf-8", "replace"
    )


def _add_origins(document: _Document, manifest: dict[str, Any], read_by: str) -> None:
    """The sources of a release, and the files that its first stage read."""
    for number, item in enumerate(sources_of(manifest)):
        told = {"prov_label": item["name"], "pp_records": _whole(item["records"])}
        if item["url"]:
            told["prov_location"] = item["url"]
        source = document.add("entity", f"run:source/{number}", **told)
        document.relate("wasDerivedFrom", generatedEntity="run:release", usedEntity=source)
    for number, item in enumerate(manifest["inputs"]):
        told = {"prov_label": item["name"], "pp_bytes": _whole(item["bytes"])}
        if item.get("sha256"):
            told["pp_sha256"] = item["sha256"]
        document.relate(
            "used", activity=read_by, entity=document.add("entity", f"run:input/{number}", **told)
        )


def check_prov(data: bytes) -> Iterator[str]:
    """Why the library cannot read the file, if it cannot."""
    from prov import Error
    from prov.model import ProvDocument

    try:
        document = ProvDocument.deserialize(content=data.decode(), format="json")
    except (Error, ValueError, KeyError, TypeError, AttributeError) as error:
        yield f"is no valid PROV-JSON: {error}"
        return
    if not list(document.get_records()):
        yield "holds no PROV records"
