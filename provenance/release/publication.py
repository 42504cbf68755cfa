"""One release made from one workspace: its planned files, which of them stand, and how it is closed.

Each file's task leaves its counts in the workspace after the file is complete, so they reach whoever closes
the release on any runner. The manifest is written last: a release without one is unfinished (promise 5).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import xxhash

from provenance.annotators.tokens import load_tokenizer
from provenance.configuration import Configuration
from provenance.decisions.certificate import build_certificate, cap_request
from provenance.decisions.crawl import neural_cost
from provenance.decisions.filters import report_filters
from provenance.decisions.footers import read_footers
from provenance.decisions.measure import add_sums, whole
from provenance.decisions.tail import report_tail
from provenance.duplicates.scratch import Piece, StorageScratch
from provenance.files.ownership import INCOMPLETE, LOCK, MANIFEST, mark_incomplete, unmark_incomplete
from provenance.files.storage import Storage, each, join, read_bytes, write_bytes
from provenance.files.workspace import Workspace
from provenance.release.blocks import Block, Scatter, gather, release_schema
from provenance.release.contents import count_data, count_ledger, describe_contents, merge_contents
from provenance.release.description import describe_release
from provenance.release.layout import is_data, is_ledger, splits_of
from provenance.release.ledger import LedgerPart, plan_ledger, write_ledger
from provenance.release.manifest import ReleaseError, build_manifest, file_entry, read_manifest, write_json
from provenance.release.order import Order
from provenance.release.parts import (
    DataFormat,
    DataPart,
    describe_order,
    describe_splits,
    plan_data,
    write_data,
)
from provenance.release.preparation import Preparation
from provenance.release.report.page import report_files
from provenance.release.standards.lineage import Dataset, published
from provenance.release.standards.origin import run_id
from provenance.schema import DECISIONS, LEDGER


@dataclass(frozen=True)
class Plan:
    """The files of a release.

    Attributes:
        order: which documents go into which data file.
        blocks: where they are.
        data: the data files,
        ledger: and those of the ledger.
    """

    order: Order
    blocks: tuple[Block, ...]
    data: tuple[DataPart, ...]
    ledger: tuple[LedgerPart, ...]

    @property
    def parts(self) -> tuple[DataPart | LedgerPart, ...]:
        """All files, those of the documents first."""
        return (*self.data, *self.ledger)


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
        stages: what decides each stage's result, by its name: its run is called by it.
    """

    storage: Storage
    workspace: Workspace
    configuration: Configuration
    annotated: pa.Schema
    release: str
    fingerprint: str
    filters: tuple[str, ...] = ()
    stages: tuple[tuple[str, str], ...] = ()

    @property
    def schema(self) -> pa.Schema:
        """Columns of the published documents."""
        return release_schema(self.annotated)

    def scatter(self, plan: Plan, pending: Sequence[DataPart]) -> Scatter:
        """What deals documents to the parts that are still to be written."""
        return Scatter(
            storage=self.storage,
            scratch=self.scratch,
            shards=self.preparation.shards,
            schema=self.schema,
            dealing=self.preparation.dealing(),
            order=plan.order,
            parts=frozenset(part.number for part in pending),
        )

    @property
    def preparation(self) -> Preparation:
        """What is counted before anything is written."""
        return Preparation(
            storage=self.storage,
            workspace=self.workspace,
            options=self.configuration.release,
            directory=self._workspace_path("counts"),
            fingerprint=self.fingerprint,
        )

    @property
    def scratch(self) -> StorageScratch:
        """Where documents wait for the part that they are dealt to."""
        return StorageScratch(self.storage, self._workspace_path("scratch"))

    def plan(self) -> Plan:
        """The files that the decisions ask for, and the order of the documents.

        Raises:
            PartsError: where the configuration asks for parts that cannot be made.
        """
        survey = self.preparation.read_survey()
        order = self.preparation.order(survey)
        rows = [shard.rows for shard in self.workspace.shards()]
        ledger = plan_ledger(list(zip(self.preparation.shards, rows, strict=True)))
        return Plan(
            order,
            survey.blocks,
            tuple(plan_data(order, splits_of(self.configuration.release))),
            tuple(ledger),
        )

    def path(self, part: DataPart | LedgerPart) -> str:
        """Where a file of the release is."""
        return join(self.release, part.path)

    def counts(self, parts: Sequence[DataPart | LedgerPart]) -> dict[str, dict[str, Any]]:
        """What was counted of the files that are finished, by their paths; the others have to be written (again).

        Two listings, and one call for each file, side by side.
        """
        written = {item.path: item.size for item in self.storage.list(self.release)}
        left = {item.path: item.size for item in self.storage.list(self._workspace_path(""))}
        there = [
            part
            for part in parts
            if self.path(part) in written
            and left.keys() >= {self._counts_path(part), self._contents_path(part)}
        ]
        found = each(partial(self._read_counts, left), there)
        return {
            part.path: item
            for part, item in zip(there, found, strict=True)
            if item.pop("fingerprint") == self.fingerprint and item["bytes"] == written[self.path(part)]
        }

    def _read_counts(self, sizes: Mapping[str, int], part: DataPart | LedgerPart) -> dict[str, Any]:
        path = self._counts_path(part)
        with self.storage.open(path, sizes[path]) as file:
            counts: dict[str, Any] = json.loads(file.read())
        return counts

    def is_closed(self) -> bool:
        """Whether the manifest there is that of this very release, and of what now lies beside its inputs."""
        try:
            found = self.manifest()
        except ReleaseError:  # none, damaged or another one: written again
            return False
        return bool(found["passed_over"] == self._annotated()["passed_over"])

    def open(self) -> None:
        """Take the directory: from here until `close` it holds no finished release."""
        mark_incomplete(self.storage, self.release)
        self.storage.delete(join(self.release, MANIFEST))

    def write_data(self, part: DataPart, pieces: Sequence[tuple[int, Piece]]) -> int:
        """Write one data file from where its documents lie, and its counts; its size in bytes."""
        options, schema = self.configuration, self.schema
        form = DataFormat(
            schema=schema,
            row_group_bytes=options.release.row_group_bytes,
            request=cap_request(options.cap),
            masked=options.personal_data.kinds("mask"),
        )
        tables = gather(self.scratch, pieces, schema, options.release.seed)
        return self._write(part, partial(write_data, part, tables, form=form))

    def write_ledger(self, part: LedgerPart) -> int:
        """Write one ledger file and its counts; its size in bytes."""
        return self._write(part, partial(write_ledger, self.storage, part))

    def _write(self, part: DataPart | LedgerPart, write: Callable[..., dict[str, Any]]) -> int:
        counts_path = self._counts_path(part)
        self.storage.delete(counts_path)
        with self.storage.create(self.path(part)) as file:
            counts = write(file=file)
        with self.storage.create(self._contents_path(part)) as file:
            pq.write_table(self._count(part), file, compression="zstd")
        line = json.dumps({"fingerprint": self.fingerprint, **counts}).encode()
        write_bytes(self.storage, counts_path, line)
        return int(counts["bytes"])

    def close(self, plan: Plan, counts: Mapping[str, dict[str, Any]]) -> None:
        """Write what describes the files, remove what is stale, and the manifest last.

        `counts` are those that were known before the others were written.

        Raises:
            ReleaseError: where one of the files was not written.
        """
        counts = {**counts, **self.counts([part for part in plan.parts if part.path not in counts])}
        for part in plan.parts:
            if part.path not in counts:
                raise ReleaseError(f"{self.path(part)}: was not written; run the same command again")
        contents = merge_contents(each(self._contents, plan.parts))
        counted = [counts[part.path] for part in plan.parts]
        manifest = self._manifest(plan.order, counted, describe_contents(contents))
        for path, data in describe_release(manifest, self._schemas(), contents):
            manifest["files"].append(file_entry(path, data))
            write_bytes(self.storage, join(self.release, path), data)
        shards: dict[str, list[str]] = {}
        for shard in self.workspace.shards():
            shards.setdefault(shard.input, []).append(shard.path)
        for name, content in report_files(self.storage, self.release, manifest, shards):
            manifest["files"].append(file_entry(name, content))
            write_bytes(self.storage, join(self.release, name), content)
        listed = {item["path"] for item in manifest["files"]} | {INCOMPLETE, LOCK}
        wanted = {join(self.release, path) for path in listed}
        for item in self.storage.list(self.release):
            if item.path not in wanted:
                self.storage.delete(item.path)
        # At every moment one of the two says that the directory is ours.
        write_bytes(self.storage, join(self.release, MANIFEST), write_json(manifest))
        unmark_incomplete(self.storage, self.release)
        self.storage.delete(self.scratch.directory)

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

    def released(self) -> list[Dataset]:
        """Data and ledger of the finished release as lineage names them."""
        return published(self.manifest(), self._schemas())

    def _schemas(self) -> dict[str, pa.Schema]:
        """Columns of what the stages leave and of what is published."""
        return {"data": self.schema, "ledger": LEDGER, "annotated": self.annotated, "decisions": DECISIONS}

    def _manifest(
        self, order: Order, counts: Sequence[dict[str, Any]], contents: dict[str, Any]
    ) -> dict[str, Any]:
        """The manifest of the release without what describes it; `counts` are those of its files."""
        data = [item for item in counts if is_data(item["path"])]
        decided = [self.workspace.decisions_path(shard) for shard in self.workspace.shards()]
        footer = read_footers(self.storage, decided)
        crawl = json.loads(read_bytes(self.storage, self.workspace.crawl_path))
        crawl["detector"]["documents"] = footer.judged
        crawl["detector"]["neural"] = neural_cost(self.configuration, footer.asked)
        sums = add_sums(item["sums"] for item in data)
        request = cap_request(self.configuration.cap)
        return build_manifest(
            self.configuration,
            self.fingerprint,
            inputs=self._annotated()["inputs"],
            passed_over=self._annotated()["passed_over"],
            data=[{**item, "sums": whole(item["sums"])} for item in data],
            ledger=[item for item in counts if is_ledger(item["path"])],
            certificate=build_certificate(request, footer.before, sums, footer.selection),
            tail=report_tail(footer.tail, request),
            crawl=crawl,
            tokenizer=load_tokenizer(self.configuration.text.tokenizer).describe(),
            contents=contents,
            runs=self._runs(),
            filters=report_filters(self.filters, footer.filtered),
            order=describe_order(order, self.configuration.release.seed, data),
            splits=describe_splits(data),
            earlier=self.workspace.need_state("deduplicate").get("references", []),
        )

    def _annotated(self) -> dict[str, Any]:
        """What the annotate stage says of its inputs."""
        return self.workspace.need_state("annotate")

    def _runs(self) -> list[dict[str, Any]]:
        """How the run of the whole job and of each stage is called, and the rows that it left."""
        records = sum(shard.rows for shard in self.workspace.shards())
        rows = {"deduplicate": self.workspace.clustered()}
        return [
            {"stage": stage, "run": run_id(stage, made_by), "rows": rows.get(stage, records)}
            for stage, made_by in self.stages
        ]

    def _count(self, part: DataPart | LedgerPart) -> pa.Table:
        """What a finished file holds, as rows of `contents.CONTENTS`."""
        with self.storage.open(self.path(part)) as file:
            written = pq.ParquetFile(file, pre_buffer=False)
            return count_ledger(written) if is_ledger(part.path) else count_data(written)

    def _contents(self, part: DataPart | LedgerPart) -> pa.Table:
        with self.storage.open(self._contents_path(part)) as file:
            return pq.read_table(file, pre_buffer=False)

    def _counts_path(self, part: DataPart | LedgerPart) -> str:
        return self._workspace_path(part.path.replace("/", "-") + ".json")

    def _contents_path(self, part: DataPart | LedgerPart) -> str:
        return self._workspace_path(part.path.replace("/", "-") + ".contents.parquet")

    def _workspace_path(self, name: str) -> str:
        # A workspace can be published to several places: each has its own counts.
        folder = xxhash.xxh3_64_hexdigest(self.release.encode())
        return self.workspace.path("published", folder, name).rstrip("/")
