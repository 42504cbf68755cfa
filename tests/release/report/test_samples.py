"""Examples are drawn by identifier, show a little text, and nothing that somebody reserved or that is personal."""

from __future__ import annotations

import json
from pathlib import Path

from provenance.release.report.samples import EXAMPLES, EXCERPT, excerpt
from tests.program import annotated, data, ledger, run

WORDS = "river stone winter garden letter window bread morning carpenter bicycle harbour teacher copper violin".split()


def text(number: int, extra: str = "") -> str:
    return f"{extra} " + " ".join(f"{word}{number}" for word in WORDS * 8)


def test_every_decision_has_its_examples_with_the_lowest_identifiers(demo_release: Path) -> None:
    samples = json.loads((demo_release / "samples.json").read_text(encoding="utf-8"))
    rows = ledger(demo_release)
    keys = {(item["decision"], item["reason"] or "") for item in samples}
    assert keys == set(zip(rows.decision, rows.reason.fillna(""), strict=True))
    kept = [item["doc_id"] for item in samples if item["decision"] == "kept"]
    assert len(kept) == EXAMPLES
    texts = annotated(demo_release, ["doc_id", "text"]).set_index("doc_id").text
    for item in samples:
        if item["excerpt"]:
            assert excerpt(texts[item["doc_id"]]) == item["excerpt"]
            assert len(item["excerpt"]) <= EXCERPT


def test_an_excerpt_is_one_line_that_steers_nothing() -> None:
    assert (
        excerpt("a\n\tb\N{RIGHT-TO-LEFT OVERRIDE}c\x1b[2J")
        == "a b\N{REPLACEMENT CHARACTER}c\N{REPLACEMENT CHARACTER}[2J"
    )


def test_no_text_is_shown_that_is_reserved_personal_or_to_be_removed(tmp_path: Path) -> None:
    crawl, removals = tmp_path / "crawl.jsonl", tmp_path / "removals.jsonl"
    reserving = '<html><head><meta name="tdm-reservation" content="1"></head><body><p>{}</p></body></html>'
    rows = [
        {"url": "https://plain.example/", "text": text(1)},
        {"url": "https://mail.example/", "text": text(2, "write to jane.roe@mail.example")},
        {"url": "https://gone.example/", "text": text(3)},
        {"url": "https://reserved.example/", "body": reserving.format(text(4))},
        {"url": "https://copy.example/", "text": text(4)},
    ]
    crawl.write_text("\n".join(json.dumps(row) for row in rows))
    removals.write_text(json.dumps({"host": "gone.example", "reason": "asked to", "date": "2025-01-01"}))
    config = tmp_path / "config.yaml"
    fields = "reading: {fields: {body: body}}"
    config.write_text(f"removals: {{lists: [{removals}]}}\ncap: {{max_synthetic: 1}}\n{fields}")
    release = tmp_path / "release"
    ended = run("curate", crawl, "--output", release, "--config", config, "--quiet")
    assert ended.code == 0, ended.err
    assert set(ledger(release).decision) == {"kept", "dropped"}
    kept = data(release)
    assert kept.train_opt_out.fillna(False).sum() == 1 and len(kept) == 3
    samples = json.loads((release / "samples.json").read_text(encoding="utf-8"))
    assert {item["url"] for item in samples} == {"https://plain.example/"}
    page = (release / "report.html").read_text(encoding="utf-8")
    assert "river1" in page
    assert not any(word in page for word in ("river2", "river3", "river4", "jane.roe"))


def test_examples_can_be_turned_off(tmp_path: Path) -> None:
    crawl, config, release = tmp_path / "crawl.jsonl", tmp_path / "config.yaml", tmp_path / "release"
    crawl.write_text(json.dumps({"url": "https://plain.example/", "text": text(1)}))
    config.write_text("release: {samples: false}\ncap: {max_synthetic: 1}")
    assert run("curate", crawl, "--output", release, "--config", config, "--quiet").code == 0
    assert not (release / "samples.json").exists()
    page = (release / "report.html").read_text(encoding="utf-8")
    assert "river1" not in page and "This release shows none" in page
    assert run("verify", release).code == 0
