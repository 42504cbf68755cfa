"""What the standards' files of a finished release were made from: its manifest and the columns of its files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from provenance.schema import ANNOTATED, DECISIONS


def manifest_of(release: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((release / "manifest.json").read_text(encoding="utf-8"))
    return found


def tables_of(manifest: dict[str, Any]) -> dict[str, Any]:
    """The manifest as it was when the files that describe data and ledger were made."""
    files = [item for item in manifest["files"] if item["path"].startswith(("data/", "_ledger/"))]
    return {**manifest, "files": files}


def schemas_of(release: Path) -> dict[str, pa.Schema]:
    found = {
        table: pq.read_schema(sorted((release / folder).glob("*.parquet"))[0])
        for table, folder in (("data", "data"), ("ledger", "_ledger"))
    }
    return {**found, "annotated": ANNOTATED, "decisions": DECISIONS}
