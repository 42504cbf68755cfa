"""Stores on this machine for tests: S3 as moto serves it, a web server, and a proxy between them and us that misbehaves."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import pytest

from provenance.files.storage import patience, stores

#: Ways to misbehave; a string of digits is an answer with that status.
CUT, SLOW, SILENT = "cut", "slow", "silent"


@dataclass
class S3:
    """A running S3 and how tests look into it without the code under test."""

    endpoint: str

    @property
    def client(self) -> Any:
        account = {"aws_access_key_id": "looker", "aws_secret_access_key": "on", "region_name": "us-east-1"}
        return boto3.client("s3", endpoint_url=self.endpoint, **account)

    def names(self, bucket: str) -> list[str]:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=bucket)
        return [item["Key"] for page in pages for item in page.get("Contents", ())]

    def read(self, bucket: str, key: str) -> bytes:
        return bytes(self.client.get_object(Bucket=bucket, Key=key)["Body"].read())

    def uploads(self, bucket: str) -> list[Any]:
        return list(self.client.list_multipart_uploads(Bucket=bucket).get("Uploads", ()))


@contextmanager
def s3_server() -> Iterator[S3]:
    """An S3 in this process, on a port of its own."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield S3(f"http://{host}:{port}")
    finally:
        server.stop()


def use_s3(monkeypatch: pytest.MonkeyPatch, endpoint: str, seconds: float = 60) -> None:
    """Let the program of this process, and those it starts, talk to `endpoint`, with that much patience."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    be_patient(monkeypatch, seconds)


def be_patient(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Forget clients of other tests, and insist for `seconds`, from pauses of some milliseconds on."""
    monkeypatch.setenv(patience.VARIABLE, str(seconds))
    monkeypatch.setattr(patience, "_FIRST_PAUSE", 0.005)
    stores._client.cache_clear()


@dataclass
class Proxy:
    """Hands requests on to `target`; `misbehave` says how, given the number of the request, its method and its path."""

    target: str
    endpoint: str = ""
    misbehave: Callable[[int, str, str], str] = lambda number, method, path: ""
    seen: list[tuple[str, str]] = field(default_factory=list)


@contextmanager
def proxy(target: str) -> Iterator[Proxy]:
    """A misbehaving proxy in front of a server."""
    held = Proxy(target)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *words: object) -> None:
            pass

        def handle_one_request(self) -> None:
            with quiet():
                super().handle_one_request()

        def relay(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            held.seen.append((self.command, self.path))
            fault = held.misbehave(len(held.seen), self.command, self.path)
            if fault == SILENT:
                time.sleep(3)
                self.close_connection = True
                return
            if fault.isdigit():
                said = (
                    b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
                )
                self.answer(int(fault), {"Content-Type": "application/xml"}, said)
                return
            connection = HTTPConnection(held.target.removeprefix("http://"), timeout=10)
            connection.request(self.command, self.path, body, dict(self.headers.items()))
            answer = connection.getresponse()
            data = answer.read()
            headers = {
                k: v for k, v in answer.getheaders() if k.lower() not in ("transfer-encoding", "connection")
            }
            self.answer(answer.status, headers, data, fault)
            connection.close()

        def answer(self, status: int, headers: dict[str, str], data: bytes, fault: str = "") -> None:
            self.send_response(status)
            for name, value in headers.items():
                if name.lower() != "content-length":
                    self.send_header(name, value)
            length = headers.get("Content-Length", len(data)) if self.command == "HEAD" else len(data)
            self.send_header("Content-Length", str(length))
            self.end_headers()
            if self.command == "HEAD":
                return
            if fault == CUT:
                self.wfile.write(data[: len(data) // 2])
                self.close_connection = True
            elif fault == SLOW:
                for at in range(0, len(data), max(len(data) // 4, 1)):
                    self.wfile.write(data[at : at + max(len(data) // 4, 1)])
                    self.wfile.flush()
                    time.sleep(0.05)
            else:
                self.wfile.write(data)

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = relay

    with serving(Handler) as held.endpoint:
        yield held


@contextmanager
def web_server(folder: Path, ranges: bool = True) -> Iterator[str]:
    """The files of a folder over HTTP, with ranges or without; its address."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *words: object) -> None:
            pass

        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            path = folder / self.path.lstrip("/")
            if not path.is_file():
                self.send_error(404)
                return
            data, status = path.read_bytes(), 200
            wanted = self.headers.get("Range")
            if wanted and ranges:
                first, last = wanted.removeprefix("bytes=").split("-")
                data, status = data[int(first) : int(last) + 1], 206
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if self.command == "GET":
                with quiet():
                    self.wfile.write(data)

    with serving(Handler) as address:
        yield address


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def quiet() -> Iterator[None]:
    """Who asked has gone."""
    try:
        yield
    except (ConnectionError, TimeoutError):
        return
