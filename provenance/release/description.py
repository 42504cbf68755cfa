"""The files that describe the data and the ledger of a release, all from the manifest that lists those two."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from provenance.release.card import build_card
from provenance.release.contents import DOMAINS, list_domains
from provenance.release.standards.files import CARD, build_standards


def describe_release(
    manifest: dict[str, Any], schemas: dict[str, pa.Schema], contents: pa.Table
) -> list[tuple[str, bytes]]:
    """Path and bytes of each file, the card last.

    `schemas`: those of the tables `data`, `ledger`, `annotated` and `decisions`; `contents`: what the files hold
    (`contents.CONTENTS`).
    """
    standards = build_standards(manifest, schemas)
    card = build_card(manifest, schemas).encode("utf-8", "replace")
    return [(DOMAINS, list_domains(contents)), *standards.items(), (CARD, card)]
