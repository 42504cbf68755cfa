"""The four stages of a job on one workspace: what has to run, in which order, and what each left behind.

A stage is skipped when its fingerprint, which covers all that it depends on, is the one it last finished
with. State is written after a stage, so an interrupted job resumes where it was (promise 5).
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import apache_beam as beam

from pipelines.annotate import ShardTask, plan_shards
from pipelines.components import choose_keepers
from pipelines.cores import LEAST_DOCUMENTS
from pipelines.deduplicate import DeduplicationTasks, FindEdges
from pipelines.earlier import Earlier, Named
from pipelines.filter import FilterShards, FilterTasks, VerdictTask, write_listings
from pipelines.lineage import LineageLog, first_fingerprints
from pipelines.progress import Progress, Targets
from pipelines.publish import CountGroups, SurveyShards, WriteParts
from pipelines.rights import settled_rights
from pipelines.runner import Runner
from pipelines.select import DecisionTask, JudgeShards, Select, SelectionTasks
from pipelines.shards import annotate_inputs
from pipelines.software import code_of
from provenance.annotate import Annotation
from provenance.configuration import Configuration, fingerprint
from provenance.decisions.certificate import cap_request
from provenance.decisions.detectors import load_detectors
from provenance.decisions.filters import plan_filters
from provenance.decisions.judged import Judged
from provenance.decisions.second_reading import WEIGHT
from provenance.duplicates.table import SUMS
from provenance.files.differences import describe_differences
from provenance.files.failures import Harvest, read_harvest
from provenance.files.inputs import InputFile, PassedOver
from provenance.files.ownership import check_output, unmark_incomplete
from provenance.files.storage import Storage, all_there, join
from provenance.files.workspace import Shard, Workspace, WorkspaceError
from provenance.release.publication import Plan, Publication
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
        named: Named | None = None,
        lineage_url: str | None = None,
    ) -> None:
        """`named`: places of earlier documents; None: those with which the stages before ran."""
        self.storage = storage
        self.workspace = Workspace(storage, workspace)
        self.configuration = configuration
        self.earlier = Earlier(storage, self.workspace, configuration, named)
        self.runner = runner
        self.progress = progress
        self.lineage = LineageLog(self.workspace, progress.note, lineage_url)
        # A cap that contradicts itself and a calibration that cannot be used are refused before hours of annotating.
        cap_request(configuration.cap)
        self.detectors = load_detectors(configuration)
        # So are a list or an expression of a filter.
        self.filters = plan_filters(configuration, self.annotation.schema, storage)

    @cached_property
    def annotation(self) -> Annotation:
        """The annotators, for their schema and versions; workers load models of their own."""
        return Annotation(self.configuration)

    @cached_property
    def _later(self) -> Runner:
        """The runner of the stages after the first, with as many workers as the documents are worth."""
        return self.runner.sized(sum(shard.documents for shard in self._shards()), LEAST_DOCUMENTS)

    def annotate(
        self,
        inputs: Sequence[InputFile],
        passed_over: Sequence[PassedOver] = (),
        part: tuple[int, int] = (1, 1),
    ) -> StageResult:
        """Stage 1. Shards of inputs that have not changed since they were made stay as they are.

        `passed_over` is what was found beside the inputs and not read; our own results are not worth a word.
        `part` (2, 5) is the second of five calls, each on a machine of its own, that share the inputs; whichever
        ends last closes the stage.
        """
        started = time.monotonic()
        ran, unchanged = annotate_inputs(self, inputs, passed_over, part)
        return self._result("annotate", ran, unchanged, started)

    def shard_tasks(self, inputs: Sequence[InputFile]) -> list[ShardTask]:
        """Which shards are to be made of each input, in the order of their names; no store is asked."""
        return plan_shards(
            self.workspace, inputs, self.annotation.fingerprint(), self.configuration.reading.span_bytes
        )

    def deduplicate(self) -> StageResult:
        """Stage 2."""
        started = time.monotonic()
        shards = self._shards()
        fresh = self._deduplicate_fingerprint()
        if self._stands("deduplicate", fresh, self.workspace.clusters_path):
            return self._result("deduplicate", 0, 1, started)
        self.workspace.clear_state("deduplicate")
        verdicts = (
            tuple(self.workspace.verdicts_path(shard) for shard in shards) if self.filters.steps else ()
        )
        tasks = DeduplicationTasks(
            storage=self.storage,
            shards=tuple(shards),
            options=self.configuration.duplicates,
            scratch_directory=self.workspace.path("edges"),
            edges_path=self.workspace.verified_edges_path,
            clusters_path=self.workspace.clusters_path,
            verdicts=verdicts,
            witness_threshold=self.configuration.witness.threshold,
            indexes=self.earlier.uses,
        )
        with (
            self.progress.step("deduplicate", f"{sum(shard.documents for shard in shards):,} documents"),
            self.lineage.stage("deduplicate", self._fingerprints("deduplicate")),
        ):
            self._find_edges(tasks)
            self._later.run(settled_rights(self.workspace))
            if verdicts:
                self._filter(shards)
            choose_keepers(self._later, tasks, self.progress.note)
        self.workspace.write_state("deduplicate", {"fingerprint": fresh, **self.earlier.as_json()})
        return self._result("deduplicate", 1, 0, started)

    def select(self) -> StageResult:
        """Stage 3."""
        started = time.monotonic()
        shards = self._shards()
        self._need("deduplicate", self._deduplicate_fingerprint())
        fresh = self._select_fingerprint()
        tasks = [self._decision_task(shard) for shard in shards]
        crawl_path = self.workspace.crawl_path
        if self._stands("select", fresh, crawl_path, *(task.path for task in tasks)):
            return self._result("select", 0, len(shards), started)
        self.workspace.clear_state("select")
        cap = self.configuration.cap
        scratch = self.workspace.path("scratch")
        self.storage.delete(scratch)
        judged, kept = self._judged_fingerprint(), Judged(self.storage, self.workspace.path("judged"))
        known = self._stands("judged", judged, crawl_path, *kept.paths(len(shards)))
        if not known:
            self.workspace.clear_state("judged")
            self.storage.delete(kept.directory)
        passes = SelectionTasks(
            storage=self.storage,
            clusters_path=self.workspace.clusters_path,
            crawl_path=crawl_path,
            cap=cap,
            prior=self.configuration.prior,
            detectors=self.detectors,
            scratch_directory=scratch,
            judged_directory=kept.directory,
            documents=sum(shard.documents for shard in shards),
            sites_path=self.workspace.sites_path,
        )
        with (
            self.progress.step("select", f"cap {cap.max_synthetic} of {cap.unit}, {cap.guarantee}"),
            self.lineage.stage("select", self._fingerprints("select")),
        ):
            if not known:
                self._later.run(
                    lambda pipeline: (
                        pipeline | "Shards" >> beam.Create(tasks) | "Judge" >> JudgeShards(passes)
                    )
                )
                self.workspace.write_state("judged", {"fingerprint": judged})
            self._later.run(
                lambda pipeline: pipeline | "Shards" >> beam.Create(tasks) | "Select" >> Select(passes)
            )
        self.storage.delete(scratch)
        self.workspace.write_state("select", {"fingerprint": fresh})
        return self._result("select", len(shards), 0, started)

    def publish(self, release: str) -> StageResult:
        """Stage 4.

        Raises:
            OutputError: where `release` holds files that are not a release.
            SplitsError, PartsError: where the splits or parts that are asked for cannot be made.
            WorkspaceError: where the decisions were made with another configuration.
        """
        started = time.monotonic()
        publication = self._publication(release.rstrip("/"))
        check_output(self.storage, publication.release)
        preparation = publication.preparation
        if not preparation.groups_stand():
            with self.progress.step("publish", "counting sites"):
                self._later.run(lambda pipeline: pipeline | "Groups" >> CountGroups(preparation))
        if not preparation.survey_stands():
            with self.progress.step("publish", "counting what was kept"):
                self._later.run(lambda pipeline: pipeline | "Survey" >> SurveyShards(preparation))
        plan = publication.plan()
        counts = publication.counts(plan.parts)
        pending = frozenset(part.path for part in plan.parts if part.path not in counts)
        unchanged = len(plan.parts) - len(pending)
        if not pending and publication.is_closed():
            unmark_incomplete(self.storage, publication.release)  # of a run that ended right before this
            return self._result("publish", 0, unchanged, started)
        with self.lineage.stage("publish", publication.stages, released=publication.released):
            self._write(publication, plan, counts, pending)
        publication.manifest()
        return self._result("publish", len(pending), unchanged, started)

    def _write(
        self,
        publication: Publication,
        plan: Plan,
        counts: Mapping[str, dict[str, Any]],
        pending: frozenset[str],
    ) -> None:
        """Write the `pending` files of a release, then what closes it; `counts` are those of the files that stand."""
        publication.open()
        if pending:
            targets = Targets({join(publication.release, path): 1 for path in sorted(pending)}, self.storage)
            write = WriteParts(publication, plan, pending)
            with self.progress.files("publish", targets):
                self._later.run(lambda pipeline: pipeline | "WriteParts" >> write)
        publication.close(plan, counts)

    def manifest(self, release: str) -> dict[str, Any]:
        """The manifest of the release that this job has published.

        Raises:
            ReleaseError: where there is none, or another command's.
        """
        return self._publication(release.rstrip("/")).manifest()

    def harvest(self) -> Harvest:
        """What came of the inputs: records, documents and why others failed."""
        return read_harvest(self.workspace, self.workspace.shards())

    def _find_edges(self, tasks: DeduplicationTasks) -> None:
        """Verified edges, unless those of the same shards stand: filters and preferences do not touch them."""
        fresh = self._edges_fingerprint()
        if self._stands("edges", fresh, tasks.edges_path):
            return
        self.workspace.clear_state("edges")
        self.storage.delete(tasks.scratch_directory)
        self._later.run(
            lambda pipeline: (
                pipeline | "Blocks" >> beam.Create(range(len(tasks.blocks))) | "FindEdges" >> FindEdges(tasks)
            )
        )
        tasks.clear("bands", "candidates", "signatures")
        self.workspace.write_state("edges", {"fingerprint": fresh})

    def _filter(self, shards: Sequence[Shard]) -> None:
        """What the filters say of every row; the lists are written to the workspace, where all workers read them."""
        tasks = FilterTasks(
            storage=self.storage,
            plan=self.filters,
            listings=write_listings(self.workspace, self.filters),
            fingerprint=fingerprint(self.filters.digests),
            sites=self.workspace.sites_path,
        )
        work = [
            VerdictTask(shard.path, self.workspace.verdicts_path(shard), shard.carried) for shard in shards
        ]
        self._later.run(
            lambda pipeline: pipeline | "Shards" >> beam.Create(work) | "Filter" >> FilterShards(tasks)
        )

    def _publication(self, release: str) -> Publication:
        self._shards()
        self._need("select", self._select_fingerprint())
        return Publication(
            storage=self.storage,
            workspace=self.workspace,
            configuration=self.configuration,
            annotated=self.annotation.schema,
            release=release,
            filters=self.filters.reasons,
            fingerprint=self._publish_fingerprint(),
            stages=self._fingerprints("publish"),
        )

    def _fingerprints(self, stage: str) -> tuple[tuple[str, str], ...]:
        """What decides the result of the whole job and of each stage up to one, by name."""
        inputs = self.workspace.need_state("annotate")["inputs"]
        found = list(first_fingerprints(self.configuration, self.annotation.fingerprint(), inputs))
        own = (self._deduplicate_fingerprint, self._select_fingerprint, self._publish_fingerprint)
        for name, decided_by in zip(("deduplicate", "select", "publish"), own, strict=True):
            found.append((name, decided_by()))
            if name == stage:
                break
        return tuple(found)

    def _publish_fingerprint(self) -> str:
        columns = [RELEASE.to_string(), LEDGER.to_string()]
        configured = self.configuration.model_dump(mode="json")
        return fingerprint("publish", configured, columns, code_of("release"), self._select_fingerprint())

    def _shards(self) -> list[Shard]:
        state = self.workspace.need_state("annotate")
        if state["fingerprint"] != self.annotation.fingerprint():
            raise WorkspaceError(
                f"{self.workspace.directory}: was annotated with another configuration ({self._changed(state)}); "
                "run `provenance annotate` with this one first, or name another --workspace"
            )
        return self.workspace.shards()

    def _changed(self, state: dict[str, Any]) -> str:
        return describe_differences(state["configuration"], self.configuration.model_dump(mode="json"))

    def _edges_fingerprint(self) -> str:
        """Of the options and of what the shards hold, not of the age or place of the input files."""
        options = self.configuration.duplicates.model_dump(mode="json", exclude={"keep"})
        ids, code = self.earlier.ids(), code_of("duplicates")
        return fingerprint("edges", options, ids, code, self.workspace.identity())

    def _deduplicate_fingerprint(self) -> str:
        """Of the edges, of whom to prefer, and of what may not be published at all."""
        keep, filters = self.configuration.duplicates.keep, self.filters
        settings = [keep, self.configuration.witness.threshold, self.configuration.increments.prefer]
        settings += [SUMS.to_string(), code_of("filters")]
        return fingerprint(
            "deduplicate", settings, filters.settings, filters.digests, self._edges_fingerprint()
        )

    def _select_fingerprint(self) -> str:
        return fingerprint(
            "select", self.configuration.cap.model_dump(mode="json"), self._judged_fingerprint()
        )

    def _judged_fingerprint(self) -> str:
        """Of all that decides how documents are judged, and of what of the cap decides how they are measured."""
        cap, prior, detectors = self.configuration.cap, self.configuration.prior, self.detectors
        measured = cap.model_dump(mode="json", include={"unit", "threshold", "seed", "strata", "mixture"})
        settings: list[Any] = [measured, cap_request(cap).by_words, prior.model_dump(mode="json")]
        again = None if detectors.kinds is None else [WEIGHT, detectors.kinds.calibration]
        settings += [[detectors.calibration.digest(), detectors.by_crawl, detectors.max_fpr, again]]
        settings.append(code_of("decisions", "detectors"))
        return fingerprint("judged", *settings, DECISIONS.to_string(), self._deduplicate_fingerprint())

    def _decision_task(self, shard: Shard) -> DecisionTask:
        verdicts = self.workspace.verdicts_path(shard) if self.filters.steps else None
        carried = self.workspace.carried_path(shard) if shard.carried else None
        return DecisionTask(shard, self.workspace.decisions_path(shard), verdicts, carried)

    def _need(self, stage: str, expected: str) -> None:
        """Refuse to go on from what a stage made of other shards or with other settings."""
        if self.workspace.need_state(stage)["fingerprint"] != expected:
            raise WorkspaceError(
                f"{self.workspace.directory}: the shards or the configuration changed since stage {stage} ran here; "
                "give what it was given (--config, --source, --max-synthetic), "
                f"or run `provenance {stage}` with this configuration first"
            )

    def _stands(self, stage: str, fresh: str, *paths: str) -> bool:
        state = self.workspace.read_state(stage)
        return state is not None and state["fingerprint"] == fresh and all_there(self.storage, paths)

    def _result(self, stage: str, ran: int, unchanged: int, started: float) -> StageResult:
        result = StageResult(stage, ran, unchanged, time.monotonic() - started)
        self.progress.finished(stage, ran, unchanged, result.seconds)
        return result
