"""What HTTP headers declare."""

from __future__ import annotations

import pytest

from provenance.annotators.declarations.declared import Declared
from provenance.annotators.declarations.headers import read_headers


def signals(headers: str) -> list[str]:
    declared = Declared()
    read_headers(headers, "https://a.example/x", declared)
    return [signal.signal for signal in declared.making + declared.use]


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ('AI-Disclosure: mode=ai-originated, model="m", date=@1745286896', ["ai-generated"]),
        ('ai-disclosure: model="mode=none", mode="machine-generated"', ["ai-generated"]),
        ("AI-Disclosure: mode=ai-modified;reviewed", ["ai-assisted"]),
        ("TDM-Reservation: 1\nTDM-Policy: https://a.example/p.json", ["optout"]),
        ("X-Robots-Tag: noarchive\nX-Robots-Tag: otherbot: noai", ["optout"]),
        ("Content-Usage: search=y, train-ai=n", ["optout"]),
        ("Content-Usage: bots=y, train-ai=n", ["optout"]),
        ("Content-Usage: genai=n", ["optout"]),
        ("Content-Signal: search=yes, ai-train=no", ["optout"]),
        ("Content-Usage: train-ai=y", ["optin"]),
        ('Link: <https://a.example/s>; rel=preload, </m/7.c2pa>; rel="c2pa-manifest"', ["c2pa"]),
        ('Link: <https://creativecommons.org/licenses/by/4.0/>; rel="license"', ["license"]),
        ("AI-Disclosure: mode=none", []),
        ("TDM-Reservation: 0", []),
        ("X-Robots-Tag: noarchive, noimageai", []),
        ("Content-Usage: search=n", []),
        ("X-Other: AI-Disclosure: mode=ai-originated", []),
    ],
)
def test_each_convention_of_headers_is_read(header: str, expected: list[str]) -> None:
    assert signals("HTTP/1.1 200 OK\nDate: x\n" + header + "\nServer: y") == expected
