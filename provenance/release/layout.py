"""Where the files of a release lie, in this layout and in the former one.

The ledger's folder begins with an underscore: Spark, Hive and pyarrow's discovery pass such folders by, so a reader
that is given the root never mixes documents with rows of the ledger.
"""

from __future__ import annotations

from typing import Any

from provenance.configuration import Release

#: Folders of the two tables, below the directory of a release.
DATA, LEDGER = "data", "_ledger"
#: Where the ledger lay in releases of format 1.
_FORMER_LEDGER = "ledger"


def part_path(folder: str, number: int, count: int) -> str:
    """Path of one of `count` files of a folder, below the directory of a release."""
    return f"{folder}/part-{number:05d}-of-{count:05d}.parquet"


def data_folder(split: str | None) -> str:
    """Folder of the documents of a split; without splits that of all documents."""
    return DATA if split is None else f"{DATA}/{split}"


def is_data(path: str) -> bool:
    """Whether a file of a release holds documents."""
    return path.startswith(f"{DATA}/")


def is_ledger(path: str) -> bool:
    """Whether a file of a release holds rows of the ledger, wherever this or the former layout puts it."""
    return path.startswith((f"{LEDGER}/", f"{_FORMER_LEDGER}/"))


def data_files(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    """Entries of the manifest for the files of documents, in their order."""
    return [item for item in manifest["files"] if is_data(item["path"])]


def ledger_files(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    """Entries of the manifest for the files of the ledger, in their order."""
    return [item for item in manifest["files"] if is_ledger(item["path"])]


def splits_of(options: Release) -> tuple[str | None, ...]:
    """Names of the splits that a configuration asks for; one without a name where it asks for none."""
    return tuple(options.splits) or (None,)
