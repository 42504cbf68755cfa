"""Stores that run for the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.stores import S3, Proxy, proxy, s3_server, use_s3


@pytest.fixture(scope="session")
def running_s3() -> Iterator[S3]:
    with s3_server() as server:
        yield server


@pytest.fixture
def s3(running_s3: S3, monkeypatch: pytest.MonkeyPatch) -> S3:
    """An S3 with one empty bucket, `crawls`, that the program uses."""
    use_s3(monkeypatch, running_s3.endpoint)
    client = running_s3.client
    if "crawls" in {bucket["Name"] for bucket in client.list_buckets()["Buckets"]}:
        for key in running_s3.names("crawls"):
            client.delete_object(Bucket="crawls", Key=key)
        for item in running_s3.uploads("crawls"):  # whose beginning was answered, but not heard
            client.abort_multipart_upload(Bucket="crawls", Key=item["Key"], UploadId=item["UploadId"])
    else:
        client.create_bucket(Bucket="crawls")
    return running_s3


@pytest.fixture
def poor_s3(s3: S3, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """The same S3 by way of a proxy that misbehaves."""
    with proxy(s3.endpoint) as between:
        use_s3(monkeypatch, between.endpoint)
        yield between
