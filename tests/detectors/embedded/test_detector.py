"""The embedded detector: what it ignores, that it equals a plain reference, and how well it separates."""

from __future__ import annotations

import dataclasses
import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provenance.annotators.annotator import Annotator
from provenance.detectors.embedded import EmbeddedDetector, load_model, score_texts
from provenance.detectors.embedded.calibration import auroc
from provenance.detectors.embedded.features import (
    MAX_GRAMS,
    PASSAGE,
    grams,
    hash_word,
    index_vocabulary,
    mask,
)
from provenance.detectors.embedded.folds import folds
from provenance.detectors.embedded.learning import encode, shared_grams
from provenance.detectors.embedded.mixture import tail_line
from provenance.detectors.embedded.model import read_model
from provenance.detectors.embedded.rhythm import fit_network
from provenance.detectors.embedded.style import STYLE, style
from provenance.detectors.embedded.tokens import MARK, MAX_TOKENS, character_tables, empty_tokens, tokenise
from provenance.detectors.embedded.training import prepare
from tests.program import run

PROSE = (
    "The old mill stood by the river for two hundred years before anyone thought of measuring its wheel. "
    "My grandfather, who distrusted engineers, said it didn't need measuring; it needed grease. He was right, "
    "mostly. In 1974 they pulled it down anyway, and what's left is a row of stones and one bent axle. "
) * 4


def _tokens(text: str) -> list[tuple[int, int]]:
    data = np.frombuffer(text.encode() + b" ", np.uint8)
    arrays = empty_tokens(MAX_TOKENS)
    count = tokenise(data, 0, len(data), character_tables(), arrays)
    return list(zip(arrays[0][:count].tolist(), arrays[1][:count].tolist(), strict=True))


def _score(text: str) -> float:
    return float(load_model().score(pa.array([text])).score[0])


@pytest.mark.parametrize(
    "same",
    [
        "It's a “quiet” cafe — really...",
        'It’s  a\u00a0"quiet"\n\ncafe\u0301 – really…',
        '# It\'s a **"quiet"** cafe --  really....',
        "* It's a 'quiet' ca\u00adfe — really ... https://example.org/a?b=c",
        '1. It\'s a "quiet" café[12] — really... someone@example.org',
        'IT\'S A "QUIET" CAFÉ — REALLY...',
    ],
)
def test_tokens_ignore_markup_white_space_accents_and_addresses(same: str) -> None:
    assert _tokens(same) == _tokens('it\'s a "quiet" cafe — really...')


def test_word_hash_is_that_of_the_plain_function() -> None:
    assert _tokens("Zürich")[0][0] == hash_word("zurich")


def test_score_ignores_how_lines_are_wrapped() -> None:
    words = PROSE.split()
    wrapped = "\n".join(" ".join(words[i : i + 9]) for i in range(0, len(words), 9))
    assert _score(wrapped) == _score(PROSE) == _score("<p>".replace("<p>", "") + PROSE.replace(" ", "  "))


def test_kernel_equals_a_slow_reference() -> None:
    model = load_model()
    text = PROSE + "It was (he said) over; was it? It was! It was over, it was over."
    data = np.frombuffer(text.encode(), np.uint8)
    tokens = empty_tokens(MAX_TOKENS)
    count = tokenise(data, 0, len(data), character_tables(), tokens)
    assert count <= PASSAGE
    masked = np.zeros(MAX_TOKENS, np.uint32)
    mask(count, tokens, index_vocabulary(model.vocabulary), masked)
    word, shape = [int(h) for h in tokens.hashes[:count]], [int(m) for m in masked[:count]]
    expected = {
        max(1, _mix(key) >> 32) for key in _reference_keys(word, shape, tokens.types[:count].tolist())
    }
    out = np.zeros(MAX_GRAMS, np.uint32)
    found = grams(0, count, tokens, masked, out)
    assert set(out[:found].tolist()) == expected

    vector = np.zeros(len(STYLE), np.float32)
    style(0, count, tokens, recent=np.zeros(65536, np.int64), base=4096, out=vector)
    place = {int(key): row for row, key in enumerate(model.keys)}
    rows = [place[key] for key in expected if key in place]
    assert len(rows) > 100
    total = model.weights[rows].astype(int).sum(0) * model.scale / math.sqrt(len(rows))
    for row, language in enumerate(model.languages):
        measures = np.clip((vector - model.style_mean[row]) / model.style_scale[row], -3, 3)
        linear = total + model.bias + model.style_weights @ measures
        network = model.out @ np.maximum(model.hidden @ np.append(measures, 1), 0) + model.out_bias
        experts = np.append(linear, network)
        answers = model.expert_scores(pa.array([text]), np.array([row]))[0][0]
        np.testing.assert_allclose(answers, experts, atol=1e-4)
        odds = sum(math.exp(a + b * x) for (a, b), x in zip(model.mixture[row], experts, strict=True))
        score = model.score(pa.array([text, text]), [language, None]).score
        assert score[0] == pytest.approx(math.log(odds), abs=1e-4)
        assert score[1] == model.score(pa.array([text])).score[0]


def _mix(value: int) -> int:
    top = (1 << 64) - 1
    value ^= value >> 33
    value = value * 0xFF51AFD7ED558CCD & top
    value ^= value >> 33
    value = value * 0xC4CEB9FE1A85EC53 & top
    return value ^ value >> 33


def _reference_keys(word: list[int], shape: list[int], types: list[int]) -> set[int]:
    p, q, r, s = 0x9E3779B97F4A7C15, 0xD6E8FEB86659FD93, 0xA0761D6478BD642F, 0x8EBC6AF09C88C6E3
    keys = set()
    for i in range(len(word)):
        keys.add(word[i] + (1 << 32))
        if i > 0:
            keys.add(word[i - 1] * p + word[i] * 3)
        if i > 1:
            keys.add((word[i - 2] * p + word[i - 1]) * q + word[i] * 5)
            keys.add((shape[i - 2] * r + shape[i]) * s + 29)
        if i > 2:
            keys.add(((shape[i - 3] * p + shape[i - 2]) * q + shape[i - 1]) * s + shape[i] * 17)
    marks = [i for i, kind in enumerate(types) if kind == MARK]
    gaps = [here - before - 1 for before, here in zip([-1, *marks], marks, strict=False)]
    steps = [0, 0] + [word[i] * 16 + gap.bit_length() for i, gap in zip(marks, gaps, strict=True)]
    for before, mark, here in zip(steps, steps[1:], steps[2:], strict=False):
        keys.add(mark * q + here * r + 43)
        keys.add((before * p + mark) * q + here + 41)
    return {key & ((1 << 64) - 1) for key in keys}


def test_style_says_how_sentences_vary_and_words_return() -> None:
    """Worked by hand: sentences of 3, 6 and 2 words; one comma series; two openers alike; "so" and "it" return."""
    text = "So it goes. So, one, two, three, and out! It ends."
    data = np.frombuffer(text.encode(), np.uint8)
    tokens = empty_tokens(MAX_TOKENS)
    count = tokenise(data, 0, len(data), character_tables(), tokens)
    vector = np.zeros(len(STYLE), np.float32)
    style(0, count, tokens, recent=np.zeros(65536, np.int64), base=4096, out=vector)
    found = dict(zip(STYLE, vector.tolist(), strict=True))
    assert found["comma"] == pytest.approx(math.sqrt(4 / 11))
    assert found["exclamation"] == pytest.approx(math.sqrt(1 / 11))
    assert found["sentence_mean"] == pytest.approx(math.log(11 / 3))
    assert found["sentence_step"] == pytest.approx((math.log(6 / 3) + math.log(6 / 2)) / 2)
    assert found["sentence_short"] == 1 and found["sentence_long"] == 0
    assert found["sentence_plain"] == pytest.approx(2 / 3) and found["sentence_commas"] == pytest.approx(
        1 / 3
    )
    assert found["comma_series"] == pytest.approx(3 / 4)  # each after the first stands a word behind another
    assert found["comma_after_first"] == found["same_start"] == pytest.approx(1 / 3)
    assert found["type_ratio"] == pytest.approx(9 / 11) and found["pair_repeat"] == 0
    assert found["capital_inside"] == 0


def test_korean_words_leave_their_particle_when_masked() -> None:
    masks = []
    for word in ("도서관에서", "운동장에서", "운동장까지", "학교는", "나무는", "나무를"):
        data = np.frombuffer(word.encode(), np.uint8)
        tokens = empty_tokens(MAX_TOKENS)
        count = tokenise(data, 0, len(data), character_tables(), tokens)
        masked = np.zeros(MAX_TOKENS, np.uint32)
        mask(count, tokens, index_vocabulary(np.zeros(0, np.uint32)), masked)
        masks.append(int(masked[0]))
    library, playground, until, school, tree, object_ = masks
    assert library == playground != until
    assert school == tree != object_


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
    assert {max(1, _mix(word + (1 << 32)) >> 32) for word in everywhere} <= set(
        shared_grams(rows, np.array([0, 1, 2]), 3).tolist()
    )


def test_model_file_reads_back_and_damage_is_refused(tmp_path: Path) -> None:
    model, path = load_model(), tmp_path / "model.npz"
    model.save(path)
    again = read_model(path)
    texts = pa.array([PROSE], pa.large_string())
    assert again.version == model.version and again.languages == model.languages
    assert again.score(texts).score[0] == model.score(texts).score[0]
    dataclasses.replace(model, bias=model.bias[:1]).save(path)
    with pytest.raises(ValueError, match="do not fit"):
        read_model(path)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=400))
def test_any_text_scores_finitely_and_alone_as_in_a_batch(text: str) -> None:
    alone = load_model().score(pa.array([text], pa.large_string()))
    batch = load_model().score(pa.array(["", PROSE, text, None], pa.string()))
    assert np.isfinite(alone.score).all()
    assert alone.score[0] == batch.score[2]
    assert batch.words[0] == batch.words[3] == 0


def test_slices_of_an_array_read_their_own_text() -> None:
    texts = pa.array(["x", PROSE, "the end"], pa.large_string())
    assert load_model().score(texts.slice(1, 1)).score[0] == load_model().score(texts).score[1]


@pytest.mark.parametrize(
    "text",
    ["a" * 3_000_000, "- " * 1_000_000, "@" * 500_000, "1. " * 500_000, "word@" * 300_000, "\n" * 10**6],
)
def test_hostile_documents_are_read_in_linear_time(text: str) -> None:
    assert np.isfinite(load_model().score(pa.array([text])).score).all()


def test_annotator_gives_the_contract_columns() -> None:
    detector = EmbeddedDetector()
    assert isinstance(detector, Annotator)
    batch = pa.record_batch(
        {
            "text": pa.array([PROSE, "short", None, PROSE, PROSE], pa.large_string()),
            "language": ["en", "en", "en", "xx", None],
            "outcome": pa.array([None, None, None, None, "redirect"], pa.string()),
        }
    )
    detector.setup()
    columns = detector(batch)
    detectors, evidence, abstained, words, known = columns
    for column, field in zip(columns, detector.schema, strict=True):
        assert column.type == field.type
        assert len(column) == batch.num_rows
        column.validate(full=True)
    assert abstained.to_pylist() == [False, True, None, True, None]
    assert [len(row) for row in evidence.to_pylist()] == [1, 0, 0, 0, 0]
    assert [row is None for row in detectors.to_pylist()] == [False, False, True, False, True]
    assert evidence[0][0]["llr"].as_py() == detectors[0][0]["llr"].as_py()
    assert words.to_pylist() == [words[0].as_py(), 1, None, words[0].as_py(), None]
    assert known.is_valid().to_pylist() == [True, True, False, True, False]


def test_score_texts_abstains_without_flagging_and_keeps_the_prior() -> None:
    short, unknown, prose = score_texts(["Too short.", PROSE, PROSE], ["en", "xx", "en"], prior=0.1)
    for row in (short, unknown):
        assert row["abstained"] and not row["flagged"] and row["llr"] == 0
        assert row["synthetic_probability"] == pytest.approx(0.1)
    odds = prose["synthetic_probability"] / (1 - prose["synthetic_probability"])
    assert odds == pytest.approx(math.exp(prose["llr"]) / 9, rel=1e-5)
    with pytest.raises(ValueError, match="prior"):
        score_texts([PROSE], ["en"], prior=1.0)
    with pytest.raises(ValueError, match="languages"):
        score_texts([PROSE], [])


def test_flags_grow_with_the_rate_allowed() -> None:
    texts = [PROSE, PROSE.replace("river", "vibrant tapestry")]
    flags = [
        [row["flagged"] for row in score_texts(texts, ["en"] * 2, max_fpr=rate)]
        for rate in (0.001, 0.01, 0.1)
    ]
    assert (np.diff(np.array(flags, int), axis=0) >= 0).all()


@pytest.fixture(scope="module")
def held_out(shared: Path) -> pd.DataFrame:
    pool = pd.read_parquet(shared / "data" / "detector" / "pool_test.parquet")
    return pool[pool.language == "en"].reset_index(drop=True)


def test_it_separates_held_out_groups_and_keeps_its_rate(held_out: pd.DataFrame) -> None:
    rows = pd.DataFrame(score_texts(held_out.text.tolist(), ["en"] * len(held_out)))
    synthetic = (held_out.label == "synthetic").to_numpy()
    judged = ~rows.abstained.to_numpy()
    score = np.array([entry[0]["score"] for entry in rows.detectors])
    assert auroc(score[judged], synthetic[judged]) > 0.93
    assert rows.flagged[~synthetic].mean() <= 0.01
    assert rows.flagged[synthetic].mean() > 0.35


def test_stated_probabilities_hold_on_the_held_out_split(held_out: pd.DataFrame) -> None:
    rows = pd.DataFrame(score_texts(held_out.text.tolist(), ["en"] * len(held_out)))
    judged = ~rows.abstained.to_numpy()
    stated = rows.synthetic_probability.to_numpy()[judged]
    synthetic = (held_out.label == "synthetic").to_numpy()[judged]
    weight = np.where(synthetic, 0.5 / synthetic.sum(), 0.5 / (~synthetic).sum())
    tenth = np.minimum((stated * 10).astype(int), 9)
    gaps = [abs((weight * (stated - synthetic))[tenth == k].sum()) for k in range(10)]
    # All registers of the pool, while the calibration is of web prose on unseen domains (docs/detector.md).
    assert sum(gaps) <= 0.08
    sure = stated > 0.5
    assert (weight * synthetic)[sure].sum() / weight[sure].sum() >= stated[sure].mean() - 0.02


def test_human_reviews_and_stories_are_not_flagged_and_abstracts_seldom(shared: Path) -> None:
    truth = pd.read_parquet(shared / "data" / "web" / "crawl" / "truth.parquet")
    human = truth[(truth.kind == "text_page") & (truth.label == "human")]
    flagged = np.array([row["flagged"] for row in score_texts(human.text.tolist(), ["en"] * len(human))])
    abstract = (human.text_domain == "arxiv").to_numpy()
    assert flagged[~abstract].mean() <= 0.02
    assert flagged[abstract].mean() <= 0.15  # what resembles machine prose most (docs/detector.md)


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
