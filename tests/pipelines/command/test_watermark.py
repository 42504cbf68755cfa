"""`provenance watermark`, the annotator and the configuration, with a tokenizer made here."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pydantic import ValidationError

from pipelines.command import main
from provenance import schema
from provenance.annotators.watermarks import WatermarkConfig, Watermarks, sidak
from provenance.annotators.watermarks.unigram import Unigram

VOCABULARY = 2000


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A word-level tokenizer of the words w0 … w1999, saved as tokenizer.json."""
    tokenizers = pytest.importorskip("tokenizers")
    words = {f"w{k}": k for k in range(VOCABULARY)}
    made = tokenizers.Tokenizer(tokenizers.models.WordLevel(words, unk_token="w0"))
    made.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    made.save(str(path))
    return str(path)


def text_of(ids: np.ndarray) -> str:
    return " ".join(f"w{k}" for k in ids)


def unmarked(length: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, VOCABULARY, length)


def marked(length: int) -> np.ndarray:
    green = np.flatnonzero(Unigram(vocab_size=VOCABULARY).green)
    return np.random.default_rng(1).choice(green, length)


def command(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = main(["watermark", *arguments])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_a_marked_text_is_found_and_its_evidence_located(
    tokenizer: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = text_of(marked(200))
    (tmp_path / "text.txt").write_text(text)
    status, out, _ = command(
        capsys,
        "detect",
        str(tmp_path / "text.txt"),
        "--tokenizer",
        tokenizer,
        "--scheme",
        "unigram",
        "--json",
    )
    found = json.loads(out)
    (row,) = found["watermarks"]
    assert status == 1
    assert row["z"] > 10 and row["p_value"] < 1e-20 and found["llr"] == 6.0
    start, end = row["characters"][0]
    assert text[start:end] == f"w{marked(200)[row['positions'][0]]}"


def test_the_published_defaults_are_tried_and_corrected_for(
    tokenizer: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "text.txt").write_text(text_of(unmarked(300)))
    status, out, _ = command(capsys, "detect", str(tmp_path / "text.txt"), "--tokenizer", tokenizer, "--json")
    rows = json.loads(out)["watermarks"]
    assert status == 0
    assert [row["scheme"] for row in rows] == ["kgw", "kgw", "synthid", "synthid", "synthid"]
    for row in rows:
        assert row["p_corrected"] == pytest.approx(float(sidak(row["p_value"], len(rows))))


def test_token_ids_can_be_read_from_stdin(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ids = json.dumps(marked(150).tolist()).encode()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(ids)))
    status, out, _ = command(
        capsys, "detect", "-", "--token-ids", "--scheme", "unigram", "--vocab-size", str(VOCABULARY)
    )
    assert status == 1
    assert "FOUND" in out and "evidence at tokens 0 " in out


def test_a_text_is_judged_among_the_documents_that_are_given(
    tokenizer: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A word that every unmarked document has is no evidence, however green it is."""
    common = np.flatnonzero(Unigram(vocab_size=VOCABULARY).green)[:60]
    documents = [text_of(np.concatenate([common, unmarked(100, seed)])) for seed in range(1, 201)]
    (tmp_path / "text.txt").write_text(text_of(np.concatenate([common, unmarked(100)])))
    lines = [json.dumps({"text": document}) + "\n" for document in documents]
    (tmp_path / "others.jsonl").write_text("".join(lines))
    (tmp_path / "others.txt").write_text("\n".join(documents))
    words = ["detect", str(tmp_path / "text.txt"), "--tokenizer", tokenizer, "--scheme", "unigram", "--json"]
    status, out, _ = command(capsys, *words)
    assert status == 1 and json.loads(out)["watermarks"][0]["p_value"] < 0.01
    for name in ("others.jsonl", "others.txt"):
        status, out, _ = command(capsys, *words, "--among", str(tmp_path / name))
        (row,) = json.loads(out)["watermarks"]
        assert status == 0 and row["p_value"] > 0.01 and row["tokens"] < 110
    (tmp_path / "few.txt").write_text("\n".join(documents[:50]))
    status, _, error = command(capsys, *words, "--among", str(tmp_path / "few.txt"))
    assert status == 1 and "50 documents are too few" in error


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["detect", "FILE"], "--tokenizer"),
        (["detect", "FILE", "--tokenizer", "T", "--scheme", "nonsense"], "not one of"),
        (["detect", "FILE", "--tokenizer", "T", "--scheme", "kgw", "--parameters", "{"], "not JSON"),
        (["detect", "FILE", "--tokenizer", "T", "--scheme", "kgw", "--parameters", '{"gama": 1}'], "gama"),
        (["detect", "FILE", "--tokenizer", "FILE"], "tokenizer"),
    ],
)
def test_bad_usage_says_what_to_do(
    arguments: list[str], message: str, tokenizer: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "text.txt"
    file.write_text("some text")
    filled = [{"FILE": str(file), "T": tokenizer}.get(argument, argument) for argument in arguments]
    status, out, error = command(capsys, *filled)
    assert (status, out) == (2, "")
    assert message in error
    assert error.startswith("error: ") and "pydantic" not in error


@pytest.mark.parametrize(("name", "content"), [("missing.txt", None), ("utf16.txt", b"\xff\xfet\0")])
def test_a_file_that_cannot_be_read_is_named(
    name: str, content: bytes | None, tokenizer: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / name
    if content is not None:
        file.write_bytes(content)
    status, out, error = command(capsys, "detect", str(file), "--tokenizer", tokenizer)
    assert (status, out) == (1, "") and error.startswith(f"error: {file}: ")


def test_line_ends_and_emptiness_are_no_obstacle(
    tokenizer: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "crlf.txt").write_bytes(text_of(marked(200)).replace(" ", "\r\n").encode())
    (tmp_path / "empty.txt").write_bytes(b"")
    words = ["--tokenizer", tokenizer, "--scheme", "unigram"]
    assert command(capsys, "detect", str(tmp_path / "crlf.txt"), *words)[0] == 1
    status, out, _ = command(capsys, "detect", str(tmp_path / "empty.txt"), *words)
    assert status == 0 and "too short to judge, 0 distinct tokens" in out


def test_every_scheme_is_listed_with_its_parameters(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = command(capsys, "schemes")
    assert status == 0
    for word in ("kgw", "unigram", "synthid", "gumbel", "dipmark", "seeding_scheme", "SWEET"):
        assert word in out
    _, out, _ = command(capsys, "schemes", "--json")
    assert "greenlist_ratio" in json.loads(out)["schemes"]["kgw"]["parameters"]


def test_the_annotator_reports_what_it_finds_and_nothing_else(tokenizer: str) -> None:
    annotator = Watermarks(
        [
            WatermarkConfig(name="mine", scheme="unigram", tokenizer=tokenizer),
            WatermarkConfig(name="theirs", scheme="kgw", tokenizer=tokenizer),
        ]
    )
    annotator.setup()
    texts = [text_of(marked(200)), text_of(unmarked(200)), "short", None, text_of(marked(200))]
    batch = pa.record_batch(
        {
            "text": pa.array(texts, pa.large_string()),
            "outcome": pa.array([None, None, None, None, "redirect"], pa.string()),
        }
    )
    watermarks, evidence = annotator(batch)
    assert watermarks.type == schema.WATERMARKS and evidence.type == schema.EVIDENCE
    (found,) = watermarks[0].as_py()
    assert (found["scheme"], found["key"]) == ("unigram", "mine") and found["p_value"] < 1e-20
    assert [piece["llr"] for piece in evidence[0].as_py()] == [6.0]
    assert watermarks[1].as_py() == [] and -0.1 < evidence[1].as_py()[0]["llr"] < 0
    assert watermarks[2].as_py() == [] and evidence[2].as_py() == []
    for row in (3, 4):
        assert watermarks[row].as_py() is None and evidence[row].as_py() is None


def test_nothing_configured_reports_nothing() -> None:
    annotator = Watermarks([])
    annotator.setup()
    watermarks, evidence = annotator(pa.record_batch({"text": pa.array(["x" * 100], pa.large_string())}))
    assert watermarks.to_pylist() == [[]] and evidence.to_pylist() == [[]]


def test_a_wrong_parameter_is_refused_when_the_configuration_is_read() -> None:
    for parameters in ({"seeding_scheme": "nonsense"}, {"greenlist_ratio": 1.5}, {"unknown": 1}):
        with pytest.raises(ValidationError, match="watermark 'x'"):
            WatermarkConfig(name="x", scheme="kgw", tokenizer="t", parameters=parameters)


def test_an_installed_distribution_adds_its_scheme(
    monkeypatch: pytest.MonkeyPatch, tokenizer: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A scheme of another distribution, found by its entry point, is listed, configured and used by its name."""
    site = tmp_path / "site"
    info = site / "evenmark-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: evenmark\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[provenance.watermark_schemes]\nevenmark = evenmark:EvenMark\n")
    (site / "evenmark.py").write_text(
        "import numpy as np\n"
        "from provenance.annotators.watermarks import Measurements, Marks, Scheme\n"
        "from provenance.annotators.watermarks.null import binomial_p\n"
        "from provenance.annotators.watermarks.ragged import first_of_each, sums\n"
        "class EvenMark(Scheme):\n"
        "    scheme = 'evenmark'\n"
        "    summary = 'even token ids'\n"
        "    source = 'a test'\n"
        "    @property\n"
        "    def key(self):\n"
        "        return 'even'\n"
        "    def marks(self, tokens, offsets):\n"
        "        counted = first_of_each(tokens.astype(np.uint64), np.ones(len(tokens), np.bool_), offsets)\n"
        "        return Marks(counted, (tokens % 2 == 0).astype(float))\n"
        "    def judge(self, tokens, offsets, marks, ties):\n"
        "        coins, short = self.short(marks.counted, offsets)\n"
        "        hits = sums(marks.value * marks.counted, offsets)\n"
        "        p = np.where(short, 1.0, binomial_p(hits.astype(np.int64), coins, 0.5, ties))\n"
        "        return Measurements(coins, hits, (2 * hits - coins) / np.sqrt(np.maximum(coins, 1)), coins, p)\n"
    )
    monkeypatch.syspath_prepend(str(site))
    _, out, _ = command(capsys, "schemes")
    assert "evenmark: even token ids" in out
    (tmp_path / "text.txt").write_text(text_of(2 * unmarked(200, seed=3) % VOCABULARY))
    (tmp_path / "config.yaml").write_text(
        f"watermarks:\n  - {{name: mine, scheme: evenmark, tokenizer: {tokenizer}, parameters: {{min_tokens: 30}}}}\n"
    )
    status, out, _ = command(
        capsys, "detect", str(tmp_path / "text.txt"), "--config", str(tmp_path / "config.yaml"), "--json"
    )
    (row,) = json.loads(out)["watermarks"]
    assert status == 1 and row["name"] == "mine" and row["p_value"] < 1e-20


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (None, "No such file"),
        ("watermarks: [", "is not valid YAML"),
        ("- watermarks", "must hold a mapping"),
        ("watermarks: []\nwatermarks: []", "is written twice"),
    ],
)
def test_a_configuration_that_cannot_be_read_is_bad_usage(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str | None, what: str
) -> None:
    config = tmp_path / "marks.yaml"
    if text is not None:
        config.write_text(text)
    status, _, err = command(capsys, "detect", str(config), "--config", str(config))
    assert status == 2 and what in err and str(config) in err
