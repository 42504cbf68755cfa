"""PROV-JSON: the library reads the file, and a published file leads back to every input."""

from __future__ import annotations

from pathlib import Path

from prov.model import ProvDerivation, ProvDocument, ProvEntity, ProvGeneration, ProvUsage

from provenance.release.standards.prov import build_prov
from tests.release.described import manifest_of, tables_of


def read(release: Path) -> ProvDocument:
    found = ProvDocument.deserialize(release / "prov.json", format="json")
    assert isinstance(found, ProvDocument)
    return found


def test_every_input_and_every_file_is_an_entity_with_its_digest(demo_release: Path) -> None:
    manifest = manifest_of(demo_release)
    digests = {
        str(value)
        for entity in read(demo_release).get_records(ProvEntity)
        for name, value in entity.attributes
        if str(name) == "pp:sha256"
    }
    assert digests >= {item["sha256"] for item in manifest["inputs"]}
    assert digests >= {item["sha256"] for item in tables_of(manifest)["files"]}


def test_a_published_file_leads_back_to_the_inputs(demo_release: Path) -> None:
    document = read(demo_release)
    made_by = {str(r.args[0]): str(r.args[1]) for r in document.get_records(ProvGeneration)}
    used: dict[str, set[str]] = {}
    for record in document.get_records(ProvUsage):
        used.setdefault(str(record.args[0]), set()).add(str(record.args[1]))
    reached, open_ = set(), {"run:file/data/part-00000-of-00001.parquet"}
    while open_:
        entity = open_.pop()
        reached.add(entity)
        open_ |= used.get(made_by.get(entity, ""), set()) - reached
    inputs = manifest_of(demo_release)["inputs"]
    assert {f"run:input/{number}" for number in range(len(inputs))} <= reached
    assert len(list(document.get_records(ProvDerivation))) == 3


def test_files_larger_than_a_32_bit_number_are_described(demo_release: Path) -> None:
    manifest = tables_of(manifest_of(demo_release))
    manifest["inputs"] = [{"name": "a.warc", "bytes": 2**40, "sha256": None}]
    assert b'"type": "xsd:long"' in build_prov(manifest)
    assert b"xsd:int" not in build_prov(manifest)
