"""The Hugging Face hub as far as its own client library needs it to read a dataset, served from a folder of this machine.

Only the answers are ours: what asks is `huggingface_hub`, as it would ask the hub itself.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from provenance.files.storage import stores
from tests.stores import be_patient, quiet, serving

_COMMIT = "0" * 40


@contextmanager
def hub_server(repositories: dict[str, Path], token: str | None = None) -> Iterator[str]:
    """Datasets by their names (`OWNER/NAME`); with a token only for who shows it. Yields the hub's address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *words: object) -> None:
            pass

        def do_HEAD(self) -> None:
            self.do_GET()

        def do_POST(self) -> None:
            asked = parse_qs(self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode())
            self.do_GET(asked.get("paths", []))

        def do_GET(self, paths: list[str] | None = None) -> None:
            words = unquote(urlsplit(self.path).path).strip("/").split("/")
            api = words[0] == "api"
            name, rest = "/".join(words[api + 1 : api + 3]), words[api + 3 :]
            folder = repositories.get(name)
            if token is not None and self.headers.get("Authorization") != f"Bearer {token}":
                self.refuse(401, "GatedRepo", "Access to this dataset is restricted.")
            elif folder is None:
                self.refuse(401, "RepoNotFound", "Repository not found")
            elif not api:
                self.resolve(folder.joinpath(*rest[2:]))
            elif rest[:1] == ["tree"]:
                self.tree(folder, folder.joinpath(*rest[2:]), "recursive=True" in self.path)
            elif rest[:1] == ["paths-info"]:
                self.answer(
                    [entry(folder, folder / path) for path in paths or () if (folder / path).exists()]
                )
            else:
                self.answer({"id": name, "sha": _COMMIT, "siblings": [], "private": False})

        def tree(self, folder: Path, below: Path, recursive: bool) -> None:
            if not below.is_dir():
                self.refuse(404, "EntryNotFound", "Entry not found")
                return
            found = below.rglob("*") if recursive else below.iterdir()
            self.answer([entry(folder, path) for path in sorted(found)])

        def resolve(self, path: Path) -> None:
            if not path.is_file():
                self.refuse(404, "EntryNotFound", "Entry not found")
                return
            data, status = path.read_bytes(), 200
            whole = len(data)
            if wanted := self.headers.get("Range"):
                first, last = wanted.removeprefix("bytes=").split("-")
                data, status = data[int(first) : int(last or whole) + 1], 206
            self.send_response(status)
            self.send_header("ETag", hashlib.sha1(path.read_bytes()).hexdigest())
            self.send_header("X-Repo-Commit", _COMMIT)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if self.command == "GET":
                with quiet():
                    self.wfile.write(data)

        def answer(self, what: Any, status: int = 200, headers: dict[str, str] | None = None) -> None:
            data = json.dumps(what).encode()
            self.send_response(status)
            for key, value in {"Content-Type": "application/json", **(headers or {})}.items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data)

        def refuse(self, status: int, code: str, why: str) -> None:
            self.answer({"error": why}, status, {"X-Error-Code": code, "X-Error-Message": why})

    with serving(Handler) as address:
        yield address


def entry(folder: Path, path: Path) -> dict[str, Any]:
    """What the hub says of a file or a directory."""
    name = path.relative_to(folder).as_posix()
    if path.is_dir():
        return {"type": "directory", "path": name, "oid": _COMMIT}
    digest = hashlib.sha1(path.read_bytes()).hexdigest()
    return {"type": "file", "path": name, "oid": digest, "size": path.stat().st_size}


def use_hub(monkeypatch: pytest.MonkeyPatch, endpoint: str, token: str | None = None) -> None:
    """Let the program of this process, and those it starts, talk to the hub at `endpoint`."""
    import huggingface_hub.constants

    monkeypatch.setenv("HF_ENDPOINT", endpoint)
    # What the library read of the environment when this process imported it.
    template = huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE
    before = huggingface_hub.constants.ENDPOINT
    for name, value in (
        ("ENDPOINT", endpoint),
        ("HUGGINGFACE_CO_URL_TEMPLATE", template.replace(before, endpoint)),
    ):
        monkeypatch.setattr(huggingface_hub.constants, name, value)
    monkeypatch.delenv("HF_TOKEN", raising=False)
    if token is not None:
        monkeypatch.setenv("HF_TOKEN", token)
    be_patient(monkeypatch, 10)
    stores._client.cache_clear()
