"""A release written out in another format: checked before any work, shard by shard, finished by what says so."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from provenance import __version__
from provenance.errors import UsageError
from provenance.feed.export.directory import DATA, RELEASE, Directory
from provenance.feed.export.jsonl import JsonLines
from provenance.feed.export.litdata import LitData
from provenance.feed.export.mds import Mds
from provenance.feed.export.plan import Format, Settings, as_json, plan_shards
from provenance.feed.export.tokens import open_tokens
from provenance.feed.export.webdataset import WebDataset
from provenance.feed.release import OpenRelease, is_fed, open_release
from provenance.files.ownership import MANIFEST, hold
from provenance.files.storage import AnyStorage, Storage, is_address, join, read_bytes
from provenance.release.manifest import read_manifest

#: Names of the formats.
FORMATS = ("jsonl", "webdataset", "litdata", "mds", "tokens")
#: What is carried along of a release, where it is there.
_CARRIED = (MANIFEST, "README.md", "croissant.json")
#: What each option belongs to; others refuse it.
_ONLY = {
    "compression": "jsonl",
    "tokenizer": "tokens",
    "another_tokenizer": "tokens",
    "end": "tokens",
    "sequence": "tokens",
}


@dataclass(frozen=True)
class Exported:
    """What an export did: shards and documents in all, and how many shards stood from an earlier run."""

    shards: int
    documents: int
    stood: int


def export_release(
    place: str, output: str, settings: Settings, *, storage: Storage | None = None
) -> Exported:
    """Write a release to the local directory `output`; one that was interrupted goes on.

    Shards lie in `data/`, the release's manifest and card in `release/`, and `export.json` says what was made of what, with digests.
    Memory follows a block (a shard with litdata), not the release.

    Raises:
        UsageError: before anything is written, where the output holds something else, or documents, a column, split, library or
            tokenizer are not there.
        DataError: where the release is damaged.
    """
    storage = storage or AnyStorage()
    _check_settings(output, settings)
    release, manifest = _open(place, settings, storage)
    if not release.documents:
        raise UsageError(f"{release.place}: holds no documents, so there is nothing to export")
    form = _format(release, settings, manifest)
    asked = as_json(settings, release, form.describe())
    shards = plan_shards(release, settings.shard_bytes or form.shard_bytes)
    directory = Directory(Path(output))
    directory.check(asked)
    with hold(output, "export"):
        directory.begin(asked)
        stood = 0
        for shard in shards:
            if directory.finished(shard):
                stood += 1
            else:
                directory.add(shard, form.write)
        form.finish(directory.root / DATA, directory.notes(shards))
        _carry(storage, place, directory.root)
        directory.finish(shards, _manifest(asked, manifest, release, len(shards)))
    return Exported(len(shards), release.documents, stood)


def _open(place: str, settings: Settings, storage: Storage) -> tuple[OpenRelease, dict[str, Any]]:
    manifest = read_manifest(storage, place)
    if settings.to == "tokens":
        columns: tuple[str, ...] = ("text", "token_count")
        if (manifest.get("tokenizer") or {}).get("sha256") is None or settings.another_tokenizer:
            columns = ("text",)
    elif settings.columns is not None:
        columns = settings.columns
    else:
        whole = open_release(place, split=settings.split, storage=storage)
        columns = tuple(name for name in whole.schema.names if is_fed(whole.schema.field(name).type))
    return open_release(place, columns, split=settings.split, storage=storage), manifest


def _format(release: OpenRelease, settings: Settings, manifest: dict[str, Any]) -> Format:
    if settings.to == "tokens":
        return open_tokens(release, settings, manifest)
    if settings.to == "jsonl":
        return JsonLines(release, settings.compression or "zst")
    made: dict[str, type[WebDataset] | type[LitData] | type[Mds]] = {
        "webdataset": WebDataset,
        "litdata": LitData,
        "mds": Mds,
    }
    return made[settings.to](release)


def _check_settings(output: str, settings: Settings) -> None:
    if settings.to not in FORMATS:
        raise UsageError(f"there is no format {settings.to!r}; there are {', '.join(FORMATS)}")
    if is_address(output):
        raise UsageError(
            f"{output}: exports are written to a local directory; copy it to the store afterwards"
        )
    for name, form in _ONLY.items():
        if getattr(settings, name) and settings.to != form:
            raise UsageError(f"--{name.replace('_', '-')} is for --to {form}, not for --to {settings.to}")
    if settings.to == "tokens" and settings.columns is not None:
        raise UsageError("--columns is not for --to tokens: it writes the tokens of the text alone")


def _carry(storage: Storage, place: str, root: Path) -> None:
    """Copy what the release says about itself."""
    (root / RELEASE).mkdir(exist_ok=True)
    for name in _CARRIED:
        if storage.info(join(place, name)) is not None:
            (root / RELEASE / name).write_bytes(read_bytes(storage, join(place, name)))


def _manifest(
    asked: dict[str, Any], manifest: dict[str, Any], release: OpenRelease, shards: int
) -> dict[str, Any]:
    """What was made of what."""
    return {
        **asked,
        "release": {"sha256": manifest["sha256"], "fingerprint": manifest["fingerprint"]},
        "versions": {"provenance-pipelines": __version__},
        "shards": shards,
        "documents": release.documents,
    }
