"""Which files a command reads, and the stable name each of them has inside a workspace.

The name enters doc_id and `input_file`: it is the path below the directory that was given, so a crawl
can move to another disk and keep its identity, and no path of the user's machine is published.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from provenance.storage import FileInfo, Storage

#: Files of a directory that are taken for crawl files; a file or glob that is named is always read.
_CRAWL_FILE = re.compile(r"\.(warc|arc|wet|jsonl|ndjson|parquet)(\.(gz|zst|zstd|lz4))?$", re.IGNORECASE)
_WILDCARD = re.compile(r"[*?\[]")


class InputError(ValueError):
    """An INPUT that cannot be used; the message says which and why."""


@dataclass(frozen=True)
class InputFile:
    """A crawl file: where it is, its name in the workspace, its size and a token of its content's age."""

    path: str
    name: str
    size: int
    modified: str


def find_inputs(storage: Storage, patterns: Sequence[str]) -> tuple[list[InputFile], list[str]]:
    """Expand files, directories and globs into input files sorted by name, and the paths that were passed over.

    Raises:
        InputError: where a pattern matches nothing.
    """
    found: dict[str, InputFile] = {}
    ignored: list[str] = []
    for pattern in patterns:
        matches, passed_over = _expand(storage, pattern)
        if not matches:
            raise InputError(_nothing_found(storage, pattern, passed_over))
        ignored += passed_over
        for item in matches:
            found.setdefault(item.path, item)
    counts = Counter(item.name for item in found.values())
    # Two directories may hold files of one name: those, and only those, keep their whole path.
    inputs = [
        replace(item, name=item.path.lstrip("/")) if counts[item.name] > 1 else item
        for item in found.values()
    ]
    return sorted(inputs, key=lambda item: item.name), sorted(set(ignored) - set(found))


def _expand(storage: Storage, pattern: str) -> tuple[list[InputFile], list[str]]:
    if not _WILDCARD.search(pattern) or storage.info(pattern):
        status = storage.info(pattern)
        if status is not None and not _is_directory(pattern):
            return [_input(status, os.path.dirname(pattern))], []
        files = storage.list(pattern)
        chosen = [item for item in files if _is_crawl_file(item.path, pattern)]
        passed_over = [item.path for item in files if not _is_crawl_file(item.path, pattern)]
        return [_input(item, pattern) for item in chosen], passed_over
    base = _WILDCARD.split(pattern)[0].rpartition("/")[0]
    accept = re.compile(_glob_regex(pattern))
    files = storage.list(base or ".")
    prefix = "" if base or pattern.startswith("./") else "./"
    return [_input(item, base) for item in files if accept.fullmatch(item.path.removeprefix(prefix))], []


def _is_directory(path: str) -> bool:
    return "://" not in path and os.path.isdir(path)


def _is_crawl_file(path: str, directory: str) -> bool:
    relative = path[len(directory) :].lstrip("/")
    hidden = any(part.startswith((".", "_")) for part in relative.split("/"))
    return not hidden and _CRAWL_FILE.search(path) is not None


def _input(item: FileInfo, base: str) -> InputFile:
    base = base.rstrip("/")
    name = item.path[len(base) :] if base and item.path.startswith(base + "/") else item.path
    return InputFile(item.path, name.lstrip("/").removeprefix("./"), item.size, item.modified)


def _glob_regex(pattern: str) -> str:
    """`*` and `?` stay inside one directory, `**` crosses directories."""
    parts = re.split(r"(\*\*/|\*\*|\*|\?|\[[^\]]*\])", pattern)
    table = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return "".join(table.get(part) or (part if part.startswith("[") else re.escape(part)) for part in parts)


def _nothing_found(storage: Storage, pattern: str, passed_over: list[str]) -> str:
    if passed_over:
        return (
            f"{pattern}: none of the {len(passed_over)} files there is named like a crawl file "
            "(.warc, .arc, .wet, .jsonl, .parquet, also with .gz, .zst, .lz4); name the files themselves to read them"
        )
    if _WILDCARD.search(pattern):
        return f"{pattern}: no file matches"
    return f"{pattern}: no such file or directory, or an empty directory"
