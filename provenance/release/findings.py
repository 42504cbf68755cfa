"""Whether the files of a release are those of its manifest, and what a hub left or changed around them.

A hub adds files of its own and rewrites the header of the card; neither touches what the manifest promises, so both are
remarks. All else that differs is a problem.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from provenance.errors import UsageError, suggestion
from provenance.files.ownership import LOCK, MANIFEST
from provenance.files.storage import Storage, join, read_bytes
from provenance.release.manifest import body_digest
from provenance.release.sign import SIGNATURE
from provenance.release.standards.files import CARD

_CHUNK = 1 << 20
#: What a hub, git or a download leaves in a directory: files, and folders with all that is in them.
_LEFT = (".gitattributes", ".gitignore", ".DS_Store", ".cache/", ".git/", ".huggingface/")


@dataclass
class Findings:
    """What is wrong with a release, and what is only to be known; one sentence each."""

    problems: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def check_files(storage: Storage, release: str, manifest: dict[str, Any], findings: Findings) -> None:
    """Add what is missing, changed or not in the manifest."""
    listed = {item["path"]: item for item in manifest["files"]}
    prefix = release.rstrip("/") + "/"
    present = {item.path.removeprefix(prefix) for item in storage.list(release)}
    for item in listed.values():
        problems = list(check_one(storage, release, item))
        if problems and item["path"] == CARD and _same_body(storage, release, item):
            findings.remarks.append(
                f"{CARD}: its header was rewritten, as a hub does; what stands below it is as published"
            )
        else:
            findings.problems += problems
    unknown = sorted(present - set(listed) - {MANIFEST, LOCK, SIGNATURE})
    left = [path for path in unknown if path.startswith(_LEFT)]
    findings.problems += [f"{path}: is not in the manifest" for path in unknown if path not in left]
    if left:
        more = f" and {len(left) - 1:,} more" if len(left) > 1 else ""
        findings.remarks.append(f"{left[0]}{more}: left by a hub, not part of the release")
    if SIGNATURE in present:
        findings.remarks.append(
            f"{SIGNATURE}: the manifest is signed; check it by `provenance verify RELEASE --key FILE`"
        )


def check_one(storage: Storage, release: str, item: dict[str, Any]) -> Iterator[str]:
    """What is wrong with one file that the manifest lists: that it is missing, of another size or digest."""
    path = item["path"]
    found = storage.info(join(release, path))
    if found is None:
        yield f"{path}: is missing"
    elif found.size != item["bytes"]:
        yield f"{path}: has {found.size:,} bytes, the manifest says {item['bytes']:,}"
    elif _digest(storage, join(release, path)) != item["sha256"]:
        yield f"{path}: its SHA-256 is not the one in the manifest (the file was changed or damaged)"


def find_part(manifest: dict[str, Any], name: str) -> dict[str, Any]:
    """The one file of a manifest whose path is `name` or ends in it.

    Raises:
        UsageError: where there is none, or more than one.
    """
    found = [item for item in manifest["files"] if item["path"] == name]
    found = found or [item for item in manifest["files"] if f"/{item['path']}".endswith(f"/{name}")]
    if len(found) == 1:
        return dict(found[0])
    paths = [item["path"] for item in manifest["files"]]
    if not found:
        raise UsageError(f"no file of the release is called {name!r}{suggestion(name, paths)}")
    raise UsageError(
        f"{name!r} is the name of {len(found)} files: " + ", ".join(item["path"] for item in found)
    )


def compare_copy(storage: Storage, release: str, copy_storage: Storage, copy: str) -> Findings:
    """What of the copy of a release at another place is not as it is here; every file of the copy is read."""
    findings = Findings()
    own = read_bytes(storage, join(release, MANIFEST))
    if copy_storage.info(join(copy, MANIFEST)) is None:
        findings.problems.append(f"{copy}: is no copy of {release}: there is no {MANIFEST}")
    elif read_bytes(copy_storage, join(copy, MANIFEST)) != own:
        findings.problems.append(
            f"{join(copy, MANIFEST)}: is not that of {release}; upload the release again as a whole"
        )
    return findings


def _same_body(storage: Storage, release: str, item: dict[str, Any]) -> bool:
    """Whether a card that was changed still has the text that was published below its header."""
    path = join(release, item["path"])
    return storage.info(path) is not None and body_digest(read_bytes(storage, path)) == item.get(
        "body_sha256"
    )


def _digest(storage: Storage, path: str) -> str:
    digest = hashlib.sha256()
    with storage.open(path) as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
