"""The card's header is what the hub's own libraries write and read."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from huggingface_hub import DatasetCard

from provenance.release.standards.hub import build_header, features_of, size_of, split_card
from provenance.schema import LEDGER, RELEASE
from tests.program import data
from tests.release.described import manifest_of, schemas_of, tables_of


def kept_languages(release: Path) -> list[str]:
    """Languages of the published documents, as the hub names them."""
    column = data(release).language.dropna()
    return sorted({name for name in column if name != "und"})


def test_the_hub_reads_the_card(demo_release: Path) -> None:
    card = DatasetCard((demo_release / "README.md").read_text(encoding="utf-8"))
    found, counts = card.data.to_dict(), manifest_of(demo_release)["counts"]
    assert found["license"] == "unknown"
    assert found["size_categories"] == ["n<1K"]
    assert set(kept_languages(demo_release)) == set(found["language"])
    assert {item["config_name"]: item["splits"][0]["num_examples"] for item in found["dataset_info"]} == {
        "default": counts["kept"],
        "ledger": counts["records"],
    }


@pytest.mark.parametrize("schema", [RELEASE, LEDGER])
def test_features_are_those_that_datasets_would_write(schema: pa.Schema) -> None:
    datasets = pytest.importorskip("datasets")
    assert features_of(schema) == datasets.Features.from_arrow_schema(schema)._to_yaml_list()


@pytest.mark.parametrize(
    ("expression", "license_", "name"),
    [
        ("ODC-By-1.0", "license: odc-by-1.0", None),
        ("CC-BY-4.0 AND MIT", "license: other", "license_name: CC-BY-4.0 AND MIT"),
    ],
)
def test_a_licence_of_the_compilation_is_stated(
    demo_release: Path, expression: str, license_: str, name: str | None
) -> None:
    manifest = tables_of(manifest_of(demo_release))
    manifest["configuration"]["about"]["license"] = expression
    header = build_header(manifest, schemas_of(demo_release))
    assert license_ in header and (name is None or name in header)


def test_sizes_are_the_categories_of_the_hub() -> None:
    sizes = [size_of(count) for count in (0, 999, 1000, 10**6, 10**9, 5 * 10**10, 5 * 10**11, 10**12)]
    assert sizes == ["n<1K", "n<1K", "1K<n<10K", "1M<n<10M", "1B<n<10B", "10B<n<100B", "100B<n<1T", "n>1T"]


def test_a_card_is_split_into_header_and_body() -> None:
    assert split_card("---\na: 1\n---\n\n# Title\n---\n") == ("a: 1", "\n# Title\n---\n")
    assert split_card("# Title\n") == ("", "# Title\n")
