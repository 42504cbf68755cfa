"""WARC records by type: what becomes a document, and what names the source."""

from __future__ import annotations

from tests.records.archives import read


def test_warcinfo_names_the_source_and_wet_carries_text() -> None:
    def record(kind: str, block: bytes) -> bytes:
        head = f"WARC/1.0\r\nWARC-Type: {kind}\r\nContent-Length: {len(block)}\r\n\r\n"
        return head.encode() + block + b"\r\n\r\n"

    data = record("warcinfo", b"isPartOf: CC-MAIN-2024-22\r\n") + record(
        "conversion", "Grüße\xff".encode()[:-1]
    )
    (row,) = read(data + record("conversion", b" \n"))[:1]
    assert row["source"] == "CC-MAIN-2024-22" and row["text"].startswith("Grüße") and row["body"] is None
