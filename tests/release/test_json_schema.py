"""The published schemas and the generated tables of docs/ say what the code says."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pyarrow.parquet as pq
import pytest

from pipelines.command import main
from provenance.configuration import Configuration, load_configuration
from provenance.release.json_schema import MEANING, table_schema
from provenance.schema import LEDGER, RELEASE

ROOT = Path(__file__).resolve().parents[2]


def schema(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ROOT / "schemas" / name).read_text(encoding="utf-8"))
    return found


def generated_files() -> dict[Path, str]:
    spec = importlib.util.spec_from_file_location("schemas", ROOT / "scripts/make/schemas.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: dict[Path, str] = module.files()
    return found


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real release of one file of the demo crawl."""
    directory = tmp_path_factory.mktemp("schemas") / "release"
    crawl = ROOT / "provenance" / "demo" / "demo-2019.jsonl"
    assert main(["curate", str(crawl), "--output", str(directory), "--quiet", "--json"]) == 0
    return directory


def test_schemas_and_tables_are_up_to_date() -> None:
    stale = [
        path.name
        for path, text in generated_files().items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    assert not stale, "run scripts/make/schemas.py"


def test_every_column_has_a_meaning_and_every_meaning_a_column() -> None:
    assert set(MEANING) == {*RELEASE.names, *LEDGER.names}


def test_the_documentation_names_every_column() -> None:
    text = (ROOT / "docs" / "columns.md").read_text(encoding="utf-8")
    assert [name for name in MEANING if f"| `{name}` |" not in text] == []


def test_schemas_are_valid_json_schemas() -> None:
    for name in ("configuration.schema.json", "manifest.schema.json"):
        jsonschema.Draft202012Validator.check_schema(schema(name))


def test_the_default_configuration_validates() -> None:
    defaults = Configuration().model_dump(mode="json")
    jsonschema.validate(defaults, schema("configuration.schema.json"))
    jsonschema.validate({}, schema("configuration.schema.json"))


def test_the_example_of_the_documentation_is_a_valid_configuration(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    example = tmp_path / "example.yaml"
    example.write_text(text.split("```yaml\n")[1].split("```")[0], encoding="utf-8")
    assert load_configuration(example).cap.guarantee == "expected"


@pytest.mark.parametrize(
    "wrong", [{"unknown": 1}, {"cap": {"max_sinthetic": 0.1}}, {"cap": {"unit": "words"}}]
)
def test_a_wrong_configuration_does_not_validate(wrong: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, schema("configuration.schema.json"))


def test_a_real_manifest_validates(release: Path) -> None:
    manifest = json.loads((release / "manifest.json").read_text(encoding="utf-8"))
    jsonschema.validate(manifest, schema("manifest.schema.json"))
    jsonschema.validate(manifest["configuration"], schema("configuration.schema.json"))


@pytest.mark.parametrize("key", ["synthetic", "counts", "files", "fingerprint"])
def test_a_manifest_without_a_part_does_not_validate(release: Path, key: str) -> None:
    manifest = json.loads((release / "manifest.json").read_text(encoding="utf-8"))
    del manifest[key]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(manifest, schema("manifest.schema.json"))


@pytest.mark.parametrize(("folder", "name"), [("data", "release"), ("_ledger", "ledger")])
def test_a_real_file_has_the_columns_of_its_schema(release: Path, folder: str, name: str) -> None:
    for path in (release / folder).glob("*.parquet"):
        found = table_schema(name, pq.read_schema(path))
        assert found == schema(f"{name}.schema.json")


def test_the_library_is_imported_without_its_heavy_parts() -> None:
    code = (
        "import sys, provenance; print([m for m in ('apache_beam', 'numba', 'pyarrow') if m in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert result.stdout.strip() == "[]"


def test_every_public_name_can_be_imported_without_beam() -> None:
    code = (
        "import sys, provenance\n"
        "for name in provenance.__all__: getattr(provenance, name)\n"
        "print('apache_beam' in sys.modules)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert result.stdout.strip() == "False"
