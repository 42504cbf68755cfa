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


def build_prov(manifest: dict[str, Any]) -> bytes:
    """The file."""
    from prov.constants import PROV as TERMS
    from prov.constants import XSD_LONG
    from prov.model import Literal, ProvDocument

    def whole(number: int) -> Any:
        return Literal(str(number), XSD_LONG)

    document = ProvDocument()
    document.add_namespace("pp", f"{HOME}:")
    document.add_namespace("run", f"urn:uuid:{release_id(manifest)}/")
    document.add_namespace("stage", "urn:uuid:")
    about = manifest["configuration"]["about"]
    program = document.agent(
        "pp:program",
        {"prov:type": TERMS["SoftwareAgent"], "prov:label": f"{PROGRAM} {version_of(manifest)}"},
    )
    if about["publisher"]:
        publisher = document.agent(
            "run:publisher", {"prov:type": TERMS["Organization"], "prov:label": about["publisher"]}
        )
        document.actedOnBehalfOf(program, publisher)
    made = {name: document.entity(f"run:{name}") for name in _MADE.values()}
    made["release"].add_attributes({"prov:type": TERMS["Collection"], "prov:label": about["title"]})
    stages = {}
    for item in (run for run in manifest["runs"] if run["stage"] in _MADE):
        stages[item["stage"]] = stage = document.activity(
            f"stage:{item['run']}", None, None, {"prov:label": item["stage"], "pp:rows": whole(item["rows"])}
        )
        document.wasAssociatedWith(stage, program)
        document.wasGeneratedBy(made[_MADE[item["stage"]]], stage)
        for name in _USED[item["stage"]]:
            document.used(stage, made[name])
    for number, item in enumerate(sources_of(manifest)):
        told = {"prov:label": item["name"], "pp:records": whole(item["records"])}
        if item["url"]:
            told["prov:location"] = item["url"]
        source = document.entity(f"run:source/{number}", told)
        document.wasDerivedFrom(made["release"], source)
    for number, item in enumerate(manifest["inputs"]):
        told = {"prov:label": item["name"], "pp:bytes": whole(item["bytes"])}
        if item.get("sha256"):
            told["pp:sha256"] = item["sha256"]
        document.used(stages["annotate"], document.entity(f"run:input/{number}", told))
    for item in manifest["files"]:
        told = {"pp:sha256": item["sha256"], "pp:bytes": whole(item["bytes"])}
        part = document.entity(f"run:file/{item['path']}", told)
        document.hadMember(made["release"], part)
        document.wasGeneratedBy(part, stages["publish"])
    found = json.loads(document.serialize(format="json") or "")
    return (json.dumps(found, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode("utf-8", "replace")


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
