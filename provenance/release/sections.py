"""Whether a manifest has the sections that it states to have, each of its kind: what verify looks at before it counts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from provenance.release.json_schema import manifest_schema
from provenance.release.manifest import FORMAT

_KINDS: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "null": type(None),
}


def check_sections(manifest: dict[str, Any]) -> Iterator[str]:
    """What is missing or of another kind in a manifest of today's format; earlier formats had fewer sections."""
    if manifest.get("format") != FORMAT:
        return
    schema = manifest_schema()
    for name in schema["required"]:
        kind = schema["properties"][name].get("type")
        if name not in manifest:
            yield f"manifest.json: has no `{name}`"
        elif isinstance(kind, str) and not isinstance(manifest[name], _KINDS[kind]):
            yield f"manifest.json: `{name}` is {type(manifest[name]).__name__}, not {kind}"
