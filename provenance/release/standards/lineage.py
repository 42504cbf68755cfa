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

#: Versions of the facets that events have.
_FACETS = {
    "ColumnLineageDatasetFacet": "1-2-0",
    "ErrorMessageRunFacet": "1-0-1",
    "InputStatisticsInputDatasetFacet": "1-0-0",
    "JobTypeJobFacet": "2-0-4",
    "OutputStatisticsOutputDatasetFacet": "1-0-2",
    "ParentRunFacet": "1-2-0",
    "ProcessingEngineRunFacet": "1-1-1",
    "SchemaDatasetFacet": "1-2-0",
}


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


def build_event(run: StageRun, state: str, time: str, error: str | None = None) -> dict[str, Any]:
    """One OpenLineage event of a stage, as the library's `Serde.to_dict` gives a `RunEvent`; built without it, which takes .2 s to load.

    `state`: START, RUNNING, COMPLETE, FAIL or ABORT; `time`: ISO 8601; `error`: why it failed.
    """
    producer = f"{HOME}:{run.version}"
    facets: dict[str, Any] = {
        "parent": _facet(
            "ParentRunFacet",
            producer,
            run={"runId": run.job, "facets": {}},
            job={"namespace": PROGRAM, "name": JOB, "facets": {}},
        ),
        "processing_engine": _facet("ProcessingEngineRunFacet", producer, version=run.version, name=PROGRAM),
    }
    if error is not None:
        facets["errorMessage"] = _facet(
            "ErrorMessageRunFacet", producer, message=error, programmingLanguage="python"
        )
    kind = _facet("JobTypeJobFacet", producer, processingType="BATCH", integration="BEAM", jobType="STAGE")
    complete = state == _ENDED
    return {
        "eventTime": time,
        "producer": producer,
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
        "eventType": state,
        "run": {"runId": run.run, "facets": facets},
        "job": {"namespace": PROGRAM, "name": run.stage, "facets": {"jobType": kind}},
        "inputs": [_input(item, producer) for item in run.inputs],
        "outputs": [_output(item, producer, complete) for item in run.outputs],
    }


def event_line(event: dict[str, Any]) -> bytes:
    """An event as a line of a file."""
    return f"{json.dumps(event, sort_keys=True, ensure_ascii=False)}\n".encode("utf-8", "replace")


def build_lineage(manifest: dict[str, Any], schemas: dict[str, pa.Schema]) -> bytes:
    """The file."""
    time = f"{day_of(manifest)}T00:00:00Z"
    events = [
        build_event(run, state, time) for run in stage_runs(manifest, schemas) for state in (_STARTED, _ENDED)
    ]
    return b"".join(map(event_line, events))


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


def _input(dataset: Dataset, producer: str) -> dict[str, Any]:
    counted = _facet("InputStatisticsInputDatasetFacet", producer, **_counts(dataset))
    return {
        "namespace": dataset.namespace,
        "name": dataset.name,
        "facets": _facets(dataset, producer, lineage=False),
        "inputFacets": {"inputStatistics": counted},
    }


def _output(dataset: Dataset, producer: str, complete: bool) -> dict[str, Any]:
    counted: dict[str, Any] = {}
    if complete and dataset.rows is not None:
        counted["outputStatistics"] = _facet(
            "OutputStatisticsOutputDatasetFacet", producer, **_counts(dataset)
        )
    return {
        "namespace": dataset.namespace,
        "name": dataset.name,
        "facets": _facets(dataset, producer, lineage=complete),
        "outputFacets": counted,
    }


def _counts(dataset: Dataset) -> dict[str, int | None]:
    return {"rowCount": dataset.rows, "size": dataset.bytes, "fileCount": dataset.files}


def _facets(dataset: Dataset, producer: str, lineage: bool) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if dataset.schema is not None:
        fields = [
            _stated(
                name=field.name, type=_type_name(field.type), description=MEANING.get(field.name), fields=[]
            )
            for field in dataset.schema
        ]
        found["schema"] = _facet("SchemaDatasetFacet", producer, fields=fields)
    if lineage and dataset.origins:
        origins = {
            name: {"inputFields": [_origin(*of) for of in all_of]} for name, all_of in dataset.origins.items()
        }
        found["columnLineage"] = _facet("ColumnLineageDatasetFacet", producer, fields=origins, dataset=[])
    return found


def _origin(namespace: str, name: str, column: str) -> dict[str, Any]:
    return {"namespace": namespace, "name": name, "field": column, "transformations": []}


def _facet(name: str, producer: str, /, **properties: Any) -> dict[str, Any]:
    """One facet, with what it is a facet of; properties that are None are not stated."""
    schema = f"https://openlineage.io/spec/facets/{_FACETS[name]}/{name}.json#/$defs/{name}"
    return {"_producer": producer, "_schemaURL": schema, **_stated(**properties)}


def _stated(**properties: Any) -> dict[str, Any]:
    return {name: value for name, value in properties.items() if value is not None}


def _type_name(type_: pa.DataType) -> str:
    """The name of a type, whatever a file calls the items of its lists."""
    return str(type_).replace("list<item: ", "list<").replace("list<element: ", "list<")
