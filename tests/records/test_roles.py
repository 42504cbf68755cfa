"""What a crawler wrote about itself and files for programs are rows with reasons of their own, not documents."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from provenance.records import read_records
from tests.records.archives import read, read_archive, record


def resource(url: str, text: bytes = b"a text of some words", kind: bytes = b"text/plain") -> bytes:
    head = (
        b"WARC/1.0\r\nWARC-Type: resource\r\nWARC-Target-URI: " + url.encode() + b"\r\nContent-Type: " + kind
    )
    return head + b"\r\nContent-Length: %d\r\n\r\n" % len(text) + text + b"\r\n\r\n"


def outcome(url: str, **options: Any) -> str | None:
    (row,) = read_archive(resource(url, **options))
    found: str | None = row["outcome"]
    return found


@pytest.mark.parametrize(
    "url",
    [
        "metadata://gnu.org/software/wget/warc/wget_arguments.txt",
        "<metadata://gnu.org/software/wget/warc/wget.log>",
        "METADATA:anything",
        "urn:X-wpull:log",
        "urn:x-crocoite:log",
        "urn:pageinfo:https://a.example/",
        "urn:view:https://a.example/",
        "youtube-dl:00001:https://a.example/",
        "whois://whois.example/a.example",
        "file:///provenance-summary.html",
    ],
)
def test_what_a_crawler_wrote_about_itself_is_bookkeeping(url: str) -> None:
    assert outcome(url) == "bookkeeping"


@pytest.mark.parametrize(
    "url",
    [
        "https://a.example/robots.txt",
        "http://a.example:8080//Robots.TXT?x=1",
        "https://a.example/~user/robots.txt",
        "https://a.example/ads.txt",
        "https://a.example/app-ads.txt",
        "https://a.example/sitemap.txt",
        "https://a.example/news/sitemap_2024-1.xml.gz",
        "https://a.example/post-sitemap.xml",
        "https://a.example/.well-known/security.txt",
        "https://a.example/ai.txt",
    ],
)
def test_files_for_programs_are_no_pages(url: str) -> None:
    assert outcome(url) == "site_file"
    (row,) = read(json.dumps({"url": url, "text": "a text of some words"}).encode(), "x.jsonl")
    assert row["outcome"] == "site_file" and row["text"] is None


def test_a_page_that_answers_at_the_address_of_robots_is_none_of_the_hosts_texts() -> None:
    (row,) = read_archive(record("https://a.example/robots.txt"))
    assert row["outcome"] == "site_file" and row["mime"] == "text/html" and row["body"] is None


@pytest.mark.parametrize(
    "url",
    [
        "https://a.example/sitemap",
        "https://a.example/about-robots.txt.html",
        "https://a.example/page?file=/robots.txt",
        "https://a.example/blob/main/robots.txt",  # a page about one
        "https://a.example/sitemap.xml",
        "https://a.example/llms.txt",
    ],
)
def test_pages_for_people_stay(url: str) -> None:
    (row,) = read_archive(record(url))
    assert row["outcome"] is None


def test_a_plain_list_of_addresses_is_a_sitemap_whatever_its_name() -> None:
    listing = b"https://a.example/1\nhttps://a.example/2\r\nhttps://a.example/3\n"
    assert outcome("https://a.example/urls", text=listing) == "site_file"
    assert outcome("https://a.example/urls", text=listing + b"and a sentence of prose\n") is None
    assert outcome("https://a.example/urls", text=listing * 500) == "site_file"


def test_the_text_of_a_page_has_the_address_of_the_page() -> None:
    for prefix in ("urn:text:", "urn:textFinal:"):
        (row,) = read_archive(resource(prefix + "https://w.example/only"))
        assert (row["url"], row["outcome"]) == ("https://w.example/only", None)


def test_answers_that_are_no_files_keep_their_reason() -> None:
    (row,) = read_archive(record("https://a.example/robots.txt", status=b"404 Not Found"))
    assert row["outcome"] == "http_error"
    assert outcome("dns:a.example", kind=b"text/dns") == "not_text"
    assert outcome("dns:a.example") == "bookkeeping"


def test_a_redirect_says_where_it_leads() -> None:
    for location, detail in (
        (b"Location: https://a.example/new?x=1\r\n", "HTTP status 301 to https://a.example/new?x=1"),
        (b"location:\r\n", "HTTP status 301"),
        (b"", "HTTP status 301"),
        (b"Location: " + b"a" * 9_000 + b"\r\n", "HTTP status 301 to " + "a" * 2_048),
    ):
        page = record("https://a.example/old", b"", location, status=b"301 Moved")
        (row,) = read_archive(page)
        assert (row["outcome"], row["detail"]) == ("redirect", detail)


@pytest.mark.parametrize("case", ["15-warc-kinds", "20-foreign-archives"])
def test_real_archives_of_other_writers_give_no_bookkeeping_as_documents(shared: Path, case: str) -> None:
    kept = []
    for path in sorted((shared / "data/cases" / case).glob("*.gz")):
        with path.open("rb") as stream:
            rows = [row for batch in read_records(stream, path.name) for row in batch.to_pylist()]
        kept += [row["url"] for row in rows if row["outcome"] is None]
    assert kept and not any(
        url.startswith(("metadata:", "urn:")) or url.endswith("/robots.txt") for url in kept
    )
    if case == "15-warc-kinds":
        assert "https://w.example/only" in kept
