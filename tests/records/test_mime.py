"""Types are told from the bytes."""

from __future__ import annotations

import pytest

from provenance.records.mime import sniff


@pytest.mark.parametrize(
    ("body", "declared", "expected"),
    [
        (b"<!DOCTYPE html><p>x", "image/png", "text/html"),
        (b"  \n<p>x</p>", None, "text/html"),
        (b"Warning: line 3\n<html><body>x", "text/html", "text/html"),
        (b"<?xml version='1.0'?><!DOCTYPE html><html xmlns='x'>", None, "application/xhtml+xml"),
        (b"<?xml version='1.0'?><rss>", "text/html", "text/xml"),
        (b"<svg xmlns='x'>", None, "image/svg+xml"),
        (b"%PDF-1.4 x", "text/html", "application/pdf"),
        (bytes(range(256)) * 20, "text/html", "application/octet-stream"),
        (b'{"a": 1}', "text/html", "application/json"),
        (b"{curly} words are text", "text/html", "text/plain"),
        (b"plain words", "text/html; charset=utf-8", "text/plain"),
        (b"var a = 1", "application/javascript", "application/javascript"),
        ("<html><p>x</p></html>".encode("utf-16"), None, "text/html"),
        ("<html><p>x</p></html>".encode("utf-16-be"), "text/html", "text/html"),
        ("Привет".encode("windows-1251"), "text/html", "text/plain"),
        (b"<html>" + b"a\0 " * 100, "text/html", "text/html"),
    ],
)
def test_types_are_told_from_the_bytes(body: bytes, declared: str | None, expected: str) -> None:
    assert sniff(body, declared) == expected
