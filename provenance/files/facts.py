"""What annotated shards say of themselves, asked once: a listing tells which of them are still the ones that were read.

A driver with 90,000 shards would otherwise wait for 90,000 footers at every run.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from provenance.files.shards import shard_metadata
from provenance.files.storage import FileInfo, each
from provenance.files.workspace import Workspace

_STATE = "shards"


def shard_facts(workspace: Workspace, paths: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The metadata of those shards that are there and whole, by their paths.

    One listing, and one call for each shard that was written since it was last looked at, side by side.
    """
    wanted = set(paths)
    there = {
        item.path: item for item in workspace.storage.list(workspace.path("annotated")) if item.path in wanted
    }
    known = _remembered(workspace)
    facts = {path: known[token] for path, item in there.items() if (token := _token(path, item)) in known}
    unread = [item for path, item in there.items() if path not in facts]
    read = each(lambda item: shard_metadata(workspace.storage, item.path, item.size), unread)
    facts.update({item.path: found for item, found in zip(unread, read, strict=True) if found is not None})
    if unread:
        kept = {_token(path, there[path]): found for path, found in facts.items()}
        workspace.write_state(_STATE, {"shards": kept})
    return facts


def _remembered(workspace: Workspace) -> dict[str, dict[str, Any]]:
    return dict((workspace.read_state(_STATE) or {}).get("shards", {}))


def _token(path: str, item: FileInfo) -> str:
    """Name, size and age of a shard: another file has another token."""
    return f"{path.rpartition('/')[2]} {item.size} {item.modified}"
