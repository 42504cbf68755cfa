"""The stages of a job as they run, as OpenLineage events: START, then COMPLETE, FAIL or ABORT, with the time by the clock.

Of a stage that several calls share, each says START, and RUNNING when it has ended before another one; the last says COMPLETE.

They are appended to `lineage.jsonl` of a local workspace and, where a server is configured, sent to it. A server that
does not answer never fails a job: it is said once, and the file has all events.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from provenance import __version__
from provenance.configuration import Configuration, fingerprint
from provenance.errors import plain
from provenance.files.workspace import Workspace
from provenance.release.standards.lineage import (
    JOB,
    LINEAGE,
    Dataset,
    StageRun,
    build_event,
    crawl_datasets,
    left_by,
)
from provenance.release.standards.origin import run_id
from provenance.schema import DECISIONS

#: Seconds that one event may take, and how often it is tried again: a job does not wait for its log.
_TIMEOUT, _RETRIES = 5.0, 1
#: What the library itself is configured by.
_CONFIGURED = ("OPENLINEAGE_URL", "OPENLINEAGE_CONFIG", "OPENLINEAGE__TRANSPORT")


@dataclass
class Told:
    """How a stage stands when a call has ended.

    Attributes:
        shared: other calls have parts of it that are not done.
    """

    shared: bool = False


@dataclass
class LineageLog:
    """Where events go.

    Attributes:
        workspace: of the job; its file gets all events where it is local.
        note: says something to the person who runs the job.
        url: of an OpenLineage server; None: as the environment says (`OPENLINEAGE_URL` and the library's other variables).
    """

    workspace: Workspace
    note: Callable[[str], None]
    url: str | None = None
    _silent: bool = field(default=False, init=False)
    _client: Any = field(default=None, init=False)

    @contextmanager
    def stage(
        self,
        stage: str,
        fingerprints: Sequence[tuple[str, str]],
        crawl: Sequence[dict[str, Any]] = (),
        released: Callable[[], Sequence[Dataset]] = tuple,
    ) -> Iterator[Told]:
        """Say that a stage starts, and how it ends, which `Told` is told.

        `fingerprints` decide the results of the stages so far; `crawl` are the inputs of the first one, and what the last
        one has `released` is asked when it has ended.
        """
        runs = {name: run_id(name, made_by) for name, made_by in fingerprints}
        run = StageRun(stage, runs[stage], runs[JOB], __version__, tuple(self._reads(stage, runs, crawl)))
        self._send(run, "START")
        told = Told()
        try:
            yield told
        except (KeyboardInterrupt, GeneratorExit):
            self._send(run, "ABORT")
            raise
        except BaseException as error:
            lines = [line for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
            self._send(run, "FAIL", plain(lines[-1]))
            raise
        if told.shared:
            self._send(run, "RUNNING")
        else:
            self._send(replace(run, outputs=tuple(self._makes(stage, runs, released))), "COMPLETE")

    def _reads(self, stage: str, runs: dict[str, str], crawl: Sequence[dict[str, Any]]) -> Sequence[Dataset]:
        if stage == "annotate":
            return crawl_datasets(crawl)
        before = {
            "deduplicate": ("annotate",),
            "select": ("annotate", "deduplicate"),
            "publish": ("annotate", "select"),
        }
        return [left_by(name, runs, self._rows(name)) for name in before[stage]]

    def _makes(
        self, stage: str, runs: dict[str, str], released: Callable[[], Sequence[Dataset]]
    ) -> Sequence[Dataset]:
        schema = DECISIONS if stage == "select" else None
        return released() if stage == "publish" else [left_by(stage, runs, self._rows(stage), schema)]

    def _rows(self, stage: str) -> int:
        """Rows that a finished stage left."""
        if stage != "deduplicate":
            return sum(shard.rows for shard in self.workspace.shards())
        return self.workspace.clustered()

    def _send(self, run: StageRun, state: str, error: str | None = None) -> None:
        from openlineage.client.serde import Serde

        event = build_event(run, state, datetime.now(UTC).isoformat(), error)
        folder = self.workspace.directory
        if "://" not in folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            line = Serde.to_json(event, ensure_ascii=False) + "\n"
            # At one go: calls that share a stage append at the same time.
            with Path(folder, LINEAGE).open("ab", buffering=0) as file:
                file.write(line.encode(errors="replace"))
        if self._silent or not self._is_configured():
            return
        try:
            self._connected().emit(event)
        except Exception as trouble:
            self._silent = True
            where = self.url or os.environ.get("OPENLINEAGE_URL") or "the configured server"
            kept = "" if "://" in folder else f"; {folder}/{LINEAGE} has all events"
            self.note(
                f"lineage: {where} does not take events ({_why(trouble)}): the job goes on and sends no more{kept}"
            )

    def _is_configured(self) -> bool:
        if os.environ.get("OPENLINEAGE_DISABLED", "").lower() == "true":
            return False
        return self.url is not None or any(name.startswith(_CONFIGURED) for name in os.environ)

    def _connected(self) -> Any:
        """The client, made at the first event."""
        if self._client is None:
            from openlineage.client import OpenLineageClient

            address = self.url or os.environ.get("OPENLINEAGE_URL")
            self._client = OpenLineageClient(config=_http(address) if address else None)
        return self._client


def first_fingerprints(
    configuration: Configuration, annotation: str, inputs: Sequence[dict[str, Any]]
) -> tuple[tuple[str, str], ...]:
    """What decides the results of the whole job and of its first stage: known before anything is read.

    `annotation` is the fingerprint of the annotators; of an input only its name and size enter.
    """
    annotated = fingerprint("annotate", annotation, [[item["name"], item["bytes"]] for item in inputs])
    job = fingerprint("job", configuration.model_dump(mode="json"), annotated)
    return (JOB, job), ("annotate", annotated)


def _http(url: str) -> dict[str, Any]:
    """The library's settings for one address."""
    transport: dict[str, Any] = {"type": "http", "url": url, "timeout": _TIMEOUT}
    transport["retry"] = {"total": _RETRIES, "connect": _RETRIES, "read": _RETRIES}
    key = os.environ.get("OPENLINEAGE_API_KEY")
    if os.environ.get("OPENLINEAGE_ENDPOINT"):
        transport["endpoint"] = os.environ["OPENLINEAGE_ENDPOINT"]
    if key:
        transport["auth"] = {"type": "api_key", "apiKey": key}
    return {"transport": transport}


def _why(trouble: Exception) -> str:
    """What went wrong in a few words: what the library says of it is a page long."""
    import requests

    if isinstance(trouble, requests.Timeout):
        return f"no answer within {_TIMEOUT:g} s"
    if isinstance(trouble, requests.ConnectionError):
        return "no connection"
    if isinstance(trouble, requests.HTTPError) and trouble.response is not None:
        return f"it answers with status {trouble.response.status_code}"
    return plain((str(trouble).splitlines() or [type(trouble).__name__])[-1])[:200]
