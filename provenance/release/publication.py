"""One release made from one workspace: its planned files, which of them stand, and how it is closed.

Each file's task leaves its counts in the workspace after the file is complete, so they reach whoever closes
the release on any runner. The manifest is written last: a release without one is unfinished (promise 5).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import xxhash

from provenance.annotators.tokens import load_tokenizer
from provenance.configuration import Configuration
from provenance.decisions.certificate import build_certificate, cap_request
from provenance.decisions.crawl import neural_cost
from provenance.decisions.filters import report_filters
from provenance.decisions.footers import read_footers
from provenance.decisions.measure import add_sums, whole
from provenance.files.ownership import INCOMPLETE, LOCK, MANIFEST, mark_incomplete, unmark_incomplete
from provenance.files.storage import Storage, join, read_bytes, write_bytes
from provenance.files.workspace import Workspace
from provenance.release.card import build_card
from provenance.release.manifest import ReleaseError, build_manifest, read_manifest, write_json
from provenance.release.parts import (
    Part,
    ShardPaths,
    plan_data,
    plan_ledger,
    release_schema,
    write_data,
    write_ledger,
)

_CARD = "README.md"


@dataclass(frozen=True)
class Publication:
    """A release to be made.

    Attributes:
        storage: where workspace and release are.
        workspace: of which the decisions are published.
        configuration: that they were made with.
        annotated: schema of the annotated shards.
        release: directory of the release.
        fingerprint: of everything that decides its files.
        filters: reasons of the filters, in their order.
    """

    storage: Storage
    workspace: Workspace
    configuration: Configuration
    annotated: pa.Schema
    release: str
    fingerprint: str
    filters: tuple[str, ...] = ()

    def plan(self) -> list[Part]:
        """The data and ledger files that the decisions ask for."""
        options = self.configuration.release
        shards = self.workspace.shards()
        paths = [ShardPaths(shard.name, shard.path, self.workspace.decisions_path(shard)) for shard in shards]
        return [
            *plan_data(self.storage, paths, options.shard_bytes, options.seed),
            *plan_ledger([(path, shard.rows) for path, shard in zip(paths, shards, strict=True)]),
        ]

    def path(self, part: Part) -> str:
        """Where a file of the release is."""
        return join(self.release, part.path)

    def counts(self, part: Part) -> dict[str, Any] | None:
        """What was counted of a finished file, or None where it has to be written (again)."""
        path = self._counts_path(part)
        written = self.storage.info(self.path(part))
        if written is None or self.storage.info(path) is None:
            return None
        counts: dict[str, Any] = json.loads(read_bytes(self.storage, path))
        if counts.pop("fingerprint") != self.fingerprint or counts["bytes"] != written.size:
            return None
        return counts

    def is_closed(self) -> bool:
        """Whether the manifest there is that of this very release."""
        try:
            self.manifest()
        except ReleaseError:  # none, damaged or another one: written again
            return False
        return True

    def open(self) -> None:
        """Take the directory: from here until `close` it holds no finished release."""
        mark_incomplete(self.storage, self.release)
        self.storage.delete(join(self.release, MANIFEST))

    def write(self, part: Part) -> int:
        """Write one file and its counts; its size in bytes."""
        counts_path = self._counts_path(part)
        self.storage.delete(counts_path)
        with self.storage.create(self.path(part)) as file:
            if part.path.startswith("ledger/"):
                counts = write_ledger(self.storage, part, file)
            else:
                counts = write_data(
                    self.storage,
                    part,
                    file=file,
                    schema=release_schema(self.annotated),
                    row_group_bytes=self.configuration.release.row_group_bytes,
                    seed=self.configuration.release.seed,
                    request=cap_request(self.configuration.cap),
                    masked=self.configuration.personal_data.kinds("mask"),
                )
        line = json.dumps({"fingerprint": self.fingerprint, **counts}).encode()
        write_bytes(self.storage, counts_path, line)
        return int(counts["bytes"])

    def close(self, parts: Sequence[Part]) -> None:
        """Write what describes the files, remove what is stale, and the manifest last.

        Raises:
            ReleaseError: where one of the files was not written.
        """
        manifest = self._manifest([self._need_counts(part) for part in parts])
        card = build_card(manifest).encode()
        manifest["files"].append(_file_entry(_CARD, card))
        write_bytes(self.storage, join(self.release, _CARD), card)
        listed = {item["path"] for item in manifest["files"]} | {INCOMPLETE, LOCK}
        wanted = {join(self.release, path) for path in listed}
        for item in self.storage.list(self.release):
            if item.path not in wanted:
                self.storage.delete(item.path)
        # At every moment one of the two says that the directory is ours.
        write_bytes(self.storage, join(self.release, MANIFEST), write_json(manifest))
        unmark_incomplete(self.storage, self.release)

    def manifest(self) -> dict[str, Any]:
        """The manifest that now stands there.

        Raises:
            ReleaseError: where it is not that of this release: another command has written there meanwhile.
        """
        found = read_manifest(self.storage, self.release)
        if found["fingerprint"] != self.fingerprint:
            raise ReleaseError(
                f"{self.release}: another command has written its own release there meanwhile; "
                "run one at a time, or name another --output"
            )
        return found

    def _manifest(self, counts: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """The manifest of the release without its card; `counts` are those of its files."""
        data = [item for item in counts if item["path"].startswith("data/")]
        decided = [self.workspace.decisions_path(shard) for shard in self.workspace.shards()]
        footer = read_footers(self.storage, decided)
        crawl = json.loads(read_bytes(self.storage, self.workspace.crawl_path))
        crawl["detector"]["documents"] = footer.judged
        crawl["detector"]["neural"] = neural_cost(self.configuration, footer.asked)
        published = add_sums(item["sums"] for item in data)
        request = cap_request(self.configuration.cap)
        return build_manifest(
            self.configuration,
            self.fingerprint,
            inputs=self.workspace.need_state("annotate")["inputs"],
            data=[{**item, "sums": whole(item["sums"])} for item in data],
            ledger=[item for item in counts if item["path"].startswith("ledger/")],
            certificate=build_certificate(request, footer.before, published, footer.selection),
            crawl=crawl,
            tokenizer=load_tokenizer(self.configuration.text.tokenizer).describe(),
            filters=report_filters(self.filters, footer.filtered),
        )

    def _need_counts(self, part: Part) -> dict[str, Any]:
        found = self.counts(part)
        if found is None:
            raise ReleaseError(f"{self.path(part)}: was not written; run the same command again")
        return found

    def _counts_path(self, part: Part) -> str:
        # A workspace can be published to several places: each has its own counts.
        folder = xxhash.xxh3_64_hexdigest(self.release.encode())
        return self.workspace.path("published", folder, part.path.replace("/", "-") + ".json")


def _file_entry(path: str, data: bytes) -> dict[str, Any]:
    return {"path": path, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
