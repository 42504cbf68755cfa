"""What a host says in its own files reaches its pages, through all stages, whichever file of the crawl each lies in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.program import DEMO, data, ledger, run

ROBOTS = "User-agent: GPTBot\nDisallow: /\nAllow: /press/\n"


@pytest.fixture(scope="module")
def crawl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pages of three hosts in one file, what the hosts say of them in another."""
    folder = tmp_path_factory.mktemp("crawl")
    texts = [
        json.loads(line)["text"]
        for line in (DEMO / "demo-2019.jsonl").read_text(encoding="utf-8").splitlines()[:40]
    ]
    addresses = [
        "https://closed.example/a",
        "https://closed.example/press/b",
        "https://mined.example/c",
        "https://open.example/d",
    ]
    pages = [
        {"url": url, "text": text} for url, text in zip(addresses, sorted(texts, key=len)[-4:], strict=True)
    ]
    files = [
        {"url": "https://closed.example/robots.txt", "text": ROBOTS},
        {
            "url": "https://mined.example/.well-known/tdmrep.json",
            "text": '[{"location": "/", "tdm-reservation": 1}]',
        },
        {"url": "https://open.example/robots.txt", "text": "User-agent: *\nDisallow: /cgi-bin/\n"},
    ]
    for name, rows in (("pages", pages), ("files", files)):
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / f"{name}.jsonl").write_text(lines, encoding="utf-8")
    return folder


def curate(crawl: Path, release: Path, rights: dict[str, Any]) -> None:
    path = release.with_suffix(".yaml")
    path.write_text(yaml.safe_dump({"rights": rights, "cap": {"max_synthetic": 1}}), encoding="utf-8")
    ended = run("curate", crawl, "--output", release, "--config", path, "--quiet")
    assert ended.code == 0, ended.err
    assert run("verify", release).code == 0


def test_pages_are_published_with_what_their_host_says(crawl: Path, tmp_path: Path) -> None:
    curate(crawl, tmp_path / "r", {"policy": "record"})
    table = data(tmp_path / "r").set_index("url")
    pages = [url for url in table.index if not url.endswith((".txt", ".json"))]
    assert {url: bool(table.loc[url, "train_opt_out"]) for url in pages} == {
        "https://closed.example/a": True,
        "https://closed.example/press/b": False,
        "https://mined.example/c": True,
        "https://open.example/d": False,
    }
    (signal,) = table.loc["https://closed.example/a", "rights_signals"]
    assert signal == {
        "signal": "optout",
        "value": "Disallow: /",
        "where": "site robots.txt, user-agent GPTBot",
    }
    manifest = json.loads((tmp_path / "r" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["contents"]["documents"]["train_opt_out"]["documents"] == 2


def test_pages_are_dropped_for_the_signal_that_the_ledger_names(crawl: Path, tmp_path: Path) -> None:
    curate(crawl, tmp_path / "r", {"policy": "exclude"})
    rows = ledger(tmp_path / "r")
    dropped = rows[rows.reason == "opt_out"].set_index("url")["detail"].to_dict()
    assert dropped == {
        "https://closed.example/a": "robots-txt: site robots.txt, user-agent GPTBot says Disallow: /",
        "https://mined.example/c": "tdmrep: site tdmrep.json says /: 1",
    }


def test_only_the_signals_that_are_asked_for_drop_pages(crawl: Path, tmp_path: Path) -> None:
    curate(crawl, tmp_path / "r", {"policy": "exclude", "signals": ["tdmrep"]})
    rows = ledger(tmp_path / "r")
    assert set(rows[rows.reason == "opt_out"].url) == {"https://mined.example/c"}
    table = data(tmp_path / "r").set_index("url")
    assert table.loc["https://closed.example/a", "train_opt_out"]  # published, and still says so
