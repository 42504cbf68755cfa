"""Google Cloud Storage as fake-gcs-server emulates it: a process that keeps its objects in a folder, so that it can be killed and come back."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.services.needs import need
from tests.services.processes import Server, free_port
from tests.stores import be_patient


class Google:
    """The emulator and how tests look into it without the code under test; a context manager."""

    def __init__(self, folder: Path) -> None:
        self._program = need("fake-gcs-server", "bin/fake-gcs-server")
        self._folder, self._port = folder, free_port()
        (folder / "objects").mkdir(parents=True)
        self.endpoint = f"http://127.0.0.1:{self._port}"
        self._started = 0

    def __enter__(self) -> Google:
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.kill()

    def start(self) -> None:
        """Start it, with the objects that it had."""
        self._started += 1
        command = [str(self._program), "-scheme", "http", "-host", "127.0.0.1", "-port", str(self._port)]
        command += ["-backend", "filesystem", "-filesystem-root", str(self._folder / "objects")]
        command += ["-public-host", f"127.0.0.1:{self._port}", "-log-level", "error"]
        self._server = Server(command, self._folder / f"{self._started}.log").listening(self._port)

    def kill(self) -> None:
        """As its machine dies."""
        self._server.kill()

    def make_bucket(self, bucket: str) -> None:
        self._ask("POST", "storage/v1/b?project=test", {"name": bucket})

    def write(self, bucket: str, name: str, data: bytes) -> None:
        place = f"upload/storage/v1/b/{bucket}/o?uploadType=media&name={quote(name, safe='')}"
        self._ask("POST", place, data)

    def names(self, bucket: str) -> list[str]:
        answer = json.loads(self._ask("GET", f"storage/v1/b/{bucket}/o?maxResults=100000"))
        return [item["name"] for item in answer.get("items", ())]

    def read(self, bucket: str, name: str) -> bytes:
        return self._ask("GET", f"storage/v1/b/{bucket}/o/{quote(name, safe='')}?alt=media")

    def _ask(self, method: str, place: str, body: bytes | dict[str, str] | None = None) -> bytes:
        data = json.dumps(body).encode() if isinstance(body, dict) else body
        kind = {"Content-Type": "application/json" if isinstance(body, dict) else "application/octet-stream"}
        request = urllib.request.Request(f"{self.endpoint}/{place}", data, kind, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return bytes(answer.read())


def use_google(monkeypatch: pytest.MonkeyPatch, endpoint: str, seconds: float = 60) -> None:
    """Let the program of this process, and those it starts, talk to `endpoint`, with that much patience."""
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", endpoint)
    be_patient(monkeypatch, seconds)
