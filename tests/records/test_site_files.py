"""The bytes of files in which a host speaks of rights are kept from archives, whatever their type is."""

from __future__ import annotations

import io

from provenance.records import ReadOptions, read_records


def response(url: str, kind: str, body: bytes) -> bytes:
    http = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\n\r\n".encode() + body
    header = (
        f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: {url}\r\nWARC-Date: 2025-01-01T00:00:00Z\r\n"
        f"WARC-Record-ID: <urn:uuid:{len(url):032x}>\r\nContent-Type: application/http\r\nContent-Length: {len(http)}\r\n\r\n"
    )
    return header.encode() + http + b"\r\n\r\n"


def test_files_of_rights_keep_their_bytes_and_other_data_does_not() -> None:
    archive = (
        response("https://a.example/.well-known/tdmrep.json", "application/json", b'[{"location": "/"}]')
        + response("https://a.example/license.xml", "text/xml", b'<?xml version="1.0"?><rsl></rsl>')
        + response(
            "https://a.example/royalty", "application/rsl+xml", b'<rsl xmlns="https://rslstandard.org/rsl"/>'
        )
        + response("https://a.example/data.json", "application/json", b'{"location": "/"}')
    )
    (batch,) = read_records(io.BytesIO(archive), "a.warc", ReadOptions())
    assert batch["outcome"].to_pylist() == ["site_file"] * 3 + ["not_text"]
    assert [body is not None for body in batch["body"].to_pylist()] == [True] * 3 + [False]
