"""Training of the embedded detector: what is held out, what counts, and that it gives the same bytes twice."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from provenance.detectors.embedded.calibration import auroc
from provenance.detectors.embedded.folds import folds
from provenance.detectors.embedded.learning import encode, shared_grams
from provenance.detectors.embedded.mixture import tail_line
from provenance.detectors.embedded.model import read_model
from provenance.detectors.embedded.pieces import count_words, cut, with_pieces
from provenance.detectors.embedded.rhythm import fit_network
from provenance.detectors.embedded.style import STYLE
from provenance.detectors.embedded.training import Settings, prepare, read_corpus
from tests.detectors.embedded.reference import hash_word, mix
from tests.program import run


def test_network_that_scores_is_the_one_that_learned() -> None:
    random = np.random.RandomState(1)
    rows = random.normal(size=(2000, len(STYLE))).astype(np.float32)
    ring = (rows[:, 0] ** 2 + rows[:, 1] ** 2) > 1.5  # no line separates it
    network = fit_network(rows, ring, np.ones(len(rows)), 7)
    again = fit_network(rows, ring, np.ones(len(rows)), 7)
    plain = (
        np.maximum(rows @ network.hidden[:, :-1].T + network.hidden[:, -1], 0) @ network.out + network.bias
    )
    np.testing.assert_allclose(network.scores(rows), plain, atol=1e-4)
    assert auroc(network.scores(rows), ring) > 0.9
    assert (network.hidden == again.hidden).all() and network.bias == again.bias


def test_folds_hold_out_domain_and_maker_together() -> None:
    table = pd.DataFrame(
        [
            (f"text {i}", label, generator, f"d{i % 11}", language, f"s/{i % 5}/x", f"g{i}")
            for language in ("en", "de")
            for label, generator in (("human", None), ("synthetic", "gpt-4"), ("synthetic", "claude-3"))
            for i in range(60 if language == "en" else 40)
        ],
        columns=["text", "label", "generator", "domain", "language", "source", "group"],
    )
    table = prepare(table)
    assert set(table.maker[table.synthetic]) == {"OpenAI", "Anthropic"}
    seen = np.zeros(len(table), int)
    for held, judged in folds(table):
        seen += judged
        assert not (judged & ~held).any()
        english = judged & table.synthetic.to_numpy() & (table.language == "en").to_numpy()
        trained = table[~held]
        assert not set(table.stem[english]) & set(trained.stem[trained.language == "en"])
        assert not set(table.maker[judged & table.synthetic]) & set(trained.maker[trained.synthetic])
    assert (seen[~table.synthetic] == 1).all() and seen.max() == 1


def test_tail_line_gives_how_rare_a_score_is() -> None:
    scores = np.random.RandomState(0).exponential(size=20_000)  # P(score > s) = exp(-s)
    intercept, slope = tail_line(scores * 2 + 3, np.ones(len(scores)))
    assert slope == pytest.approx(0.5, abs=0.05)
    assert intercept + slope * (2 * math.log(100) + 3) == pytest.approx(math.log(100), abs=0.15)


def test_only_what_several_sources_share_counts() -> None:
    texts = pa.array(["one two three. four five", "one two six", "seven eight, one two"], pa.large_string())
    rows = encode(texts, np.array([], np.uint32))
    counts = [
        len(shared_grams(rows, np.array(source), least))
        for source, least in (([0, 1, 2], 1), ([0, 1, 2], 3), ([0, 0, 0], 2), ([0, 1, 0], 2))
    ]
    everywhere = {hash_word("one"), hash_word("two")}
    assert counts[1] >= 3  # two words and their pair
    assert counts[2] == 0 < counts[1] <= counts[3] < counts[0]
    assert {max(1, mix(word + (1 << 32)) >> 32) for word in everywhere} <= set(
        shared_grams(rows, np.array([0, 1, 2]), 3).tolist()
    )


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a toy corpus, and the detectors of two trainings on it in `one` and `two`."""
    folder = tmp_path_factory.mktemp("toy")
    random = np.random.RandomState(0)
    words = [
        "alpha",
        "beta",
        "gamma",
        "delta",
        "river",
        "stone",
        "paper",
        "light",
        "house",
        "green",
        "and",
        "the",
    ]
    rows = []
    for i in range(240):
        machine = i % 2 == 0
        body = " ".join(random.choice(words[:9] if machine else words[3:], 160))
        rows.append(
            (
                body + ".",
                "synthetic" if machine else "human",
                "toy",
                f"d{i % 8}",
                "en",
                f"s/{i % 5}/x",
                f"g{i}",
            )
        )
    frame = pd.DataFrame(
        rows, columns=["text", "label", "generator", "domain", "language", "source", "group"]
    )
    (folder / "corpus").mkdir()
    frame.to_parquet(folder / "corpus" / "a.parquet")
    script = Path(__file__).resolve().parents[3] / "scripts" / "train" / "detector.py"
    for name in ("one", "two"):
        subprocess.run(
            [sys.executable, str(script), str(folder / "corpus"), "--out", str(folder / name)]
            + ["--passages", str(folder)],
            check=True,
        )
    return folder


def test_training_twice_gives_the_same_bytes(toy: Path) -> None:
    for name in ("embedded.npz", "calibration.json"):
        assert (toy / "one" / name).read_bytes() == (toy / "two" / name).read_bytes()


def test_a_group_of_domains_is_left_out_of_everything_and_written_beside(toy: Path) -> None:
    script = Path(__file__).resolve().parents[3] / "scripts" / "train" / "detector.py"
    call = [sys.executable, str(script), str(toy / "corpus"), "--passages", str(toy), "--leave-out", "3"]
    assert subprocess.run(call, capture_output=True).returncode == 2  # what ships knows everything
    subprocess.run([*call, "--out", str(toy / "three")], check=True)
    unseen = pd.read_parquet(toy / "three" / "unseen.parquet")
    assert unseen.domain.nunique() == 1 and set(unseen.label) <= {"human", "synthetic"}
    versions = {read_model(toy / name / "embedded.npz").version for name in ("one", "three")}
    assert len(versions) == 2


def test_own_detector_scores_calibrates_and_curates(toy: Path, tmp_path: Path) -> None:
    own, corpus = str(toy / "one"), pd.read_parquet(toy / "corpus" / "a.parquet")
    version = read_model(toy / "one" / "embedded.npz").version
    texts = tmp_path / "texts.jsonl"
    corpus[["text", "language", "label"]].to_json(texts, orient="records", lines=True)
    ended = run("score", texts, "--model", own)
    assert ended.code == 0, ended.err
    scored = pd.DataFrame([json.loads(line) for line in ended.out.splitlines()])
    assert auroc(scored.llr.to_numpy(), (corpus.label == "synthetic").to_numpy()) > 0.9
    assert {row[0]["version"].split("+")[0] for row in scored.detectors} == {version}

    made = tmp_path / "own.json"
    ended = run("calibrate", texts, "--model", own, "--output", made)
    assert ended.code == 0, ended.err
    assert json.loads(made.read_text())["detector"] == version
    assert run("score", texts, "--model", own, "--calibration", made).code == 0
    assert "detector" in run("score", texts, "--calibration", made).err  # made for another one

    configuration = tmp_path / "own.yaml"
    configuration.write_text(f"detector: {{model: {own}}}\n")
    release = tmp_path / "release"
    ended = run("curate", texts, "--output", release, "--config", configuration, "--quiet")
    assert ended.code == 0, ended.err
    manifest = json.loads((release / "manifest.json").read_text())
    assert manifest["detector"]["version"] == version
    assert manifest["configuration"]["detector"]["model"] == "one"


def test_folder_without_a_detector_is_refused_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "embedded.npz").write_bytes(b"not a zip file")
    (tmp_path / "own.yaml").write_text(f"detector: {{model: {tmp_path}}}\n")
    (tmp_path / "texts.jsonl").write_text('{"text": "words"}\n')
    for folder in (tmp_path, tmp_path / "nowhere"):
        ended = run("score", tmp_path / "texts.jsonl", "--model", folder)
        assert ended.code == 2 and str(folder) in ended.err
    ended = run(
        "curate", tmp_path / "texts.jsonl", "--output", tmp_path / "out", "--config", tmp_path / "own.yaml"
    )
    assert ended.code == 2 and "detector.model" in ended.err
    assert not (tmp_path / "out").exists()


def test_pieces_are_whole_sentences_of_a_short_page_and_share_their_passages_fold() -> None:
    short = "Ten words stand in this sentence, and that is all. "
    table = prepare(
        pd.DataFrame(
            [(short * 20, "a"), (short * 13 + "Odd.", "b"), (short * 3, "c"), ("word " * 300, "d")],
            columns=["text", "group"],
        ).assign(label="human", generator=None, domain="blog", language="en", source="s/t/x")
    )
    found = with_pieces(table)
    assert found.iloc[:4].equals(table)
    pieces = found[found.piece]
    assert pieces.group.tolist() == ["a", "b"]  # the third is too short, the last has no sentence
    assert all(60 <= len(text.split()) < 100 and text.endswith("all.") for text in pieces.text)
    assert pieces.domain_fold.tolist() == table.domain_fold[:2].tolist()
    assert (
        len({len(cut((short + "x" * extra) * 20) or "") for extra in range(9)}) > 1
    )  # not all of one length


def test_ideographs_count_as_the_detector_counts_them() -> None:
    text = "这家餐厅的面条很好吃，我们每个周末都去。" * 6
    words = int(encode(pa.array([text], pa.large_string()), np.array([], np.uint32)).words[0])
    assert abs(count_words(text) - words) <= 2
    assert cut(text) == text.rstrip()


def test_ngrams_of_a_language_count_by_its_own_sources() -> None:
    """What five German sources share counts, though all languages together have many more."""
    table = prepare(
        pd.DataFrame(
            [
                (
                    f"{word} {i}. ",
                    "human",
                    None,
                    f"d{i % k}",
                    language,
                    f"{language}/{i % k}/x",
                    f"{language}{i}",
                )
                for language, word, k in (("en", "river", 60), ("de", "wasserfall", 5), ("fr", "fontaine", 4))
                for i in range(300 if language == "en" else 240)
            ],
            columns=["text", "label", "generator", "domain", "language", "source", "group"],
        )
    )
    keys = set(read_corpus(table, Settings()).keys.tolist())
    counts = [
        max(1, mix(hash_word(word) + (1 << 32)) >> 32) in keys for word in ("river", "wasserfall", "fontaine")
    ]
    assert counts == [True, True, False]
