"""Neural detectors: published scores, batching, calibration, the cascade, and what is refused."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import math
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from provenance import schema
from provenance.configuration import Configuration, ConfigurationError, load_configuration
from provenance.detectors.embedded.calibration import load_calibration
from provenance.detectors.neural.batches import length_batches
from provenance.detectors.neural.config import Combination, Neural, NeuralConfig, ScoreCalibration

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
tokenizers = pytest.importorskip("tokenizers")

from provenance.detectors.neural.annotator import NeuralDetectors  # noqa: E402
from provenance.detectors.neural.load import load_scorer  # noqa: E402
from provenance.detectors.neural.surprisal import STATISTICS, Surprisal, surprisal_statistics  # noqa: E402
from provenance.detectors.neural.weights import NeuralError  # noqa: E402

ROOT = Path(__file__).resolve().parents[3]
WORDS = "the a river stone bridge old walked slowly over under morning light delve tapestry vibrant moreover".split()
LINE = ScoreCalibration(intercept=0.0, slope=1.0, min_tokens=8)


def tokenizer() -> Any:
    vocabulary = {word: k for k, word in enumerate(["[PAD]", "[UNK]", *WORDS])}
    model = tokenizers.models.WordLevel(vocabulary, unk_token="[UNK]")
    raw = tokenizers.Tokenizer(model)
    raw.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    return transformers.PreTrainedTokenizerFast(tokenizer_object=raw, pad_token="[PAD]", unk_token="[UNK]")


def save_causal(folder: Path, seed: int, vocabulary: int = 32) -> str:
    torch.manual_seed(seed)
    config = transformers.GPT2Config(
        vocab_size=vocabulary, n_positions=128, n_embd=16, n_layer=2, n_head=2, initializer_range=0.4
    )
    transformers.GPT2LMHeadModel(config).save_pretrained(folder)
    tokenizer().save_pretrained(folder)
    return str(folder)


def bert(seed: int = 0) -> Any:
    torch.manual_seed(seed)
    config = transformers.BertConfig(
        vocab_size=32,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=128,
        num_labels=2,
        id2label={0: "human", 1: "machine"},
        label2id={"human": 0, "machine": 1},
        pad_token_id=0,
    )
    return transformers.BertForSequenceClassification(config)


@pytest.fixture(scope="module")
def causal(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    folder = tmp_path_factory.mktemp("causal")
    return save_causal(folder / "observer", 1), save_causal(folder / "performer", 2)


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A tiny classifier trained here: texts with the last four words of WORDS are machine-written."""
    folder = tmp_path_factory.mktemp("classifier")
    model = bert().train()
    rows, labels = toy(400, seed=5, words=40)
    ids = torch.tensor(tokenizer()(rows)["input_ids"])
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for _ in range(3):
        for start in range(0, 400, 40):
            part = slice(start, start + 40)
            model(input_ids=ids[part], labels=torch.tensor(labels[part])).loss.backward()
            optimizer.step()
            optimizer.zero_grad()
    model.eval().save_pretrained(folder)
    tokenizer().save_pretrained(folder)
    return str(folder)


def toy(count: int, seed: int, words: int) -> tuple[list[str], list[int]]:
    random = np.random.default_rng(seed)
    labels = [k % 2 for k in range(count)]
    return [" ".join(random.choice(WORDS if label else WORDS[:-4], size=words)) for label in labels], labels


def texts(count: int = 9, seed: int = 3) -> list[str]:
    random = np.random.default_rng(seed)
    return [" ".join(random.choice(WORDS, size=size)) for size in random.integers(15, 90, size=count)]


def detector(kind: str, model: str, **options: Any) -> NeuralConfig:
    values = {
        "name": kind.replace("_", "-"),
        "kind": kind,
        "model": model,
        "max_tokens": 128,
        "device": "cpu",
    }
    if kind in ("classifier", "onnx"):
        values["synthetic_label"] = "machine"
    return NeuralConfig(**(values | options))


def logits_of(folder: str, text: str) -> tuple[Any, Any]:
    model = transformers.AutoModelForCausalLM.from_pretrained(folder).eval()
    ids = torch.tensor([tokenizer()(text)["input_ids"]])
    with torch.no_grad():
        return ids, model(ids).logits


# --- scores, against straightforward torch -------------------------------------------------------


def test_binoculars_is_log_perplexity_over_cross_entropy(causal: tuple[str, str]) -> None:
    sample = texts()
    expected = []
    for text in sample:
        ids, observer = logits_of(causal[0], text)
        _, performer = logits_of(causal[1], text)
        loss = torch.nn.functional.cross_entropy
        perplexity = loss(performer[0, :-1], ids[0, 1:])
        crossed = loss(performer[0], observer[0].softmax(-1))
        expected.append(float(perplexity / crossed))
    scores = load_scorer(detector("binoculars", causal[0], second_model=causal[1])).score(sample)
    np.testing.assert_allclose(scores.score, expected, atol=1e-5)
    assert scores.tokens.tolist() == [len(text.split()) for text in sample]


@pytest.mark.parametrize("models", [1, 2])
def test_fast_detect_gpt_is_the_analytic_curvature(causal: tuple[str, str], models: int) -> None:
    sample = texts()
    expected = []
    for text in sample:
        ids, scoring = logits_of(causal[0], text)
        _, sampling = logits_of(causal[models - 1], text)
        log_p = torch.distributions.Categorical(logits=scoring[0, :-1].double()).logits
        q = sampling[0, :-1].double().softmax(-1)
        total = mean = variance = 0.0
        for place, token in enumerate(ids[0, 1:].tolist()):
            expectation = float((q[place] * log_p[place]).sum())
            total += float(log_p[place, token])
            mean += expectation
            variance += float((q[place] * log_p[place] ** 2).sum()) - expectation**2
        expected.append((total - mean) / math.sqrt(variance))
    second = {"second_model": causal[1]} if models == 2 else {}
    scores = load_scorer(detector("fast_detect_gpt", causal[0], **second)).score(sample)
    np.testing.assert_allclose(scores.score, expected, atol=1e-5)


def test_surprisal_statistics_are_those_of_scipy(causal: tuple[str, str]) -> None:
    stats = pytest.importorskip("scipy.stats")
    sample = texts()
    expected = []
    for text in sample:
        ids, logits = logits_of(causal[0], text)
        s = torch.nn.functional.cross_entropy(logits[0, :-1].double(), ids[0, 1:], reduction="none").numpy()
        second = np.diff(s, n=2)
        expected.append(
            [
                s.mean(),
                s.std(),
                s.var(),
                stats.skew(s),
                stats.kurtosis(s),
                np.diff(s).mean(),
                np.diff(s).std(),
                second.var(),
                stats.entropy(np.histogram(second, bins=20, density=True)[0]),
                np.corrcoef(second[:-1], second[1:])[0, 1],
            ]
        )
    scorer = load_scorer(detector("surprisal", causal[0]))
    assert isinstance(scorer, Surprisal)
    np.testing.assert_allclose(scorer.statistics(sample), expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(scorer.score(sample).score, np.array(expected)[:, 0], atol=1e-5)
    weights = {name: 0.1 * k for k, name in enumerate(STATISTICS)}
    weighted = detector(
        "surprisal", causal[0], calibration=ScoreCalibration(intercept=0, slope=1, weights=weights)
    )
    by_hand = np.array(expected) @ np.array(list(weights.values()))
    np.testing.assert_allclose(load_scorer(weighted).score(sample).score, by_hand, rtol=1e-5, atol=1e-5)


def test_surprisal_that_never_changes_has_finite_statistics() -> None:
    assert np.isfinite(surprisal_statistics(np.full(20, 2.5))).all()


def test_classifier_score_is_the_log_odds_of_its_label(classifier: str) -> None:
    sample = texts()
    model = transformers.AutoModelForSequenceClassification.from_pretrained(classifier).eval()
    with torch.no_grad():
        p = [
            float(model(torch.tensor([tokenizer()(text)["input_ids"]])).logits.double().softmax(-1)[0, 1])
            for text in sample
        ]
    scores = load_scorer(detector("classifier", classifier)).score(sample)
    np.testing.assert_allclose(scores.score, [math.log(x / (1 - x)) for x in p], atol=1e-5)


@pytest.mark.parametrize("pad", [None, 0])
def test_decoder_classifiers_read_their_last_word_with_and_without_padding(
    tmp_path: Path, pad: int | None
) -> None:
    torch.manual_seed(4)
    config = transformers.GPT2Config(
        vocab_size=32, n_positions=128, n_embd=16, n_layer=1, n_head=2, num_labels=3, initializer_range=0.4
    )
    config.pad_token_id = pad
    model = transformers.GPT2ForSequenceClassification(config).eval()
    model.save_pretrained(tmp_path)
    tokenizer().save_pretrained(tmp_path)
    sample = texts()
    with torch.no_grad():
        p = [
            float(model(torch.tensor([tokenizer()(text)["input_ids"]])).logits.double().softmax(-1)[0, 2])
            for text in sample
        ]
    scores = load_scorer(detector("classifier", str(tmp_path), synthetic_label=2)).score(sample)
    np.testing.assert_allclose(scores.score, [math.log(x / (1 - x)) for x in p], atol=1e-5)


def save_onnx(folder: Path, table: np.ndarray) -> str:
    """A classifier whose logits are the sums of its tokens' rows in `table` (vocabulary, 2), encoded by hand."""

    def field(number: int, value: int | bytes | str) -> bytes:
        if isinstance(value, int):
            return varint(number << 3) + varint(value)
        data = value.encode() if isinstance(value, str) else value
        return varint(number << 3 | 2) + varint(len(data)) + data

    def varint(value: int) -> bytes:
        low = bytes([value & 127])
        return low if value < 128 else bytes([low[0] | 128]) + varint(value >> 7)

    def tensor(name: str, values: np.ndarray) -> bytes:
        dims = b"".join(field(1, size) for size in values.shape)
        kind = 1 if values.dtype == np.float32 else 7
        return field(5, dims + field(2, kind) + field(8, name) + field(9, values.tobytes()))

    def node(operation: str, inputs: str, output: str, attributes: dict[str, int]) -> bytes:
        body = b"".join(field(1, name) for name in inputs.split()) + field(2, output) + field(4, operation)
        for name, value in attributes.items():
            body += field(5, field(1, name) + field(3, value) + field(20, 2))
        return field(1, body)

    def port(number: int, name: str, kind: int, dims: list[str | int]) -> bytes:
        shape = b"".join(field(1, field(1 if isinstance(dim, int) else 2, dim)) for dim in dims)
        return field(number, field(1, name) + field(2, field(1, field(1, kind) + field(2, shape))))

    graph = (
        node("Gather", "table input_ids", "rows", {})
        + node("Cast", "attention_mask", "mask", {"to": 1})
        + node("Unsqueeze", "mask last", "wide", {})
        + node("Mul", "rows wide", "kept", {})
        + node("ReduceSum", "kept middle", "logits", {"keepdims": 0})
        + field(2, "toy")
        + tensor("table", table.astype(np.float32))
        + tensor("last", np.array([2], np.int64))
        + tensor("middle", np.array([1], np.int64))
        + port(11, "input_ids", 7, ["n", "length"])
        + port(11, "attention_mask", 7, ["n", "length"])
        + port(12, "logits", 1, ["n", 2])
    )
    folder.mkdir(exist_ok=True)
    model = field(1, 8) + field(7, graph) + field(8, field(1, "") + field(2, 13))
    (folder / "model.onnx").write_bytes(model)
    tokenizer().save_pretrained(folder)
    return str(folder)


def test_onnx_score_is_the_log_odds_of_its_label(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    table = np.random.default_rng(1).normal(0, 0.1, size=(32, 2)).astype(np.float32)
    folder = save_onnx(tmp_path / "onnx", table)
    sample = texts()
    logits = np.array([table[tokenizer()(text)["input_ids"]].astype(float).sum(0) for text in sample])
    for label, sign in ((1, 1), (0, -1)):
        for model in (folder, f"{folder}/model.onnx"):
            config = detector("onnx", model, synthetic_label=label, batch_tokens=200)
            scores = load_scorer(config).score(sample)
            np.testing.assert_allclose(scores.score, sign * (logits[:, 1] - logits[:, 0]), atol=1e-5)
    (tmp_path / "onnx" / "model.onnx").write_bytes(b"no model")
    with pytest.raises(NeuralError, match="cannot be loaded"):
        NeuralDetectors([detector("onnx", folder, synthetic_label=1, batch_tokens=300)]).setup()


@pytest.mark.parametrize("kind", ["classifier", "binoculars", "fast_detect_gpt", "surprisal"])
def test_scores_do_not_depend_on_the_batch(kind: str, classifier: str, causal: tuple[str, str]) -> None:
    sample = texts(13)
    options = {"second_model": causal[1]} if kind == "binoculars" else {}
    model = classifier if kind == "classifier" else causal[0]
    together = load_scorer(detector(kind, model, batch_tokens=100_000, **options)).score(sample).score
    alone = load_scorer(detector(kind, model, batch_tokens=16, **options)).score(sample).score
    mirrored = load_scorer(detector(kind, model, batch_tokens=300, **options)).score(sample[::-1]).score[::-1]
    np.testing.assert_allclose(together, alone, atol=1e-5)
    np.testing.assert_allclose(mirrored, alone, atol=1e-5)


def test_batches_hold_every_row_once_within_the_budget() -> None:
    lengths = np.random.default_rng(0).integers(1, 200, size=100).tolist()
    batches = list(length_batches(lengths, 256))
    assert sorted(row for batch in batches for row in batch) == list(range(100))
    assert all(len(batch) * max(lengths[row] for row in batch) <= 256 for batch in batches)


def test_short_and_huge_texts_are_bounded(causal: tuple[str, str]) -> None:
    huge = ["", "the river", "river " * 200_000, "x" * 1_000_000]
    scores = load_scorer(detector("surprisal", causal[0])).score(huge)
    assert np.isnan(scores.score).tolist() == [True, True, False, True]
    assert scores.tokens.max() <= 128


# --- the annotator -------------------------------------------------------------------------------


def batch(sample: list[str | None], embedded: list[float | None]) -> pa.RecordBatch:
    evidence = [
        [] if ratio is None else [{"source": "detector:embedded", "llr": ratio, "because": "-"}]
        for ratio in embedded
    ]
    return pa.RecordBatch.from_arrays(
        [
            pa.array(sample, pa.large_string()),
            pa.array(["en"] * len(sample), pa.string()),
            pa.array(evidence, schema.EVIDENCE),
        ],
        names=["text", "language", "detector_evidence"],
    )


def test_cascade_asks_only_inside_the_band_and_counts_its_cost(classifier: str) -> None:
    config = detector("classifier", classifier, calibration=LINE, band=(-1.0, 2.0))
    annotator = NeuralDetectors([config])
    sample = [*texts(5), None]
    found, evidence = annotator(batch(sample, [-3.0, -1.0, None, 2.5, 2.0, None]))
    assert [item is not None for item in found.to_pylist()] == [False, True, True, False, True, False]
    assert [len(item) if item is not None else None for item in evidence.to_pylist()] == [0, 1, 1, 0, 1, None]
    (report,) = annotator.report()
    assert (report["rows"], report["asked"], report["band"]) == (5, 3, (-1.0, 2.0))


def test_evidence_replaces_the_embedded_ratio_by_the_combined_one(classifier: str) -> None:
    config = detector("classifier", classifier, calibration=LINE, band=None)
    rows = batch(texts(3), [1.5, -2.0, None])
    found, evidence = NeuralDetectors([config])(rows)
    own = [item[0]["llr"] for item in found.to_pylist()]
    added = [item[0]["llr"] for item in evidence.to_pylist()]
    assert [1.5 + added[0], -2.0 + added[1], added[2]] == pytest.approx(
        [(1.5 + own[0]) / 2, (own[1] - 2.0) / 2, own[2]], abs=1e-5
    )
    fitted = Combination(intercept=0.5, weights={"embedded": 0.25, "classifier": 1.0}, bounds=(-1.0, 1.0))
    _, evidence = NeuralDetectors([config], fitted)(rows)
    combined = [1.5, -2.0, 0.0] + np.array([item[0]["llr"] for item in evidence.to_pylist()])
    expected = np.clip(0.5 + 0.25 * np.array([1.5, -2.0, 0.0]) + np.array(own), -1.0, 1.0)
    np.testing.assert_allclose(combined, expected, atol=1e-5)


def test_detector_without_calibration_or_outside_it_reports_but_adds_nothing(classifier: str) -> None:
    french = ScoreCalibration(intercept=0, slope=1, min_tokens=8, languages=("fr",))
    for calibration in (None, french, LINE.model_copy(update={"min_tokens": 5000})):
        config = detector("classifier", classifier, calibration=calibration, band=None)
        found, evidence = NeuralDetectors([config])(batch(texts(2), [1.0, 1.0]))
        assert [item[0]["llr"] for item in found.to_pylist()] == [None, None]
        assert evidence.to_pylist() == [[], []]


def test_ratios_are_bounded(classifier: str) -> None:
    steep = ScoreCalibration(intercept=0, slope=100, bounds=(-2.0, 3.0), min_tokens=8)
    found, _ = NeuralDetectors([detector("classifier", classifier, calibration=steep, band=None)])(
        batch(toy(20, 9, 60)[0], [0.0] * 20)
    )
    assert {item[0]["llr"] for item in found.to_pylist()} <= {-2.0, 3.0}


def test_version_follows_weights_and_numbers_but_not_the_place(tmp_path: Path) -> None:
    def version(folder: Path, **options: Any) -> str:
        return NeuralDetectors([detector("surprisal", str(folder), **options)]).version

    first, same, other = (tmp_path / name for name in ("first", "same", "other"))
    save_causal(first, 1)
    save_causal(same, 1)
    save_causal(other, 2)
    assert version(first) == version(same) != version(other)
    assert version(first) != version(first, calibration=LINE)


# --- through the pipeline ------------------------------------------------------------------------


def test_toy_task_is_separated_through_the_whole_pipeline(classifier: str, tmp_path: Path) -> None:
    from pipelines.command import main

    rows, labels = toy(40, seed=77, words=110)
    crawl = tmp_path / "crawl.jsonl"
    crawl.write_text(
        "".join(
            json.dumps({"text": text, "id": str(k), "url": f"https://example.org/{k}"}) + "\n"
            for k, text in enumerate(rows)
        )
    )
    steep = {"intercept": 0, "slope": 2, "min_tokens": 32, "bounds": [-6, 6]}
    entry = {"name": "toy", "kind": "classifier", "model": classifier, "synthetic_label": "machine"}
    entry |= {"max_tokens": 128, "device": "cpu", "calibration": steep, "band": None}
    combination = {"weights": {"toy": 1.0}, "bounds": [-6, 6]}
    settings = tmp_path / "settings.yaml"
    settings.write_text(
        json.dumps(
            {
                "neural": {"detectors": [entry], "combination": combination},
                "cap": {"max_synthetic": 1},
                "duplicates": {"threshold": 1.0},
            }
        )
    )
    output = tmp_path / "release"
    assert main(["curate", str(crawl), "--output", str(output), "--config", str(settings), "--quiet"]) == 0
    released = pq.read_table(output / "data").to_pylist()
    assert len(released) == 40
    probability = {row["record_id"]: row["synthetic_probability"] for row in released}
    assert all((probability[str(k)] > 0.5) == bool(label) for k, label in enumerate(labels))
    assert {"embedded", "toy"} == {item["name"] for item in released[0]["detectors"]}
    assert any(item["source"] == "detector:neural" for item in released[0]["evidence"])
    assert "neural_detectors" not in released[0]
    manifest = json.loads((output / "manifest.json").read_text())
    cost = {"name": "toy", "band": None, "documents": 40, "asked": 40}
    assert manifest["detector"]["neural"] == [cost]


def test_summary_manifest_and_card_say_what_the_band_cost(
    classifier: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Texts too short for the embedded detector are at 0 nats: one band holds them, the other does not."""
    from pipelines.command import main

    crawl = tmp_path / "crawl.jsonl"
    crawl.write_text("".join(json.dumps({"text": text}) + "\n" for text in toy(30, seed=5, words=40)[0]))
    entry = {"kind": "classifier", "model": classifier, "synthetic_label": "machine", "max_tokens": 128}
    entry |= {"device": "cpu"}
    bands = [{"name": "near", "band": [-1, 1]}, {"name": "far", "band": [2, 3]}]
    settings = tmp_path / "settings.yaml"
    settings.write_text(json.dumps({"neural": {"detectors": [entry | band for band in bands]}}))
    output = tmp_path / "release"
    assert main(["curate", str(crawl), "--output", str(output), "--config", str(settings), "--quiet"]) == 0
    near, far = (
        f"{name}: asked about {asked} of 30 texts ({share}%), where the embedded ratio is in {band} nats"
        for name, asked, share, band in (("near", 30, "100.0", "-1 to +1"), ("far", 0, "0.0", "2 to +3"))
    )
    printed, card = capsys.readouterr().out, (output / "README.md").read_text()
    assert f"neural detector {near}\nneural detector {far}\n" in printed
    assert f"Neural detector {near}.\n\nNeural detector {far}.\n" in card
    found = json.loads((output / "manifest.json").read_text())["detector"]["neural"]
    assert [(item["name"], item["asked"], item["documents"]) for item in found] == [
        ("near", 30, 30),
        ("far", 0, 30),
    ]


@pytest.mark.parametrize("sign", [1, -1])
def test_calibrate_measures_a_neural_detector_and_the_pipeline_takes_the_file(
    classifier: str, tmp_path: Path, sign: int
) -> None:
    """Whichever way the score points, its calibrated ratio points to "machine"."""
    from pipelines.command import main

    rows, labels = toy(300, seed=21, words=70)
    noisy = [label if k % 9 else 1 - label for k, label in enumerate(labels)]  # a ninth is mislabelled
    lines = tmp_path / "labelled.jsonl"
    lines.write_text(
        "".join(
            json.dumps({"text": text, "label": label, "language": "en"}) + "\n"
            for text, label in zip(rows, noisy, strict=True)
        )
    )
    entry = {"name": "toy", "kind": "classifier", "model": classifier, "max_tokens": 128, "device": "cpu"}
    entry["synthetic_label"] = "machine" if sign == 1 else "human"
    settings, file = tmp_path / "settings.yaml", tmp_path / "toy.json"
    settings.write_text(json.dumps({"neural": {"detectors": [entry]}}))
    command = ["calibrate", str(lines), "--config", str(settings), "--output", str(file), "--detector"]
    assert main([*command, "toy"]) == 0
    made = ScoreCalibration.model_validate_json(file.read_text())
    assert np.sign(made.slope) == sign
    assert made.languages == ("en",)
    assert made.provenance["documents"] == {"human": 150, "synthetic": 150}
    assert made.provenance["auroc"] == pytest.approx(0.89 if sign == 1 else 0.11, abs=0.06)
    config = NeuralConfig(**{**entry, "calibration": str(file), "band": None})
    fresh, truth = toy(40, seed=22, words=70)
    found, _ = NeuralDetectors([config])(batch(fresh, [None] * 40))
    ratios = np.array([item[0]["llr"] for item in found.to_pylist()])
    assert ((ratios > 0) == np.array(truth, bool)).mean() > 0.9
    assert np.abs(ratios).max() <= 4.0
    assert main([*command, "other"]) == 2
    assert main([*command, "toy", "--human-only"]) == 2
    lines.write_text("".join(lines.read_text().splitlines(keepends=True)[:100]))
    assert main([*command, "toy"]) == 1


# --- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"model": "someone/model"}, "revision"),
        ({"model": "someone/model", "revision": "main"}, "40 hexadecimal"),
        ({"model": "no such place!"}, "neither a folder"),
        ({"kind": "binoculars", "synthetic_label": None}, "second_model"),
        ({"synthetic_label": None}, "synthetic_label"),
        ({"name": "embedded"}, "embedded"),
        ({"band": (2.0, 1.0)}, "low, high"),
        ({"calibration": {"intercept": 0, "slope": math.inf}}, "slope"),
        ({"trust_remote_code": True}, "trust_remote_code"),
    ],
)
def test_configuration_is_refused_with_the_reason(options: dict[str, Any], message: str) -> None:
    values = {"name": "d", "kind": "classifier", "model": "a/b", "revision": "0" * 40, "synthetic_label": 1}
    values.pop("revision") if "model" in options else None
    with pytest.raises(ValueError, match=message):
        NeuralConfig(**(values | options))


def test_names_must_differ_and_weights_must_name_detectors() -> None:
    one = NeuralConfig(name="d", kind="surprisal", model="a/b", revision="0" * 40)
    with pytest.raises(ValueError, match="differ"):
        Neural(detectors=(one, one))
    with pytest.raises(ValueError, match="no detector is called other"):
        Neural(detectors=(one,), combination=Combination(weights={"other": 1}))


def test_yaml_error_names_the_place(tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text(
        "neural: {detectors: [{name: d, kind: surprisal, model: a/b, revision: '" + "0" * 40 + "', dpi: 3}]}"
    )
    with pytest.raises(ConfigurationError, match=r"neural\.detectors\.0\.dpi"):
        load_configuration(path)


def test_pickled_weights_are_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "pytorch_model.bin").write_bytes(b"\x80\x04.")
    with pytest.raises(NeuralError, match="pickled weights can run code"):
        NeuralDetectors([detector("surprisal", str(tmp_path))])


def test_missing_folder_label_or_calibration_is_named(classifier: str, tmp_path: Path) -> None:
    with pytest.raises(NeuralError, match="no such file or folder"):
        NeuralDetectors([detector("surprisal", str(tmp_path / "nowhere"))])
    with pytest.raises(NeuralError, match=r"'robot'.*human \(0\), machine \(1\)"):
        NeuralDetectors([detector("classifier", classifier, synthetic_label="robot")]).setup()
    with pytest.raises(NeuralError, match="cannot be read"):
        NeuralDetectors([detector("classifier", classifier, calibration=str(tmp_path / "none.json"))])
    (tmp_path / "bad.json").write_text('{"intercept": 0}')
    with pytest.raises(NeuralError, match="slope"):
        NeuralDetectors([detector("classifier", classifier, calibration=str(tmp_path / "bad.json"))])
    with pytest.raises(NeuralError, match="reads 128"):
        NeuralDetectors([detector("surprisal", save_causal(tmp_path / "m", 1), max_tokens=512)]).setup()


def test_binoculars_refuses_models_of_different_vocabularies(causal: tuple[str, str], tmp_path: Path) -> None:
    wide = save_causal(tmp_path / "wide", 3, vocabulary=40)
    with pytest.raises(NeuralError, match="sizes"):
        NeuralDetectors([detector("binoculars", causal[0], second_model=wide)]).setup()


def test_missing_extra_names_the_command_that_installs_it(
    classifier: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(
        "provenance.detectors.neural.weights.find_spec", lambda name: None if name == "torch" else real(name)
    )
    with pytest.raises(NeuralError, match=r"torch: pip install 'provenance-pipelines\[neural\]'"):
        NeuralDetectors([detector("classifier", classifier)])


def test_reading_a_configuration_and_annotating_without_detectors_imports_no_model_library() -> None:
    code = (
        "import sys, provenance.annotate as a; from provenance.configuration import Configuration;"
        "a.Annotation(Configuration());"
        "print(sorted({'torch', 'transformers', 'onnxruntime'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.strip() == "[]", done.stderr


def test_scorer_is_loaded_once_and_shared_by_threads(classifier: str) -> None:
    config = detector("classifier", classifier, batch_tokens=333)
    with ThreadPoolExecutor(4) as pool:
        scorers = list(pool.map(lambda _: load_scorer(config), range(8)))
        results = list(pool.map(lambda _: load_scorer(config).score(texts()).score.tolist(), range(8)))
    assert len({id(scorer) for scorer in scorers}) == 1
    assert all(result == results[0] for result in results)


def test_default_configuration_asks_no_neural_detector() -> None:
    assert Configuration().neural.detectors == ()


def test_the_default_band_leaves_out_what_the_embedded_detector_is_surest_of(shared: Path) -> None:
    """Its ratios end at the bounds of its calibration, so a band that reaches them would leave out nothing."""
    band = NeuralConfig(name="d", kind="surprisal", model=str(shared)).band
    least, most = load_calibration().bounds
    assert band is not None
    assert least < band[0] < 0 < band[1] < most


def test_a_tokenizer_that_is_not_there_is_named(classifier: str, tmp_path: Path) -> None:
    for name in ("config.json", "model.safetensors"):
        shutil.copy(Path(classifier) / name, tmp_path)
    with pytest.raises(NeuralError, match="tokenizer"):
        NeuralDetectors([detector("classifier", str(tmp_path))]).setup()


def test_code_that_comes_with_a_model_is_not_run(classifier: str, tmp_path: Path) -> None:
    folder, mark = tmp_path / "model", tmp_path / "ran"
    shutil.copytree(classifier, folder)
    (folder / "own.py").write_text(f"open({str(mark)!r}, 'w')\n")
    settings = json.loads((folder / "config.json").read_text())
    own = {"AutoConfig": "own.Config", "AutoModelForSequenceClassification": "own.Model"}
    (folder / "config.json").write_text(json.dumps({**settings, "auto_map": own}))
    with contextlib.suppress(NeuralError):
        NeuralDetectors([detector("classifier", str(folder))]).setup()
    assert not mark.exists()
