"""The mixture of licences that pages declare, as an SPDX expression; what no page says is not said for it.

Source: SPDX specification 3.0, annex on license expressions; identifiers are checked against the list of `license-expression`.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

#: What SPDX writes where nothing is asserted.
NOTHING = "NOASSERTION"


def spdx_of_mixture(contents: dict[str, Any]) -> dict[str, Any]:
    """The `license` section of a manifest: for the whole, for what is declared, and how much declares nothing.

    `expression` is NOASSERTION as soon as one document declares no licence: a mixture is as free as its least free part.
    """
    rows = contents["documents"]["licenses"]
    declared = [row["value"] for row in rows if row["value"]]
    more = contents["documents"]["licenses_in_all"] > len(rows)
    silent = [row for row in rows if not row["value"]]
    references: dict[str, str] = {}
    names = _identifiers(declared, references)
    joined = " AND ".join(sorted(names)) or NOTHING
    return {
        "expression": NOTHING if silent or more or not names else joined,
        "declared": joined,
        "references": dict(sorted(references.items())),
        "documents_without": sum(row["documents"] for row in silent),
    }


def _identifiers(values: list[str], references: dict[str, str]) -> set[str]:
    """Of each the identifier on the SPDX list, else a LicenseRef, whose meaning is added to `references`."""
    if not values:
        return set()
    from license_expression import get_spdx_licensing

    known = get_spdx_licensing().known_symbols  # built anew by each call
    names = {_reference(value): value for value in values if value not in known}
    references.update(names)
    return {*names, *(value for value in values if value in known)}


def _reference(value: str) -> str:
    readable = re.sub(r"[^A-Za-z0-9.]+", "-", value.split("://")[-1]).strip("-.")[:60]
    return f"LicenseRef-{readable}-{hashlib.sha256(value.encode('utf-8', 'replace')).hexdigest()[:8]}"
