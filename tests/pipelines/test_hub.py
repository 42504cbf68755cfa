"""A release and a crawl on the Hugging Face hub and on a web server, read by those services' own client libraries."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from provenance.feed import Feed, open_release
from tests.hub import hub_server, use_hub
from tests.program import DEMO, contents, run
from tests.stores import be_patient, web_server

RELEASE, CRAWL = "hf://datasets/someone/release", "hf://datasets/someone/crawl"


def a_document(release: Path) -> str:
    part = sorted((release / "data").rglob("*.parquet"))[0]
    return str(pq.read_table(part, columns=["doc_id"])["doc_id"][0])


def check_reading(release: str, archive: str, local: Path) -> None:
    """Commands and feed say of a release elsewhere what they say of it here."""
    doc_id = a_document(local)
    for command in (
        ["verify", release],
        ["verify", "--remote", release],
        ["list", release],
        ["explain", release, doc_id],
        ["fetch-record", release, doc_id, "--archive", archive],
    ):
        ended = run(*command)
        here = run(*[{release: str(local), archive: str(DEMO)}.get(word, word) for word in command])
        said = here.err.replace(str(local), release).replace(str(DEMO), archive)
        assert (ended.code, ended.err) == (here.code, said), command
        assert ended.out.replace(release, "R") == here.out.replace(str(local), "R"), command
    there, here = (
        [batch["doc_id"] for batch in Feed(open_release(place, ["doc_id", "text"]), batch_size=16, seed=3)]
        for place in (release, str(local))
    )
    assert there == here


def test_a_release_and_a_crawl_on_the_hub_are_used_like_local_ones(
    demo_release: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with hub_server({"someone/release": demo_release, "someone/crawl": DEMO}) as endpoint:
        use_hub(monkeypatch, endpoint)
        ended = run("curate", CRAWL, "--output", tmp_path / "release", "--quiet")
        assert ended.code == 0, ended.err
        assert contents(tmp_path / "release") == contents(demo_release)
        check_reading(RELEASE, CRAWL, demo_release)


def test_a_release_on_a_web_server_is_used_like_a_local_one(
    demo_release: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    be_patient(monkeypatch, 10)
    with web_server(demo_release) as release, web_server(DEMO) as archive:
        check_reading(release, archive, demo_release)


def test_what_the_hub_refuses_is_said_in_words(demo_release: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with hub_server({"someone/release": demo_release}, token="right") as endpoint:
        use_hub(monkeypatch, endpoint, token="right")
        assert run("verify", RELEASE).code == 0
        for token, address, words in (
            ("wrong", RELEASE, "needs HF_TOKEN"),
            (None, RELEASE, "needs HF_TOKEN"),
            ("right", "hf://datasets/someone/none", "no such repository"),
            ("right", f"{RELEASE}/nothing", "is not a finished release"),
            ("right", "hf://someone/release", "hf://datasets/OWNER/NAME"),
        ):
            use_hub(monkeypatch, endpoint, token)
            ended = run("verify", address)
            assert ended.code in (1, 2) and words in ended.err + ended.out, (address, ended)
            assert "Traceback" not in ended.err
