"""The whole program on Google Cloud Storage, as far as an emulator goes: the bytes of a local run, through troubles and deaths."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from provenance.files.storage import AnyStorage, StoreError, read_bytes, uploads, write_bytes
from tests.program import DEMO, contents, run
from tests.services.google import Google, use_google
from tests.stores import CUT, SLOW, proxy

pytestmark = pytest.mark.services

STORAGE = AnyStorage()
DATA = os.urandom(3 << 20)


@pytest.fixture(scope="module")
def google(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Google]:
    """The emulator with the bundled crawl in a bucket."""
    with Google(tmp_path_factory.mktemp("google")) as server:
        server.make_bucket("crawls")
        for path in DEMO.rglob("*"):
            if path.is_file():
                server.write("crawls", f"demo/{path.relative_to(DEMO)}", path.read_bytes())
        yield server


def is_like(google: Google, prefix: str, release: Path) -> bool:
    names = [name for name in google.names("crawls") if name.startswith(prefix)]
    assert {name.removeprefix(prefix) for name in names} == set(contents(release))
    return all(
        google.read("crawls", name) == (release / name.removeprefix(prefix)).read_bytes() for name in names
    )


def test_a_file_is_found_listed_read_and_deleted(google: Google, monkeypatch: pytest.MonkeyPatch) -> None:
    use_google(monkeypatch, google.endpoint)
    for name in ("r/a", "r/b/c", "rest"):
        write_bytes(STORAGE, f"gs://crawls/f/{name}", name.encode())
    listed = STORAGE.list("gs://crawls/f/r")
    assert {item.path for item in listed} == {"gs://crawls/f/r/a", "gs://crawls/f/r/b/c"}
    assert STORAGE.info("gs://crawls/f/r/a") == next(item for item in listed if item.path.endswith("a"))
    assert STORAGE.info("gs://crawls/f/r") is None and STORAGE.list("gs://crawls/f/r/a") == []
    assert read_bytes(STORAGE, "gs://crawls/f/r/b/c") == b"r/b/c"
    before = STORAGE.info("gs://crawls/f/rest")
    write_bytes(STORAGE, "gs://crawls/f/rest", b"more")
    assert STORAGE.info("gs://crawls/f/rest") != before
    STORAGE.delete("gs://crawls/f/r")
    STORAGE.delete("gs://crawls/f/never-there")
    assert [name for name in google.names("crawls") if name.startswith("f/")] == ["f/rest"]
    with pytest.raises(FileNotFoundError, match="no such object: 'gs://crawls/none'"):
        STORAGE.open("gs://crawls/none")
    for call in (STORAGE.list, STORAGE.open):
        with pytest.raises(StoreError, match="gs://elsewhere: there is no such bucket"):
            call("gs://elsewhere/x")


@pytest.mark.parametrize("size", [4, 12 << 20])
def test_a_file_that_is_not_written_to_its_end_leaves_nothing(
    google: Google, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    use_google(monkeypatch, google.endpoint)
    monkeypatch.setattr(uploads, "PART_BYTES", 5 << 20)
    with pytest.raises(RuntimeError), STORAGE.create("gs://crawls/half") as file:
        file.write(bytes(size))
        raise RuntimeError
    assert "half" not in google.names("crawls")


@pytest.mark.parametrize("fault", ["429", "503", "500", CUT, SLOW])
def test_troubles_that_pass_cost_no_byte(google: Google, monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    counts: dict[tuple[str, str], int] = {}

    def misbehave(number: int, method: str, path: str) -> str:
        counts[method, path] = counts.get((method, path), 0) + 1
        return fault if counts[method, path] <= 2 else ""

    monkeypatch.setattr(uploads, "PART_BYTES", 1 << 20)
    google.write("crawls", f"t/{fault}/read", DATA)
    with proxy(google.endpoint) as between:
        use_google(monkeypatch, between.endpoint)
        between.misbehave = misbehave
        write_bytes(STORAGE, f"gs://crawls/t/{fault}/small", DATA[:1000])
        assert read_bytes(STORAGE, f"gs://crawls/t/{fault}/read") == DATA
        if (
            fault != CUT
        ):  # the emulator adds a part that comes again to what it has; the service passes over it
            write_bytes(STORAGE, f"gs://crawls/t/{fault}/large", DATA)
            assert google.read("crawls", f"t/{fault}/large") == DATA
        sizes = {item.path.rpartition("/")[2]: item.size for item in STORAGE.list(f"gs://crawls/t/{fault}")}
        assert sizes["small"] == 1000
        STORAGE.delete(f"gs://crawls/t/{fault}")
    assert not [name for name in google.names("crawls") if name.startswith(f"t/{fault}/")]


def test_an_upload_that_the_store_lost_ends_with_its_name_and_leaves_nothing(
    google: Google, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_google(monkeypatch, google.endpoint, seconds=5)
    monkeypatch.setattr(uploads, "PART_BYTES", 1 << 20)
    told = pytest.raises(StoreError, match=r"gs://crawls/lost: .*run the same command")
    with told, STORAGE.create("gs://crawls/lost") as file:
        file.write(DATA)
        google.kill()
        google.start()
        file.write(DATA)
    assert "lost" not in google.names("crawls")


def test_a_crawl_in_the_store_gives_the_bytes_of_a_local_one_though_the_store_throttles_and_dies(
    google: Google, demo_release: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ["curate", "gs://crawls/demo/", "--output", "gs://crawls/out/r", "--quiet"]
    with proxy(google.endpoint) as between:
        for dies_at in (40, 90):
            use_google(monkeypatch, between.endpoint, seconds=3)
            between.seen.clear()
            between.misbehave = lambda number, method, path, at=dies_at: (
                google.kill() or "" if number == at else ""
            )
            ended = run(*command)
            assert ended.code == 1 and "run the same command" in ended.err, ended.err
            assert "Traceback" not in ended.err
            google.start()
        use_google(monkeypatch, between.endpoint)
        between.misbehave = lambda number, method, path: {3: "503", 9: "429", 15: SLOW}.get(number % 20, "")
        ended = run(*command)
        assert ended.code == 0, ended.err
    assert is_like(google, "out/r/", demo_release)
    use_google(monkeypatch, google.endpoint)
    again = run(*command[:-1])
    assert again.code == 0 and again.err.count(": unchanged") == 4, again.err
    assert run("verify", "gs://crawls/out/r").code == 0
