"""Values that occur throughout the JSON Schema of a manifest."""

from __future__ import annotations

from typing import Any

COUNT: dict[str, Any] = {"type": "integer", "minimum": 0}
NAME: dict[str, Any] = {"type": "string", "minLength": 1}
NUMBER: dict[str, Any] = {"type": "number"}
SHARE: dict[str, Any] = {"type": "number", "minimum": 0, "maximum": 1}
SHA256: dict[str, Any] = {"type": "string", "pattern": "^[0-9a-f]{64}$"}


def described(schema: dict[str, Any], description: str) -> dict[str, Any]:
    """The same schema with what it means."""
    return schema | {"description": description}


def object_(properties: dict[str, Any]) -> dict[str, Any]:
    """All properties required; later versions may add others."""
    return {"type": "object", "required": sorted(properties), "properties": dict(properties)}
