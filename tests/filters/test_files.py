"""Lists of hosts, addresses and removal requests: what they name is found, what is no entry is refused by its line."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import time
from pathlib import Path

import pyarrow as pa
import pytest

from provenance.errors import ConfigurationError
from provenance.filters.files import digest_files, read_block_list, read_removals
from provenance.filters.listing import KINDS, Listing, load_listing


def documents(**columns: list[str | None]) -> pa.Table:
    rows = len(next(iter(columns.values())))
    given = {"doc_id": None, "content_digest": None, "url": None, "host": None, "text": None, **columns}
    return pa.table({name: pa.array(values or [None] * rows, pa.string()) for name, values in given.items()})


def kinds(listing: Listing, table: pa.Table) -> list[str | None]:
    return [KINDS[number] if number >= 0 else None for number in listing.find(table).kind.tolist()]


def write(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_a_host_stands_for_itself_and_all_below_it(tmp_path: Path) -> None:
    path = write(
        tmp_path / "hosts",
        "# ours\nExample.ORG.\n*.ads.example\n0.0.0.0 tracker.test # why\nbücher.example\n\n",
    )
    listing = read_block_list([path], [], "filters: hosts")
    hosts = ["example.org", "www.example.org", "notexample.org", "org", "a.ads.example", "tracker.test", None]
    found = kinds(listing, documents(host=[*hosts, "xn--bcher-kva.example"]))
    assert found == ["host", "host", None, None, "host", "host", None, "host"]


def test_addresses_match_whole_or_by_their_beginning(tmp_path: Path) -> None:
    path = write(tmp_path / "urls", "# ours\nhttps://Example.org/a?b=1\nexample.org/private/*\n")
    listing = read_block_list([], [path], "filters: urls")
    urls = [
        "http://example.org/a?b=1#part",
        "https://example.org/a?b=12",
        "https://example.org/A?b=1",
        "https://EXAMPLE.org/private/x",
        "https://example.org/private",
        None,
    ]
    assert kinds(listing, documents(url=urls)) == ["url", None, None, "url_prefix", None, None]


def test_packed_lists_are_read_and_what_is_no_host_is_named_by_its_line(tmp_path: Path) -> None:
    path = tmp_path / "hosts.gz"
    path.write_bytes(gzip.compress(b"a.example\nb.example\nhttps://c.example/x\n"))
    with pytest.raises(ConfigurationError, match=r"hosts.gz: line 3: 'https://c.example/x' is no host"):
        read_block_list([str(path)], [], "filters: hosts")
    with pytest.raises(ConfigurationError, match="nowhere: cannot be read"):
        digest_files([str(tmp_path / "nowhere")], "filters: hosts")


def test_a_listing_is_the_same_after_it_was_stored(tmp_path: Path) -> None:
    path = write(tmp_path / "r.jsonl", '{"host": "a.example", "reason": "asked", "date": "2025-02-03"}\n')
    file = io.BytesIO()
    read_removals([path]).save(file)
    found = load_listing(file.getvalue()).find(documents(host=["x.a.example", "b.example"]))
    assert found.kind.tolist() == [KINDS.index("host"), -1] and found.note.tolist() == [0, -1]


def test_a_million_hosts_are_read_and_looked_up_fast(tmp_path: Path) -> None:
    path = write(tmp_path / "hosts", "".join(f"host{i}.example{i % 977}.org\n" for i in range(1_000_000)))
    read_block_list([write(tmp_path / "one", "a.example\n")], [], "f")  # compiled
    started = time.process_time()
    listing = read_block_list([path], [], "filters: hosts")
    assert time.process_time() - started < 10
    assert len(listing) == 1_000_000
    table = documents(
        host=[f"www.host{i}.example{i % 977}.org" for i in range(0, 20_000, 2)] + ["free.example1.org"]
    )
    found = listing.find(table).kind
    assert (found[:-1] >= 0).all() and found[-1] == -1


def test_removal_requests_are_read_in_all_three_forms(tmp_path: Path) -> None:
    text = "The text that somebody wants to be gone."
    digest = hashlib.sha256(text.encode()).hexdigest()
    entries = [
        {"url": "https://a.example/x", "reason": "privacy", "date": "2025-02-03"},
        {"doc_id": "ab" * 16, "reason": "mistake", "date": "2025-02-04"},
        {"digest": digest, "reason": "court", "date": "2025-02-05"},
    ]
    lines = write(tmp_path / "a.jsonl", "".join(json.dumps(entry) + "\n" for entry in entries))
    table = write(
        tmp_path / "b.csv",
        "host,url_prefix,reason,date\nb.example,,left,2025-01-01\n,c.example/p*,left,2025-01-01\n",
    )
    listed = write(tmp_path / "c.yaml", "- {host: d.example, reason: moved, date: 2025-03-01}\n")
    listing = read_removals([lines, table, listed])
    found = documents(
        url=["http://a.example/x", None, None, None, "https://c.example/pq", None],
        doc_id=[None, "ab" * 16, None, None, None, None],
        text=[None, None, text, None, None, "other"],
        host=[None, None, None, "www.b.example", None, "d.example"],
    )
    assert kinds(listing, found) == ["url", "doc_id", "digest", "host", "url_prefix", "host"]
    notes = [listing.notes[number] for number in listing.find(found).note.tolist()]
    assert notes[0] == "privacy, 2025-02-03" and notes[-1] == "moved, 2025-03-01"


def test_a_content_digest_as_published_is_found_too(tmp_path: Path) -> None:
    digest = "sha256:" + "0f" * 32
    path = write(tmp_path / "a.jsonl", json.dumps({"digest": digest, "reason": "r", "date": "2025-01-01"}))
    assert kinds(read_removals([path]), documents(content_digest=[digest])) == ["digest"]


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (
            '{"url": "https://a.example", "date": "2025-01-01"}',
            "entry 1: every request has a reason and a date",
        ),
        ('{"url": "https://a.example", "reason": "r", "date": "soon"}', "is not YYYY-MM-DD"),
        ('{"url": "a", "host": "b.example", "reason": "r", "date": "2025-01-01"}', "exactly one of"),
        ('{"host": "https://a.example/", "reason": "r", "date": "2025-01-01"}', "is no host"),
        ('{"doc_id": "xyz", "reason": "r", "date": "2025-01-01"}', "is no doc_id"),
        ('{"digest": "12", "reason": "r", "date": "2025-01-01"}', "is no SHA-256"),
        ("[1]", "must be a mapping"),
        ("{", "a.jsonl"),
    ],
)
def test_a_request_that_cannot_be_kept_is_refused(tmp_path: Path, entry: str, said: str) -> None:
    path = write(tmp_path / "a.jsonl", entry + "\n")
    with pytest.raises(ConfigurationError, match=said):
        read_removals([path])
