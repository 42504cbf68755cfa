"""A job tells an OpenLineage server what happens; a server that fails never fails the job, but is said."""

from __future__ import annotations

import json
import shutil
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from pipelines.lineage import LineageLog
from provenance.files.storage import LocalStorage
from provenance.files.workspace import Workspace
from tests.program import run
from tests.release.described import manifest_of

FINGERPRINTS = (("curate", "a"), ("annotate", "b"))
INPUTS = [{"name": "a.warc", "bytes": 9}]


class Server:
    """A real server on loopback that keeps what it is sent and answers as it is told."""

    def __init__(self, status: int) -> None:
        self.events: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        keep = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                keep.events.append({"path": self.path, **json.loads(body)})
                keep.headers.append(dict(self.headers))
                self.send_response(status)
                self.end_headers()

            def log_message(self, format: str, *arguments: Any) -> None:
                """Nothing on standard error."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self) -> Server:
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture(autouse=True)
def nothing_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("URL", "CONFIG", "API_KEY", "ENDPOINT", "DISABLED"):
        monkeypatch.delenv(f"OPENLINEAGE_{name}", raising=False)


@pytest.fixture
def notes() -> list[str]:
    return []


def log(folder: Path, notes: list[str], url: str | None = None) -> LineageLog:
    return LineageLog(Workspace(LocalStorage(), str(folder)), notes.append, url)


def lines(folder: Path) -> Iterator[dict[str, Any]]:
    for line in (folder / "lineage.jsonl").read_text(encoding="utf-8").splitlines():
        yield json.loads(line)


def test_a_job_sends_the_runs_that_its_release_names(demo_release: Path, tmp_path: Path) -> None:
    workspace = shutil.copytree(f"{demo_release}.workspace", tmp_path / "workspace")
    (workspace / "lineage.jsonl").unlink(missing_ok=True)
    release = tmp_path / "release"
    with Server(201) as server:
        ended = run(
            "publish", "--workspace", workspace, "--output", release, "--lineage", server.url, "--quiet"
        )
    assert ended.code == 0, ended.err
    assert [event["eventType"] for event in server.events] == ["START", "COMPLETE"]
    assert {event["path"] for event in server.events} == {"/api/v1/lineage"}
    assert [event["eventTime"] for event in lines(workspace)] == [
        event["eventTime"] for event in server.events
    ]
    manifest = manifest_of(release)
    runs = {item["stage"]: item["run"] for item in manifest["runs"]}
    assert {event["run"]["runId"] for event in server.events} == {runs["publish"]}
    parents = {event["run"]["facets"]["parent"]["run"]["runId"] for event in server.events}
    assert parents == {runs["curate"]}
    data, _ = server.events[-1]["outputs"]
    assert data["outputFacets"]["outputStatistics"]["rowCount"] == manifest["counts"]["kept"]
    assert manifest["runs"] == manifest_of(demo_release)["runs"]


def test_a_stage_that_fails_is_told_as_failed(tmp_path: Path, notes: list[str]) -> None:
    with (
        Server(200) as server,
        pytest.raises(ValueError),
        log(tmp_path, notes, server.url).stage("annotate", FINGERPRINTS, INPUTS),
    ):
        raise ValueError("first line\nthe disk is full")
    started, failed = server.events
    assert (started["eventType"], failed["eventType"]) == ("START", "FAIL")
    assert failed["run"]["facets"]["errorMessage"]["message"] == "the disk is full"
    assert failed["run"]["runId"] == started["run"]["runId"]
    assert notes == []


def test_a_stage_that_is_interrupted_is_told_as_aborted(tmp_path: Path, notes: list[str]) -> None:
    with pytest.raises(KeyboardInterrupt), log(tmp_path, notes).stage("annotate", FINGERPRINTS, INPUTS):
        raise KeyboardInterrupt
    assert [event["eventType"] for event in lines(tmp_path)] == ["START", "ABORT"]


def closed_port() -> str:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{unused.getsockname()[1]}"


@pytest.mark.parametrize("status", [None, 400, 503])
def test_a_server_that_is_not_there_or_refuses_is_said_once_and_fails_nothing(
    tmp_path: Path, notes: list[str], status: int | None
) -> None:
    with Server(status or 200) as server:
        url = closed_port() if status is None else server.url
        lineage = log(tmp_path, notes, url)
        for _ in range(2):
            with pytest.raises(ValueError), lineage.stage("annotate", FINGERPRINTS, INPUTS):
                raise ValueError("nothing to do with it")
    (note,) = notes
    why = "no connection" if status is None else "status 400" if status == 400 else "lineage: "
    assert (
        url in note and why in note and "the job goes on" in note and "lineage.jsonl has all events" in note
    )
    assert len(list(lines(tmp_path))) == 4


def test_the_environment_names_the_server_and_the_key(
    tmp_path: Path, notes: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Server(200) as server:
        monkeypatch.setenv("OPENLINEAGE_URL", server.url)
        monkeypatch.setenv("OPENLINEAGE_API_KEY", "key-1")
        monkeypatch.setenv("OPENLINEAGE_ENDPOINT", "other/path")
        with pytest.raises(ValueError), log(tmp_path, notes).stage("annotate", FINGERPRINTS, INPUTS):
            raise ValueError
        monkeypatch.setenv("OPENLINEAGE_DISABLED", "true")
        with pytest.raises(ValueError), log(tmp_path, notes).stage("annotate", FINGERPRINTS, INPUTS):
            raise ValueError
    assert [event["path"] for event in server.events] == ["/other/path"] * 2
    assert server.headers[0]["Authorization"] == "Bearer key-1"


def test_the_same_work_has_the_same_run_and_other_work_another(tmp_path: Path, notes: list[str]) -> None:
    for number, made_by in enumerate(("b", "b", "c")):
        with (
            pytest.raises(ValueError),
            log(tmp_path / str(number), notes).stage(
                "annotate", (("curate", "a"), ("annotate", made_by)), INPUTS
            ),
        ):
            raise ValueError
    first, again, other = (next(lines(tmp_path / str(number)))["run"]["runId"] for number in range(3))
    assert first == again != other
