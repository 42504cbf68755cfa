"""What a job is told of documents elsewhere: indexes that prove or hold them already, a release whose documents are carried forward."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import apache_beam as beam

from pipelines.carry import CarryFiles
from pipelines.deduplicate import IndexUse
from pipelines.runner import Runner
from provenance.annotate import Annotation
from provenance.annotators.tokens import load_tokenizer
from provenance.configuration import Configuration
from provenance.duplicates.minhash import MinHash
from provenance.files.inputs import InputFile
from provenance.files.shards import shard_metadata
from provenance.files.storage import Storage, each
from provenance.files.workspace import Shard, Workspace, WorkspaceError
from provenance.release.earlier.carry import Carried, plan_carried
from provenance.release.earlier.references import Reference, open_references


@dataclass(frozen=True)
class Named:
    """Places that a command names.

    Attributes:
        witnesses: indexes that prove age.
        against: releases and indexes of what is there already.
        keep: a release whose documents are carried forward.
    """

    witnesses: tuple[str, ...] = ()
    against: tuple[str, ...] = ()
    keep: str | None = None


@dataclass(frozen=True)
class Earlier:
    """The earlier documents of one job.

    Attributes:
        storage: where they are.
        workspace: of the job.
        configuration: of the job.
        named: places that the command names; None: it goes on with those of the stages before.
    """

    storage: Storage
    workspace: Workspace
    configuration: Configuration
    named: Named | None

    @cached_property
    def references(self) -> tuple[Reference, ...]:
        """The indexes that the job looks up; that of a release is made in the workspace."""
        named = self.named or Named()
        return open_references(
            self.storage,
            self.configuration,
            self.workspace.path("indexes"),
            witnesses=named.witnesses,
            against=named.against,
        )

    @property
    def uses(self) -> tuple[IndexUse, ...]:
        """The indexes as the tasks of deduplication take them."""
        return tuple(
            IndexUse(item.directory, item.standing, item.header.entries, item.header.payloads)
            for item in self.references
        )

    def as_json(self) -> dict[str, Any]:
        """The indexes as the state of the stage that looks them up names them."""
        return {"references": [reference.as_json() for reference in self.references]}

    def ids(self) -> list[list[str]]:
        """The indexes that are looked up, or were by the stage before; for fingerprints."""
        if self.named is None:
            known = (self.workspace.read_state("deduplicate") or {}).get("references", [])
        else:
            known = self.as_json()["references"]
        return [[item["sha256"], item["role"]] for item in known]

    def check_carried(self, inputs: Sequence[InputFile], annotation: Annotation) -> None:
        """Refuse a release that cannot be carried forward before a file is read, not when all are annotated.

        Raises:
            ReleaseError: where it is not finished, or counts other tokens.
            UsageError: where an input is one that the release was made from.
        """
        if self.named is not None and self.named.keep is not None:
            _planned(self.storage, self.named.keep, inputs, self.configuration, annotation)

    def carry(
        self, inputs: Sequence[InputFile], annotation: Annotation, runner: Runner
    ) -> tuple[list[Shard], int]:
        """The shards of the release that is carried forward, if one is, and how many were made."""
        if self.named is None or self.named.keep is None:
            return [], 0
        return carry_forward(
            self.storage,
            self.workspace,
            self.named.keep,
            inputs,
            configuration=self.configuration,
            annotation=annotation,
            runner=runner,
        )


def carry_forward(
    storage: Storage,
    workspace: Workspace,
    release: str,
    inputs: Sequence[InputFile],
    *,
    configuration: Configuration,
    annotation: Annotation,
    runner: Runner,
) -> tuple[list[Shard], int]:
    """The shards of a release that is carried forward, those of this very release not made again; and how many were made."""
    tasks = []
    for item, file, fingerprint in _planned(storage, release, inputs, configuration, annotation):
        shard = Shard(
            index=0,
            name=item.name,
            path=workspace.shard_path(item.name),
            content="",
            rows=0,
            documents=0,
            carried=True,
        )
        tasks.append(
            Carried(
                release=release,
                file=file,
                input=item,
                path=shard.path,
                decided=workspace.carried_path(shard),
                fingerprint=fingerprint,
            )
        )
    standing = each(partial(_stands, storage), tasks)
    pending = [task for task, stood in zip(tasks, standing, strict=True) if not stood]
    if pending:
        workspace.clear_state("annotate")
        duplicates = configuration.duplicates
        minhash = MinHash(ngram=duplicates.ngram, seed=duplicates.seed)
        carry = CarryFiles(storage, annotation.schema, minhash)
        runner.run(lambda pipeline: pipeline | "Files" >> beam.Create(pending) | "CarryFiles" >> carry)
    return each(partial(_shard, storage), tasks), len(pending)


def _stands(storage: Storage, task: Carried) -> bool:
    metadata = shard_metadata(storage, task.path) or {}
    return metadata.get("fingerprint") == task.fingerprint and storage.info(task.decided) is not None


def _shard(storage: Storage, task: Carried) -> Shard:
    metadata = shard_metadata(storage, task.path)
    if metadata is None or metadata["fingerprint"] != task.fingerprint:
        raise WorkspaceError(f"{task.path}: was not written; run the same command again")
    return Shard(
        index=0,
        name=task.input.name,
        path=task.path,
        content=metadata["content"],
        rows=metadata["rows"],
        documents=metadata["documents"],
        text_bytes=metadata["text_bytes"],
        carried=True,
    )


def _planned(
    storage: Storage,
    release: str,
    inputs: Sequence[InputFile],
    configuration: Configuration,
    annotation: Annotation,
) -> list[tuple[InputFile, str, str]]:
    """What is to be carried, as `plan_carried` says it."""
    tokenizer = load_tokenizer(configuration.text.tokenizer).describe()
    return plan_carried(
        storage, release, inputs, configuration, tokenizer=tokenizer, schema=annotation.schema
    )
