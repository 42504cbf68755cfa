"""The four stages of a job on one workspace: what has to run, in which order, and what each left behind.

A stage is skipped when its fingerprint, which covers all that it depends on, is the one it last finished
with. State is written after a stage, so an interrupted job resumes where it was (promise 5).
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import apache_beam as beam
import xxhash

from pipelines.annotate import AnnotateFiles, ShardTask
from pipelines.deduplicate import Deduplicate
from pipelines.deduplicate import Tasks as DuplicateTasks
from pipelines.progress import Progress
from pipelines.publish import WriteParts, read_counts
from pipelines.runner import Runner
from pipelines.select import Select, read_asked, read_before, read_judged
from pipelines.select import Tasks as SelectTasks
from provenance.annotate import Annotation
from provenance.configuration import Configuration, fingerprint
from provenance.decisions.certificate import add_sums, build_certificate, cap_request
from provenance.decisions.crawl import neural_cost
from provenance.decisions.detectors import load_detectors
from provenance.files.inputs import InputFile
from provenance.files.storage import Storage, join, read_bytes, write_bytes
from provenance.files.workspace import Shard, Workspace, WorkspaceError, input_fingerprint, shard_metadata
from provenance.release.card import build_card
from provenance.release.manifest import (
    INCOMPLETE,
    INCOMPLETE_TEXT,
    ReleaseError,
    build_manifest,
    is_release,
    read_manifest,
    write_json,
)
from provenance.release.parts import Part, ShardPaths, plan_data, plan_ledger, release_schema
from provenance.schema import DECISIONS, LEDGER, RELEASE


@dataclass(frozen=True)
class StageResult:
    """What a stage did: how many of its tasks ran, and how many stood already."""

    stage: str
    ran: int
    unchanged: int
    seconds: float


class Job:
    """One configuration applied to one workspace."""

    def __init__(
        self,
        storage: Storage,
        workspace: str,
        configuration: Configuration,
        runner: Runner,
        progress: Progress,
    ) -> None:
        self.storage = storage
        self.workspace = Workspace(storage, workspace)
        self.configuration = configuration
        self.runner = runner
        self.progress = progress
        # A calibration that cannot be used is refused before hours of annotating.
        self.detectors = load_detectors(configuration)

    def annotate(self, inputs: Sequence[InputFile]) -> StageResult:
        """Stage 1. Shards of inputs that have not changed since they were made stay as they are."""
        started = time.monotonic()
        annotation = Annotation(self.configuration)
        configured = annotation.fingerprint()
        self._explain_change(configured)
        tasks = [self._shard_task(item, configured) for item in inputs]
        pending = [task for task in tasks if not self._shard_stands(task)]
        # The largest first: a large file that starts last would keep one worker busy alone.
        pending.sort(key=lambda task: (-task.input.size, task.input.name))
        if pending:
            self.workspace.clear_state("annotate")
            self._sweep()
            targets = [(task.path, task.input.size) for task in pending]
            with self.progress.files("annotate", targets, self.storage, self._documents_of):
                self.runner.run(
                    lambda pipeline: (
                        pipeline
                        | "Inputs" >> beam.Create(pending, reshuffle=False)
                        | "AnnotateFiles" >> AnnotateFiles(self.storage, self.configuration)
                    )
                )
        shards = [
            self._shard(index, task) for index, task in enumerate(sorted(tasks, key=lambda t: t.input.name))
        ]
        self.workspace.write_state(
            "annotate",
            {
                "fingerprint": configured,
                "configuration": self.configuration.model_dump(mode="json"),
                "shards": [asdict(shard) for shard in shards],
                "inputs": [
                    {"name": item.name, "bytes": item.size} for item in sorted(inputs, key=lambda i: i.name)
                ],
            },
        )
        return self._result("annotate", len(pending), len(tasks) - len(pending), started)

    def deduplicate(self) -> StageResult:
        """Stage 2."""
        started = time.monotonic()
        shards = self._shards()
        fresh = self._deduplicate_fingerprint()
        if self._stands("deduplicate", fresh, self.workspace.clusters_path):
            return self._result("deduplicate", 0, 1, started)
        self.workspace.clear_state("deduplicate")
        scratch = self.workspace.path("scratch")
        self.storage.delete(scratch)
        tasks = DuplicateTasks(
            self.storage, tuple(shards), self.configuration.duplicates, scratch, self.workspace.clusters_path
        )
        with self.progress.step("deduplicate", f"{sum(shard.documents for shard in shards):,} documents"):
            self.runner.run(
                lambda pipeline: (
                    pipeline
                    | "Blocks" >> beam.Create(range(len(tasks.blocks)))
                    | "Deduplicate" >> Deduplicate(tasks)
                )
            )
        self.storage.delete(scratch)
        self.workspace.write_state("deduplicate", {"fingerprint": fresh})
        return self._result("deduplicate", 1, 0, started)

    def select(self) -> StageResult:
        """Stage 3."""
        started = time.monotonic()
        shards = self._shards()
        self._need("deduplicate", self._deduplicate_fingerprint())
        cap, prior = self.configuration.cap, self.configuration.prior
        fresh = self._select_fingerprint()
        paths = [self.workspace.decisions_path(shard) for shard in shards]
        crawl_path = self.workspace.crawl_path
        if self._stands("select", fresh, crawl_path, *paths):
            return self._result("select", 0, len(shards), started)
        self.workspace.clear_state("select")
        tasks = SelectTasks(
            self.storage, self.workspace.clusters_path, crawl_path, cap, prior, self.detectors
        )
        with self.progress.step("select", f"cap {cap.max_synthetic} of {cap.unit}, {cap.guarantee}"):
            self.runner.run(
                lambda pipeline: (
                    pipeline
                    | "Shards" >> beam.Create(list(zip(shards, paths, strict=True)))
                    | "Select" >> Select(tasks)
                )
            )
        self.workspace.write_state("select", {"fingerprint": fresh})
        return self._result("select", len(shards), 0, started)

    def publish(self, release: str) -> StageResult:
        """Stage 4.

        Raises:
            ReleaseError: where `release` holds files that are not a release.
            WorkspaceError: where the decisions were made with another configuration.
        """
        started = time.monotonic()
        release = release.rstrip("/")
        shards = self._shards()
        selected = self._select_fingerprint()
        self._need("select", selected)
        columns = [RELEASE.to_string(), LEDGER.to_string()]
        fresh = fingerprint("publish", self.configuration.model_dump(mode="json"), columns, selected)
        check_output(self.storage, release)
        manifest_path = join(release, "manifest.json")
        paths = [ShardPaths(shard.name, shard.path, self.workspace.decisions_path(shard)) for shard in shards]
        options = self.configuration.release
        parts = [
            *plan_data(self.storage, paths, options.shard_bytes, options.seed),
            *plan_ledger([(path, shard.rows) for path, shard in zip(paths, shards, strict=True)]),
        ]
        # A workspace can be published to several places: each has its own counts.
        counts_directory = self.workspace.path("published", xxhash.xxh3_64_hexdigest(release.encode()))
        counts = {
            part.path: read_counts(self.storage, counts_directory, part, release, fresh) for part in parts
        }
        pending = [part for part in parts if counts[part.path] is None]
        if not pending and self._same_manifest(release, fresh):
            self.storage.delete(join(release, INCOMPLETE))  # of a run that ended right before this
            return self._result("publish", 0, len(parts), started)
        write_bytes(self.storage, join(release, INCOMPLETE), INCOMPLETE_TEXT)
        self.storage.delete(manifest_path)
        if pending:
            schema = release_schema(Annotation(self.configuration).schema)
            write = WriteParts(self.storage, release, schema, self.configuration, counts_directory, fresh)
            with self.progress.files(
                "publish", [(join(release, part.path), 1) for part in pending], self.storage
            ):
                self.runner.run(
                    lambda pipeline: pipeline | "Parts" >> beam.Create(pending) | "WriteParts" >> write
                )
        self._finish(release, parts, counts_directory, fresh)
        return self._result("publish", len(pending), len(parts) - len(pending), started)

    def _finish(self, release: str, parts: Sequence[Part], counts_directory: str, fresh: str) -> None:
        """Write what describes the files, remove what is stale, and the manifest last."""
        counts = []
        for part in parts:
            found = read_counts(self.storage, counts_directory, part, release, fresh)
            if found is None:
                raise ReleaseError(f"{release}/{part.path}: was not written; run the same command again")
            counts.append(found)
        data = [item for item in counts if item["path"].startswith("data/")]
        ledger = [item for item in counts if item["path"].startswith("ledger/")]
        decided = [self.workspace.decisions_path(shard) for shard in self._shards()]
        before = add_sums(read_before(self.storage, path) for path in decided)
        crawl = json.loads(read_bytes(self.storage, self.workspace.crawl_path))
        crawl["detector"]["documents"] = read_judged(self.storage, decided)
        crawl["detector"]["neural"] = neural_cost(self.configuration, read_asked(self.storage, decided))
        published = add_sums(item["sums"] for item in data)
        certificate = build_certificate(cap_request(self.configuration.cap), before, published)
        inputs = self.workspace.need_state("annotate")["inputs"]
        manifest = build_manifest(self.configuration, fresh, inputs, data, ledger, [], certificate, crawl)
        card = build_card(manifest).encode()
        manifest["files"].append(_file_entry("README.md", card))
        write_bytes(self.storage, join(release, "README.md"), card)
        incomplete = join(release, INCOMPLETE)
        wanted = {join(release, item["path"]) for item in manifest["files"]} | {incomplete}
        for item in self.storage.list(release):
            if item.path not in wanted:
                self.storage.delete(item.path)
        # At every moment one of the two says that the directory is ours.
        write_bytes(self.storage, join(release, "manifest.json"), write_json(manifest))
        self.storage.delete(incomplete)

    def _documents_of(self, shard_path: str) -> int:
        return int((shard_metadata(self.storage, shard_path) or {}).get("documents", 0))

    def _sweep(self) -> None:
        """Remove what killed processes left half written; nothing ever reads it, but it can be large."""
        for item in self.storage.list(self.workspace.directory):
            if item.path.endswith(".tmp"):
                self.storage.delete(item.path)

    def _shard_task(self, item: InputFile, configured: str) -> ShardTask:
        return ShardTask(item, self.workspace.shard_path(item.name), input_fingerprint(item, configured))

    def _shard_stands(self, task: ShardTask) -> bool:
        metadata = shard_metadata(self.storage, task.path) or {}
        return bool(metadata.get("fingerprint") == task.fingerprint and metadata.get("opened", True))

    def _shard(self, index: int, task: ShardTask) -> Shard:
        metadata = shard_metadata(self.storage, task.path)
        if metadata is None or metadata["fingerprint"] != task.fingerprint:
            raise WorkspaceError(f"{task.path}: was not written; run the same command again")
        return Shard(
            index, task.input.name, task.path, metadata["content"], metadata["rows"], metadata["documents"]
        )

    def _shards(self) -> list[Shard]:
        state = self.workspace.need_state("annotate")
        if state["fingerprint"] != Annotation(self.configuration).fingerprint():
            changed = _differences(state["configuration"], self.configuration.model_dump(mode="json"))
            raise WorkspaceError(
                f"{self.workspace.directory}: was annotated with another configuration ({changed}); run `provenance "
                "annotate` with this one first, or name another --workspace"
            )
        return self.workspace.shards()

    def _explain_change(self, configured: str) -> None:
        state = self.workspace.read_state("annotate")
        if state is not None and state["fingerprint"] != configured:
            changed = _differences(state["configuration"], self.configuration.model_dump(mode="json"))
            self.progress.note(
                f"{self.workspace.directory} was annotated with another configuration ({changed}): "
                "all inputs are annotated again"
            )

    def _deduplicate_fingerprint(self) -> str:
        return fingerprint(
            "deduplicate", self.configuration.duplicates.model_dump(mode="json"), self._identity()
        )

    def _select_fingerprint(self) -> str:
        cap, prior = self.configuration.cap, self.configuration.prior
        detectors = self.detectors
        settings = [cap.model_dump(mode="json"), prior.model_dump(mode="json")]
        settings += [[detectors.calibration.digest(), detectors.by_crawl, detectors.max_fpr]]
        return fingerprint("select", *settings, DECISIONS.to_string(), self._deduplicate_fingerprint())

    def _need(self, stage: str, expected: str) -> None:
        """Refuse to go on from what a stage made of other shards or with other settings."""
        if self.workspace.need_state(stage)["fingerprint"] != expected:
            raise WorkspaceError(
                f"{self.workspace.directory}: the shards or the configuration changed since stage {stage} ran here; "
                f"run `provenance {stage}` with this configuration first"
            )

    def _stands(self, stage: str, fresh: str, *paths: str) -> bool:
        state = self.workspace.read_state(stage)
        return (
            state is not None
            and state["fingerprint"] == fresh
            and all(self.storage.info(path) is not None for path in paths)
        )

    def _same_manifest(self, release: str, fresh: str) -> bool:
        try:
            return bool(read_manifest(self.storage, release)["fingerprint"] == fresh)
        except ReleaseError:  # none, or damaged: written again
            return False

    def _identity(self) -> list[Any]:
        """What the shards hold: the annotators and the records, not the age or place of the input files."""
        state = self.workspace.need_state("annotate")
        return [state["fingerprint"], [[shard["name"], shard["content"]] for shard in state["shards"]]]

    def _result(self, stage: str, ran: int, unchanged: int, started: float) -> StageResult:
        result = StageResult(stage, ran, unchanged, time.monotonic() - started)
        self.progress.finished(stage, ran, unchanged, result.seconds)
        return result


def check_output(storage: Storage, release: str) -> None:
    """Refuse a directory that holds files which are not a release of ours.

    Raises:
        ReleaseError: names one of the files.
    """
    if "://" not in release and os.path.isfile(release):
        raise ReleaseError(f"{release}: is a file; name a new directory, nothing was written")
    files = storage.list(release)
    if files and not is_release(storage, release):
        raise ReleaseError(
            f"{release}: is not empty and not a release (it holds {files[0].path}); "
            "name a new directory, nothing was written"
        )


def _file_entry(path: str, data: bytes) -> dict[str, Any]:
    return {"path": path, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def _differences(before: Any, after: Any, where: str = "") -> str:
    """The settings in which two configurations differ, for a person."""
    found: list[str] = []

    def compare(a: Any, b: Any, path: str) -> None:
        if isinstance(a, dict) and isinstance(b, dict):
            for key in sorted({*a, *b}):
                compare(a.get(key), b.get(key), f"{path}.{key}" if path else key)
        elif a != b:
            found.append(f"{path}: {a!r} then, {b!r} now")

    compare(before, after, where)
    return "; ".join(found[:5]) or "another version of the program or of its annotators"
