"""`lineage.jsonl`: the stages of the job as OpenLineage events, with schemas, row counts and the lineage of every column.

Each stage has START and COMPLETE (a job that fails sends FAIL to a server, but has no release). The same runs have the
same identifiers, and all events of the file one time, the release's day: nothing here reads a clock (promise 5).
Source: OpenLineage 2-0-2.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from provenance.release.json_schema import MEANING
from provenance.release.layout import data_files, ledger_files
from provenance.release.standards.columns import RECORDS_READ, comes_from
from provenance.release.standards.origin import HOME, PROGRAM, day_of, release_id, version_of
from provenance.schema import RECORDS

LINEAGE = "lineage.jsonl"
#: Inputs that an event names one by one; the manifest names all.
_MOST_INPUTS = 1000
_STARTED, _ENDED = "START", "COMPLETE"
#: The whole job among the runs of a manifest, and what its stages leave for each other.
JOB = "curate"
LEFT = {"annotate": "annotated", "deduplicate": "clusters", "select": "decisions"}


@dataclass(frozen=True)
class Dataset:
    """What a stage reads or writes.

    Attributes:
        namespace: whose name it is.
        name: unique in the namespace.
        schema: its columns, where it has any.
        rows, bytes, files: how much of it there is; None where that is not known (yet).
        origins: for each column the datasets and columns that it is made of.
    """

    namespace: str
    name: str
    schema: pa.Schema | None = None
    rows: int | None = None
    bytes: int | None = None
    files: int | None = None
    origins: dict[str, tuple[tuple[str, str, str], ...]] | None = None


@dataclass(frozen=True)
class StageRun:
    """One run of one stage.

    Attributes:
        stage: its name.
        run: its UUID.
        job: UUID of the whole job, its parent.
        version: of the program.
        inputs, outputs: what it reads and writes.
    """

    stage: str
    run: str
    job: str
    version: str
    inputs: tuple[Dataset, ...] = ()
    outputs: tuple[Dataset, ...] = ()


def stage_runs(manifest: dict[str, Any], schemas: dict[str, pa.Schema]) -> list[StageRun]:
    """The four stages of a finished release."""
    runs = {item["stage"]: item["run"] for item in manifest["runs"]}
    rows = {item["stage"]: item["rows"] for item in manifest["runs"]}
    left = {stage: left_by(stage, runs, rows[stage], schemas.get(name)) for stage, name in LEFT.items()}
    annotated, clusters, decisions = (left[stage] for stage in LEFT)
    steps: dict[str, tuple[Sequence[Dataset], Sequence[Dataset]]] = {
        "annotate": (crawl_datasets(manifest["inputs"], manifest["counts"]["records"]), [annotated]),
        "deduplicate": ([annotated], [clusters]),
        "select": ([annotated, clusters], [decisions]),
        "publish": ([annotated, decisions], published(manifest, schemas)),
    }
    version = version_of(manifest)
    return [
        StageRun(stage, runs[stage], runs[JOB], version, inputs=tuple(read), outputs=tuple(made))
        for stage, (read, made) in steps.items()
    ]


def left_by(
    stage: str, runs: Mapping[str, str], rows: int | None = None, schema: pa.Schema | None = None
) -> Dataset:
    """What a stage leaves in the workspace for the next ones; `runs` has the identifiers of the runs so far."""
    name = LEFT[stage]
    return Dataset(PROGRAM, f"{name}/{runs[stage]}", schema, rows, origins=comes_from(name, runs))


def published(manifest: dict[str, Any], schemas: dict[str, pa.Schema]) -> list[Dataset]:
    """The data and the ledger of a release."""
    found, runs = [], {item["stage"]: item["run"] for item in manifest["runs"]}
    for folder, files in (("data", data_files(manifest)), ("ledger", ledger_files(manifest))):
        rows = sum(item.get("documents", item.get("records", 0)) for item in files)
        size = sum(item["bytes"] for item in files)
        origins = comes_from(folder, runs, schemas[folder])
        name = f"{folder}/{release_id(manifest)}"
        found.append(
            Dataset(PROGRAM, name, schemas[folder], rows=rows, bytes=size, files=len(files), origins=origins)
        )
    return found


def crawl_datasets(inputs: Sequence[dict[str, Any]], records: int | None = None) -> list[Dataset]:
    """What readers make of the crawl files, and the files: the first thousand one by one, the others as one."""
    named = [Dataset("crawl", item["name"], bytes=item["bytes"], files=1) for item in inputs[:_MOST_INPUTS]]
    rest = inputs[_MOST_INPUTS:]
    if rest:
        size = sum(item["bytes"] for item in rest)
        named.append(Dataset("crawl", "further inputs", bytes=size, files=len(rest)))
    return [Dataset(*RECORDS_READ, RECORDS, records), *named]


def build_event(run: StageRun, state: str, time: str, error: str | None = None) -> Any:
    """One OpenLineage event of a stage (`openlineage.client.event_v2.RunEvent`).

    `state`: START, RUNNING, COMPLETE, FAIL or ABORT; `time`: ISO 8601; `error`: why it failed.
    """
    from openlineage.client import event_v2, facet_v2

    producer = f"{HOME}:{run.version}"
    event_v2.set_producer(producer)
    facets: dict[str, Any] = {
        "parent": facet_v2.parent_run.ParentRunFacet(
            run=facet_v2.parent_run.Run(runId=run.job),
            job=facet_v2.parent_run.Job(namespace=PROGRAM, name=JOB),
            producer=producer,
        ),
        "processing_engine": facet_v2.processing_engine_run.ProcessingEngineRunFacet(
            version=run.version, name=PROGRAM, producer=producer
        ),
    }
    if error is not None:
        facets["errorMessage"] = facet_v2.error_message_run.ErrorMessageRunFacet(
            message=error, programmingLanguage="python", producer=producer
        )
    kind = facet_v2.job_type_job.JobTypeJobFacet(
        processingType="BATCH", integration="BEAM", jobType="STAGE", producer=producer
    )
    complete = state == _ENDED
    return event_v2.RunEvent(
        eventTime=time,
        producer=producer,
        eventType=event_v2.RunState[state],
        run=event_v2.Run(runId=run.run, facets=facets),
        job=event_v2.Job(namespace=PROGRAM, name=run.stage, facets={"jobType": kind}),
        inputs=[_input(item, producer) for item in run.inputs],
        outputs=[_output(item, producer, complete) for item in run.outputs],
    )


def build_lineage(manifest: dict[str, Any], schemas: dict[str, pa.Schema]) -> bytes:
    """The file."""
    from openlineage.client.serde import Serde

    time = f"{day_of(manifest)}T00:00:00Z"
    events = [
        build_event(run, state, time) for run in stage_runs(manifest, schemas) for state in (_STARTED, _ENDED)
    ]
    return "".join(Serde.to_json(event, ensure_ascii=False) + "\n" for event in events).encode(
        "utf-8", "replace"
    )


def check_lineage(data: bytes) -> Iterator[str]:
    """What is wrong with the events, one sentence each: every run starts and completes, with a valid identifier and time."""
    import datetime
    import uuid

    states: dict[str, list[str]] = {}
    for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), 1):
        try:
            event = json.loads(line)
            run = str(uuid.UUID(event["run"]["runId"]))
            datetime.datetime.fromisoformat(event["eventTime"])
            states.setdefault(run, []).append(event["eventType"])
            named = [event["job"], *event["inputs"], *event["outputs"]]
            missing = (
                not event["schemaURL"]
                or not event["producer"]
                or not all(x["namespace"] and x["name"] for x in named)
            )
        except (ValueError, KeyError, TypeError) as error:
            yield f"line {number}: is no OpenLineage run event: {error!r}"
            continue
        if missing:
            yield f"line {number}: lacks what every OpenLineage event has"
    for run, seen in states.items():
        if seen != [_STARTED, _ENDED]:
            yield f"run {run}: has the events {', '.join(seen)}, not START and COMPLETE"


def _input(dataset: Dataset, producer: str) -> Any:
    from openlineage.client import event_v2, facet_v2

    counted = facet_v2.input_statistics_input_dataset.InputStatisticsInputDatasetFacet(
        rowCount=dataset.rows, size=dataset.bytes, fileCount=dataset.files, producer=producer
    )
    return event_v2.InputDataset(
        namespace=dataset.namespace,
        name=dataset.name,
        facets=_facets(dataset, producer, lineage=False),
        inputFacets={"inputStatistics": counted},
    )


def _output(dataset: Dataset, producer: str, complete: bool) -> Any:
    from openlineage.client import event_v2, facet_v2

    counted: dict[str, Any] = {}
    if complete and dataset.rows is not None:
        counted["outputStatistics"] = (
            facet_v2.output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(
                rowCount=dataset.rows, size=dataset.bytes, fileCount=dataset.files, producer=producer
            )
        )
    return event_v2.OutputDataset(
        namespace=dataset.namespace,
        name=dataset.name,
        facets=_facets(dataset, producer, lineage=complete),
        outputFacets=counted,
    )


def _facets(dataset: Dataset, producer: str, lineage: bool) -> dict[str, Any]:
    from openlineage.client import facet_v2

    found: dict[str, Any] = {}
    if dataset.schema is not None:
        found["schema"] = facet_v2.schema_dataset.SchemaDatasetFacet(
            fields=[
                facet_v2.schema_dataset.SchemaDatasetFacetFields(
                    name=field.name, type=_type_name(field.type), description=MEANING.get(field.name)
                )
                for field in dataset.schema
            ],
            producer=producer,
        )
    if lineage and dataset.origins:
        columns = facet_v2.column_lineage_dataset
        found["columnLineage"] = columns.ColumnLineageDatasetFacet(
            fields={
                name: columns.Fields(
                    inputFields=[
                        columns.InputField(namespace=namespace, name=of, field=column)
                        for namespace, of, column in origin
                    ]
                )
                for name, origin in dataset.origins.items()
            },
            producer=producer,
        )
    return found


def _type_name(type_: pa.DataType) -> str:
    """The name of a type, whatever a file calls the items of its lists."""
    return str(type_).replace("list<item: ", "list<").replace("list<element: ", "list<")
