"""Which standards' files a release has, and how each is made and checked: from the manifest and the columns alone.

They describe the data and ledger files that the manifest lists; `provenance verify` checks their digests, that each is
valid by its own standard, and that it says what the manifest says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa

from provenance.release.standards.croissant import (
    CROISSANT,
    build_croissant,
    check_croissant,
    differing_digests,
)
from provenance.release.standards.data_provenance import (
    DATA_PROVENANCE,
    build_data_provenance,
    check_data_provenance,
)
from provenance.release.standards.hub import check_card
from provenance.release.standards.lineage import LINEAGE, build_lineage, check_lineage
from provenance.release.standards.prov import PROV, build_prov, check_prov

CARD = "README.md"
#: How each file is checked by its own standard.
CHECKS: dict[str, Callable[[bytes], Iterator[str]]] = {
    CROISSANT: check_croissant,
    DATA_PROVENANCE: check_data_provenance,
    LINEAGE: check_lineage,
    PROV: check_prov,
    CARD: check_card,
}


def build_standards(manifest: dict[str, Any], schemas: dict[str, pa.Schema]) -> dict[str, bytes]:
    """Every file but the card, by its path.

    `manifest` is the release's, with the data and ledger files that it lists; `schemas` those of its tables: `data`,
    `ledger` and, where they are known, `annotated` and `decisions`.
    """
    return {
        CROISSANT: build_croissant(manifest, schemas),
        DATA_PROVENANCE: build_data_provenance(manifest),
        LINEAGE: build_lineage(manifest, schemas),
        PROV: build_prov(manifest),
    }


def check_standards(read: Callable[[str], bytes], manifest: dict[str, Any]) -> Iterator[str]:
    """What is wrong with the standards' files that the manifest lists, one sentence each."""
    for item in manifest["files"]:
        if item["path"] in CHECKS:
            yield from check_file(item["path"], read(item["path"]), manifest)


def check_file(path: str, data: bytes, manifest: dict[str, Any]) -> Iterator[str]:
    """What is wrong with one standards' file, one sentence each."""
    problems = list(CHECKS[path](data))
    if not problems and path == CROISSANT:
        problems = list(differing_digests(data, manifest))
    for problem in problems:
        yield f"{path}: {problem}; publish the release anew (`provenance publish`)"
