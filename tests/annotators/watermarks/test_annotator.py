"""Marked documents in a crawl: found by `curate`, shown in the release, counted by `audit`."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from provenance.annotators.watermarks.kgw import Kgw
from provenance.annotators.watermarks.synthid import SynthId
from tests.program import run

VOCABULARY = 2000


def sampled(scheme: Kgw | SynthId | None, rng: np.random.Generator, length: int = 200) -> str:
    """Words of a model that likes 8 random words at each step, of which the scheme's best is taken."""
    ids = rng.integers(0, VOCABULARY, 4).tolist()
    for _ in range(length):
        some = rng.integers(0, VOCABULARY, 8)
        worth = np.zeros(8)
        if scheme is not None:
            grams = np.array([[*ids[-4:], token] for token in some])
            worth = scheme.marks(grams.reshape(-1), np.arange(0, 41, 5)).value[4::5]
        ids.append(int(some[np.argmax(worth + rng.random(8) * 0.3)]))
    return " ".join(f"w{token}" for token in ids[4:])


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tokenizers = pytest.importorskip("tokenizers")
    folder = tmp_path_factory.mktemp("crawl")
    words = {f"w{k}": k for k in range(VOCABULARY)}
    made = tokenizers.Tokenizer(tokenizers.models.WordLevel(words, unk_token="w0"))
    made.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    made.save(str(folder / "tokenizer.json"))
    rng = np.random.default_rng(0)
    kinds = {
        "kgw": (Kgw(vocab_size=VOCABULARY), 8),
        "synthid": (SynthId(keys=(654, 400, 836, 123, 340)), 8),
        "none": (None, 150),
    }
    with (folder / "docs.jsonl").open("w") as out:
        for kind, (scheme, count) in kinds.items():
            for number in range(count):
                url = f"https://site{number}.example/{kind}"
                out.write(
                    json.dumps({"id": f"{kind}{number}", "url": url, "text": sampled(scheme, rng)}) + "\n"
                )
    entries = [
        {"name": "green", "scheme": "kgw"},
        {"name": "layers", "scheme": "synthid", "parameters": {"keys": [654, 400, 836, 123, 340]}},
        {"name": "fixed", "scheme": "unigram"},
    ]
    for entry in entries:
        entry["tokenizer"] = str(folder / "tokenizer.json")
    (folder / "config.yaml").write_text(json.dumps({"watermarks": entries}))
    outcome = run(
        "curate", folder / "docs.jsonl", "--output", folder / "release", "--config", folder / "config.yaml",
        "--max-synthetic", "1.0",
    )  # fmt: skip
    assert outcome.code == 0, outcome.err
    return folder / "release"


def rows(release: Path) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    for path in sorted((release / "data").glob("*.parquet")):
        found += pq.read_table(path).to_pylist()
    return found


def test_marked_documents_carry_their_finding_and_its_evidence(release: Path) -> None:
    expected = {"kgw": ["green"], "synthid": ["layers"]}
    marked = 0
    for row in rows(release):
        kind = str(row["url"]).rsplit("/", 1)[1]
        if kind in expected:
            marked += 1
            assert [found["key"] for found in row["watermarks"]] == expected[kind]  # type: ignore[attr-defined]
            found = [item["llr"] for item in row["evidence"] if item["source"].startswith("watermark")]  # type: ignore[attr-defined]
            assert sum(found) > 4
    assert marked == 16


def test_audit_finds_them_at_its_false_discovery_rate(release: Path) -> None:
    result = json.loads(run("audit", release, "--json").out)["watermarks"]
    assert result["documents"] == len(rows(release))
    assert 16 <= result["found"] <= 18 and result["with_p_value"] < 24


def test_explain_names_the_watermark(release: Path) -> None:
    row = next(row for row in rows(release) if str(row["url"]).endswith("/kgw"))
    assert "green: corrected p" in run("explain", release, str(row["doc_id"])).out
