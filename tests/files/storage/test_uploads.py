"""A large object of Google Cloud Storage whose answers get lost is whole all the same, by the rules that its documentation gives."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, urlsplit

import pytest

from provenance.files.storage import AnyStorage, StoreError, uploads
from tests.stores import be_patient, serving

STORAGE = AnyStorage()
DATA = os.urandom(5 << 20)


@dataclass
class Sessions:
    """Resumable uploads: a part begins where the store ends or before it, and what it has already is passed over.

    `least`: bytes of a part that it takes at most; `lose`: numbers of the answers that are lost.
    """

    objects: dict[str, bytes] = field(default_factory=dict)
    open: dict[str, bytearray] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)
    most: int = 1 << 30
    lose: tuple[int, ...] = ()
    answers: int = 0

    def take(self, name: str, span: str, data: bytes) -> tuple[int, dict[str, str], bytes]:
        found = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+|\*)", span)
        assert found is not None
        begin, last, total = int(found[1]), int(found[2]), found[3]
        assert last - begin + 1 == len(data)
        if name not in self.done:
            held = self.open[name]
            assert begin <= len(held), "bytes between are missing"
            held += data[len(held) - begin :][: self.most]
            if total == "*" or len(held) < int(total):
                assert total != "*" or len(data) % (256 << 10) == 0
                return 308, {"Range": f"bytes=0-{len(held) - 1}"} if held else {}, b""
            self.objects[name] = bytes(held)
            self.done.add(name)
        return 200, {}, json.dumps({"size": str(len(self.objects[name]))}).encode()


@pytest.fixture
def sessions(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sessions]:
    held = Sessions()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *words: object) -> None:
            pass

        def do_POST(self) -> None:
            name = json.loads(self._body())["name"]
            held.open[name] = bytearray()
            place = f"http://{self.headers['Host']}/session?name={name}"
            self._answer(200, {"Location": place}, b"{}")

        def do_PUT(self) -> None:
            name, data = parse_qs(urlsplit(self.path).query)["name"][0], self._body()
            known = name in held.open
            self._answer(*held.take(name, self.headers["Content-Range"], data) if known else (404, {}, b""))

        def do_DELETE(self) -> None:
            held.open.pop(parse_qs(urlsplit(self.path).query)["name"][0], None)
            self._answer(499, {}, b"")

        def do_GET(self) -> None:
            self._answer(404, {}, b"")

        def _body(self) -> bytes:
            return self.rfile.read(int(self.headers["Content-Length"]))

        def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
            held.answers += 1
            if held.answers in held.lose:
                self.close_connection = True
                return
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

    with serving(Handler) as address:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", address)
        monkeypatch.setattr(uploads, "PART_BYTES", 1 << 20)
        be_patient(monkeypatch, 60)
        yield held


def write(path: str) -> None:
    with STORAGE.create(path) as file:
        for at in range(0, len(DATA), 300_000):
            file.write(DATA[at : at + 300_000])


@pytest.mark.parametrize("lose", [(1,), (2, 3), (6,)])
def test_an_answer_that_is_lost_costs_no_byte(sessions: Sessions, lose: tuple[int, ...]) -> None:
    sessions.lose = lose
    write("gs://crawls/x")
    assert sessions.objects == {"x": DATA}


def test_what_the_store_did_not_take_is_sent_again(sessions: Sessions) -> None:
    sessions.most = 768 << 10
    write("gs://crawls/x")
    assert sessions.objects == {"x": DATA}


def test_an_upload_that_is_given_up_is_removed(sessions: Sessions) -> None:
    with pytest.raises(RuntimeError), STORAGE.create("gs://crawls/x") as file:
        file.write(DATA)
        assert list(sessions.open) == ["x"]
        raise RuntimeError
    assert not sessions.open and not sessions.objects


def test_an_upload_that_the_store_does_not_know_any_more_is_an_error(sessions: Sessions) -> None:
    told = pytest.raises(StoreError, match=r"gs://crawls/x: .*run the same command")
    with told, STORAGE.create("gs://crawls/x") as file:
        file.write(DATA)
        sessions.open.clear()
        file.write(DATA)
    assert not sessions.objects
