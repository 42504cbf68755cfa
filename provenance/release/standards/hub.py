"""The header of the dataset card, by the classes of `huggingface_hub`: licence, languages, sizes, features, splits, files.

It says what `datasets.load_dataset` would otherwise find out by reading: the features are those of the files.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from provenance.release.layout import DATA, LEDGER, data_files, data_folder, ledger_files

#: What the hub calls sizes, by the number of documents below which they end.
_SIZES = (
    (10**3, "n<1K"),
    (10**4, "1K<n<10K"),
    (10**5, "10K<n<100K"),
    (10**6, "100K<n<1M"),
    (10**7, "1M<n<10M"),
    (10**8, "10M<n<100M"),
    (10**9, "100M<n<1B"),
    (10**10, "1B<n<10B"),
    (10**11, "10B<n<100B"),
    (10**12, "100B<n<1T"),
)


def build_header(manifest: dict[str, Any], schemas: dict[str, pa.Schema]) -> str:
    """YAML of the card's header, without the lines that fence it."""
    from huggingface_hub import DatasetCardData

    about, contents = manifest["configuration"]["about"], manifest["contents"]["documents"]
    languages = sorted({row["value"] for row in contents["languages"] if row["value"]})
    known = [code for code in languages if code.isalpha() and len(code) in (2, 3)]
    expression = about["license"] or manifest["license"]["expression"]
    card = DatasetCardData(
        license=_license(expression),
        language=known or None,
        multilinguality="monolingual" if len(known) == 1 else "multilingual",
        language_creators=["found"],
        annotations_creators=["machine-generated"],
        size_categories=[size_of(manifest["counts"]["kept"])],
        source_datasets=["extended"],
        task_categories=["text-generation"],
        pretty_name=about["title"],
        tags=["provenance", "web-crawl"],
        configs=_configs(list(manifest["splits"])),
        dataset_info=[
            {
                "config_name": "default",
                "features": features_of(schemas["data"]),
                "splits": _splits(data_files(manifest)),
            },
            {
                "config_name": "ledger",
                "features": features_of(schemas["ledger"]),
                "splits": _splits(ledger_files(manifest)),
            },
        ],
    )
    if _license(expression) == "other":
        card["license_name"], card["license_link"] = expression[:200], about["url"] or "manifest.json"
    return str(card.to_yaml()).strip()


def size_of(documents: int) -> str:
    """The hub's category of a number of documents."""
    return next((name for end, name in _SIZES if documents < end), "n>1T")


def features_of(schema: pa.Schema) -> list[dict[str, Any]]:
    """An Arrow schema as `datasets` writes features in a card."""
    return [_feature(field) for field in schema]


def split_card(text: str) -> tuple[str, str]:
    """The header of a card (YAML) and all that follows it; no header: an empty one."""
    if not text.startswith("---\n") or "\n---\n" not in text[4:]:
        return "", text
    header, _, body = text[4:].partition("\n---\n")
    return header, body


def check_card(data: bytes) -> Iterator[str]:
    """Why the hub's library cannot read the card, if it cannot."""
    import yaml
    from huggingface_hub import DatasetCard

    try:
        DatasetCard(data.decode())
    except (ValueError, TypeError, yaml.YAMLError) as error:
        yield f"is no valid dataset card: {error}"


def _configs(splits: list[str]) -> list[dict[str, Any]]:
    """Where each split of each table lies."""
    folders = [{"split": name, "path": f"{data_folder(name)}/*.parquet"} for name in splits]
    return [
        {"config_name": "default", "data_files": folders or f"{DATA}/*.parquet", "default": True},
        {"config_name": "ledger", "data_files": f"{LEDGER}/*.parquet"},
    ]


def _splits(files: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Name, bytes and examples of each split; files of none are all one, which the hub calls train."""
    found: dict[str, dict[str, Any]] = {}
    for item in files:
        name = item.get("split") or "train"
        row = found.setdefault(name, {"name": name, "num_bytes": 0, "num_examples": 0})
        row["num_bytes"] += item["bytes"]
        row["num_examples"] += item.get("documents", item.get("records", 0))
    return list(found.values())


def _license(expression: str) -> str:
    """The hub's name of an SPDX expression: a single licence in lower case, a mixture is `other`, nothing `unknown`."""
    if expression == "NOASSERTION":
        return "unknown"
    single = " " not in expression and not expression.startswith("LicenseRef-")
    return expression.lower() if single else "other"


def _feature(field: pa.Field) -> dict[str, Any]:
    return {"name": field.name, **_type(field.type)}


def _type(type_: pa.DataType) -> dict[str, Any]:
    if pa.types.is_list(type_):
        inner = _type(type_.value_type)
        return {"list": inner.get("struct") or inner.get("dtype") or inner}
    if pa.types.is_struct(type_):
        return {"struct": [_feature(type_.field(at)) for at in range(type_.num_fields)]}
    names = {"double": "float64", "float": "float32", "halffloat": "float16"}
    return {"dtype": names.get(str(type_), str(type_))}
