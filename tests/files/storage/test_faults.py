"""A store that throttles, fails, is slow or cuts connections costs time, never a byte; one that stays down ends with its name."""

from __future__ import annotations

import os

import pytest

from provenance.files.storage import AnyStorage, StoreError, read_bytes, uploads, write_bytes
from tests.stores import CUT, S3, SILENT, SLOW, Proxy, be_patient, use_s3

STORAGE = AnyStorage()
DATA = os.urandom(3 << 20)


def first(times: int, fault: str, method: str = "") -> object:
    """Misbehave at the first `times` requests (of a method) of each path."""
    counts: dict[tuple[str, str], int] = {}

    def misbehave(number: int, given: str, path: str) -> str:
        counts[given, path] = counts.get((given, path), 0) + 1
        return fault if counts[given, path] <= times and method in ("", given) else ""

    return misbehave


@pytest.mark.parametrize("fault", ["429", "503", "500", CUT, SLOW])
def test_troubles_that_pass_cost_no_byte(
    s3: S3, poor_s3: Proxy, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    monkeypatch.setattr(uploads, "PART_BYTES", 1 << 20)
    monkeypatch.setattr(poor_s3, "misbehave", first(2, fault))
    write_bytes(STORAGE, "s3://crawls/x/small", DATA[:1000])
    assert [item.size for item in STORAGE.list("s3://crawls/x")] == [1000]
    s3.client.put_object(Bucket="crawls", Key="large", Body=DATA)
    assert read_bytes(STORAGE, "s3://crawls/large") == DATA
    STORAGE.delete("s3://crawls/x")
    assert s3.names("crawls") == ["large"]


@pytest.mark.parametrize("fault", ["503", CUT])
def test_an_upload_in_parts_survives_them_too(
    s3: S3, poor_s3: Proxy, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    monkeypatch.setattr(uploads, "PART_BYTES", 5 << 20)
    monkeypatch.setattr(poor_s3, "misbehave", first(1, fault))
    data = DATA * 4
    write_bytes(STORAGE, "s3://crawls/large", data)
    assert s3.read("crawls", "large") == data


def test_a_connection_on_which_nothing_comes_is_given_up(
    s3: S3, poor_s3: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3.client.put_object(Bucket="crawls", Key="x", Body=b"here")
    be_patient(monkeypatch, 4)
    monkeypatch.setattr(poor_s3, "misbehave", lambda number, method, path: SILENT if number == 1 else "")
    assert read_bytes(STORAGE, "s3://crawls/x") == b"here"


def test_a_store_that_stays_down_is_named_with_what_it_says(
    s3: S3, poor_s3: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_s3(monkeypatch, poor_s3.endpoint, seconds=1.5)
    monkeypatch.setattr(poor_s3, "misbehave", lambda number, method, path: "503")
    with pytest.raises(
        StoreError, match=r"s3://crawls/x: cannot be read: .*503.*tried \d+ times.*same command"
    ):
        STORAGE.open("s3://crawls/x")
    with pytest.raises(StoreError, match=r"s3://crawls/x: cannot be written: .*tried \d+ times"):
        write_bytes(STORAGE, "s3://crawls/x", b"x")
    assert 4 < len(poor_s3.seen) < 100
