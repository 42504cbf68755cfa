"""The manifest of a release: what it holds, what it was made from, and what is certified about it.

It is written last, so a release without one is unfinished.
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections import Counter
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from provenance import __version__
from provenance.configuration import Configuration
from provenance.errors import DataError
from provenance.files.ownership import INCOMPLETE, MANIFEST
from provenance.files.storage import Storage, join, read_bytes
from provenance.release.proof import add_proof
from provenance.release.standards.hub import split_card
from provenance.release.standards.licenses import spdx_of_mixture
from provenance.release.times import report_times

#: What is written: format 2 has the ledger in `_ledger/`. Releases of format 1 are read as well.
FORMAT = 2
_READ = (1, FORMAT)
_PACKAGES = ("apache-beam", "pyarrow", "numpy", "numba", "datasketch", "fasttext-predict", "resiliparse")


class ReleaseError(DataError):
    """A directory that is not a finished release; the message says what is wrong."""


def build_manifest(
    configuration: Configuration,
    fingerprint: str,
    *,
    inputs: Sequence[dict[str, Any]],
    data: Sequence[dict[str, Any]],
    ledger: Sequence[dict[str, Any]],
    certificate: dict[str, Any],
    tail: dict[str, Any],
    crawl: dict[str, Any],
    tokenizer: dict[str, Any],
    contents: dict[str, Any],
    runs: Sequence[dict[str, Any]],
    filters: Sequence[dict[str, Any]] = (),
    order: dict[str, Any] | None = None,
    splits: dict[str, Any] | None = None,
    earlier: Sequence[dict[str, Any]] = (),
    passed_over: Sequence[dict[str, str]] = (),
) -> dict[str, Any]:
    """The manifest as JSON values; `data` and `ledger` are the files with their counts.

    `tail` says which rare words are lost (`decisions.tail.report_tail`), `crawl` how detectors were read and which priors were taken (`decisions.crawl.CrawlCalibration.as_json`),
    `tokenizer` in whose tokens documents were counted (`Tokenizer.describe`), `filters` what each of them dropped
    (`decisions.filters.report_filters`), `order` how documents were mixed and `splits` what each of them holds
    (`release.parts`), `earlier` the indexes that were looked up, `passed_over` which files beside the inputs were not read, and
    why, `contents` what the files hold (`contents.describe_contents`), `runs` how each stage's run is called and how many rows
    it left.
    """
    return {
        "format": FORMAT,
        "fingerprint": fingerprint,
        "versions": _versions(),
        "configuration": configuration.model_dump(mode="json"),
        "inputs": list(inputs),
        "passed_over": list(passed_over),
        "runs": list(runs),
        "counts": _counts(data, ledger),
        "times": report_times((item["times"] for item in ledger), (item["claims"] for item in ledger)),
        "contents": contents,
        "license": spdx_of_mixture(contents),
        "tokenizer": tokenizer,
        "filters": list(filters),
        "order": order or {},
        "splits": splits or {},
        "earlier": list(earlier),
        "proof": add_proof(item.get("proof", {}) for item in data),
        "synthetic": certificate,
        "tail": tail,
        "detector": crawl["detector"],
        "prior": crawl["prior"],
        "second_reading": crawl["second_reading"],
        "sites": crawl["sites"],
        "files": [*data, *ledger],
    }


def _counts(data: Sequence[dict[str, Any]], ledger: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What the files add up to: records by what became of them, and tokens."""
    decisions: Counter[str] = Counter()
    for item in ledger:
        decisions.update(item["decisions"])
    kept = decisions.get("kept", 0)
    failed = sum(count for key, count in decisions.items() if key.startswith("failed:"))
    records = sum(item["records"] for item in ledger)
    return {
        "records": records,
        "kept": kept,
        "dropped": records - kept - failed,
        "failed": failed,
        "reasons": {key: count for key, count in sorted(decisions.items()) if key != "kept"},
        "tokens": sum(item["tokens"] for item in data),
    }


def _versions() -> dict[str, str | None]:
    """Of the program, of Python and of the packages that can change a byte."""
    python = ".".join(platform.python_version_tuple()[:2])
    own = {"provenance-pipelines": __version__, "python": python}
    return own | {name: _version(name) for name in _PACKAGES}


def write_json(manifest: dict[str, Any]) -> bytes:
    """Canonical JSON text of a manifest, sealed: its `sha256` is that of the text without it."""
    unsealed = {key: value for key, value in manifest.items() if key != "sha256"}
    return _canonical({**unsealed, "sha256": hashlib.sha256(_canonical(unsealed)).hexdigest()})


def file_entry(path: str, data: bytes) -> dict[str, Any]:
    """The entry of a file that describes the release. A card also has the digest of its text below the header, which hubs rewrite."""
    entry: dict[str, Any] = {"path": path, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    if path.endswith(".md"):
        entry["body_sha256"] = body_digest(data)
    return entry


def body_digest(card: bytes) -> str:
    """SHA-256 of a card below its header, however lines end and whatever blank lines are around it."""
    _, body = split_card(card.decode("utf-8", "replace").replace("\r\n", "\n"))
    return hashlib.sha256(body.strip().encode("utf-8", "replace")).hexdigest()


def _canonical(value: dict[str, Any]) -> bytes:
    text = json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    return text.encode("utf-8", "surrogateescape")


def read_manifest(storage: Storage, release: str) -> dict[str, Any]:
    """The manifest of a finished release.

    Raises:
        ReleaseError: where there is none or it is damaged.
    """
    path = join(release, MANIFEST)
    if storage.info(path) is None:
        unfinished = storage.info(join(release, INCOMPLETE)) is not None
        if unfinished:
            why = "writing it was interrupted; run the same command again"
        elif storage.info(release) is None and not storage.list(release):
            why = "there is nothing of this name"
        else:
            why = "there is no manifest.json"
        raise ReleaseError(f"{release}: is not a finished release: {why}")
    data = read_bytes(storage, path)
    try:
        manifest = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ReleaseError(f"{path}: is damaged: {error}") from error
    if not isinstance(manifest, dict) or manifest.get("format") not in _READ:
        raise ReleaseError(
            f"{path}: is not a manifest of format {' or '.join(map(str, _READ))}; "
            "a later version of the program may read it"
        )
    if write_json(manifest) != data:
        raise ReleaseError(
            f"{path}: is not as it was written: its own SHA-256 does not fit (changed or damaged)"
        )
    return manifest


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
