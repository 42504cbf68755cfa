"""A page that an evaluation set was taken from is dropped or marked before keepers are chosen, and the ledger says what it holds."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.program import DEMO, Outcome, annotated, data, ledger, run


@pytest.fixture(scope="module")
def leaked(demo_release: Path) -> tuple[str, str]:
    """A kept document that stands for duplicates, and a run of its words as a question of an evaluation set."""
    documents = data(demo_release).sort_values("duplicate_count", ascending=False)
    document = documents[documents.word_count > 80].iloc[0]
    assert document.duplicate_count > 0
    words = document.text.split()
    return document.doc_id, " ".join(words[40:65])


def curated(demo_release: Path, folder: Path, question: str, policy: str) -> tuple[Outcome, Path]:
    release = folder / "release"
    shutil.copytree(f"{demo_release}.workspace", f"{release}.workspace")
    (folder / "set.jsonl").write_text(json.dumps({"question": question, "choices": ["yes", "no"]}))
    config = {"decontaminate": {"datasets": [str(folder / "set.jsonl")], "policy": policy}}
    (folder / "c.yaml").write_text(json.dumps(config))
    return run("curate", DEMO, "--output", release, "--config", folder / "c.yaml", "--quiet"), release


def test_what_holds_a_question_is_dropped_with_its_copies_and_the_span_is_in_the_ledger(
    demo_release: Path, tmp_path: Path, leaked: tuple[str, str]
) -> None:
    doc_id, question = leaked
    ended, release = curated(demo_release, tmp_path, question, "drop")
    assert ended.code == 0, ended.err
    rows = ledger(release).set_index("doc_id")
    texts = annotated(release, ["doc_id", "text"]).set_index("doc_id").text
    contaminated = rows[rows.reason == "contaminated"]
    assert doc_id in contaminated.index
    plain = {key: " ".join(re.findall(r"\w+", text.lower())) for key, text in texts.dropna().items()}
    needle = " ".join(re.findall(r"\w+", question.lower()))
    holders = {key for key, text in plain.items() if needle in text}
    assert holders <= set(contaminated.index), "every document that holds the whole question is dropped"
    start, end = map(int, re.search(r"bytes (\d+) to (\d+)", contaminated.detail[doc_id]).groups())  # type: ignore[union-attr]
    found = texts[doc_id].encode()[start:end].decode()
    assert needle in " ".join(re.findall(r"\w+", found.lower()))
    assert "set.jsonl record 0" in contaminated.detail[doc_id]
    assert not set(data(release).doc_id) & holders
    ended = run("verify", release)
    assert ended.code == 0, ended.out
    stated = json.loads((release / "manifest.json").read_text())
    assert stated["filters"][0]["dropped"]["documents"]["documents"] == len(contaminated)
    assert str(tmp_path) not in (release / "manifest.json").read_text()


def test_what_is_only_marked_stays_and_says_so(
    demo_release: Path, tmp_path: Path, leaked: tuple[str, str]
) -> None:
    doc_id, question = leaked
    ended, release = curated(demo_release, tmp_path, question, "mark")
    assert ended.code == 0, ended.err
    rows = ledger(release).set_index("doc_id")
    assert rows.decision[doc_id] == "kept" and "set.jsonl record 0" in rows.detail[doc_id]
    assert set(data(release).doc_id) == set(data(demo_release).doc_id)
    assert "set.jsonl" in run("explain", release, doc_id).out
